"""Mail between devices and the device list: W-41, W-43."""

import pytest
from server_world import Device, Line, World

from doublelock.protocol import limits
from doublelock.protocol.api import (
    Appended,
    AppendEntry,
    Devices,
    DeviceUse,
    KeepDays,
    SendMail,
    Subscribe,
    encode_body,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, day_of
from doublelock.protocol.errors import Malformed, WireRefused
from doublelock.protocol.frames import OTHERS_MAIL, OWN_MAIL, Mail, MailboxDone, Ping, Pong
from doublelock.protocol.keylog_entry import draft_update, sign_update
from doublelock.protocol.mail import Relayed, decode_relayed
from doublelock.server.config import UNLIMITED, Bounds, Rates


async def write(sender: Device, to: Device, sealed: bytes) -> Code | None:
    """Send mail and return the code with which it was refused, or None."""
    body = encode_body(SendMail(account=to.account, device=to.device, sealed=sealed))
    try:
        await sender.http.send("POST", "/v1/mail", body, kind="application/msgpack")
    except WireRefused as refusal:
        return refusal.code
    return None


async def keep_days(device: Device, keep: bool) -> None:
    body = encode_body(KeepDays(days=keep))
    await device.http.send("PUT", "/v1/devices", body, kind="application/msgpack")


async def listed(device: Device) -> Devices:
    return await device.http.ask("GET", "/v1/devices", None, Devices)


async def taken(line: Line) -> tuple[int, int, Relayed]:
    """Return number, kind and content of the next piece of mail."""
    mail = await line.next(Mail)
    assert (mail.conversation, mail.at) == (bytes(32), 0)
    return mail.sequence, mail.kind, decode_relayed(mail.payload)


async def done(line: Line, through: int) -> None:
    """Take mail off the server and hang up; returns when the server has read that."""
    line.stream.push([MailboxDone(through), Ping(7)])
    await line.next(Pong)
    await line.stream.close()


async def test_mail_waits_until_it_is_taken(world: World) -> None:
    async with world.serve() as server:
        anna = await world.join(server, "anna", devices=2)
        bert = await world.join(server, "bert")
        (other,) = anna.siblings
        large = b"h" * limits.OWN_MAIL
        assert await write(anna, other, large) is None
        assert await write(bert, other, b"let me in") is None
    async with world.serve() as server:
        for device in (anna, other, bert):
            device.reach(server)
        line = await other.connect()
        first, kind, letter = await taken(line)
        assert (kind, letter) == (OWN_MAIL, Relayed(anna.account, anna.device, large))
        second, kind, letter = await taken(line)
        assert (kind, letter) == (OTHERS_MAIL, Relayed(bert.account, bert.device, b"let me in"))
        assert await write(anna, other, b"live") is None
        third, kind, letter = await taken(line)
        assert (kind, letter.sealed) == (OWN_MAIL, b"live")
        assert first < second < third
        await done(line, second)
        await server.parts.store.write(lambda _: None)
        assert (await taken(await other.connect(mailbox=0)))[0] == third


async def test_mail_to_others_is_small_and_slow(world: World) -> None:
    async with world.serve(Rates(letters_burst=3)) as server:
        anna = await world.join(server, "anna", devices=2)
        bert = await world.join(server, "bert")
        (other,) = anna.siblings
        assert await write(anna, bert, bytes(limits.OTHERS_MAIL + 1)) is Code.SIZE
        assert await write(anna, other, bytes(limits.OWN_MAIL + 1)) is Code.FORM
        assert await write(anna, other, b"") is Code.FORM
        # What is too large costs nothing; the rate is the account's, not the device's.
        assert await write(anna, bert, bytes(limits.OTHERS_MAIL)) is None
        assert await write(other, bert, b"2") is None
        assert await write(anna, bert, b"3") is None
        assert await write(anna, bert, b"4") is Code.TOO_FAST
        assert await write(other, bert, b"4") is Code.TOO_FAST
        assert await write(bert, anna, b"1") is None
        assert await write(anna, other, b"own") is None


async def test_a_mailbox_has_room_for_so_much(world: World) -> None:
    bounds = Bounds(own_letters=2, others_letters=3, letters_of_one=2)
    async with world.serve(UNLIMITED, bounds) as server:
        anna = await world.join(server, "anna", devices=2)
        bert, clara = await world.join(server, "bert"), await world.join(server, "clara")
        (other,) = anna.siblings
        for sender, codes in (
            (bert, [None, None, Code.QUOTA]),
            (clara, [None, Code.QUOTA]),
            (other, [None, None, Code.QUOTA]),
        ):
            assert [await write(sender, anna, b"x") for _ in codes] == codes
        line = await anna.connect()
        numbers = [(await taken(line))[0] for _ in range(5)]
        await done(line, numbers[-1])
        assert await write(bert, anna, b"x") is None


async def test_mail_goes_to_listed_devices_alone(world: World) -> None:
    async with world.serve() as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        bert.account, real = anna.account, bert.account
        assert await write(anna, bert, b"x") is Code.NOT_FOUND
        bert.account = real
        anna.http.identity = None
        assert await write(anna, bert, b"x") is Code.NO_SESSION


def test_relayed_mail_is_never_cut() -> None:
    with pytest.raises(Malformed):
        decode_relayed(bytes(47))
    assert decode_relayed(bytes(48)).sealed == b""


async def test_the_device_list_has_days_and_nothing_finer(world: World) -> None:
    today = day_of(world.clock.now)
    async with world.serve() as server:
        anna = await world.join(server, "anna", devices=2)
        await world.join(server, "bert")
        (other,) = anna.siblings
        unused = {anna.device: -1, other.device: -1}

        async def days() -> dict[bytes, int]:
            await server.parts.store.write(lambda _: None)  # what connecting noted is there
            return {one.device: one.day for one in (await listed(anna)).devices}

        assert await days() == unused
        await anna.connect()
        await anna.connect()
        assert await days() == {**unused, anna.device: today}
        world.clock.now += 2 * DAY_MS
        await other.connect()
        assert await days() == {anna.device: today, other.device: today + 2}
        await keep_days(other, False)
        assert not (await listed(anna)).days
        await anna.connect()
        assert await days() == unused
    async with world.serve() as server:
        for device in (anna, other):
            device.reach(server)
        await anna.connect()
        assert await days() == unused
        await keep_days(anna, True)
        assert await days() == {**unused, anna.device: today + 2}


async def test_a_device_that_is_taken_out_leaves_nothing_behind(world: World) -> None:
    async with world.serve() as server:
        anna = await world.join(server, "anna", devices=2)
        (other,) = anna.siblings
        subscription = encode_body(Subscribe(endpoint="https://push.example/x"))
        await other.http.send("PUT", "/v1/push", subscription, kind="application/msgpack")
        await other.connect()
        await write(anna, other, b"x")
        kept = DeviceUse(device=other.device, day=day_of(world.clock.now), push=True)
        assert kept in (await listed(anna)).devices
        known = server.parts.identities.key_log.account(anna.account)
        draft = draft_update(
            anna.account,
            known.number + 1,
            known.lineage,
            known.index,
            known.committee,
            [anna.key.public.encoded],
            anna.key.public.encoded,
            world.clock.now,
        )
        entry = sign_update(world.deployment, draft, anna.key.sign, []).encode()
        await anna.http.ask("POST", "/v1/key-log/entries", AppendEntry(entry=entry), Appended)
        assert await write(anna, other, b"x") is Code.NOT_FOUND
        assert [one.device for one in (await listed(anna)).devices] == [anna.device]
        store = server.parts.store
        # Nobody waits for the tidying; the store takes changes in their order, so this comes after.
        await store.write(lambda _: None)
        assert await store.read(lambda tables: tables.devices.mail(other.device, 0, 9)) == []
        assert await store.read(lambda tables: tables.devices.days(anna.account)) == {}
        assert await store.read(lambda tables: tables.push.all()) == []
