"""Bad input: every decoder gives a value or a Refusal, whatever the bytes; so does every route."""

import asyncio
import contextlib
import os
import random
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from client_world import NOON, next_event, world_at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from law_world import note_signer
from msgspec.structs import replace
from picows import WSMsgType
from starlette.routing import Route

from doublelock.client.events import Joined, RefusedItem
from doublelock.client.vault import Vault
from doublelock.keep import KeyFile, StateFolder, make_key_file
from doublelock.keep.package import open_package
from doublelock.log import witness
from doublelock.protocol.api import CONTENT_TYPE, Problem, decode_body
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import encode_base64url
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import Refusal, VaultRefused, WireRefused
from doublelock.protocol.frames import (
    COMMIT,
    ERASED,
    MESSAGE,
    NOTICE_MAIL,
    WELCOME_MAIL,
    Accepted,
    Bye,
    CatchUp,
    Changed,
    Frame,
    Item,
    Live,
    Mail,
    MailboxDone,
    Ping,
    Pong,
    Refused,
    Whispered,
    encode,
)
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Text
from doublelock.protocol.session import PartySubject
from doublelock.transport.http import HttpClient, Identity
from doublelock.transport.stream import Stream

from .decoder_target import Target
from .decoders import NOT_FROM_OUTSIDE, find_decoders, targets
from .lying import signed_item

EXAMPLES = int(os.environ.get("DOUBLELOCK_FUZZ", "25"))
"""How many inputs a decoder gets; the pipeline's few are always the same ones."""
NAMES = sorted(targets())
MEMORY = 48 * 1024 * 1024
DEEP = (
    b"\x91" * 60_000,
    b"\x81\xa1a" * 20_000,
    b"[" * 60_000,
    b'{"payload":' * 20_000,
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"",
)
calm = settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES <= 25,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_the_table_knows_every_decoder() -> None:
    """A new function that takes bytes or text from outside belongs into the table."""
    assert set(find_decoders()) - NOT_FROM_OUTSIDE.keys() - set(NAMES) == set()
    assert NOT_FROM_OUTSIDE.keys() <= set(find_decoders())


@pytest.mark.parametrize("name", NAMES)
def test_valid_input_is_taken_and_comes_back(name: str) -> None:
    target = targets()[name]
    for seed in target.seeds:
        value = attempt(target, seed)
        if target.encode is not None:
            assert value is not REFUSED
            assert target.encode(value) == seed


REFUSED = object()


def attempt(target: Target, data: bytes) -> object:
    """Return what a decoder makes of bytes; a refusal is fine, and nothing else is."""
    if target.text:
        data = data.decode("utf-8", "replace").encode()
    try:
        value = target.call(data)
    except Refusal:
        return REFUSED
    except target.also:
        return REFUSED
    if target.encode is not None:
        assert target.encode(value) == data, "two encodings of one value"
    return value


