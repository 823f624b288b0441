"""Our logs in the hands of others: Torchwood and Go's sumdb libraries verify, litewitness cosigns.

Needs `go`, and its module proxy or cache for the first build; skips, saying so, without them.
"""

import asyncio
import base64
import hashlib
import os
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from loopback import Serve, serving  # noqa: F401 - the fixture `serve`

from doublelock.log.reader import FolderFetch, LogReader
from doublelock.log.sequencer import Sequencer
from doublelock.log.witness import make_app
from doublelock.log.witness_client import Publisher
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.note import Note, SignatureType
from doublelock.protocol.policy import Policy, parse_policy

_MODULE = Path(__file__).parent / "thirdparty"
_GO = shutil.which("go")
_LOG = NoteSigner("example.com/log", SignatureType.ED25519, b"L" * 32)
_OURS = [
    NoteSigner(f"witness.example/w{n}", SignatureType.COSIGNATURE_ED25519, bytes([n]) * 32)
    for n in (1, 2)
]
_THEIRS = NoteSigner("witness.example/lite", SignatureType.COSIGNATURE_ED25519, b"T" * 32)

pytestmark = pytest.mark.skipif(_GO is None, reason="go is absent: third parties cannot be asked")


def _clock() -> int:
    return 1_700_000_000_000


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the checker and litewitness; Go's own cache keeps them between runs."""
    folder = tmp_path_factory.mktemp("bin")
    assert _GO is not None
    build = subprocess.run(
        [_GO, "build", "-mod=readonly", "-o", f"{folder}/", ".",
         "filippo.io/torchwood/cmd/litewitness"],
        cwd=_MODULE, capture_output=True, text=True, timeout=240,
        env={**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}, check=False,
    )  # fmt: skip
    if build.returncode and ("dial tcp" in build.stderr or "lookup " in build.stderr):
        pytest.skip("Go's module proxy is not reached and its cache is empty")
    assert build.returncode == 0, build.stderr
    return folder


