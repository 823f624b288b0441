"""Who wrote where is told to an agency once its request is in the cosigned log (spec R-42)."""

import secrets
from pathlib import Path
from typing import Any

import pytest
from law_path import be_seen
from small_world import NOON, running, small_world

from doublelock.agency import Application
from doublelock.demo.chatting import make_room
from doublelock.demo.lawpath import name_sender, open_desks
from doublelock.protocol.codes import Code
from doublelock.protocol.days import day_of
from doublelock.protocol.documents import Bytes32, decode, encode, encode_base64url
from doublelock.protocol.errors import Refusal, ReleaseRefused, WireRefused
from doublelock.protocol.lawlog import ReleaseRequest
from doublelock.protocol.record import Text


async def test_no_inventory_before_the_witnesses_saw_the_request(tmp_path: Path) -> None:
    async with running(await small_world(tmp_path)) as world:
        ann, _ = await world.person("ann"), await world.person("bob")
        room = await make_room(world, ("ann", "bob"))
        await ann.send(room, Text(b"hello"))
        desks = open_desks(world, 1)
        try:
            party, today = desks.agency.party, day_of(NOON)
            scope = name_sender(desks, "ann", today, today)
            warrant = await desks.agency.apply(
                Application("fraud", "Criminal Code 12", "1/10", scope)
            )
            path = f"/v1/law/cases/{warrant.commitment.hex()}"
            for desk in (desks.minister, desks.judge):
                await be_seen(world)
                assert await refused(party.http, path) is Code.WARRANT_UNAPPROVED
                await desk.approve(warrant.commitment)
            await be_seen(world)
            await party.look()
            assert await refused(party.http, path) is Code.REQUEST_UNLOGGED
            # The draft commits to all of it, and says nothing of it.
            draft = await party.http.get(f"{path}/draft")
            assert encode_base64url(room).encode() not in draft
            assert encode_base64url(ann.account).encode() not in draft
            entry = decode(draft, ReleaseRequest, 1 << 16)
            assert (entry.labels, entry.accounts) == (1, 1)
            assert bytes(entry.subjects[0]) == warrant.subject(ann.account)
            # Another's signature, or a request that nobody drafted, is not taken.
            other = ReleaseRequest(
                entry.warrant, Bytes32(secrets.token_bytes(32)), 1, 1, entry.subjects
            )
            with pytest.raises(WireRefused) as unknown:
                await party.http.send("POST", f"{path}/requests", party.sign(other))
            assert unknown.value.code is Code.NOT_FOUND
            signed = desks.judge.party.sign(entry)
            with pytest.raises(WireRefused) as foreign:
                await party.http.send("POST", f"{path}/requests", signed)
            assert foreign.value.code is Code.NOT_PERMITTED
            # Logged, and no witness has seen it.
            law = world.server.law
            await law.law_publishing.stop()
            await party.http.send("POST", f"{path}/requests", party.sign(entry))
            assert await refused(party.http, path) is Code.REQUEST_UNLOGGED
            await law.law_publishing.publish()
            assert await party.http.get(f"{path}/inventory")
            await party.look()
            await world.look()
            await law.law_publishing.publish()
            await party.look()
            opening = await desks.agency.open_case(warrant.commitment)
            assert len(opening.messages) == 1
        finally:
            await desks.close()


async def test_an_agency_signs_no_draft_that_names_others(tmp_path: Path) -> None:
    async with running(await small_world(tmp_path)) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        room = await make_room(world, ("ann", "bob"))
        await ann.send(room, Text(b"hello"))
        desks = open_desks(world, 1)
        try:
            today = day_of(NOON)
            scope = name_sender(desks, "ann", today, today)
            warrant = await desks.agency.apply(
                Application("fraud", "Criminal Code 12", "1/10", scope)
            )
            for desk in (desks.minister, desks.judge):
                await be_seen(world)
                await desk.approve(warrant.commitment)
            await be_seen(world)
            http: Any = desks.agency.party.http
            honest, sent = http.get, http.send
            subjects = tuple(sorted(Bytes32(warrant.subject(one.account)) for one in (ann, bob)))
            name = Bytes32(warrant.commitment)
            lies = {
                Code.UNNAMED_SENDERS: ReleaseRequest(name, name, 2, 2, subjects),
                Code.LABELS_COUNT: ReleaseRequest(name, name, 1, 2, subjects[:1]),
                Code.REQUEST_FOREIGN: ReleaseRequest(subjects[0], name, 1, 1, subjects[:1]),
            }

            async def nothing(*_: object, **__: object) -> bytes:
                raise AssertionError("it signed")

            for code, lie in lies.items():

                async def get(path: str, lie: ReleaseRequest = lie, **more: Any) -> bytes:
                    return encode(lie) if path.endswith("/draft") else await honest(path, **more)

                http.get, http.send = get, nothing
                with pytest.raises(ReleaseRefused) as caught:
                    await desks.agency.request(warrant.commitment)
                assert caught.value.code is code
            http.get, http.send = honest, sent
            made = await desks.agency.request(warrant.commitment)
            assert (len(made.labels), made.messages) == (1, 1)
        finally:
            await desks.close()


async def refused(http: Any, path: str) -> Code:
    with pytest.raises(Refusal) as caught:
        await http.get(f"{path}/inventory")
    return caught.value.code