@st.composite
def mutations(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """Bytes at random, or a valid encoding that was flipped, cut, extended, doubled, spliced."""
    data = draw(st.sampled_from(seeds))
    if draw(st.integers(0, 7)) == 0:
        return draw(st.binary(max_size=400))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        size = draw(st.sampled_from((1, 2, 4, 8, 32, 48)))
        match draw(st.integers(0, 7)):
            case 0 if at < len(data):
                flipped = data[at] ^ (1 << draw(st.integers(0, 7)))
                data = data[:at] + bytes([flipped]) + data[at + 1 :]
            case 1:
                data = data[:at]
            case 2:
                data += draw(st.binary(min_size=1, max_size=40))
            case 3:
                data = data[:at] + data[at : at + size] + data[at:]
            case 4:
                other = draw(st.sampled_from(seeds))
                begin = draw(st.integers(0, len(other)))
                data = data[:at] + other[begin:]
            case 5:
                data = data[:at] + b"\xff" * size + data[at + size :]
            case 6:
                data = data[:at] + bytes(size) + data[at + size :]
            case _:
                data = data[:at] + data[at + size :]
    return data


@pytest.mark.parametrize("name", NAMES)
def test_a_value_or_a_refusal(name: str) -> None:
    target = targets()[name]

    @calm
    @given(mutations(target.seeds))
    def judge(data: bytes) -> None:
        attempt(target, data)

    judge()


@pytest.mark.parametrize("name", NAMES)
def test_great_counts_and_deep_nesting_cost_no_memory(name: str) -> None:
    target = targets()[name]
    tracemalloc.start()
    try:
        for seed in target.seeds[:2]:
            small = len(seed) <= 4096
            steps = range(0, len(seed), max(1, len(seed) // 40)) if small else (0, 1, 2, 4, 8, 32)
            for at in steps:
                for size in (2, 8):
                    attempt(target, seed[:at] + b"\xff" * size + seed[at + size :])
        for data in DEEP:
            attempt(target, data)
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


# --- files of a state folder, a vault, a package -----------------------------------------------


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return bytes that were flipped, cut, emptied, extended or replaced."""
    at = chance.randrange(len(data) + 1)
    return chance.choice(
        (
            data[:at],
            b"",
            data + chance.randbytes(7),
            data[:at] + chance.randbytes(3) + data[at + 3 :],
            chance.randbytes(max(1, len(data))),
            bytes(len(data)),
        )
    )


def test_damaged_state_folders_are_refused(tmp_path: Path) -> None:
    chance = random.Random(5)
    unlocking = make_key_file(tmp_path / "key")
    with StateFolder.create(tmp_path / "folder", unlocking) as folder:
        folder.write("shares/1-480", b"a share")
    for name in ("folder/folder.key", "folder/shares/1-480", "key"):
        path = tmp_path / name
        whole = path.read_bytes()
        for _ in range(EXAMPLES):
            path.write_bytes(damaged(whole, chance))
            try:
                with StateFolder.open(tmp_path / "folder", KeyFile(tmp_path / "key")) as folder:
                    assert folder.read("shares/1-480") == b"a share"
            except VaultRefused:
                pass
        path.write_bytes(whole)


async def test_damaged_vaults_are_refused(tmp_path: Path) -> None:
    """Every page and value of a client's vault in turn: refused by name, or not needed."""
    chance = random.Random(6)
    async with world_at(tmp_path, escrow=False) as world:
        ann, bob = await world.person("ann"), await world.person("bob")
        chat = await ann.create_conversation(["bob"])
        await next_event(bob, Joined)
        await ann.send(chat, Text(b"hello"))
        world.clients.remove(ann)
        await ann.close()
    whole = (tmp_path / "ann" / "vault.db").read_bytes()
    for _ in range(2 * EXAMPLES):
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(tmp_path / "ann", tmp_path / "copy")
        data = bytearray(whole)
        if chance.randrange(4):
            at = chance.randrange(len(data) // 512) * 512
            data[at : at + 64] = chance.randbytes(64)
        else:
            data = bytearray(damaged(whole, chance))
        (tmp_path / "copy" / "vault.db").write_bytes(data)
        (tmp_path / "copy" / "vault.db").chmod(0o600)
        try:
            vault = Vault.open(tmp_path / "copy", world.key_file)
        except VaultRefused:
            continue
        for read in _reads(vault, chat):
            with contextlib.suppress(VaultRefused):
                read()
        vault.close()


def _reads(vault: Vault, chat: ConversationId) -> list[Callable[[], object]]:
    return [
        vault.conversations,
        vault.outbox,
        lambda: vault.group(chat),
        lambda: vault.history(chat),
        lambda: vault.fact("identity"),
        lambda: vault.facts("head/"),
        lambda: vault.log_entries("key"),
        lambda: vault.write_fact("mailbox", b"1"),
    ]


def test_odd_packages_are_refused(tmp_path: Path) -> None:
    chance = random.Random(7)
    for number in range(EXAMPLES):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(b"PK\x03\x04" * (number % 2) + chance.randbytes(300))
        with pytest.raises(Refusal):
            open_package(path).names()


# --- a running server --------------------------------------------------------------------------


def bodies(chance: random.Random, number: int) -> list[bytes]:
    """Return bodies that no route expects."""
    names = (b"subject", b"entry", b"handle", b"commit", b"after", b"documents", b"size", b"blob")
    packed = b"\x81" + bytes([0xA0 + len(name := chance.choice(names))]) + name
    return [
        b"",
        b"\xc1",
        packed + b"\xa2\xff\xfe",
        packed + b"\xdd\xff\xff\xff\xff",
        b"\x91" * 30_000,
        *(chance.randbytes(chance.randrange(1, 300)) for _ in range(number)),
    ]


async def test_every_route_answers_nonsense_with_a_code(tmp_path: Path) -> None:
    chance = random.Random(8)
    async with world_at(tmp_path, escrow=False) as world:
        ann = await world.person("ann")
        chat = await ann.create_conversation([])
        assert world.server is not None
        operator = SigningKey(world.founded.operator)
        party = HttpClient(
            world.server.http,
            identity=Identity(
                world.founded.deployment, PartySubject(operator.public.encoded), operator.sign
            ),
        )
        tokens = [
            None,
            b"nonsense",
            await ann._core.http.session(),
            await party.session(),
        ]
        serving = world.server._http
        assert serving is not None
        routes = [one for one in serving.config.app.routes if isinstance(one, Route)]  # type: ignore[union-attr]
        assert len(routes) > 30
        async with httpx.AsyncClient(base_url=world.server.http, timeout=20) as http:
            for route in routes:
                for token in tokens:
                    await _poke(http, route, token, chat, chance)
            assert (await http.get("/v1/deployment")).status_code == 200
        await party.close()
        await ann.send(chat, Text(b"still up"))


async def _poke(
    http: httpx.AsyncClient,
    route: Route,
    token: bytes | None,
    chat: bytes,
    chance: random.Random,
) -> None:
    names = (chat.hex(), chance.randbytes(32).hex(), "x", "\u20ac", "..%2f..%2fserver.db")
    for method in sorted(route.methods or ()):
        if (method, route.path) == ("DELETE", "/v1/session"):
            continue  # it would end the session that the rest is tried with
        for body in bodies(chance, EXAMPLES // 10) if method not in ("GET", "HEAD") else [b""]:
            path = route.path
            for name in route.param_convertors:
                path = path.replace(f"{{{name}:path}}", "tile/0/000").replace(
                    f"{{{name}}}", chance.choice(names)
                )
            headers = {"content-type": chance.choice((CONTENT_TYPE, CONTENT_TYPE, "text/plain"))}
            if token is not None:
                headers["authorization"] = f"Bearer {encode_base64url(token)}"
            query = {
                name: chance.choice(("", "-1", "9" * 40, "\u0663", "1"))
                for name in ("after", "epoch", "offset", "case")
            }
            query["wait"] = chance.choice(("", "-1", "x", "1"))
            answer = await http.request(
                method, path, content=body or None, headers=headers, params=query
            )
            assert answer.status_code < 500, (method, path, body, answer.content)
            if answer.status_code >= 400 and method != "HEAD" and path.startswith("/v1"):
                if answer.headers.get("content-type", "").startswith("text/plain"):
                    assert answer.status_code in (404, 405)
                    continue
                assert Code(decode_body(answer.content, Problem).code)


async def test_the_stream_ends_nonsense_with_a_code_and_stays_up(tmp_path: Path) -> None:
    chance = random.Random(9)
    async with world_at(tmp_path, escrow=False) as world:
        ann = await world.person("ann")
        chat = await ann.create_conversation([])
        assert world.server is not None
        for number in range(EXAMPLES):
            stream = await Stream.connect(world.server.stream)
            frame = encode(chance.choice((Ping(1), CatchUp(chat, 2**63), MailboxDone(2**63))))
            at = chance.randrange(len(frame))
            data = chance.choice(
                (
                    chance.randbytes(chance.randrange(1, 200)),
                    frame,
                    frame[:at],
                    frame[:at] + b"\xff" * 4 + frame[at + 4 :],
                    b"\x00\x00\x00\x02\xa1\xff",
                    b"",
                )
            )
            stream._transport.send(WSMsgType.BINARY, data)
            if number % 5 == 0:
                await stream.close()
                continue
            with pytest.raises(WireRefused):
                await _until_closed(stream)
            await stream.close()
        await ann.send(chat, Text(b"still up"))


async def test_a_witness_answers_nonsense_and_stays_up(tmp_path: Path) -> None:
    chance = random.Random(12)
    log = note_signer("law-log").key
    app = witness.make_app(tmp_path, [note_signer("w1")], [log], lambda: NOON)
    (valid,) = targets()["witnessing.parse_request"].seeds
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://witness") as http:
        for _ in range(2 * EXAMPLES):
            answer = await http.post("/add-checkpoint", content=damaged(valid, chance))
            assert 400 <= answer.status_code < 500, answer.content
            answer = await http.get(f"/{chance.choice(('x', '%00', '..', 'a%2fb'))}/checkpoint")
            assert 400 <= answer.status_code < 500
        first = valid.replace(b"old 2", b"old 0", 1)
        head, _, note = first.partition(b"\n\n")
        answer = await http.post("/add-checkpoint", content=b"old 0\n\n" + note)
        assert answer.status_code == 200, (head, answer.content)


async def _until_closed(stream: Stream) -> None:
    for _ in range(3):
        await stream.receive()


def odd_frames(chat: bytes, me: bytes, device: bytes) -> list[Frame]:
    """Frames of the right form that no honest server sends."""
    item = Item(
        chat, 1, 2**63, me, device, MESSAGE, b"h", b"b", b"m", bytes(32), 0, 1, b"", bytes(64)
    )
    return [
        item,
        replace(item, conversation=bytes(32)),
        replace(item, sequence=2**64 - 1, kind=999),
        replace(item, kind=ERASED),
        replace(item, kind=COMMIT, mls=b"\x00\x01\x00\x01"),
        Accepted(77, chat, 2**63, 1, bytes(32), 0, 1, b"x" * 31, bytes(64)),
        Refused(77, "no such code", ""),
        Live(bytes(32), 5),
        Live(chat, 0),
        Whispered(2**64 - 1, me, device, b"h" * 138, b"b", b"m"),
        Mail(1, 2**63, WELCOME_MAIL, chat, 1, b""),
        Mail(2, 1, WELCOME_MAIL, chat, 1, bytes(8) + b"\x00\x01\x00\x03\xff\xff"),
        Mail(3, 1, NOTICE_MAIL, bytes(32), 1, b"{}"),
        Mail(4, 1, 999, bytes(32), 1, b""),
        Changed(chat, 0, 0),
        Pong(9, 9),
        Bye("no such code", "why"),
    ]


async def test_a_client_survives_a_server_that_sends_nonsense(tmp_path: Path) -> None:
    """Whatever the stream brings, the client disconnects at most, and comes back by itself."""
    chance = random.Random(10)
    async with world_at(tmp_path, escrow=False) as world:
        ann = await world.person("ann")
        chat = await ann.create_conversation([])
        frames = odd_frames(chat, ann.account, ann.device)
        messages = [encode(one) for one in frames]
        messages += [chance.randbytes(chance.randrange(200)) for _ in range(EXAMPLES // 3)]
        messages.append(encode(Refused(1, "abcd", "")).replace(b"abcd", b"a\xff\xfed"))
        for data in messages:
            async with asyncio.timeout(20):
                while ann._session._stream is None or not ann._session.up.is_set():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            listener = ann._session._stream._listener
            listener.waiting.append(data)
            listener.arrived.set()
            await asyncio.sleep(0.01)
            running = ann._session._running
            assert running is not None
            assert not running.done(), data
        ann = await world.reopen(ann)
        await ann.send(chat, Text(b"still here"))


async def test_own_items_that_are_nonsense_refuse_themselves_alone(tmp_path: Path) -> None:
    """A lying server signs an item in this device's own name that has no form."""
    async with world_at(tmp_path, escrow=False) as world:
        ann = await world.person("ann")
        chat = await ann.create_conversation([])
        await ann.send(chat, Text(b"one"))
        item = signed_item(world, ann, chat, MESSAGE, b"h", b"b", b"m", sender=ann)
        await ann._session._take(item)
        ann._core.flush()
        assert (await next_event(ann, RefusedItem)).sequence == item.sequence
