"""Reads a log that nobody need trust: every hash is checked against a cosigned root (spec L-19)."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final, Protocol

import httpx

from doublelock.protocol import limits, merkle
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import LogRefused, Refusal
from doublelock.protocol.policy import CosignedCheckpoint, Policy
from doublelock.protocol.tile import (
    HEIGHT,
    LEVELS,
    WIDTH,
    Tile,
    decode_bundle,
    decode_hashes,
    encode_bundle,
    tile_at,
)
from doublelock.protocol.tlog_proof import TlogProof

_CACHED_TILES: Final = 1_024
_FILE_MAX: Final = WIDTH * (limits.TILE_ENTRY + 2)


class Fetch(Protocol):
    """Gets a file of the log by its path under the prefix; None when it is not there."""

    async def __call__(self, path: str) -> bytes | None:
        """Return the file's bytes."""


class FolderFetch:
    """Reads a log from a local folder, such as an evidence package holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, path: str) -> bytes | None:
        """Return the file's bytes, or None."""
        try:
            return await asyncio.to_thread((self._folder / path).read_bytes)
        except OSError:
            return None


class HttpFetch:
    """Reads a log over HTTP under a prefix; raises LogRefused LOG_MISSING when it gets nothing."""

    def __init__(self, http: httpx.AsyncClient, prefix: str) -> None:
        self._http = http
        self._prefix = prefix.rstrip("/")

    async def __call__(self, path: str) -> bytes | None:
        """Return the file's bytes, at most a full bundle's, or None."""
        data = bytearray()
        try:
            async with self._http.stream("GET", f"{self._prefix}/{path}") as answer:
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return None
                if answer.status_code != httpx.codes.OK:
                    raise LogRefused(Code.LOG_MISSING, f"{path}: status {answer.status_code}")
                async for piece in answer.aiter_bytes():
                    data += piece
                    if len(data) > _FILE_MAX:
                        raise LogRefused(Code.SIZE, path)
        except httpx.HTTPError as problem:
            raise LogRefused(Code.LOG_MISSING, f"{path}: {type(problem).__name__}") from None
        return bytes(data)


