"""Mail into devices' mailboxes: durable, then pushed to who is online, then waking who is not."""

from collections.abc import Callable, Sequence

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.protocol.frames import OTHERS_MAIL, OWN_MAIL
from doublelock.protocol.identifiers import AccountId, DeviceId
from doublelock.protocol.mail import Relayed
from doublelock.server.catchup import CatchUps
from doublelock.server.config import Bounds, Clock
from doublelock.server.fanout import Fanout
from doublelock.store.interface import Store, Tables
from doublelock.store.rows import MailRow

_NO_CONVERSATION = bytes(32)


class Mailboxes:
    """Everything that reaches a device by mail, but for welcomes, which come with their commit."""

    def __init__(
        self,
        store: Store,
        fanout: Fanout,
        catch_ups: CatchUps,
        clock: Clock,
        bounds: Bounds,
        wake: Callable[[DeviceId], None],
    ) -> None:
        self._store = store
        self._fanout = fanout
        self._catch_ups = catch_ups
        self._clock = clock
        self._bounds = bounds
        self._wake = wake

    async def deliver(self, devices: Sequence[DeviceId], kind: int, payload: bytes) -> None:
        """Put one payload into every device's mailbox. Raises WireRefused(storage)."""
        now = self._clock()
        mail = [MailRow(0, one, now, kind, _NO_CONVERSATION, 0, payload) for one in devices]
        self._push(await self._store.write(lambda tables: tables.devices.put_mail(mail)))

    async def relay(self, letter: Relayed, account: AccountId, device: DeviceId) -> None:
        """Put a device's letter into another's mailbox (spec W-41).

        Raises WireRefused(quota) when too much waits there already.
        """
        own = letter.account == account
        kind = OWN_MAIL if own else OTHERS_MAIL
        bounds, payload = self._bounds, letter.encode()
        most = bounds.own_letters if own else bounds.others_letters
        most_of_one = bounds.own_letters if own else bounds.letters_of_one
        mail = MailRow(0, device, self._clock(), kind, _NO_CONVERSATION, 0, payload)

        def change(tables: Tables) -> list[MailRow]:
            waiting, of_one = tables.devices.count_relayed(device, kind, letter.account)
            if waiting >= most or of_one >= most_of_one:
                raise WireRefused(Code.QUOTA, "the mailbox is full")
            return tables.devices.put_mail([mail])

        self._push(await self._store.write(change))

    def _push(self, stored: Sequence[MailRow]) -> None:
        for piece in stored:
            connection = self._fanout.find(DeviceId(piece.device))
            if connection is not None:
                self._catch_ups.push_mail(connection, [piece])
            self._wake(DeviceId(piece.device))
        self._fanout.flush()
