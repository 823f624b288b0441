"""Attacks on the law desk: a bare word of delivery, an agency struck off, one that owes notices."""

from pathlib import Path

import msgspec
import pytest
from amending import amend, change_committee
from law_path import be_seen, take_through
from small_world import MONTH, NOON, running, small_world

from doublelock.agency import Application
from doublelock.demo.chatting import make_room
from doublelock.demo.lawpath import Desks, name_sender, open_desks
from doublelock.demo.world import World
from doublelock.holder.desk import file_document
from doublelock.protocol import jws, limits
from doublelock.protocol.charter_terms import Party
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, day_of
from doublelock.protocol.documents import Bytes32, decode, encode
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import WireRefused
from doublelock.protocol.label import Label
from doublelock.protocol.lawlog import Approval, NoticeDelivered, sign_entry
from doublelock.protocol.notice import NoticeTerms, make_notice
from doublelock.protocol.record import Text
from doublelock.protocol.release_request import describe_request, encode_request
from doublelock.protocol.warrant import Warrant

TODAY = day_of(NOON)


async def approved(world: World, desks: Desks, nick: str, case: str) -> Warrant:
    scope = name_sender(desks, nick, TODAY, TODAY + 20)
    warrant = await desks.agency.apply(
        Application("fraud", "Criminal Code 12", case, scope, validity_ms=14 * DAY_MS)
    )
    for desk in (desks.minister, desks.judge):
        await be_seen(world)
        await desk.approve(warrant.commitment)
    await be_seen(world)
    return warrant


async def test_a_holders_bare_word_delivers_no_notice(tmp_path: Path) -> None:
    """A custodian in league with the agency says that somebody was told; nobody was."""
    async with running(await small_world(tmp_path)) as world:
        ann, _ = await world.person("ann"), await world.person("bob")
        await ann.send(await make_room(world, ("ann", "bob")), Text(b"hello"))
        desks = open_desks(world, 1)
        try:
            scope = name_sender(desks, "ann", TODAY, TODAY)
            opening = await take_through(world, desks, scope, "1/10")
            case = opening.warrant.commitment
            law = world.server.law.desk
            world.clock.advance_to(law.state.warrants[case].gag_end_ms + 4 * DAY_MS)
            entry = NoticeDelivered(Bytes32(case), Bytes32(opening.warrant.subject(ann.account)))
            for holder in world.holders:
                signed = sign_entry(world.deployment, entry, holder.me.key, holder.me.signer.sign)
                with pytest.raises(WireRefused) as refused:
                    await file_document(holder.http, "entry", signed)
                assert refused.value.code is Code.NOT_PERMITTED
            assert law.state.warrants[case].delivered == frozenset()
            # And who lets people wait is not even told what there is to ask for.
            warrant = await approved(world, desks, "bob", "2/10")
            path = f"/v1/law/cases/{warrant.commitment.hex()}"
            with pytest.raises(WireRefused) as overdue:
                await desks.agency.party.http.get(f"{path}/draft")
            assert overdue.value.code is Code.NOTICE_OVERDUE
        finally:
            await desks.close()


async def test_a_custodian_ends_no_gag(tmp_path: Path) -> None:
    """Its notice says that the gag is over; the log says when it is, and nobody is told before."""
    async with running(await small_world(tmp_path)) as world:
        ann, _ = await world.person("ann"), await world.person("bob")
        await ann.send(await make_room(world, ("ann", "bob")), Text(b"hello"))
        desks = open_desks(world, 1)
        try:
            scope = name_sender(desks, "ann", TODAY, TODAY)
            opening = await take_through(world, desks, scope, "1/10")
            case, holder = opening.warrant.commitment, world.holders[0]
            await be_seen(world)
            law = await holder.watch.update(world.clock())
            (request,) = law.requests.values()
            line, proof = holder.watch.lines[request.index], await holder.watch.proof(request.index)
            signer = (holder.me.key, holder.me.signer.sign)
            honest = make_notice(opening.warrant, ann.account, line, proof, [signer])
            terms = decode(jws.read_payload(honest, limits.NOTICE), NoticeTerms, limits.NOTICE)
            lie = msgspec.structs.replace(terms, gag_end_ms=world.clock() - 1)
            notice = jws.sign(encode(lie), jws.Purpose.NOTICE, [signer])
            with pytest.raises(WireRefused) as refused:
                await file_document(holder.http, "notice", notice)
            assert refused.value.code is Code.ENTRY_VOID
            rows = await world.server.parts.store.read(lambda tables: tables.law.case(case))
            assert "notice" not in [row.kind for row in rows]
        finally:
            await desks.close()


