"""The agency gets what its warrant names and nothing else, though the operator does its bidding.

Every refusal is by the real holders of a running town: three custodians and the court.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from client_world import serve_log
from law_path import NOON, TODAY

from doublelock.audit import verify_evidence
from doublelock.client import sending
from doublelock.holder.daemon import HolderDaemon
from doublelock.protocol import envelope
from doublelock.protocol.charter_terms import WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.envelope import SealedEnvelope
from doublelock.protocol.errors import LogRefused, WarrantRefused
from doublelock.protocol.lawlog import Approval, Cancellation, Ground
from doublelock.protocol.lawlog import WarrantRefused as Refusing
from doublelock.protocol.merkle import leaf_hash
from doublelock.protocol.record import Text
from doublelock.protocol.scope import ScopeItem
from doublelock.protocol.tile import encode_hashes, parse_tile_path

from .corrupt import Corrupt

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOUR = 3_600_000


async def test_a_warrant_in_order_is_answered(here: Corrupt) -> None:
    """The control: with everybody's signature the same papers give keys."""
    request = await here.ask(await here.papers())
    assert await here.answers(request) == [None] * 4


async def test_an_unlogged_warrant(here: Corrupt) -> None:
    await here.refused(await here.ask(await here.papers(filed=False)), Code.WARRANT_UNLOGGED)


async def test_an_approval_that_was_never_logged(here: Corrupt) -> None:
    warrant = await here.papers(approvals=("minister",))
    await here.refused(await here.ask(warrant), Code.WARRANT_UNLOGGED)


@pytest.mark.parametrize("alone", ["minister", "judge"])
async def test_one_lock_alone(here: Corrupt, alone: str) -> None:
    """The other one's approval is logged under the attacker's own keys, as often as it likes."""
    warrant = await here.papers(("agency", alone))
    for forger in ("agency", "operator", alone):
        await here.force(Approval(warrant=Bytes32(warrant.commitment)), forger)
    await here.refused(await here.ask(warrant), Code.WARRANT_UNAPPROVED)


async def test_a_signature_that_stands_on_another_warrant(here: Corrupt) -> None:
    """The judge signed other terms; both approvals stand in the log for these."""
    await here.papers()
    warrant = await here.papers(
        ("agency", "minister"), ("minister", "judge"), reference="not what the judge read"
    )
    await here.refused(await here.ask(warrant), Code.WARRANT_UNAPPROVED)


