"""What one device does with the others of its account: letters and the hand-over (spec D)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from doublelock.client.core import Core
from doublelock.client.devices import Devices
from doublelock.client.hand_over import HandOver
from doublelock.client.letters import ALL, NOTHING, Letters
from doublelock.protocol.errors import Refusal
from doublelock.protocol.frames import Mail
from doublelock.protocol.identifiers import DeviceId

_BRING_S: Final = 20.0


class Siblings:
    """Greets the account's other devices, gives a new one its history, and takes its own."""

    def __init__(self, core: Core, devices: Devices, letters: Letters) -> None:
        self._core = core
        self._devices = devices
        self._letters = letters
        self._hand_over = HandOver(core)
        self._turn = asyncio.Lock()
        self.came = asyncio.Event()
        """Set once all that another device had to give has come."""
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self) -> None:
        """Greet who is new and go on with what waits: the stream is up, or the log has grown."""
        self._behind(self._follow)

    async def _follow(self) -> None:
        for device in self._others():
            with contextlib.suppress(Refusal):  # a full mailbox keeps nobody else waiting
                await self._letters.greet(device)
                await self._give(device)
        await self._take_in()

    async def take(self, mail: Mail) -> None:
        """Take a letter; the caller flushes. Raises Malformed, KeyLogRefused for a forged one."""
        letter = await self._letters.take(mail)
        if letter is None:
            return
        device, piece = letter
        if piece is not None:
            self._hand_over.keep(piece, device)
            self._behind(self._take_in)
        else:
            self._behind(partial(self._met, device))

    async def _met(self, device: DeviceId) -> None:
        await self._letters.greet(device)
        await self._give(device)

    async def _give(self, device: DeviceId) -> None:
        owed = self._letters.owes(device)
        if owed == NOTHING or not self._letters.knows(device):
            return
        # What comes after this reaches the new device by the groups themselves.
        await self._devices.bring_everywhere(device, _BRING_S)
        send = partial(self._letters.send, device)
        await self._hand_over.give(send, everything=owed == ALL)
        self._letters.owe(device, NOTHING)

    async def _take_in(self) -> None:
        if await self._hand_over.take_in():
            self.came.set()
            self._letters.renew_key()
            for device in self._others():
                with contextlib.suppress(Refusal):
                    await self._letters.greet(device)

    @property
    def taken(self) -> int:
        """How many messages were taken over."""
        return self._hand_over.taken

    def _others(self) -> list[DeviceId]:
        core = self._core
        own = core.monitor.key_log.account(core.account).devices
        return [device for device in own if device != core.device]

    def _behind(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it one after the other; without the server it is tried again when that is back."""

        async def run() -> None:
            async with self._turn:
                with contextlib.suppress(Refusal):
                    await work()

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End what is under way; a later connection goes on with it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
