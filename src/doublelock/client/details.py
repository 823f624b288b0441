"""What a conversation is called and looks like, as its admins said last (spec V-16)."""

from typing import Final

from msgspec import Struct, msgpack

from doublelock.client.core import Core, Room
from doublelock.protocol.group_rules import speaks_for
from doublelock.protocol.identifiers import AccountId, ConversationId
from doublelock.protocol.record import Details, decode_record, encode_record

_PREFIX: Final = "details/"


class _Said(Struct, frozen=True):
    """The record that counts and where it stands in the timeline."""

    sequence: int
    record: bytes


class ConversationDetails:
    """The details of one device's conversations."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def take(self, room: Room, sequence: int, account: AccountId, record: Details) -> None:
        """Keep details that passed the receive rule, if an admin said them; the caller flushes."""
        core = self._core
        if not speaks_for(core.context(room), account):
            return
        self.keep(room.conversation, sequence, record)

    def keep(self, conversation: ConversationId, sequence: int, record: Details) -> None:
        """Keep details unless later ones are here; the caller flushes."""
        core = self._core
        vault, name = core.vault, _PREFIX + conversation.hex()

        def write() -> None:
            data = vault.fact(name)
            if data is None or msgpack.decode(data, type=_Said).sequence < sequence:
                said = _Said(sequence, encode_record(record))
                vault.write_fact(name, msgpack.encode(said))

        core.write(write)

    def find(self, conversation: ConversationId) -> Details | None:
        """Return the details that count, or None: then its members name a conversation."""
        found = self.said(conversation)
        return None if found is None else found[1]

    def said(self, conversation: ConversationId) -> tuple[int, Details] | None:
        """Return the details that count with their place in the timeline, or None."""
        data = self._core.vault.fact(_PREFIX + conversation.hex())
        if data is None:
            return None
        said = msgpack.decode(data, type=_Said)
        record = decode_record(said.record)
        return (said.sequence, record) if isinstance(record, Details) else None
