"""A custodian restored without its shares, as backups must be, says so and goes on."""

import shutil
from pathlib import Path

from law_path import PLAN, town

from doublelock.custodian import open_custodian
from doublelock.holder.serving import Answered
from doublelock.protocol.codes import Code


async def test_a_lost_share_is_named_and_the_quorum_opens(tmp_path: Path) -> None:
    async with town(tmp_path / "world") as here:
        room = await here.room("ada", "bob")
        await here.say(room, here.world.people["ada"], [b"said"])
        lost = here.world.holders[0]
        await lost.close()
        for name in ("shares", "ceremonies"):
            shutil.rmtree(lost.folder.path / name)
        place = here.world.enrol("custodian-1-1", here.world.founded.committees[0].custodians[0])
        here.world.holders[0] = open_custodian(*place)
        warrant = await here.warrant(here.scope("ada"))
        await here.agency.request(warrant.commitment)
        await here.seen()
        looks = await here.world.look()
        (answer,) = looks[0].answers
        assert isinstance(answer, Answered)
        assert (answer.refusal, answer.waits) == (Code.VAULT_MISSING, False)
        assert [one.refusal for look in looks[1:] for one in look.answers] == [
            None
        ] * PLAN.custodians
        await here.seen()
        assert (await here.world.look())[0].answers == []
        opening = await here.agency.open_case(warrant.commitment)
        assert (len(opening.messages), opening.culprits) == (1, ())
