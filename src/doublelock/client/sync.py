"""Taking in what the server delivers: in order, once, and by the receive rule (spec G-10, V-11).

A stream message is taken as a whole and written as one transaction; only then is anything told.
"""

from collections.abc import Callable, Sequence

from doublelock_mls import Application, Commit, MlsError, Proposal

from doublelock.client.core import BROKEN, LEFT, MEMBER, Core, Room
from doublelock.client.details import ConversationDetails
from doublelock.client.events import (
    Left,
    Membership,
    Message,
    RefusedItem,
    Whispering,
)
from doublelock.client.groups import name_failure, read_member
from doublelock.client.timers import Timers
from doublelock.client.vault import Outgoing, Shown
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import EnvelopeRefused, GroupRefused, Malformed, Refusal
from doublelock.protocol.frames import COMMIT, ERASED, MESSAGE, Accepted, Item, Whispered
from doublelock.protocol.group_rules import decode_credential
from doublelock.protocol.header import Header
from doublelock.protocol.identifiers import AccountId, ConversationId, DeviceId, MessageId
from doublelock.protocol.receipt import (
    AcceptedReceipt,
    Receipt,
    ReceiptFields,
    VerifiedReceipt,
    accept_receipt,
    describe_item,
    join_chain,
    verify_receipt,
)
from doublelock.protocol.receive import Arrival, receive, receive_ephemeral
from doublelock.protocol.record import AnyRecord, Details, Timer, decode_record

_LAGGING = frozenset({Code.GHOST_MEMBER, Code.SENDER_MISMATCH, Code.EPOCH_MISMATCH})
"""Refusals that may only mean that a log has moved on since it was last read."""


