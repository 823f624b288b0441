"""Several devices of one account: linked, brought in, told of, revoked (spec Y-13)."""

import asyncio
from pathlib import Path

import pytest
from client_world import NOON, World, next_event, texts, world_at

from doublelock.client.client import Client
from doublelock.client.events import AccountAlarm, Connection, Joined, Left, Membership
from doublelock.client.invite import decode_address
from doublelock.client.linking import Linking
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import (
    GroupRefused,
    KeyLogRefused,
    Malformed,
    Refusal,
    VaultRefused,
    WireRefused,
)
from doublelock.protocol.identifiers import ConversationId, DeviceId
from doublelock.protocol.link_request import LinkRequest, decode_link_request
from doublelock.protocol.record import Text


async def begin(world: World, client: Client, name: str) -> Linking:
    monitor = world.monitor()
    await monitor.start()
    return await Linking.begin(
        world.folder / name,
        world.key_file,
        client.address,
        client.handle,
        clock=world.clock,
        monitor=monitor,
    )


def request_of(linking: Linking) -> LinkRequest:
    assert linking.request is not None
    return linking.request


async def finish(world: World, linking: Linking) -> Client:
    await linking.listed(20)
    client = await Client.link(linking, clock=world.clock, packages=3)
    world.clients.append(client)
    await client.connect()
    return client


async def add_device(world: World, client: Client, name: str) -> Client:
    linking = await begin(world, client, name)
    await client.devices.approve(request_of(linking))
    return await finish(world, linking)


def devices_in(client: Client, conversation: ConversationId) -> set[DeviceId]:
    if conversation not in client.conversations():
        return set()
    return {leaf.device for leaf in client.members(conversation)}


