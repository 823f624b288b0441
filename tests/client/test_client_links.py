"""Links into groups over the real server: asking, being asked, what does not count (spec G-20)."""

from dataclasses import replace
from pathlib import Path

import pytest
from client_world import World, next_event, world_at

from doublelock.client.client import Client
from doublelock.client.events import JoinAsked, Joined
from doublelock.client.invite import invite_in
from doublelock.protocol.api import CONTENT_TYPE, SendMail, encode_body
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import GroupRefused, WireRefused
from doublelock.protocol.group_link import (
    GroupLink,
    decode_group_link,
    is_group_link,
    make_join_request,
)
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Details


async def people(world: World, *handles: str) -> list[Client]:
    monitor = world.monitor()
    await monitor.start()
    return [await world.person(handle, monitor=monitor) for handle in handles]


async def grouped(ann: Client, *others: str) -> ConversationId:
    group = await ann.create_conversation(others)
    await ann.send(group, Details(b"Quay 7"))
    return group


def waiting(client: Client) -> list[bytes]:
    return [each.account for each in client.links.requests()]


async def test_a_request_waits_for_an_admin(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, cid, dan = await people(world, "ann", "bob", "cid", "dan")
        group = await grouped(ann, "bob")
        await next_event(bob, Joined)
        with pytest.raises(GroupRefused, match=Code.NOT_ALLOWED):
            bob.links.make(group, b"Quay 7")
        link = decode_group_link(ann.links.make(group, b"Quay 7").encode())
        assert link.name == b"Quay 7"
        with pytest.raises(GroupRefused, match=Code.GROUP_DUPLICATE):
            await bob.links.ask(link)
        await cid.links.ask(link)
        asked = await next_event(ann, JoinAsked)
        assert (asked.conversation, asked.account) == (group, cid.account)
        ann = await world.reopen(ann)
        assert waiting(ann) == [cid.account]
        await ann.links.answer(group, cid.account, accept=True)
        assert (await next_event(cid, Joined)).conversation == group
        assert waiting(ann) == []
        with pytest.raises(GroupRefused, match=Code.NOT_FOUND):
            await ann.links.answer(group, cid.account, accept=True)

        await dan.links.ask(link)
        await next_event(ann, JoinAsked)
        await ann.links.answer(group, dan.account, accept=False)
        assert waiting(ann) == []
        assert dan.conversations() == []


async def test_what_does_not_count_is_dropped(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob, cid = await people(world, "ann", "bob", "cid")
        group = await grouped(ann, "bob")
        old = ann.links.make(group, b"")
        link = ann.links.make(group, b"")
        now = world.clock.now
        sign = cid._core.signing_key.sign

        async def send(request: bytes) -> None:
            body = SendMail(account=ann.account, device=ann.device, sealed=request)
            await cid._core.http.send("POST", "/v1/mail", encode_body(body), kind=CONTENT_TYPE)

        # Another secret, somebody else's name, somebody else's signature, no request at all.
        await cid.links.ask(old)
        other = make_join_request(link, bob.account, bob.device, sign, now)
        await send(other.encode())
        forged = make_join_request(link, cid.account, cid.device, bob._core.signing_key.sign, now)
        await send(forged.encode())
        await send(b"hello")
        world.clock.now += 1
        await cid.links.ask(link)
        await next_event(ann, JoinAsked)
        await ann.settled()
        assert waiting(ann) == [cid.account]
        await ann.links.answer(group, cid.account, accept=False)
        # Repeated by the server, it was answered already; a revoked link serves nobody.
        replayed = make_join_request(link, cid.account, cid.device, sign, world.clock.now)
        await send(replayed.encode())
        await ann.settled()
        assert waiting(ann) == []
        ann.links.revoke(group)
        assert ann.links.find(group) is None
        world.clock.now += 1
        await cid.links.ask(link)
        await ann.settled()
        assert waiting(ann) == []


async def test_a_link_may_admit_at_once_and_carry_an_invite(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await people(world, "ann", "bob")
        group = await grouped(ann, "bob")
        bare = ann.links.make(group, b"Quay 7", at_once=True)
        with pytest.raises(GroupRefused, match=Code.INVITATION_REFUSED):
            invite_in(bare)
        invite = ann.invite(world.clock.now + 10_000)
        assert not is_group_link(invite.encode())
        both = replace(bare, invitation=invite.invitation, seed=invite.seed)
        line = both.encode()
        assert is_group_link(line)
        link: GroupLink = decode_group_link(line)
        cid = await world.person("cid", invite=invite_in(link))
        await cid.links.ask(link)
        assert (await next_event(cid, Joined)).conversation == group
        while cid.details(group) is None:
            await next_event(cid, object)
        known = cid.details(group)
        assert known is not None
        assert known.name == b"Quay 7"
        world.clock.now = link.expires_ms + 1
        with pytest.raises(GroupRefused, match=Code.INVITATION_EXPIRED):
            await bob.links.ask(bare)
        with pytest.raises(WireRefused, match=Code.NOT_FOUND):
            await bob.links.ask(replace(bare, deployment=type(bare.deployment)(bytes(32))))