async def test_a_request_whose_people_nobody_could_tell(tmp_path: Path) -> None:
    """No labels, or other subjects than theirs: the desk logs neither, whoever signs it."""
    async with running(await small_world(tmp_path)) as world:
        ann, _ = await world.person("ann"), await world.person("bob")
        room = await make_room(world, ("ann", "bob"))
        await ann.send(room, Text(b"hello"))
        desks = open_desks(world, 1)
        try:
            warrant = await approved(world, desks, "ann", "1/10")
            label = Label(world.deployment, 1, MONTH, room, ann.account, TODAY)
            entry = describe_request(warrant, (label,))
            hidden = msgspec.structs.replace(entry, subjects=(Bytes32(bytes(32)),))
            party = desks.agency.party
            with pytest.raises(WireRefused) as refused:
                await party.log(entry)
            assert refused.value.code is Code.NOT_PERMITTED
            key = SigningKey(world.founded.committees[0].agency)
            signed = sign_entry(world.deployment, hidden, key.public.encoded, key.sign)
            with pytest.raises(WireRefused) as refused:
                await file_document(party.http, "request", encode_request(signed, 1, (label,)))
            assert refused.value.code is Code.LABELS_SUBJECTS
            assert not world.server.law.desk.state.requests
        finally:
            await desks.close()


async def test_an_agency_that_was_struck_off_gets_nothing_more(tmp_path: Path) -> None:
    """Its warrant stands and its session opens; the charter in force does not know it."""
    async with running(await small_world(tmp_path)) as world:
        ann, _ = await world.person("ann"), await world.person("bob")
        await ann.send(await make_room(world, ("ann", "bob")), Text(b"hello"))
        desks = open_desks(world, 1)
        try:
            warrant = await approved(world, desks, "ann", "1/10")
            await desks.agency.request(warrant.commitment)
            await be_seen(world)
            other = Party("Other", Bytes32(SigningKey(b"\x44" * 32).public.encoded))
            charter = world.monitor.charter
            await amend(world, charter, change_committee(charter, 1, agencies=(other,)))
            world.clock.advance_to(NOON + 8 * DAY_MS)
            await be_seen(world)
            http = desks.agency.party.http
            for what in ("draft", "inventory"):
                with pytest.raises(WireRefused) as refused:
                    await http.get(f"/v1/law/cases/{warrant.commitment.hex()}/{what}")
                assert refused.value.code is Code.NOT_PERMITTED
            answers = [one for look in await world.look() for one in look.answers]
            assert {one.refusal for one in answers} == {Code.WARRANT_APPLICANT}
        finally:
            await desks.close()


async def test_one_key_does_not_open_both_locks(tmp_path: Path) -> None:
    """The minister approves, is made judge by amendment, and approves again: it does not count."""
    async with running(await small_world(tmp_path)) as world:
        desks = open_desks(world, 1)
        try:
            await world.person("ann")
            scope = name_sender(desks, "ann", TODAY, TODAY)
            warrant = await desks.agency.apply(
                Application("fraud", "Criminal Code 12", "1/10", scope, validity_ms=14 * DAY_MS)
            )
            await be_seen(world)
            await desks.minister.approve(warrant.commitment)
            charter = world.monitor.charter
            (minister,) = charter.terms.committees[0].ministers
            other = msgspec.structs.replace(
                minister, key=Bytes32(SigningKey(b"\x45" * 32).public.encoded)
            )
            moved = change_committee(charter, 1, ministers=(other,), judges=(minister,))
            await amend(world, charter, moved)
            world.clock.advance_to(NOON + 8 * DAY_MS)
            await be_seen(world)
            # The attacker's own program asks nobody whether it may: the log has to refuse it.
            with pytest.raises(WireRefused) as refused:
                await desks.minister.party.log(Approval(warrant=Bytes32(warrant.commitment)))
            assert refused.value.code is Code.ENTRY_VOID
        finally:
            await desks.close()
