"""Hostile and unlucky connections: hello, frames, sizes, rates, slow readers (W-10, W-11, W-17)."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picows import WSListener, WSMsgType, WSTransport, ws_connect
from server_world import Line, World

from doublelock.protocol import limits
from doublelock.protocol.api import AskChallenge, Challenge, OpenSession, Session
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import KeyLogRefused, Malformed, WireRefused
from doublelock.protocol.frames import (
    Accepted,
    Bye,
    Cursor,
    Hello,
    Ping,
    Refused,
    decode_from_device,
    decode_from_server,
    encode,
    join,
    split,
)
from doublelock.protocol.keylog_entry import draft_update, sign_update
from doublelock.protocol.session import DeviceSubject, encode_subject
from doublelock.server.config import Bounds, Rates
from doublelock.transport.stream import Stream


def refused(work: Callable[[], object]) -> Code | None:
    """Return the code with which `work` is refused, or None; anything else raised is a failure."""
    try:
        work()
    except Malformed as refusal:
        return refusal.code
    return None


@given(st.binary(max_size=300))
def test_no_bytes_break_the_decoders(data: bytes) -> None:
    assert refused(lambda: decode_from_device(data)) in (None, Code.FORM)
    assert refused(lambda: decode_from_server(data)) in (None, Code.FORM)
    assert refused(lambda: list(split(data))) in (None, Code.SIZE)


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5))
def test_what_is_joined_is_split_alike(pieces: list[bytes]) -> None:
    message = b"".join(len(one).to_bytes(4, "big") + one for one in pieces)
    assert list(split(message)) == pieces


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_frame_with_a_changed_byte_is_a_frame_or_refused(at: int, byte: int) -> None:
    data = bytearray(encode(Hello(b"t" * 32, (Cursor(b"c" * 32, 7),), 1))[4:])
    data[at % len(data)] = byte
    assert refused(lambda: decode_from_device(bytes(data))) in (None, Code.FORM)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        bytes(4),
        b"\xff\xff\xff\xff",
        (limits.FRAME + 1).to_bytes(4, "big") + b"x",
        b"\x00\x00\x00\x03\x91\x63\x00",
        join([Ping(1)]),
        join([Hello(b"t" * 32, (), 0), Ping(1)]),
        join([Hello(b"t" * 32, (), 0)]),
    ],
)
async def test_a_connection_that_breaks_the_rules_ends_with_a_named_bye(
    world: World, message: bytes
) -> None:
    async with world.serve() as server:
        stream = await Stream.connect(server.stream)
        stream._transport.send(WSMsgType.BINARY, message)
        bye = await Line(stream).next(Bye)
        assert bye.code in (Code.SIZE.value, Code.FORM.value, Code.NO_SESSION.value)
        with pytest.raises(WireRefused):
            await stream.receive()
        await stream.close()


async def test_who_says_nothing_is_cut(world: World) -> None:
    async with world.serve(bounds=Bounds(hello_seconds=0.05)) as server:
        stream = await Stream.connect(server.stream)
        assert (await Line(stream).next(Bye)).code == Code.NO_SESSION.value
        await stream.close()


async def test_a_session_needs_the_devices_own_key_and_a_fresh_challenge(world: World) -> None:
    async with world.serve() as server:
        anna = await world.join(server, "anna")
        subject = encode_subject(DeviceSubject(anna.account, anna.device))
        http = anna.http

        async def challenge() -> Challenge:
            body = AskChallenge(subject=subject)
            return await http.ask("POST", "/v1/session/challenge", body, Challenge, anyone=True)

        async def answer(asked: Challenge, signature: bytes) -> None:
            body = OpenSession(subject=subject, challenge=asked.challenge, signature=signature)
            await http.ask("POST", "/v1/session", body, Session, anyone=True)

        with pytest.raises(WireRefused) as refusal:
            await answer(await challenge(), bytes(64))
        assert refusal.value.code is Code.NO_SESSION
        late = await challenge()
        world.clock.now += 61_000
        with pytest.raises(WireRefused) as refusal:
            await answer(late, bytes(64))
        assert refusal.value.code is Code.CHALLENGE_SPENT
        token = await http.session()
        world.clock.now += 3_601_000
        with pytest.raises(WireRefused) as refusal:
            server.parts.sessions.subject(token)
        assert refusal.value.code is Code.NO_SESSION


async def test_requests_without_a_session_and_bad_bodies_are_refused(world: World) -> None:
    async with world.serve() as server, httpx.AsyncClient(base_url=server.http) as client:
        assert (await client.get("/v1/conversations")).status_code == 401
        bearer = {"authorization": "Bearer !!!"}
        assert (await client.get("/v1/conversations", headers=bearer)).status_code == 401
        kind = {"content-type": "application/msgpack"}
        for data in (b"", b"\xc1", b"\x80", b"\xdf\xff\xff\xff\xff"):
            response = await client.post("/v1/register", content=data, headers=kind)
            assert response.status_code == 422
        response = await client.post("/v1/register", content=bytes(10**6), headers=kind)
        assert response.status_code == 413


async def test_a_device_that_sends_too_fast_is_refused(world: World) -> None:
    async with world.serve(Rates(sends=0.001, sends_burst=2.0)) as server:
        anna = await world.join(server, "anna")
        conversation = await anna.create()
        line = await anna.connect()
        answers = [await line.ask(anna.envelope(conversation)) for _ in range(3)]
        assert [type(one) for one in answers] == [Accepted, Accepted, Refused]
        assert isinstance(answers[2], Refused)
        assert answers[2].code == Code.TOO_FAST.value


class Deaf(WSListener):  # reads nothing
    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.underlying_transport.pause_reading()


async def test_a_slow_reader_is_cut_and_loses_nothing(world: World) -> None:
    bounds = Bounds(waiting=64 * 1024)
    async with world.serve(bounds=bounds) as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        conversation = await anna.create()
        await anna.add(conversation, bert)
        transport, _ = await ws_connect(Deaf, server.stream)
        token = await bert.http.session()
        transport.send(WSMsgType.BINARY, join([Hello(token, (), 0)]))
        while server.parts.fanout.find(bert.device) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        line = await anna.connect()
        sent = 0
        while server.parts.fanout.find(bert.device) is not None:
            answers = [anna.envelope(conversation, bytes(60_000)) for _ in range(20)]
            line.stream.push(answers)
            for _ in answers:
                assert isinstance(await line.any(), Accepted)
            sent += len(answers)
        transport.underlying_transport.abort()
        await transport.wait_disconnected()
        again = await bert.connect(Cursor(conversation, 1))
        got = [item.sequence for item in await again.items(sent)]
        assert got == list(range(2, sent + 2))


async def test_an_entry_from_the_future_shuts_nobody_out(world: World) -> None:
    """The key log's time never runs back, so that one entry ahead of it would stop all others."""
    async with world.serve() as server:
        anna = await world.join(server, "anna")
        log = server.parts.identities.key_log
        now = log.account(anna.account)
        skew_ms = server.parts.charter().terms.skew_ms
        for ahead_ms, code in ((skew_ms + 60_000, Code.ENTRY_TIME), (0, None)):
            entry = sign_update(
                world.deployment,
                draft_update(
                    anna.account,
                    now.number + 1,
                    now.lineage,
                    now.index,
                    now.committee,
                    now.keys,
                    anna.key.public.encoded,
                    world.clock() + ahead_ms,
                ),
                anna.key.sign,
                [],
            ).encode()
            if code is None:
                await server.parts.identities.append(entry)
                continue
            with pytest.raises(KeyLogRefused) as caught:
                await server.parts.identities.append(entry)
            assert caught.value.code is code
