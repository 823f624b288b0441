"""Tiles and entry bundles: a log as files (C2SP tlog-tiles; spec L-13).

A tile holds 256 hashes of 32 bytes of one level; a bundle 256 entries, each behind its u16 length.
The last of a level may be partial, of `width` 1 to 255.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from doublelock.protocol import limits, merkle
from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import Reader, field
from doublelock.protocol.errors import Malformed

WIDTH: Final = 256
HEIGHT: Final = 8
LEVELS: Final = 8
_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/"
    r"(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """The name of a tile; `level` is None for a bundle of entries, `width` 1 to 256."""

    level: int | None
    index: int
    width: int = WIDTH

    def path(self) -> str:
        """Return its path under the log's prefix, such as `tile/0/x001/234.p/5`."""
        level = "entries" if self.level is None else str(self.level)
        index = f"{self.index % 1000:03d}"
        rest = self.index // 1000
        while rest:
            index = f"x{rest % 1000:03d}/{index}"
            rest //= 1000
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{index}{partial}"


def parse_tile_path(path: str) -> Tile:
    """Return the tile that a path names. Raises Malformed unless it is its one path."""
    match = _PATH.fullmatch(path) if len(path) <= 64 else None
    if match is None:
        raise Malformed(Code.FORM, "not the path of a tile")
    index = int(re.sub("[x/]", "", match["index"]))
    width = int(match["width"] or WIDTH)
    level = None if match["level"] == "entries" else int(match["level"])
    tile = Tile(level, index, width)
    if tile.path() != path or (level or 0) > 63 or width > WIDTH or index > limits.TREE_SIZE:
        raise Malformed(Code.NOT_CANONICAL, "path of a tile")
    return tile


def tile_at(level: int | None, index: int, size: int) -> Tile:
    """Return the tile that holds hash or entry `index` of its level in a tree of a size.

    It is partial when the tree ends in it. Raises Malformed when the tree does not reach it.
    """
    count = size >> (HEIGHT * (level or 0))
    if not 0 <= index < count:
        raise Malformed(Code.SIZE, "no such tile in the tree")
    number = index // WIDTH
    return Tile(level, number, min(WIDTH, count - number * WIDTH))


def partial_tiles(size: int) -> list[Tile]:
    """Return the partial tiles and the partial bundle of a tree of a size (spec L-13)."""
    tiles = []
    for level in (None, *range(LEVELS)):
        count = size >> (HEIGHT * (level or 0))
        if count % WIDTH:
            tiles.append(Tile(level, count // WIDTH, count % WIDTH))
    return tiles


def encode_hashes(hashes: Iterable[bytes]) -> bytes:
    """Return the bytes of a tile of hashes."""
    return b"".join(hashes)


def decode_hashes(data: bytes, width: int) -> list[bytes]:
    """Return the hashes of a tile of a width. Raises Malformed."""
    if len(data) != width * merkle.HASH_SIZE or not 1 <= width <= WIDTH:
        raise Malformed(Code.SIZE, f"tile of {len(data)} bytes for {width} hashes")
    return [data[at : at + merkle.HASH_SIZE] for at in range(0, len(data), merkle.HASH_SIZE)]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bytes of a bundle of entries, each of at most 65,535 bytes. Raises Malformed."""
    return b"".join(map(field, entries))


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """Return the entries of a bundle of a width. Raises Malformed."""
    if len(data) > WIDTH * (limits.TILE_ENTRY + 2):
        raise Malformed(Code.SIZE, f"bundle of {len(data)} bytes")
    reader = Reader(data)
    entries = [reader.field() for _ in range(width)]
    reader.end()
    return entries
