"""A reader who trusts nobody: what it accepts over HTTP, and what it refuses."""

import asyncio
import shutil
from pathlib import Path

import httpx
import pytest
from loopback import Serve, serving  # noqa: F401 - the fixture `serve`
from starlette.applications import Starlette

from doublelock.log.reader import FolderFetch, HttpFetch, LogReader
from doublelock.log.sequencer import Sequencer
from doublelock.log.tiles import make_routes
from doublelock.protocol import merkle
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.errors import LogRefused, Refusal
from doublelock.protocol.note import SignatureType
from doublelock.protocol.policy import parse_policy
from doublelock.protocol.tlog_proof import verify_proof

_LOG = NoteSigner("example.com/log", SignatureType.ED25519, b"L" * 32)
_POLICY = parse_policy(f"log {_LOG.key.encode()}\nquorum none\n".encode())


async def _grow(folder: Path, size: int, tag: str = "e") -> None:
    log = await Sequencer.open(folder, _LOG, lambda: 1)
    start = log.checkpoint().checkpoint.size
    await asyncio.gather(*(log.append(f"{tag}{i}".encode()) for i in range(start, size)))
    await log.adopt(_POLICY.verify((await log.prepare()).note))
    await log.close()


async def test_every_entry_and_proof_over_http(tmp_path: Path, serve: Serve) -> None:
    url = await serve(Starlette(routes=make_routes(tmp_path, "/logs/key")))
    async with httpx.AsyncClient() as http:
        reader = LogReader(HttpFetch(http, f"{url}/logs/key"), _POLICY)
        with pytest.raises(LogRefused) as refusal:
            await reader.refresh()
        assert refusal.value.code is Code.LOG_MISSING
        seen: list[bytes] = []
        for size in (0, 1, 255, 256, 257, 700):
            await _grow(tmp_path, size)
            old = reader.head.checkpoint if reader.head else None
            new = (await reader.refresh()).checkpoint
            async for index, entry in reader.entries(len(seen)):
                assert index == len(seen)
                seen.append(entry)
            assert seen == [b"e%d" % i for i in range(size)]
            for index in {0, size // 3, size // 2, size - 1} if size else ():
                proof = await reader.tlog_proof(index)
                assert verify_proof(proof.encode(), seen[index], _POLICY).index == index
                assert await reader.entry(index) == seen[index]
            if old is not None and old.size:
                consistency = await reader.consistency(old.size)
                merkle.verify_consistency(old.size, size, consistency, old.root, new.root)
        answer = await http.get(f"{url}/logs/key/checkpoint")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        tile = await http.get(f"{url}/logs/key/tile/0/000")
        assert tile.headers["content-type"] == "application/octet-stream"
        assert "immutable" in tile.headers["cache-control"]
        assert len(tile.content) == 8192
        for path in ("tile/0/000/../../../lock", "tile/0/%2e%2e/lock", "tile/x", "tile/0/1"):
            assert (await http.get(f"{url}/logs/key/{path}")).status_code in (400, 404)
        assert (await http.get(f"{url}/logs/key/tile/0/999")).status_code == 404


async def test_a_log_of_three_levels(tmp_path: Path) -> None:
    size = 66_000
    await _grow(tmp_path, size)
    reader = LogReader(FolderFetch(tmp_path), _POLICY)
    head = (await reader.refresh()).checkpoint
    for index in (0, 65_535, 65_536, size - 1):
        proof = await reader.tlog_proof(index)
        assert verify_proof(proof.encode(), b"e%d" % index, _POLICY).index == index
        assert await reader.entry(index) == b"e%d" % index
    old = merkle.range_root(0, 1, lambda _level, _index: merkle.leaf_hash(b"e0"))
    merkle.verify_consistency(1, size, await reader.consistency(1), old, head.root)


@pytest.mark.parametrize("name", ["tile/0/001", "tile/entries/001", "tile/1/000.p/2"])
async def test_a_changed_file_is_refused(tmp_path: Path, name: str) -> None:
    await _grow(tmp_path, 700)
    path = tmp_path / name
    data = bytearray(path.read_bytes())
    data[9] ^= 1
    path.write_bytes(data)
    reader = LogReader(FolderFetch(tmp_path), _POLICY)
    with pytest.raises(Refusal) as refusal:
        async for _ in reader.entries():
            pass
    assert refusal.value.code is Code.LOG_PROOF


async def test_a_fork_and_a_rollback_are_named(tmp_path: Path) -> None:
    await _grow(tmp_path / "a", 300)
    shutil.copytree(tmp_path / "a", tmp_path / "old")
    await _grow(tmp_path / "a", 600)
    reader = LogReader(FolderFetch(tmp_path / "a"), _POLICY)
    head = await reader.refresh()
    for folder, size, code in (("old", 300, Code.LOG_STALE), ("b", 600, Code.LOG_FORK),
                               ("c", 900, Code.LOG_FORK)):  # fmt: skip
        await _grow(tmp_path / folder, size, "x")
        liar = LogReader(FolderFetch(tmp_path / folder), _POLICY, head)
        with pytest.raises(LogRefused) as refusal:
            await liar.refresh()
        assert refusal.value.code is code
        assert liar.head == head


async def test_a_missing_partial_tile_comes_from_the_full_one(tmp_path: Path) -> None:
    await _grow(tmp_path, 300)
    note = (tmp_path / "checkpoint").read_bytes()
    await _grow(tmp_path, 600)
    assert not (tmp_path / "tile/0/001.p").exists()
    (tmp_path / "checkpoint").write_bytes(note)
    for level in ("tile/1",):
        assert (tmp_path / level / "000.p/1").exists()
    reader = LogReader(FolderFetch(tmp_path), _POLICY)
    assert [entry async for _, entry in reader.entries(298)] == [b"e298", b"e299"]