class LogReader:
    """Follows one log under a policy; `head` is the last that was accepted, kept by the caller."""

    def __init__(
        self, fetch: Fetch, policy: Policy, head: CosignedCheckpoint | None = None
    ) -> None:
        self._fetch = fetch
        self._policy = policy
        self.head = head
        self._edge: dict[int, list[bytes]] = {}
        self._edge_size = -1
        self._tiles: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()

    async def refresh(self) -> CosignedCheckpoint:
        """Return the log's latest cosigned checkpoint, consistent with the one before.

        Raises LogRefused: LOG_MISSING, what `Policy.verify` raises, LOG_STALE (smaller than what
        was seen), LOG_FORK (another history), LOG_PROOF (tiles that do not give the root).
        """
        data = await self._fetch("checkpoint")
        if data is None:
            raise LogRefused(Code.LOG_MISSING, "checkpoint")
        new = self._policy.verify(data)
        old = self.head
        if old is not None:
            await self._check_growth(old.checkpoint, new.checkpoint)
        await self._load_edge(new.checkpoint)
        self.head = new
        return new

    async def entries(self, start: int = 0) -> AsyncIterator[tuple[int, bytes]]:
        """Yield every entry from `start` to the head's size, each checked against the root."""
        head = await self._ready()
        for number in range(start // WIDTH, -(-head.size // WIDTH)):
            if number * WIDTH >= head.size:
                return
            tile = tile_at(None, number * WIDTH, head.size)
            bundle = decode_bundle(await self._get(tile), tile.width)
            hashes = await self._tile(0, number, head)
            for at, entry in enumerate(bundle):
                if merkle.leaf_hash(entry) != hashes[at]:
                    raise LogRefused(Code.LOG_PROOF, f"entry {number * WIDTH + at}")
                if number * WIDTH + at >= start:
                    yield number * WIDTH + at, entry

    async def entry(self, index: int) -> bytes:
        """Return one entry, checked against the root. Raises LogRefused."""
        async for at, entry in self.entries(index):
            if at == index:
                return entry
        raise LogRefused(Code.LOG_RANGE, f"entry {index}")

    async def inclusion(self, index: int) -> tuple[bytes, ...]:
        """Return an entry's path in the head's tree, from checked tiles. Raises LogRefused."""
        head = await self._ready()
        return await self._prove(
            head, lambda node: merkle.prove_inclusion(index, 0, head.size, node)
        )

    async def consistency(self, old: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of size `old` is a prefix of the head's."""
        head = await self._ready()
        return await self._prove(head, lambda node: merkle.prove_consistency(old, head.size, node))

    async def tlog_proof(self, index: int) -> TlogProof:
        """Return the offline proof of an entry under the head. Raises LogRefused (spec L-11)."""
        path = await self.inclusion(index)
        assert self.head is not None
        return TlogProof(index, path, self.head.note)

    async def _ready(self) -> Checkpoint:
        if self.head is None:
            await self.refresh()
        assert self.head is not None
        head = self.head.checkpoint
        if self._edge_size != head.size:
            await self._load_edge(head)
        return head

    async def _check_growth(self, old: Checkpoint, new: Checkpoint) -> None:
        if old.origin != new.origin:
            raise LogRefused(Code.LOG_FORK, "another log")
        if new.size < old.size:
            raise LogRefused(Code.LOG_STALE, f"size {new.size} after {old.size}")
        if new.size == old.size:
            if new.root != old.root:
                raise LogRefused(Code.LOG_FORK, f"two roots at size {new.size}")
            return
        await self._load_edge(new)
        proof = await self._prove(new, lambda n: merkle.prove_consistency(old.size, new.size, n))
        try:
            merkle.verify_growth(old.size, new.size, proof, old.root, new.root)
        except LogRefused:
            # Tiles that were checked against the other history must not serve this one.
            self._tiles.clear()
            self._edge_size = -1
            raise LogRefused(Code.LOG_FORK, f"from size {old.size} to {new.size}") from None

    async def _load_edge(self, head: Checkpoint) -> None:
        """Fetch the right edge: the root covers every hash in it, so one comparison checks all."""
        if self._edge_size == head.size:
            return
        edge = {}
        for level in range(LEVELS):
            count = head.size >> (HEIGHT * level)
            if count % WIDTH:
                tile = Tile(level, count // WIDTH, count % WIDTH)
                edge[level] = decode_hashes(await self._get(tile), tile.width)

        def node(level: int, index: int) -> bytes:
            tile_level, inner = divmod(level, HEIGHT)
            at = (index << inner) % WIDTH
            return merkle.reduce_perfect(edge[tile_level][at : at + (1 << inner)])

        if merkle.range_root(0, head.size, node) != head.root:
            raise LogRefused(Code.LOG_PROOF, "the tiles do not give the checkpoint's root")
        self._edge, self._edge_size = edge, head.size

    async def _tile(self, level: int, number: int, head: Checkpoint) -> list[bytes]:
        """Return the hashes of a tile once its parent vouches for it."""
        if number == head.size >> (HEIGHT * (level + 1)):
            return self._edge[level]
        known = self._tiles.get((level, number))
        if known is not None:
            return known
        parent = await self._tile(level + 1, number // WIDTH, head)
        hashes = decode_hashes(await self._get(Tile(level, number)), WIDTH)
        if merkle.reduce_perfect(hashes) != parent[number % WIDTH]:
            raise LogRefused(Code.LOG_PROOF, f"tile {level}/{number}")
        self._tiles[level, number] = hashes
        if len(self._tiles) > _CACHED_TILES:
            self._tiles.popitem(last=False)
        return hashes

    async def _prove(
        self, head: Checkpoint, prove: Callable[[merkle.NodeReader], tuple[bytes, ...]]
    ) -> tuple[bytes, ...]:
        """Run a proof twice: once to learn which tiles it reads, then on those tiles."""
        wanted: set[tuple[int, int]] = set()

        def place(level: int, index: int) -> tuple[int, int, int, int]:
            tile_level, inner = divmod(level, HEIGHT)
            number, at = divmod(index << inner, WIDTH)
            return tile_level, number, at, at + (1 << inner)

        def plan(level: int, index: int) -> bytes:
            wanted.add(place(level, index)[:2])
            return merkle.EMPTY_ROOT

        prove(plan)
        tiles = {name: await self._tile(*name, head) for name in sorted(wanted)}

        def node(level: int, index: int) -> bytes:
            tile_level, number, at, end = place(level, index)
            return merkle.reduce_perfect(tiles[tile_level, number][at:end])

        return prove(node)

    async def _get(self, tile: Tile) -> bytes:
        """Return a tile's bytes; of a partial one that is gone, the start of the full one."""
        data = await self._fetch(tile.path())
        if data is not None:
            return data
        full = (
            await self._fetch(Tile(tile.level, tile.index).path()) if tile.width < WIDTH else None
        )
        if full is None:
            raise LogRefused(Code.LOG_MISSING, tile.path())
        try:
            if tile.level is not None:
                return b"".join(decode_hashes(full, WIDTH)[: tile.width])
            return encode_bundle(decode_bundle(full, WIDTH)[: tile.width])
        except Refusal as refusal:
            raise LogRefused(refusal.code, tile.path()) from None
