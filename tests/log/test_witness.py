"""Our witness over real HTTP, and a log that publishes through several."""

import asyncio
import hashlib
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import Serve, serving  # noqa: F401 - the fixture `serve`
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from doublelock.log.sequencer import Sequencer
from doublelock.log.witness import Witness, make_app
from doublelock.log.witness_client import Publisher
from doublelock.protocol import merkle
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner, verify_cosignature
from doublelock.protocol.errors import LogRefused, Malformed, Refusal
from doublelock.protocol.note import Note, SignatureType, parse_note, parse_signatures
from doublelock.protocol.policy import parse_policy, refuse_stale
from doublelock.protocol.witnessing import AddCheckpoint, parse_request, permit_cosignature

_LOG = NoteSigner("example.com/log", SignatureType.ED25519, b"L" * 32)
_NOW_MS = 1_700_000_000_000


def _witness(number: int, kind: SignatureType = SignatureType.COSIGNATURE_ED25519) -> NoteSigner:
    return NoteSigner(f"witness.example/w{number}", kind, bytes([number]) * 32)


def _clock() -> int:
    return _NOW_MS


class _Tree:
    def __init__(self, tag: bytes, size: int) -> None:
        self.leaves = [merkle.leaf_hash(tag + b"%d" % i) for i in range(size)]

    def node(self, level: int, index: int) -> bytes:
        return merkle.reduce_perfect(self.leaves[index << level : (index + 1) << level])

    def note(self, size: int, signer: NoteSigner = _LOG, origin: str = "example.com/log") -> Note:
        head = Checkpoint(origin, size, merkle.range_root(0, size, self.node))
        return Note(head.encode(), (signer.sign(head, 1),))

    def ask(self, old: int, new: int) -> bytes:
        proof = merkle.prove_consistency(old, new, self.node)
        return AddCheckpoint(old, proof, self.note(new)).encode()


_TREE = _Tree(b"a", 64)
_FORK = _Tree(b"b", 64)
_SEEN = Checkpoint("example.com/log", 3, merkle.range_root(0, 3, _TREE.node))


async def test_a_witness_cosigns_growth_and_refuses_all_else(tmp_path: Path, serve: Serve) -> None:
    signers = [_witness(1), _witness(1, SignatureType.COSIGNATURE_MLDSA44)]
    url = await serve(make_app(tmp_path, signers, [_LOG.key], _clock))
    async with httpx.AsyncClient(base_url=url) as http:

        async def ask(body: bytes) -> httpx.Response:
            return await http.post("/add-checkpoint", content=body)

        where = f"/{hashlib.sha256(b'example.com/log').hexdigest()}/checkpoint"
        assert (await http.get(where)).status_code == 404
        first = await ask(_TREE.ask(0, 5))
        assert first.status_code == 200
        head = Checkpoint("example.com/log", 5, merkle.range_root(0, 5, _TREE.node))
        for line, signer in zip(parse_signatures(first.text), signers, strict=True):
            assert verify_cosignature(line, signer.key, head).time_s == _NOW_MS // 1000
        stale = await ask(_TREE.ask(0, 9))
        assert (stale.status_code, stale.text) == (409, "5\n")
        assert stale.headers["content-type"] == "text/x.tlog.size"
        assert (await ask(_TREE.ask(5, 9))).status_code == 200
        assert (await ask(_TREE.ask(9, 9))).status_code == 200
        # A fork of the same size, a fork that grows, a proof that is not one, a size that shrinks.
        for old, new in ((9, 9), (9, 12)):
            assert (await ask(_FORK.ask(old, new))).status_code == 422
        assert (await ask(AddCheckpoint(9, (), _TREE.note(12)).encode())).status_code == 422
        assert (await ask(AddCheckpoint(9, (), _TREE.note(5)).encode())).status_code == 400
        # An unknown log, an unknown key, a signature that does not hold, no request at all.
        other = NoteSigner("example.com/other", SignatureType.ED25519, b"L" * 32)
        strange = _TREE.note(12, other, "example.com/other")
        assert (await ask(AddCheckpoint(9, (), strange).encode())).status_code == 404
        proof = merkle.prove_consistency(9, 12, _TREE.node)
        forged = NoteSigner("example.com/log", SignatureType.ED25519, b"X" * 32)
        assert (
            await ask(AddCheckpoint(9, proof, _TREE.note(12, forged)).encode())
        ).status_code == 403
        bad = Note(_TREE.note(12).text, _TREE.note(11).signatures)
        assert (await ask(AddCheckpoint(9, proof, bad).encode())).status_code == 403
        for body in (b"", b"old 9\n\n", b"old x\n\nx", b"\xff" * 50, b"old 9\n" * 90):
            assert (await ask(body)).status_code == 400
        assert (await ask(b"x" * 400_000)).status_code == 413
        served = await http.get(where)
        assert served.status_code == 200
        policy = parse_policy(
            f"log {_LOG.key.encode()}\nwitness w {signers[0].key.encode()}\nquorum w\n".encode()
        )
        assert policy.verify(served.content).checkpoint.size == 9
    # What it has seen outlives it.
    url = await serve(make_app(tmp_path, signers, [_LOG.key], _clock))
    async with httpx.AsyncClient(base_url=url) as http:
        again = await http.post("/add-checkpoint", content=_FORK.ask(0, 20))
        assert (again.status_code, again.text) == (409, "9\n")