async def _run(programs: Path, *words: str | Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        programs / "thirdparty", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


def _policy(witnesses: list[tuple[NoteSigner, str]], threshold: int) -> Policy:
    lines = [f"log {_LOG.key.encode()}"]
    lines += [f"witness w{n} {s.key.encode()} {url}" for n, (s, url) in enumerate(witnesses)]
    names = " ".join(f"w{n}" for n in range(len(witnesses)))
    return parse_policy("\n".join([*lines, f"group g {threshold} {names}", "quorum g\n"]).encode())


async def test_torchwood_verifies_our_checkpoint_tiles_and_proofs(
    tmp_path: Path, programs: Path, serve: Serve
) -> None:
    urls = [await serve(make_app(tmp_path / s.key.name, [s], [_LOG.key], _clock)) for s in _OURS]
    policy = _policy(list(zip(_OURS, urls, strict=True)), 2)
    (tmp_path / "policy").write_bytes(policy.encode())
    folder = tmp_path / "log"
    log = await Sequencer.open(folder, _LOG, _clock)
    async with httpx.AsyncClient() as http:
        publisher = Publisher(log, lambda: [policy], urls, http)
        for size in (1, 300, 1_000):
            start = log.checkpoint().checkpoint.size
            await asyncio.gather(*(log.append(b"entry %d" % i) for i in range(start, size)))
            await publisher.publish()
            code, said = await _run(programs, "note", tmp_path / "policy", folder / "checkpoint")
            assert (code, said) == (0, f"example.com/log {size}\n")
            code, said = await _run(programs, "tiles", tmp_path / "policy", folder, str(size))
            assert (code, said) == (0, f"{size}\n")
    await log.close()
    proof = await LogReader(FolderFetch(folder), policy).tlog_proof(777)
    (tmp_path / "proof").write_bytes(proof.encode())
    for entry, holds in ((b"entry 777", True), (b"entry 778", False)):
        (tmp_path / "entry").write_bytes(entry)
        code, said = await _run(
            programs, "proof", tmp_path / "policy", tmp_path / "entry", tmp_path / "proof"
        )
        assert (code == 0) is holds, said
    # One cosignature short, Torchwood refuses what our policy refuses.
    short = Note(proof.note.text, proof.note.signatures[:-1])
    (tmp_path / "short").write_bytes(short.encode())
    code, _ = await _run(programs, "note", tmp_path / "policy", tmp_path / "short")
    assert code == 1


async def test_a_go_client_is_cosigned_by_our_witness(
    tmp_path: Path, programs: Path, serve: Serve
) -> None:
    url = await serve(make_app(tmp_path / "w", [_OURS[0]], [_LOG.key], _clock))
    log = await Sequencer.open(tmp_path / "log", _LOG, _clock)
    await log.append(b"entry 0")
    (tmp_path / "note").write_bytes(log.checkpoint().note.encode())
    vkey = _OURS[0].key.encode()
    code, said = await _run(programs, "witness", url, tmp_path / "note", vkey)
    assert (code, said) == (0, "witness.example/w1 1700000000\n")
    await log.append(b"entry 1")
    (tmp_path / "note").write_bytes(log.checkpoint().note.encode())
    code, said = await _run(programs, "witness", url, tmp_path / "note", vkey)
    assert code == 1
    assert "409" in said
    await log.close()


@pytest.fixture
def litewitness(programs: Path, tmp_path: Path) -> Iterator[str]:
    """Run litewitness with a key of its own and our log in its database; yield its URL."""
    folder = tmp_path / "lite"
    folder.mkdir()
    with ExitStack() as stack:
        # A Unix socket's path is short by nature; the folder's may not be.
        agent = stack.enter_context(
            subprocess.Popen(
                [programs / "thirdparty", "agent", "agent", (b"T" * 32).hex()],
                cwd=folder, stdout=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        stack.callback(agent.kill)
        assert agent.stdout is not None
        fingerprint = agent.stdout.readline().strip()
        with sqlite3.connect(folder / "db") as db:
            db.executescript(
                "CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL,"
                " tree_hash TEXT NOT NULL); CREATE TABLE key (origin TEXT NOT NULL,"
                " key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin));"
            )
            empty = base64.b64encode(hashlib.sha256(b"").digest()).decode()
            db.execute("INSERT INTO log VALUES (?, 0, ?)", (_LOG.key.name, empty))
            db.execute("INSERT INTO key VALUES (?, ?)", (_LOG.key.name, _LOG.key.encode()))
        db.close()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        witness = stack.enter_context(
            subprocess.Popen(
                [programs / "litewitness", "-name", _THEIRS.key.name, "-db", "db", "-ssh-agent",
                 "agent", "-listen", address, "-key", fingerprint],
                cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
        stack.callback(witness.kill)
        assert witness.stderr is not None
        for line in witness.stderr:
            if "msg=listening" in line:
                break
        else:
            pytest.fail("litewitness did not start")
        yield f"http://{address}"


async def test_litewitness_cosigns_our_log(
    litewitness: str, tmp_path: Path, programs: Path, serve: Serve
) -> None:
    ours = await serve(make_app(tmp_path / "w", [_OURS[0]], [_LOG.key], _clock))
    policy = _policy([(_THEIRS, litewitness), (_OURS[0], ours)], 2)
    log = await Sequencer.open(tmp_path / "log", _LOG, _clock)
    async with httpx.AsyncClient() as http:
        publisher = Publisher(log, lambda: [policy], [litewitness, ours], http)
        for size in (3, 3, 300, 1_000):
            start = log.checkpoint().checkpoint.size
            await asyncio.gather(*(log.append(b"entry %d" % i) for i in range(start, size)))
            cosigned = await publisher.publish()
            assert cosigned.checkpoint.size == size
            names = {c.key.name for c in cosigned.cosignatures}
            assert names == {_THEIRS.key.name, _OURS[0].key.name}
        # A publisher that has forgotten where the witness stands learns it from the 409.
        await log.append(b"entry 1000")
        assert (
            await Publisher(log, lambda: [policy], [litewitness, ours], http).publish()
        ).checkpoint.size == 1_001
    await log.close()
