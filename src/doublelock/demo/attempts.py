"""Every released key tried on every stored message: what opens is what the warrant names.

The attempts are those of an attacker who has the server's whole store and everything that was
released: no check of the protocol is kept, and each point is tried under the message's own label
and under its own. Named messages open by the same attempt, so that it is known to work.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from doublelock.demo.world import World
from doublelock.protocol.capsule import LabelKey, day_key, unmask
from doublelock.protocol.curve import G2
from doublelock.protocol.envelope import open_body
from doublelock.protocol.errors import EnvelopeRefused
from doublelock.protocol.frames import MESSAGE
from doublelock.protocol.header import Form, Header, hash_header
from doublelock.protocol.label import Label


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A sealed message as it lies in the server's store, and the label that its header names."""

    sequence: int
    label: Label
    header: bytes
    capsule: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Attempted:
    """What came of trying: the messages that opened, and how many attempts were made."""

    opened: tuple[StoredMessage, ...]
    shut: int
    attempts: int


async def stored_messages(world: World) -> list[StoredMessage]:
    """Return every sealed message of every conversation in the server's store."""
    parts = world.server.parts
    rows = await parts.store.read(
        lambda tables: [
            item
            for conversation in tables.groups.all()
            for item in tables.timeline.after(conversation.key, 0, 1 << 40, 1 << 60, 1 << 40)
        ]
    )
    found = []
    for row in rows:
        if row.kind != MESSAGE:
            continue
        header = Header.decode(row.header)
        if header.form is Form.SEALED:
            label = header.label(world.deployment)
            found.append(StoredMessage(row.sequence, label, row.header, header.capsule, row.body))
    return found


def try_keys(
    stored: Sequence[StoredMessage],
    keys: Mapping[Label, LabelKey],
    master_key: Callable[[Label], G2],
    told: Callable[[int, int], None],
) -> Attempted:
    """Try every key on every message; a message that a key names is tried with that key alone.

    `master_key` gives the MPK of a label's key epoch. A capsule shared by several messages is
    unmasked once a key.
    """
    seeds: dict[tuple[bytes, Label, Label], bytes] = {}

    def seed_of(one: StoredMessage, key: LabelKey, label: Label) -> bytes:
        place = (one.capsule, key.label, label)
        if place not in seeds:
            seeds[place] = unmask(one.capsule, key.point, label, master_key(one.label))
        return seeds[place]

    opened: list[StoredMessage] = []
    attempts = 0
    for number, one in enumerate(stored, 1):
        named = keys.get(one.label)
        tried = list(keys.values()) if named is None else [named]
        found = False
        for key in tried:
            for label in dict.fromkeys((one.label, key.label)):
                attempts += 1
                found |= _opens(one, seed_of(one, key, label))
        if found:
            opened.append(one)
        told(number, len(stored))
    return Attempted(tuple(opened), len(stored) - len(opened), attempts)


def _opens(one: StoredMessage, seed: bytes) -> bool:
    key = day_key(seed, one.capsule, one.label)
    try:
        open_body(key, Header.decode(one.header), hash_header(one.header), one.body)
    except EnvelopeRefused:
        return False
    return True