class Sync:
    """Takes items into rooms. Refusals of single items are told; errors of the store are raised."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._timers = Timers(core)
        self._details = ConversationDetails(core)
        self.settled: Callable[[bytes, int], None] = lambda _message_id, _sequence: None

    # --- items -----------------------------------------------------------------------------

    async def take(self, room: Room, item: Item) -> bool:
        """Take one item of a room's timeline; False when it does not follow: catch up.

        Duplicates are dropped. The caller flushes.
        """
        if item.sequence <= room.sequence or room.status != MEMBER:
            return True
        if item.sequence != room.sequence + 1:
            return False
        core = self._core
        if not core.is_usable(room):
            return True
        if not core.decrypt and item.kind == MESSAGE and item.device != core.device:
            room.sequence, room.chain = item.sequence, None
            return True
        await core.monitor.know_law(item.time_ms)
        try:
            receipt = self.accept(room, _receipt_of(item))
        except Refusal as refusal:
            # Nothing behind a broken receipt can be relied on: stay here (spec G-10).
            core.stop(room, refusal)
            return True
        if item.kind == MESSAGE:
            await self._take_message(room, item, receipt)
        elif item.kind == COMMIT:
            await self._take_handshake(room, item)
        elif item.kind == ERASED:
            core.write(lambda: core.vault.drop_history(room.conversation, item.sequence))
        room.sequence = item.sequence
        room.dirty = True
        return True

    def accept(self, room: Room, receipt: Receipt) -> AcceptedReceipt:
        """Verify a receipt and follow the room's chain with it. Raises EnvelopeRefused."""
        core = self._core
        terms = core.monitor.charter.terms
        verified = self._verify(receipt)
        if room.chain is None:
            fields = verified.fields
            if fields.time_ms > core.clock() + terms.skew_ms:
                raise EnvelopeRefused(Code.RECEIPT_TIME, f"at sequence {fields.sequence}")
            room.chain = join_chain(verified)
            return AcceptedReceipt(fields, verified.hash, room.chain)
        accepted = accept_receipt(room.chain, verified, core.clock(), int(terms.skew_ms))
        room.chain = accepted.chain
        return accepted

    def _verify(self, receipt: Receipt) -> VerifiedReceipt:
        """Return a receipt that the key of its time signed. Raises EnvelopeRefused (C-13)."""
        core = self._core
        key = core.monitor.receipt_key(receipt.fields.time_ms)
        return verify_receipt(receipt, core.deployment, key, core.roots)

    async def _take_message(self, room: Room, item: Item, receipt: AcceptedReceipt) -> None:
        core = self._core
        if item.device == core.device:
            self._take_own(room, item)
            return
        try:
            shown = await self._open(room, item, receipt)
        except Refusal as refusal:
            shown = _refused_item(item, refusal)
            account = AccountId(item.account)
            core.tell(RefusedItem(room.conversation, item.sequence, item.time_ms, account, refusal))
        core.write(lambda: core.vault.write_history(room.conversation, [shown]))

    async def _open(self, room: Room, item: Item, receipt: AcceptedReceipt) -> Shown:
        core = self._core
        group = core.group(room)
        try:
            event = group.process(item.mls, item.time_ms // 1000)
        except MlsError as error:
            raise name_failure(error) from None
        if not isinstance(event, Application) or event.credential is None:
            raise EnvelopeRefused(Code.SENDER_MISMATCH, "not a present member's message")
        account, device = decode_credential(event.credential)
        arrival = Arrival(
            room.conversation,
            account,
            device,
            item.header,
            item.body,
            event.authenticated_data,
            event.plaintext,
        )
        context = core.receive_context()
        try:
            received = receive(arrival, item.mls, receipt, context, core.seen)
        except EnvelopeRefused as refusal:
            if refusal.code not in _LAGGING:
                raise
            await core.monitor.sync_law()
            await core.monitor.sync_keys()
            received = receive(arrival, item.mls, receipt, core.receive_context(), core.seen)
        if received.newly_seen is not None:
            core.seen.add(received.newly_seen)
        header = received.message.header
        self._note(room, item.sequence, account, received.message.record)
        core.tell(
            Message(
                room.conversation,
                item.sequence,
                item.time_ms,
                account,
                device,
                header.message_id,
                received.message.record,
            )
        )
        return Shown(
            item.sequence,
            item.time_ms,
            account,
            device,
            header.message_id,
            header.day,
            received.message.record_bytes,
        )

    def _take_own(self, room: Room, item: Item) -> None:
        """One's own message in the timeline: it was accepted while the answer was lost."""
        core = self._core
        try:
            header = Header.decode(item.header)
        except Refusal as problem:
            account = AccountId(item.account)
            core.tell(RefusedItem(room.conversation, item.sequence, item.time_ms, account, problem))
            return
        known = core.vault.own_sequence(header.message_id)
        if known == item.sequence:
            return
        waiting = core.vault.outgoing(header.message_id)
        if waiting is not None and known is None:
            self.keep_own(room, waiting, item.sequence, item.time_ms, header.day)
            return
        # The vault forgot that it sent this: it was restored. No key of its state is safe to use.
        refusal = GroupRefused(Code.VAULT_DAMAGED, "a message that this vault does not know")
        room.status = BROKEN
        core.tell(
            RefusedItem(room.conversation, item.sequence, item.time_ms, core.account, refusal)
        )

    def keep_own(
        self, room: Room, outgoing: Outgoing, sequence: int, time_ms: int, day: int
    ) -> None:
        """Move an own message from the outbox into history, once."""
        core = self._core
        vault = core.vault
        message_id = outgoing.message_id
        shown = Shown(
            sequence, time_ms, core.account, core.device, message_id, day, outgoing.record
        )

        def write() -> None:
            vault.write_history(room.conversation, [shown])
            vault.write_own(message_id, sequence)
            vault.drop_outgoing(message_id)

        core.write(write)
        record = decode_record(outgoing.record)
        self._note(room, sequence, core.account, record)
        self.settled(message_id, sequence)
        core.tell(
            Message(
                room.conversation,
                sequence,
                time_ms,
                core.account,
                core.device,
                MessageId(outgoing.message_id),
                record,
            )
        )

    def _note(self, room: Room, sequence: int, account: AccountId, record: AnyRecord) -> None:
        if isinstance(record, Timer):
            self._timers.take(room, sequence, account, record.seconds)
        elif isinstance(record, Details):
            self._details.take(room, sequence, account, record)

    def take_accepted(self, room: Room, accepted: Accepted, outgoing: Outgoing) -> None:
        """The server has an own message: follow the chain with its receipt. Raises EnvelopeRefused.

        When items before it are still missing, the timeline brings it again and it is known then.
        """
        core = self._core
        fields = describe_item(
            room.conversation,
            accepted.sequence,
            accepted.previous,
            accepted.time_ms,
            core.account,
            core.device,
            outgoing.header,
            outgoing.body,
            outgoing.mls,
        )
        receipt = Receipt(fields, accepted.index, accepted.size, accepted.path, accepted.signature)
        if accepted.sequence == room.sequence + 1:
            self.accept(room, receipt)
            room.sequence = accepted.sequence
        else:
            self._verify(receipt)
        self.keep_own(room, outgoing, accepted.sequence, accepted.time_ms, outgoing.day)
        room.dirty = True

    # --- handshakes ------------------------------------------------------------------------

    async def _take_handshake(self, room: Room, item: Item) -> None:
        core = self._core
        try:
            event = await self._process(room, item)
        except MlsError as error:
            # Valid for the server and not for us: come back by a resync (spec G-11).
            room.status = BROKEN
            refusal: Refusal = name_failure(error)
            core.tell(
                RefusedItem(
                    room.conversation,
                    item.sequence,
                    item.time_ms,
                    AccountId(item.account),
                    refusal,
                )
            )
            return
        except Refusal as refusal:
            core.stop(room, refusal)
            return
        if isinstance(event, Commit):
            room.wish = False
            room.unchecked = item.device != core.device
            self._tell_commit(room, item.sequence, event)
        else:
            room.wish = isinstance(event, Proposal) and item.device != core.device

    async def _process(self, room: Room, item: Item) -> Application | Commit | Proposal:
        """Process a handshake by its receipt's time; once more with the newest key log."""
        core = self._core
        group = core.group(room)
        core.groups.at(item.time_ms)
        try:
            try:
                return group.process(item.mls, item.time_ms // 1000)
            except Refusal as refusal:
                if refusal.code not in _LAGGING:
                    raise
                await core.monitor.sync_keys()
                core.groups.at(item.time_ms)
                return group.process(item.mls, item.time_ms // 1000)
        finally:
            core.groups.at(None)

    def _tell_commit(self, room: Room, sequence: int, commit: Commit) -> None:
        core = self._core
        room.keys = None
        room.context = None
        # The item names its sender by the server's word; the commit itself by a signature.
        by = read_member(core.group(room).member(commit.committer)).account
        if commit.self_removed:
            room.status = LEFT
            room.group = None
            core.write(lambda: core.vault.drop_group(room.conversation))
            core.tell(Left(room.conversation, by))
            return
        added = _accounts([member.credential for member in commit.added])
        removed = _accounts([member.credential for member in commit.removed])
        core.tell(
            Membership(room.conversation, sequence, by, added, removed, commit.context_changed)
        )

    # --- whispers --------------------------------------------------------------------------

    def take_whisper(self, whispered: Whispered) -> tuple[Room, Whispering] | None:
        """Take an ephemeral message and return it with its room; None when it is not told.

        That is when it breaks the rule, or is somebody's who is blocked.
        """
        core = self._core
        try:
            header = Header.decode(whispered.header)
            room = core.room(header.conversation)
            if room.status != MEMBER or not core.decrypt:
                return None
            event = core.group(room).process(whispered.mls, whispered.time_ms // 1000)
            if not isinstance(event, Application) or event.credential is None:
                return None
            account, device = decode_credential(event.credential)
            arrival = Arrival(
                room.conversation,
                account,
                device,
                whispered.header,
                whispered.body,
                event.authenticated_data,
                event.plaintext,
            )
            received = receive_ephemeral(arrival, core.receive_context())
        except (Refusal, MlsError):
            return None
        room.dirty = True
        if account in core.blocked:
            return None
        told = Whispering(
            room.conversation, whispered.time_ms, account, device, received.message.record
        )
        core.tell(told)
        return room, told


def _accounts(credentials: Sequence[bytes]) -> tuple[AccountId, ...]:
    found: dict[AccountId, None] = {}
    for credential in credentials:
        found[decode_credential(credential)[0]] = None
    return tuple(found)


def _receipt_of(item: Item) -> Receipt:
    conversation = ConversationId(item.conversation)
    account, device = AccountId(item.account), DeviceId(item.device)
    if item.kind == ERASED:
        if not len(item.header) == len(item.body) == len(item.mls) == 32:
            raise Malformed(Code.SIZE, "erased item")
        fields = ReceiptFields(
            conversation,
            item.sequence,
            item.previous,
            item.time_ms,
            account,
            device,
            item.header,
            item.body,
            item.mls,
        )
    else:
        fields = describe_item(
            conversation,
            item.sequence,
            item.previous,
            item.time_ms,
            account,
            device,
            item.header,
            item.body,
            item.mls,
        )
    return Receipt(fields, item.index, item.size, item.path, item.signature)


def _refused_item(item: Item, refusal: Refusal) -> Shown:
    return Shown(
        item.sequence,
        item.time_ms,
        item.account,
        item.device,
        b"",
        0,
        b"",
        refusal.code.value,
        refusal.detail,
    )