async def until_devices(client: Client, conversation: ConversationId, *wanted: Client) -> None:
    async with asyncio.timeout(20):
        while devices_in(client, conversation) != {one.device for one in wanted}:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_second_device_reads_and_writes_from_then_on(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        chat = await ann.create_conversation(["bob"], direct=True)
        await next_event(bob, Joined)
        await ann.send(chat, Text(b"before"))
        before = await ann.safety_code("bob")

        linking = await begin(world, ann, "ann-2")
        carried = decode_link_request(request_of(linking).text() + "\n")
        assert (carried, carried.code) == (request_of(linking), request_of(linking).code)
        await ann.devices.approve(carried, history=False)
        second = await finish(world, linking)
        assert second.account == ann.account
        assert second.device != ann.device
        assert await ann.devices.bring_everywhere(second.device, 20) == []
        assert (await next_event(second, Joined)).conversation == chat

        last = await bob.send(chat, Text(b"to both"))
        await asyncio.gather(ann.reached(chat, last), second.reached(chat, last))
        last = await second.send(chat, Text(b"from the second"))
        await asyncio.gather(ann.reached(chat, last), bob.reached(chat, last))
        assert texts(second, chat) == [b"to both", b"from the second"]
        assert texts(ann, chat) == texts(bob, chat) == [b"before", b"to both", b"from the second"]
        codes = {
            (await one.safety_code(other)).digits
            for one, other in ((ann, "bob"), (second, "bob"), (bob, "ann"))
        }
        assert len(codes) == 1
        assert before.digits not in codes
        # Nobody's alarm: both devices know what their person has just done.
        for one in (ann, second):
            assert not [e for e in one.pending_events() if isinstance(e, AccountAlarm)]


async def test_new_conversations_hold_every_device(tmp_path: Path) -> None:
    """Whoever makes a conversation reads first which devices the others have now."""
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        second = await add_device(world, ann, "ann-2")
        by_bob = await bob.create_conversation(["ann"])
        by_second = await second.create_conversation(["bob"])
        for chat in (by_bob, by_second):
            await until_devices(bob, chat, ann, second, bob)
        assert {(await next_event(ann, Joined)).conversation for _ in range(2)} == {
            by_bob,
            by_second,
        }


async def test_a_device_that_came_late_is_brought_in_when_a_sibling_connects(
    tmp_path: Path,
) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        chats = [await ann.create_conversation(["bob"]) for _ in range(2)]
        linking = await begin(world, ann, "ann-2")
        await ann.devices.approve(request_of(linking))
        device = request_of(linking).device
        assert set(await ann.devices.bring_everywhere(device, 0.1)) == set(chats)
        second = await finish(world, linking)
        again = await world.reopen(ann)
        for chat in chats:
            await until_devices(bob, chat, again, second, bob)
        last = await bob.send(chats[0], Text(b"hello both"))
        await until_devices(second, chats[0], again, second, bob)
        await second.reached(chats[0], last)
        assert texts(second, chats[0]) == [b"hello both"]


async def test_a_third_device_tells_its_person_until_they_have_looked(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann = await world.person("ann")
        second = await add_device(world, ann, "ann-2")
        third = await add_device(world, second, "ann-3")
        await ann.monitor.sync_keys()
        ann._session.watch.tell_alarms()
        ann._core.flush()
        alarm = (await next_event(ann, AccountAlarm)).alarm.applied
        assert (alarm.added, alarm.author) == ((third.device,), second.device)
        assert [one.record.device for one in ann.devices.listed()] == [
            ann.device,
            second.device,
            third.device,
        ]
        assert [one.own for one in ann.devices.listed()] == [True, False, False]

        again = await world.reopen(ann)  # not looked at yet: told again
        assert (await next_event(again, AccountAlarm)).alarm.applied == alarm
        again.devices.acknowledge()
        quiet = await world.reopen(again)
        await quiet.settled()
        assert not [e for e in quiet.pending_events() if isinstance(e, AccountAlarm)]


async def test_a_revoked_device_receives_nothing_more(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        chat = await ann.create_conversation(["bob"])
        second = await add_device(world, ann, "ann-2")
        await ann.devices.bring_everywhere(second.device, 20)
        last = await bob.send(chat, Text(b"to both"))
        await until_devices(second, chat, ann, bob, second)
        await second.reached(chat, last)

        await ann.devices.revoke(second.device)
        await until_devices(ann, chat, ann, bob)
        last = await bob.send(chat, Text(b"not for the second"))
        await ann.reached(chat, last)
        assert texts(ann, chat)[-1] == b"not for the second"
        while True:
            down = await next_event(second, Connection)
            if down.refusal is not None:
                break
        assert down.refusal.code is Code.DEVICE_REMOVED
        assert texts(second, chat) == [b"to both"]
        with pytest.raises(WireRefused, match="no-session"):
            await second._core.http.get(f"/v1/conversations/{chat.hex()}/items")
        # It may read what it has, and is told why it cannot connect.
        again = await world.reopen(second, connect=False)
        assert texts(again, chat) == [b"to both"]
        with pytest.raises(KeyLogRefused, match="device-removed"):
            await again.connect()
        with pytest.raises(KeyLogRefused, match="not-allowed"):
            await ann.devices.revoke(ann.device)
        with pytest.raises(KeyLogRefused, match="ghost-device"):
            await ann.devices.revoke(second.device)


async def test_an_admin_takes_out_what_its_owner_could_not(tmp_path: Path) -> None:
    """A device that alone was in a group is revoked; the group's admin removes its leaf."""
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        second = await add_device(world, ann, "ann-2")
        chat = await bob.create_conversation(["ann"])
        await until_devices(bob, chat, ann, second, bob)
        await until_devices(ann, chat, ann, second, bob)
        offline = await world.reopen(ann, connect=False)
        offline._core.rooms.clear()  # as if only the second had ever been in it
        await offline.devices.revoke(second.device)
        again = await world.reopen(bob)
        await until_devices(again, chat, offline, again)


async def test_leaving_takes_every_own_device_along(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        second = await add_device(world, bob, "bob-2")
        chat = await ann.create_conversation(["bob"])
        await until_devices(ann, chat, ann, bob, second)
        await until_devices(bob, chat, ann, bob, second)
        await bob.leave(chat)
        assert (await next_event(second, Left)).by == bob.account
        await next_event(bob, Left)
        await until_devices(ann, chat, ann)
        assert bob.account not in {leaf.account for leaf in ann.members(chat)}
        removed = [e for e in ann.pending_events() if isinstance(e, Membership) and e.removed]
        assert removed


async def test_requests_that_must_not_be_signed(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        linking = await begin(world, ann, "ann-2")
        request = request_of(linking)
        with pytest.raises(KeyLogRefused, match="unknown-account"):
            await bob.devices.approve(request)
        stranger = await begin(world, bob, "stranger")
        forged = LinkRequest(  # bob's proofs under ann's name
            request.deployment,
            request.account,
            request.number,
            request.previous,
            request.time_ms,
            request_of(stranger).key,
            request_of(stranger).proofs,
        )
        assert forged.code != request.code
        with pytest.raises(Refusal, match="bad-signature"):
            await ann.devices.approve(forged)
        future = LinkRequest(
            request.deployment,
            request.account,
            request.number,
            request.previous,
            NOON + 86_400_000,
            request.key,
            request.proofs,
        )
        with pytest.raises(KeyLogRefused, match="entry-time"):
            await ann.devices.approve(future)
        await ann.devices.approve(request)
        with pytest.raises(KeyLogRefused, match="entry-order"):  # once is enough
            await ann.devices.approve(request)
        with pytest.raises(VaultRefused, match="vault-missing"):
            await Linking.resume(world.folder / "nowhere", world.key_file, clock=world.clock)
        await stranger.close()
        again = await begin(world, bob, "stranger")
        with pytest.raises(KeyLogRefused, match="device-pending"):
            await Client.link(again, clock=world.clock)
        second = await finish(world, linking)
        assert second.handle == "ann"


async def test_a_request_survives_a_crash_and_keeps_its_key(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann = await world.person("ann")
        first = await begin(world, ann, "ann-2")
        key = request_of(first).key
        await first.close()
        await world.person("bob")  # the log goes on in the meantime
        world.clock.now += 1000
        monitor = world.monitor()
        await monitor.start()
        resumed = await Linking.resume(
            world.folder / "ann-2", world.key_file, clock=world.clock, monitor=monitor
        )
        assert request_of(resumed) == first.request  # the code that the person saw still holds
        assert request_of(resumed).key == key
        await ann.devices.approve(request_of(resumed))
        await resumed.close()
        monitor = world.monitor()
        await monitor.start()
        again = await Linking.resume(
            world.folder / "ann-2", world.key_file, clock=world.clock, monitor=monitor
        )
        assert again.request is None
        assert again.is_listed()
        second = await finish(world, again)
        assert second.account == ann.account


@pytest.mark.parametrize(
    "text",
    ["", "doublelock-link:", "doublelock-link:AAAA", "doublelock-link:" + "A" * 3000, "x" * 10],
)
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        decode_link_request(text)


@pytest.mark.parametrize("text", ["", "http://a/", "http://a/#00", "ftp://a/#" + "0" * 64])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        decode_address(text)


async def test_a_refused_invite_leaves_the_folder_free(tmp_path: Path) -> None:
    """A used invite or a taken handle is refused by its own name, and another try may follow."""
    async with world_at(tmp_path) as world:
        used = world.invite()
        ann = await world.person("ann", invite=used)
        monitor = ann.monitor
        with pytest.raises(WireRefused, match="invitation-used"):
            await world.person("bob", invite=used, monitor=monitor)
        folder = world.folder / "bob"
        with pytest.raises(WireRefused, match="account-exists"):
            await Client.register(
                folder, world.key_file, world.invite(), "ann", clock=world.clock, monitor=monitor
            )
        bob = await world.person("bob", monitor=monitor)
        assert bob.handle == "bob"
        with pytest.raises(GroupRefused):
            bob.members(ConversationId(bytes(32)))


async def test_an_inviter_resets_an_account_that_lost_everything(tmp_path: Path) -> None:
    async with world_at(tmp_path) as world:
        ann = await world.person("ann")
        bob = await world.person("bob", invite=ann.invite(NOON + 86_400_000))
        chat = await ann.create_conversation(["bob"], direct=True)
        await until_devices(bob, chat, ann, bob)
        before = await ann.safety_code("bob")
        reset = ann.invite(NOON + 86_400_000, reset_of=bob.account)
        again = await Client.register(
            world.folder / "bob-new",
            world.key_file,
            reset,
            "bob",
            clock=world.clock,
            monitor=ann.monitor,
            packages=3,
        )
        world.clients.append(again)
        await again.connect()
        assert again.account == bob.account
        assert again.conversations() == []
        assert await ann.safety_code("bob") != before
        ann_again = await world.reopen(ann)  # reads the log, takes the lost device out
        await until_devices(ann_again, chat, ann_again)
        await ann_again.add(chat, ["bob"])
        await until_devices(again, chat, ann_again, again)
        last = await again.send(chat, Text(b"back again"))
        await ann_again.reached(chat, last)
        assert texts(ann_again, chat)[-1] == b"back again"
