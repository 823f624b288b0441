"""A client's copy of a log, grown while the log grows on (spec L-12, L-13)."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from doublelock.client.mirror import LogMirror
from doublelock.log.reader import FolderFetch
from doublelock.log.sequencer import Sequencer
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.errors import LogRefused
from doublelock.protocol.note import Note, SignatureType
from doublelock.protocol.policy import CosignedCheckpoint, parse_policy

_LOG = NoteSigner("example.com/log", SignatureType.ED25519, b"L" * 32)
_POLICY = parse_policy(f"log {_LOG.key.encode()}\nquorum none\n".encode())


async def _judge(_: Sequence[bytes], note: Note) -> CosignedCheckpoint:
    """Ask for no witness: this is about the entries."""
    return _POLICY.verify(note)


async def _grow(folder: Path, size: int) -> bytes:
    """Grow a log in a folder; return its checkpoint."""
    log = await Sequencer.open(folder, _LOG, lambda: 1)
    start = log.checkpoint().checkpoint.size
    for index in range(start, size):
        await log.append(b"%d" % index)
    head = _POLICY.verify((await log.prepare()).note)
    await log.adopt(head)
    await log.close()
    return head.note.encode()


async def test_a_partial_bundle_that_is_gone_is_the_start_of_the_full_one(tmp_path: Path) -> None:
    """The log passes 256 entries between a client's reading its checkpoint and the bundle."""
    before = await _grow(tmp_path, 250)
    after = await _grow(tmp_path, 300)
    files, checkpoint = FolderFetch(tmp_path), before

    async def fetch(path: str) -> bytes:
        data = checkpoint if path == "checkpoint" else await files(path)
        if data is None:
            raise LogRefused(Code.LOG_MISSING, path)
        return data

    mirror = LogMirror(fetch)
    assert await mirror.grow(_POLICY, _judge) == [b"%d" % index for index in range(250)]
    checkpoint = after
    assert await mirror.grow(_POLICY, _judge) == [b"%d" % index for index in range(250, 300)]
    assert mirror.size == 300


async def test_a_log_that_serves_neither_is_refused(tmp_path: Path) -> None:
    note = await _grow(tmp_path, 3)

    async def fetch(path: str) -> bytes:
        if path == "checkpoint":
            return note
        raise LogRefused(Code.LOG_MISSING, path)

    mirror = LogMirror(fetch)
    with pytest.raises(LogRefused) as refused:
        await asyncio.wait_for(mirror.grow(_POLICY, _judge), 10)
    assert refused.value.code is Code.LOG_MISSING
    assert mirror.size == 0
