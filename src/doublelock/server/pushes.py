"""Wakes devices that are away when something comes for them, once until they are back (spec W-45).

Off the way of every message: delivery says which conversation got something, and goes on; who that
concerns is looked at later, for many messages at once.
"""

import asyncio
from functools import partial
from typing import Final

from doublelock.protocol.identifiers import AccountId, DeviceId
from doublelock.server.config import PushConfig
from doublelock.server.conversations import Conversation
from doublelock.server.fanout import Fanout
from doublelock.server.push_service import Outcome, PushService
from doublelock.store.interface import Store

_WAITING: Final = 20_000
_SLOWER: Final = 4


class Pushes:
    """Subscriptions in memory, and who was woken since they were last here."""

    def __init__(
        self,
        config: PushConfig,
        store: Store,
        fanout: Fanout,
        service: PushService,
        subscriptions: list[tuple[bytes, str]],
    ) -> None:
        self.key = service.key
        self._config = config
        self._store = store
        self._fanout = fanout
        self._service = service
        self._endpoints = {DeviceId(device): endpoint for device, endpoint in subscriptions}
        self._woken: set[DeviceId] = set()
        self._senders: dict[Conversation, set[bytes]] = {}
        self._devices: set[DeviceId] = set()
        self._news = asyncio.Event()
        self._room = asyncio.Semaphore(config.at_once)
        self._pushing: dict[DeviceId, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    # --- what happened -----------------------------------------------------------------------

    def arrived(self, conversation: Conversation, account: bytes) -> None:
        """Say that a message of an account came into a conversation."""
        if not self._endpoints:
            return
        self._senders.setdefault(conversation, set()).add(account)
        self._news.set()

    def mailed(self, device: DeviceId) -> None:
        """Say that something came for one device."""
        if device in self._endpoints:
            self._devices.add(device)
            self._news.set()

    def connected(self, device: DeviceId) -> None:
        """Say that a device is here: it may be woken again once it has gone."""
        self._woken.discard(device)
        self._devices.discard(device)
        task = self._pushing.pop(device, None)
        if task is not None:
            task.cancel()

    # --- subscriptions -----------------------------------------------------------------------

    def is_subscribed(self, device: DeviceId) -> bool:
        """Say whether a device wants to be woken."""
        return device in self._endpoints

    async def subscribe(self, device: DeviceId, endpoint: str) -> None:
        """Keep a device's endpoint, which `check_endpoint` accepted."""
        await self._store.write(lambda tables: tables.push.put(device, endpoint))
        self._endpoints[device] = endpoint
        self._woken.discard(device)

    async def unsubscribe(self, device: DeviceId) -> None:
        """Forget a device's endpoint."""
        self._endpoints.pop(device, None)
        self.connected(device)
        await self._store.write(lambda tables: tables.push.drop(device))

    def forget(self, device: DeviceId) -> None:
        """Forget a device that the key log lists no more."""
        if self._endpoints.pop(device, None) is not None:
            self.connected(device)
            self._store.submit(lambda tables: tables.push.drop(device), _ignore)

    # --- waking ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End; who was not woken is so by the next message after the start."""
        tasks = [*self._pushing.values(), *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._service.close()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(self._config.gather)
            self._news.clear()
            for device in self._away():
                if len(self._pushing) >= _WAITING:
                    break
                self._woken.add(device)
                task = asyncio.create_task(self._wake(device))
                self._pushing[device] = task
                task.add_done_callback(partial(self._done, device))

    def _away(self) -> list[DeviceId]:
        """Return whom the news concerns that is not here, subscribed and not woken yet."""
        senders, self._senders = self._senders, {}
        devices, self._devices = self._devices, set()
        for conversation, accounts in senders.items():
            for device in conversation.members.keys() & self._endpoints.keys():
                # One's own message is no news on one's other devices.
                if accounts - {_account(conversation, device)}:
                    devices.add(device)
        return [
            device
            for device in devices
            if device in self._endpoints
            and device not in self._woken
            and self._fanout.find(device) is None
        ]

    async def _wake(self, device: DeviceId) -> None:
        pause = self._config.retry
        for attempt in range(self._config.tries):
            if attempt:
                await asyncio.sleep(pause)
                pause *= _SLOWER
            endpoint = self._endpoints.get(device)
            if endpoint is None:
                return
            async with self._room:
                outcome = await self._service.push(endpoint)
            if outcome is Outcome.GONE and self._endpoints.get(device) == endpoint:
                self.forget(device)
            if outcome is not Outcome.LATER:
                return
        self._woken.discard(device)  # the next message tries again

    def _done(self, device: DeviceId, task: "asyncio.Task[None]") -> None:
        if self._pushing.get(device) is task:
            del self._pushing[device]


def _account(conversation: Conversation, device: DeviceId) -> AccountId | None:
    return conversation.members.get(device)


def _ignore(_: BaseException | None) -> None:
    """Nobody waits for this change: a push that is answered with 410 again makes it again."""