async def test_an_expired_warrant(here: Corrupt) -> None:
    now = here.world.clock()
    warrant = await here.papers(valid_until_ms=now + HOUR // 2)
    request = await here.ask(warrant)
    await here.refused(request, Code.WARRANT_EXPIRED, now + HOUR // 2 + 60_000)


async def test_a_warrant_before_its_time(here: Corrupt) -> None:
    now = here.world.clock()
    warrant = await here.papers(valid_from_ms=now + HOUR, valid_until_ms=now + 2 * HOUR)
    await here.refused(await here.ask(warrant), Code.WARRANT_EARLY)


async def test_a_cancelled_warrant(here: Corrupt) -> None:
    warrant = await here.papers()
    request = await here.ask(warrant)
    entry = Cancellation(warrant=Bytes32(warrant.commitment), ground=Ground.OTHER)
    await here.force(entry, "judge")
    await here.town.seen()
    await here.refused(request, Code.WARRANT_CANCELLED)


async def test_a_cancellation_that_the_operator_hides(here: Corrupt) -> None:
    """Whoever gets it by hand stops at once; nobody waits for the log."""
    warrant = await here.papers()
    request = await here.ask(warrant)
    entry = Cancellation(warrant=Bytes32(warrant.commitment), ground=Ground.OTHER)
    told = here.holders[:2]
    for holder in told:
        holder.serving.cancel(here.sign(entry, "minister"))
    codes = [Code.WARRANT_CANCELLED, Code.WARRANT_CANCELLED, None, None]
    assert await here.answers(request) == codes


async def test_a_refused_warrant(here: Corrupt) -> None:
    warrant = await here.papers()
    entry = Refusing(warrant=Bytes32(warrant.commitment), ground=Ground.OTHER)
    await here.force(entry, "judge")
    await here.refused(await here.ask(warrant), Code.WARRANT_REFUSED)


async def test_labels_beyond_the_warrant(here: Corrupt) -> None:
    warrant = await here.papers()
    for label in (here.label("bob"), here.label(day=TODAY - 1)):
        request = await here.ask(warrant, here.label(), label)
        await here.refused(request, Code.LABEL_OUT_OF_SCOPE)


async def test_a_wildcard_is_not_even_a_warrant(here: Corrupt) -> None:
    with pytest.raises(WarrantRefused) as refused:
        await here.papers(scope=(ScopeItem((), (), TODAY, TODAY),))
    assert refused.value.code is Code.WARRANT_WILDCARD


async def test_a_day_that_has_not_come(here: Corrupt) -> None:
    (item,) = here.town.scope("ada")
    warrant = await here.papers(scope=(msgspec.structs.replace(item, last_day=TODAY + 1),))
    request = await here.ask(warrant, here.label(day=TODAY + 1))
    await here.refused(request, Code.LABEL_FUTURE)


async def test_a_request_that_is_not_in_the_log(here: Corrupt) -> None:
    request = await here.ask(await here.papers(), logged=False)
    await here.refused(request, Code.REQUEST_UNLOGGED)


async def test_a_request_by_the_operator(here: Corrupt) -> None:
    """The operator's own requests are of metadata: no holder answers one, whatever it names."""
    request = await here.ask(await here.papers(), author="operator")
    assert await here.answers(request) == []
    assert (request, 0) not in {(name, who) for name, who, _ in here.world.monitor.law.releases}


async def test_a_request_again_after_the_first_was_answered(here: Corrupt) -> None:
    """The same labels twice give no second release; the first one is what there is."""
    warrant = await here.papers()
    first = await here.ask(warrant)
    assert await here.answers(first) == [None] * 4
    other = here.label(where=b"\x09" * 32)
    second = await here.ask(warrant, other, labels_root=Bytes32(b"\x01" * 32))
    await here.refused(second, Code.LABELS_ROOT)
    assert await here.answers(first) == []


async def test_a_metadata_warrant_opens_no_content(here: Corrupt) -> None:
    warrant = await here.papers(kind=WarrantKind.METADATA)
    await here.refused(await here.ask(warrant), Code.WARRANT_KIND)


async def test_somebody_who_is_left_without_notice(here: Corrupt) -> None:
    warrant = await here.papers()
    stranger = Bytes32(warrant.subject(here.town.agency.account("bob")))
    request = await here.ask(warrant, subjects=(stranger,))
    await here.refused(request, Code.LABELS_SUBJECTS)


# --- a sender who wants no evidence ------------------------------------------------------------


async def test_a_message_that_does_not_open_spoils_no_evidence(
    here: Corrupt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A modified client seals what nobody can open; all else of that day is evidence still."""
    honest = envelope.seal_envelope

    def spoilt(*arguments: Any) -> SealedEnvelope:
        sealed = honest(*arguments)
        return dataclasses.replace(sealed, body=sealed.body[:-1] + bytes([sealed.body[-1] ^ 1]))

    dan = await here.world.person("dan")
    room = await here.town.room("dan", "bob")
    await dan.send(room, Text(b"before"))
    monkeypatch.setattr(sending, "seal_envelope", spoilt)
    await dan.send(room, Text(b"never to be read"))
    monkeypatch.setattr(sending, "seal_envelope", honest)
    await dan.send(room, Text(b"after"))
    warrant = await here.town.warrant(here.town.scope("dan"))
    made = await here.town.agency.request(warrant.commitment)
    await here.town.seen()
    assert await here.answers(made.request) == [None] * 4
    await here.town.seen()
    opening = await here.town.agency.open_case(warrant.commitment)
    assert [one.code for one in opening.faults] == [Code.BODY_UNREADABLE]
    await here.town.agency.write(opening, tmp_path / "evidence", ("dan",))
    verified = verify_evidence(tmp_path / "evidence", here.world.deployment)
    said = [one.message.body.record for one in verified.content.messages]
    assert said == [Text(b"before"), Text(b"after")]
    assert len(verified.content.unreadable) == 1


# --- the log's operator ------------------------------------------------------------------------


@dataclass
class _Fork:
    """The log as the attacker serves it to one holder."""

    entries: list[bytes]
    signers: list[NoteSigner]

    async def get(self, path: str, **_: object) -> bytes:
        name = path.removeprefix("/log/law/")
        if name != "checkpoint":
            tile = parse_tile_path(name)
            if tile.level is not None:
                assert (tile.level, tile.index) == (0, 0)
                return encode_hashes(map(leaf_hash, self.entries[: tile.width]))
        return serve_log(self.entries, name, self.signers)


async def _shown(here: Corrupt, holder: HolderDaemon, fork: _Fork) -> Code:
    """Serve another log to one holder, and return how it refuses; then be honest again."""
    watch = holder.watch
    honest = watch._http
    watch._http, watch._reader = fork, None  # type: ignore[assignment]
    try:
        with pytest.raises(LogRefused) as refused:
            await holder.step(here.world.clock())
    finally:
        watch._http, watch._reader = honest, None
    return refused.value.code


async def test_another_history_for_one_holder(here: Corrupt) -> None:
    """Signed by the log's key and every witness: the holder's own last head refuses it."""
    founded = here.world.founded
    holder = here.holders[0]
    await holder.step(here.world.clock())
    signers = [founded.logs[1], *founded.witnesses]
    lines = list(holder.watch.lines)
    for forked in ([*lines[:-1], lines[0]], [*lines[:3], *lines[4:], lines[3], lines[0]]):
        assert await _shown(here, holder, _Fork(forked, signers)) is Code.LOG_FORK
    # `_Fork` states NOON, which is before the present head: a shorter log is an older one.
    assert await _shown(here, holder, _Fork(lines[:-1], signers)) in (
        Code.LOG_STALE,
        Code.LOG_FORK,
    )


async def test_too_few_witnesses(here: Corrupt) -> None:
    founded = here.world.founded
    holder = here.holders[1]
    lines = list(holder.watch.lines)
    few = _Fork(lines, [founded.logs[1], founded.witnesses[0]])
    assert await _shown(here, holder, few) is Code.LOG_QUORUM
    assert here.world.clock() > NOON


async def test_a_stale_checkpoint(here: Corrupt) -> None:
    """Witnesses that saw the log long ago say nothing of now."""
    request = await here.ask(await here.papers())
    later = here.world.clock() + HOUR + 120_000
    await here.refused(request, Code.CHECKPOINT_STALE, later)
