"""The log's tree: full tiles on disk, its right edge in memory (spec L-13, L-14)."""

import os
from collections import OrderedDict
from pathlib import Path

from doublelock.protocol import merkle
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import LogRefused, Malformed
from doublelock.protocol.tile import HEIGHT, WIDTH, Tile, decode_hashes, encode_hashes

_CACHED_TILES = 512


def write_public(path: Path, data: bytes, *, durable: bool) -> None:
    """Put a public file in place whole: written beside, synced if `durable`, renamed."""
    if not path.parent.is_dir():
        for folder in (*reversed(path.parent.parents), path.parent):
            folder.mkdir(exist_ok=True, mode=0o700)  # each: `parents` leaves theirs to the umask
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        if durable:
            os.fsync(handle)
    os.rename(beside, path)
    if durable:
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the renames in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class TileCache:
    """Reads full tiles of hashes from a folder, and keeps the latest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tiles: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()

    def read(self, level: int, index: int) -> list[bytes]:
        """Return the 256 hashes of a full tile. Raises LogRefused LOG_CORRUPT."""
        found = self._tiles.get((level, index))
        if found is None:
            try:
                data = (self.folder / Tile(level, index).path()).read_bytes()
                found = decode_hashes(data, WIDTH)
            except (OSError, Malformed):
                detail = f"tile {level}/{index} is missing or damaged"
                raise LogRefused(Code.LOG_CORRUPT, detail) from None
            self._tiles[level, index] = found
            if len(self._tiles) > _CACHED_TILES:
                self._tiles.popitem(last=False)
        return found


class EdgeTree:
    """A tree that grows: its partial tile of each level, and full tiles not yet on disk.

    `fork` copies it in microseconds, so that a batch that fails leaves the tree as it was.
    """

    def __init__(self, cache: TileCache) -> None:
        self.size = 0
        self.rows: list[list[bytes]] = [[]]
        self.full: dict[tuple[int, int], list[bytes]] = {}
        self._cache = cache

    @classmethod
    def load(cls, cache: TileCache, size: int) -> "EdgeTree":
        """Return the tree of a size that is a multiple of 256, from its full tiles on disk."""
        tree = cls(cache)
        tree.size = size
        level = 1
        while size >> (HEIGHT * level):
            count = size >> (HEIGHT * level)
            start = count - count % WIDTH
            tree.rows.append(
                [merkle.reduce_perfect(cache.read(level - 1, at)) for at in range(start, count)]
            )
            level += 1
        return tree

    def fork(self) -> "EdgeTree":
        """Return a copy that grows by itself."""
        copy = EdgeTree(self._cache)
        copy.size = self.size
        copy.rows = [row.copy() for row in self.rows]
        copy.full = self.full.copy()
        return copy

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        self.size += 1
        level, found = 0, leaf
        while True:
            if level == len(self.rows):
                self.rows.append([])
            row = self.rows[level]
            row.append(found)
            if len(row) < WIDTH:
                return
            number = (self.size >> (HEIGHT * (level + 1))) - 1
            self.full[level, number] = row
            self.rows[level] = []
            found = merkle.reduce_perfect(row)
            level += 1

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a perfect subtree: a `merkle.NodeReader`."""
        tile_level, inner = divmod(level, HEIGHT)
        start = index << inner
        number, at = divmod(start, WIDTH)
        hashes = self.tile(tile_level, number)
        return merkle.reduce_perfect(hashes[at : at + (1 << inner)])

    def tile(self, level: int, number: int) -> list[bytes]:
        """Return the hashes of a tile, full or partial."""
        if number == self.size >> (HEIGHT * (level + 1)):
            return self.rows[level]
        return self.full.get((level, number)) or self._cache.read(level, number)

    def root(self) -> bytes:
        """Return the tree's root."""
        return merkle.range_root(0, self.size, self.node)

    def tile_bytes(self, tile: Tile) -> bytes:
        """Return the bytes of a tile of hashes, cut to its width."""
        assert tile.level is not None
        return encode_hashes(self.tile(tile.level, tile.index)[: tile.width])