async def test_two_histories_at_once_get_one_cosignature(tmp_path: Path, serve: Serve) -> None:
    url = await serve(make_app(tmp_path, [_witness(1)], [_LOG.key], _clock))
    async with httpx.AsyncClient(base_url=url) as http:
        asks = [tree.ask(0, size) for size in range(1, 20) for tree in (_TREE, _FORK)]
        answers = await asyncio.gather(*(http.post("/add-checkpoint", content=a) for a in asks))
        codes = [answer.status_code for answer in answers]
        assert codes.count(200) == 1
        assert codes.count(409) == len(codes) - 1


def test_an_empty_tree_must_have_the_empty_root(tmp_path: Path) -> None:
    head = Checkpoint("example.com/log", 0, merkle.leaf_hash(b"x"))
    request = AddCheckpoint(0, (), Note(head.encode(), (_LOG.sign(head, 1),)))
    assert parse_request(request.encode()) == request
    witness = Witness(tmp_path, [_witness(1)], [_LOG.key], _clock)
    with pytest.raises(LogRefused) as refusal:
        witness.add_checkpoint(request.encode())
    assert refusal.value.code is Code.LOG_PROOF
    with pytest.raises(Malformed):
        parse_request(b"old 0\n" + b"A" * 43 + b"=\n" * 70 + b"\n" + request.note.encode())


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 7))
def test_requests_that_are_no_requests_are_refused_by_name(data: bytes, at: int, bit: int) -> None:
    good = bytearray(_TREE.ask(3, 9))
    good[at % len(good)] ^= 1 << bit
    for body in (data, b"old 3\n\n" + data, b"old 3\n" + data, bytes(good)):
        try:
            request = parse_request(body)
        except Malformed:
            continue
        with pytest.raises(Refusal):
            permit_cosignature(request, _SEEN, [_LOG.key])


@pytest.mark.parametrize(
    "answer",
    [
        (200, b""), (200, b"\xff\n"), (200, b"nonsense\n"), (200, b"x" * 300_000),
        (409, b""), (409, b"99\n"), (409, b"-1\n"), (409, b"0\n"), (500, b"no"),
        (200, "— witness.example/w1 AAAAAAAA\n".encode()),
    ],
)  # fmt: skip
async def test_a_witness_that_answers_nonsense_is_passed_over(
    tmp_path: Path, serve: Serve, answer: tuple[int, bytes]
) -> None:
    async def nonsense(_: Request) -> Response:
        return Response(answer[1], answer[0])

    url = await serve(Starlette(routes=[Route("/add-checkpoint", nonsense, methods=["POST"])]))
    good = await serve(make_app(tmp_path / "w", [_witness(2)], [_LOG.key], _clock))
    policy = parse_policy(
        f"log {_LOG.key.encode()}\nwitness a {_witness(1).key.encode()} {url}\n"
        f"witness b {_witness(2).key.encode()} {good}\ngroup g any a b\nquorum g\n".encode()
    )
    log = await Sequencer.open(tmp_path / "log", _LOG, _clock)
    await log.append(b"one")
    async with httpx.AsyncClient() as http:
        cosigned = await Publisher(log, lambda: [policy], [url, good], http).publish()
    assert [c.key.name for c in cosigned.cosignatures] == ["witness.example/w2"]
    await log.close()


async def test_a_log_publishes_with_a_quorum_and_not_without(tmp_path: Path, serve: Serve) -> None:
    signers = [_witness(n) for n in (1, 2, 3)]
    urls = [
        await serve(make_app(tmp_path / f"w{n}", [signer], [_LOG.key], _clock))
        for n, signer in enumerate(signers[:2])
    ]
    urls.append("http://127.0.0.1:9")
    lines = [f"log {_LOG.key.encode()}"]
    lines += [
        f"witness w{n} {s.key.encode()} {url}"
        for n, (s, url) in enumerate(zip(signers, urls, strict=True))
    ]
    two = parse_policy("\n".join([*lines, "group g 2 w0 w1 w2", "quorum g", ""]).encode())
    three = parse_policy("\n".join([*lines, "group g all w0 w1 w2", "quorum g", ""]).encode())
    log = await Sequencer.open(tmp_path / "log", _LOG, _clock)
    async with httpx.AsyncClient() as http:
        await log.append(b"one")
        with pytest.raises(LogRefused) as refusal:
            await Publisher(log, lambda: [three], urls, http).publish()
        assert refusal.value.code is Code.LOG_QUORUM
        assert "w2" in refusal.value.detail
        assert log.published() is None
        publisher = Publisher(log, lambda: [two], urls, http)
        for size in (1, 2, 5, 300):
            while log.checkpoint().checkpoint.size < size:
                await log.append(b"%d" % log.checkpoint().checkpoint.size)
            cosigned = await publisher.publish()
            assert cosigned.checkpoint.size == size
            assert log.published() == cosigned.note.encode()
            assert two.verify(parse_note(cosigned.note.encode())) == cosigned
        refuse_stale(cosigned, _NOW_MS + 60_000, 60)
        for now_ms in (_NOW_MS + 62_000, _NOW_MS - 120_000):
            with pytest.raises(LogRefused):
                refuse_stale(cosigned, now_ms, 60)
    await log.close()
