"""What is no notice is refused by name and kept nowhere; few key epochs are told of."""

from pathlib import Path

from client_world import next_event, world_at

from doublelock.client.events import EpochsLow, RefusedNotice
from doublelock.protocol.codes import Code
from doublelock.protocol.frames import NOTICE_MAIL
from doublelock.store.interface import Tables
from doublelock.store.rows import MailRow


async def test_what_does_not_verify_is_no_notice(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann = await world.person("ann", connect=False)
        assert world.server is not None
        mail = MailRow(0, ann.device, world.clock(), NOTICE_MAIL, bytes(32), 0, b'{"a":1}')

        def put(tables: Tables) -> None:
            list(tables.devices.put_mail([mail]))

        await world.server.parts.store.write(put)
        await ann.connect()
        assert (await next_event(ann, RefusedNotice)).refusal.code is Code.FORM
        assert ann.notices() == []


async def test_an_alarm_sounds_when_key_epochs_run_out(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann = await world.person("ann")
        assert (await next_event(ann, EpochsLow)).ready == 1
