"""Tiles and entry bundles: names, sizes and hostile bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doublelock.protocol import tile
from doublelock.protocol.errors import Malformed
from doublelock.protocol.tile import Tile, decode_bundle, decode_hashes, encode_bundle


@given(st.one_of(st.none(), st.integers(0, 63)), st.integers(0, 2**62), st.integers(1, 256))
def test_paths_come_back_as_they_went(level: int | None, index: int, width: int) -> None:
    name = Tile(level, index, width)
    assert tile.parse_tile_path(name.path()) == name


def test_paths_of_the_specification() -> None:
    assert Tile(0, 1234067).path() == "tile/0/x001/x234/067"
    assert Tile(None, 5, 17).path() == "tile/entries/005.p/17"


@pytest.mark.parametrize(
    "path",
    [
        "", "tile/0/0", "tile/00/000", "tile/64/000", "tile/0/x000/001", "tile/0/000.p/0",
        "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/1000", "tile/0/001/002", "/tile/0/000",
        "tile/0/000/", "tile/0/../000", "tile/entries/000.p/999", "tile/-1/000", "tile/0/٠٠٠",
        "tile/0/" + "x001/" * 20 + "001",
    ],
)  # fmt: skip
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(Malformed):
        tile.parse_tile_path(path)


def test_partial_tiles_of_the_specification() -> None:
    assert tile.partial_tiles(70_000) == [
        Tile(None, 273, 112), Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1),
    ]  # fmt: skip
    assert tile.partial_tiles(256) == [Tile(1, 0, 1)]
    assert tile.partial_tiles(0) == []


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256), st.data())
def test_bundles_come_back_and_no_other_width_fits(
    entries: list[bytes], data: st.DataObject
) -> None:
    packed = encode_bundle(entries)
    assert decode_bundle(packed, len(entries)) == entries
    with pytest.raises(Malformed):
        decode_bundle(packed, len(entries) + 1)
    cut = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(Malformed):
        decode_bundle(packed[:cut], len(entries))
    with pytest.raises(Malformed):
        decode_bundle(packed + b"\x00", len(entries))


def test_sizes_are_held() -> None:
    assert decode_bundle(encode_bundle([b"x" * 65_535]), 1) == [b"x" * 65_535]
    with pytest.raises(Malformed):
        encode_bundle([b"x" * 65_536])
    for size, width in ((0, 0), (31, 1), (33, 1), (64, 1), (257 * 32, 257)):
        with pytest.raises(Malformed):
            decode_hashes(bytes(size), width)
