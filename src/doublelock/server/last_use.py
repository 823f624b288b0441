"""On which day a device connected last, for the eyes of its own account (spec W-43)."""

from doublelock.protocol.days import day_of
from doublelock.protocol.identifiers import AccountId, DeviceId
from doublelock.server.config import Clock
from doublelock.store.interface import Store, Tables


class LastUse:
    """The day, and nothing finer; an account may have none kept."""

    def __init__(self, store: Store, clock: Clock, without: list[bytes]) -> None:
        self._store = store
        self._clock = clock
        self._without = set(without)
        self._known: dict[DeviceId, int] = {}

    def connected(self, account: AccountId, device: DeviceId) -> None:
        """Note a connection: one write a device and day."""
        day = day_of(self._clock())
        if account in self._without or self._known.get(device) == day:
            return
        self._known[device] = day
        self._store.submit(lambda tables: tables.devices.put_day(account, device, day), _ignore)

    async def keep(self, account: AccountId, keep: bool, now: DeviceId) -> None:
        """Say whether an account's days are kept; `now` is the device that says so."""
        if not keep:
            self._without.add(account)

        def change(tables: Tables) -> list[bytes]:
            before = list(tables.devices.days(account))
            tables.devices.keep_days(account, keep)
            return before

        for device in await self._store.write(change):
            self._known.pop(DeviceId(device), None)
        if keep:
            self._without.discard(account)
            self._known.pop(now, None)
            self.connected(account, now)

    def keeps(self, account: AccountId) -> bool:
        """Say whether an account's days are kept."""
        return account not in self._without

    def forget(self, device: DeviceId) -> None:
        """Forget a device that the key log lists no more; its row goes with the device's others."""
        self._known.pop(device, None)


def _ignore(_: BaseException | None) -> None:
    """Nobody waits for this change: the next connection makes it again."""
