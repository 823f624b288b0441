"""The sequencer: places, heads, proofs, crashes."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from doublelock.log.reader import FolderFetch, LogReader
from doublelock.log.sequencer import Sequencer
from doublelock.protocol import merkle
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.errors import LogRefused
from doublelock.protocol.note import Note, SignatureType
from doublelock.protocol.policy import parse_policy

_SIGNER = NoteSigner("example.com/log", SignatureType.ED25519, b"L" * 32)
_POLICY = parse_policy(f"log {_SIGNER.key.encode()}\nquorum none\n".encode())


_LOAD = Path(__file__).parent / "append_load.py"


def _clock() -> int:
    return 1_000_000


async def _open(folder: Path, *, dedup: bool = False) -> Sequencer:
    return await Sequencer.open(folder, _SIGNER, _clock, dedup=dedup)


async def _fill(log: Sequencer, count: int, tag: str = "e") -> None:
    await asyncio.gather(*(log.append(f"{tag}{i}".encode()) for i in range(count)))


async def test_every_entry_gets_a_place_and_every_proof_holds(tmp_path: Path) -> None:
    log = await _open(tmp_path)
    places = await asyncio.gather(*(log.append(b"%d" % i) for i in range(1_000)))
    assert [p.index for p in places] == list(range(1_000))
    head = log.checkpoint().checkpoint
    assert head.size == 1_000
    for index in (0, 1, 255, 256, 511, 998, 999):
        path = await log.proof(index)
        merkle.verify_inclusion(places[index].leaf, index, 1_000, path, head.root)
        assert await log.entry(index) == b"%d" % index
    await _fill(log, 5_000)
    new = log.checkpoint().checkpoint
    proof = await log.consistency(head.size)
    merkle.verify_consistency(head.size, new.size, proof, head.root, new.root)
    path = await log.proof(300, 1_000)
    merkle.verify_inclusion(places[300].leaf, 300, 1_000, path, head.root)
    assert await log.entry(3) == b"3"
    await log.close()


async def test_a_log_reopens_where_it_was(tmp_path: Path) -> None:
    for total in (0, 100, 256, 300, 70_000, 70_001):
        log = await _open(tmp_path)
        await _fill(log, total - log.checkpoint().checkpoint.size)
        head = log.checkpoint().checkpoint
        assert head.size == total
        await log.close()
    log = await _open(tmp_path)
    assert log.checkpoint().checkpoint == head
    assert await log.entry(69_999) is not None
    await log.close()


async def test_dedup_returns_the_first_place(tmp_path: Path) -> None:
    log = await _open(tmp_path, dedup=True)
    first, again, other = await asyncio.gather(log.append(b"a"), log.append(b"a"), log.append(b"b"))
    assert (first.index, again.index, other.index) == (0, 0, 1)
    assert (first.duplicate, again.duplicate) == (False, True)
    await log.close()
    log = await _open(tmp_path, dedup=True)
    assert (await log.append(b"b")).index == 1
    assert log.checkpoint().checkpoint.size == 2
    await log.close()


async def test_entries_over_the_limit_and_closed_logs_are_refused(tmp_path: Path) -> None:
    log = await _open(tmp_path)
    assert (await log.append(b"x" * 65_535)).index == 0
    assert (await log.append(b"")).index == 1
    with pytest.raises(LogRefused) as refusal:
        await log.append(b"x" * 65_536)
    assert refusal.value.code is Code.SIZE
    for index in (-1, 2):
        with pytest.raises(LogRefused):
            await log.entry(index)
        with pytest.raises(LogRefused):
            await log.proof(index)
    await log.close()
    with pytest.raises(LogRefused) as refusal:
        await log.append(b"late")
    assert refusal.value.code is Code.LOG_CLOSED


async def test_two_writers_cannot_fork_a_log(tmp_path: Path) -> None:
    log = await _open(tmp_path)
    with pytest.raises(LogRefused) as refusal:
        await _open(tmp_path)
    assert refusal.value.code is Code.LOG_CLOSED
    await log.close()


async def test_a_changed_entry_or_tile_is_noticed(tmp_path: Path) -> None:
    log = await _open(tmp_path)
    await _fill(log, 600)
    await log.close()
    tile = tmp_path / "tile" / "0" / "001"
    data = bytearray(tile.read_bytes())
    data[7] ^= 1
    tile.write_bytes(data)
    with pytest.raises(LogRefused) as refusal:
        await _open(tmp_path)
    assert refusal.value.code is Code.LOG_CORRUPT


async def test_only_this_logs_checkpoints_are_published_and_never_back(tmp_path: Path) -> None:
    log = await _open(tmp_path)
    assert log.published() is None
    await _fill(log, 10)
    old = _POLICY.verify((await log.prepare()).note)
    await _fill(log, 10)
    await log.adopt(_POLICY.verify((await log.prepare()).note))
    with pytest.raises(LogRefused) as refusal:
        await log.adopt(old)
    assert refusal.value.code is Code.LOG_STALE
    fork = old.checkpoint.__class__("example.com/log", 20, merkle.leaf_hash(b"fork"))
    note = Note(fork.encode(), (_SIGNER.sign(fork, 1),))
    with pytest.raises(LogRefused) as refusal:
        await log.adopt(_POLICY.verify(note))
    assert refusal.value.code is Code.LOG_FORK
    await log.close()


async def test_killed_at_random_points_it_loses_nothing_acknowledged(tmp_path: Path) -> None:
    told: dict[int, str] = {}
    dice = random.Random(7)
    heads: list[Checkpoint] = []
    for run in range(5):
        process = subprocess.Popen(  # noqa: ASYNC220 - it is killed at once
            [sys.executable, str(_LOAD), str(tmp_path), str(run)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        await asyncio.sleep(0.05 + dice.random() * 0.4)
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().split("\n")
        process.stdout.close()
        process.wait()
        fresh = {int(index): entry for index, entry in (line.split(" ") for line in lines[:-1])}
        assert not told.keys() & fresh.keys()
        told |= fresh
        log = await _open(tmp_path)
        head = log.checkpoint().checkpoint
        for old in heads:
            proof = await log.consistency(old.size)
            merkle.verify_growth(old.size, head.size, proof, old.root, head.root)
        heads.append(head)
        for index in (*dice.sample(sorted(fresh), 100), max(fresh), *dice.sample(sorted(told), 50)):
            assert await log.entry(index) == told[index].encode()
        await log.close()
    reader = LogReader(FolderFetch(tmp_path), _POLICY)
    log = await _open(tmp_path)
    await log.adopt(_POLICY.verify((await log.prepare()).note))
    await log.close()
    held = {index: entry.decode() async for index, entry in reader.entries()}
    assert told.items() <= held.items()
    assert len(told) > 500


async def test_a_logs_folders_are_its_owners(tmp_path: Path) -> None:
    """Whatever the umask: who may read the log gets it from the server."""
    before = os.umask(0o022)
    try:
        log = await _open(tmp_path / "log")
        await _fill(log, 600)
        await log.close()
    finally:
        os.umask(before)
    folders = [Path(folder) for folder, _, _ in os.walk(tmp_path / "log")]
    assert len(folders) > 1
    assert {oct(one.stat().st_mode & 0o077) for one in folders} == {"0o0"}
