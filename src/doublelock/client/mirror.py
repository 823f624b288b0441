"""A whole copy of one log, grown from cosigned checkpoints only (spec L-12, Y-12).

Every entry is fetched, so the root over all of them is the proof: a log that rewrites, hides or
forks what was seen before cannot match. Nothing is believed before the witnesses have cosigned.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from doublelock.protocol import limits, merkle
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import LogRefused
from doublelock.protocol.note import Note
from doublelock.protocol.policy import CosignedCheckpoint, Policy
from doublelock.protocol.tile import WIDTH, Tile, decode_bundle, tile_at

Fetch = Callable[[str], Awaitable[bytes]]
"""Returns the file at a path under the log's prefix, such as `checkpoint`."""

Judge = Callable[[Sequence[bytes], Note], Awaitable[CosignedCheckpoint]]
"""Returns a checkpoint as cosigned, given the entries that it brings, or raises a Refusal."""

_BUNDLE: Final = WIDTH * (limits.TILE_ENTRY + 2)


class Frontier:
    """The root of a growing list, from the perfect subtrees on its right edge alone."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[tuple[int, bytes]] = []

    def copy(self) -> "Frontier":
        """Return a frontier that grows apart from this one."""
        other = Frontier()
        other.size, other._peaks = self.size, list(self._peaks)
        return other

    def add(self, entry: bytes) -> None:
        """Append an entry."""
        level, node = 0, merkle.leaf_hash(entry)
        while self._peaks and self._peaks[-1][0] == level:
            node = merkle.node_hash(self._peaks.pop()[1], node)
            level += 1
        self._peaks.append((level, node))
        self.size += 1

    def root(self) -> bytes:
        """Return the tree hash of all entries (RFC 6962 §2.1)."""
        if not self._peaks:
            return merkle.EMPTY_ROOT
        node = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            node = merkle.node_hash(left, node)
        return node


class LogMirror:
    """One log's entries up to the newest cosigned checkpoint; `entries` only ever grows."""

    def __init__(self, fetch: Fetch, entries: Sequence[bytes] = ()) -> None:
        self._fetch = fetch
        self._frontier = Frontier()
        self.entries: list[bytes] = []
        self.checkpoint: CosignedCheckpoint | None = None
        for entry in entries:
            self._frontier.add(entry)
            self.entries.append(entry)

    @property
    def size(self) -> int:
        """How many entries are mirrored."""
        return self._frontier.size

    def root(self) -> bytes:
        """Return the root over the mirrored entries."""
        return self._frontier.root()

    def check_head(self, size: int, root: bytes) -> None:
        """Refuse a mirror whose history differs from a head that was seen before.

        Raises LogRefused(log-fork, log-stale).
        """
        if size > self.size:
            raise LogRefused(Code.LOG_STALE, f"{self.size} entries, {size} were there")
        if size == self.size:
            found = self.root()
        else:
            frontier = Frontier()
            for entry in self.entries[:size]:
                frontier.add(entry)
            found = frontier.root()
        if found != root:
            raise LogRefused(Code.LOG_FORK, f"at size {size}")

    async def grow(self, signed: Policy, judge: Judge) -> list[bytes]:
        """Fetch the newest checkpoint and what came since; return the new entries.

        `signed` asks for the log's own signature alone; once the entries give the root, `judge`
        says if those have cosigned it who must (R-40). Raises LogRefused: what either refuses,
        log-stale (smaller than mirrored), log-fork (the root over everything does not match);
        Malformed. On any of them the mirror is as it was.
        """
        read = signed.verify(await self._fetch("checkpoint"))
        size, root = read.checkpoint.size, read.checkpoint.root
        if size < self.size:
            raise LogRefused(Code.LOG_STALE, f"checkpoint of {size}, {self.size} are known")
        frontier = self._frontier.copy()
        fresh: list[bytes] = []
        while frontier.size < size:
            tile = tile_at(None, frontier.size, size)
            for entry in (await self._bundle(tile))[frontier.size - tile.index * WIDTH :]:
                frontier.add(entry)
                fresh.append(entry)
        if frontier.root() != root:
            raise LogRefused(Code.LOG_FORK, f"at size {size}")
        cosigned = await judge(fresh, read.note)
        self._frontier = frontier
        self.entries.extend(fresh)
        self.checkpoint = cosigned
        return fresh

    async def _bundle(self, tile: Tile) -> list[bytes]:
        """Return a bundle's entries; of a partial one that is gone, the start of the full one.

        A log keeps no partial bundle once it is full (tlog-tiles), so one that grew past it since
        its checkpoint was read is no fault.
        """
        width = tile.width
        try:
            data = await self._fetch(tile.path())
        except LogRefused as refusal:
            if refusal.code is not Code.LOG_MISSING or width == WIDTH:
                raise
            tile = Tile(None, tile.index)
            data = await self._fetch(tile.path())
        if len(data) > _BUNDLE:
            raise LogRefused(Code.LOG_CORRUPT, "bundle too large")
        return decode_bundle(data, tile.width)[:width]
