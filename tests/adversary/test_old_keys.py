"""Who keeps or steals the operator's old keys signs nothing any more after the amendment (C-13)."""

from pathlib import Path

import pytest
from amending import change_keys, hold_new_keys
from law_path import NOON, be_seen
from small_world import running, small_world

from doublelock.client.events import Stopped
from doublelock.demo.chatting import make_room
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.errors import WireRefused
from doublelock.protocol.lawlog import Ground, sign_entry
from doublelock.protocol.lawlog import WarrantRefused as RefusalEntry
from doublelock.protocol.record import Text

LATER = NOON + 8 * DAY_MS


async def test_old_keys_count_for_nothing_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_new_keys(monkeypatch)
    async with running(await small_world(tmp_path)) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        room = await make_room(world, ("ann", "bob"))
        await change_keys(world)
        world.clock.advance_to(LATER)
        await be_seen(world)
        bob.pending_events()
        keys = world.server.parts.config.keys
        entry = RefusalEntry(warrant=Bytes32(bytes(32)), ground=Ground.FORM)
        old = sign_entry(world.deployment, entry, keys.operator.public.encoded, keys.operator.sign)
        with pytest.raises(WireRefused) as refusal:
            await world.server.law.desk.log_entry(old)
        assert refusal.value.code is Code.ENTRY_AUTHOR
        world.server.parts.delivery._key_of = lambda _: keys.receipt
        await ann.post(room, Text(b"by the old key"))
        async for event in bob.receive():
            if isinstance(event, Stopped):
                assert event.refusal.code is Code.RECEIPT_SIGNATURE
                break
