"""Bytes with lengths in front: what is hashed or signed is built and read here (spec W-1)."""

from typing import Final

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed

_SHORT: Final = tuple(size.to_bytes(2, "big") for size in range(256))


def u8(value: int) -> bytes:
    """Return one byte."""
    return value.to_bytes(1, "big")


def u16(value: int) -> bytes:
    """Return two bytes, big-endian."""
    return value.to_bytes(2, "big")


def u32(value: int) -> bytes:
    """Return four bytes, big-endian."""
    return value.to_bytes(4, "big")


def u64(value: int) -> bytes:
    """Return eight bytes, big-endian."""
    return value.to_bytes(8, "big")


def field(data: bytes) -> bytes:
    """Return `data` with its u16 length in front. Raises Malformed over 65,535 bytes."""
    return _length(len(data)) + data


def long_field(data: bytes) -> bytes:
    """Return `data` with its u32 length in front. Raises Malformed over 2^32 - 1 bytes."""
    if len(data) > 0xFFFFFFFF:
        raise Malformed(Code.SIZE, "field over 4 GiB")
    return u32(len(data)) + data


def tagged(tag: bytes, *fields: bytes) -> bytes:
    """Return the u16-length-prefixed fields under a tag: what is hashed, signed or sealed to."""
    pieces = [_length(len(tag)), tag]
    for data in fields:
        size = len(data)
        pieces.append(_SHORT[size] if size < 256 else _length(size))  # a call less in fifty
        pieces.append(data)
    return b"".join(pieces)


def _length(size: int) -> bytes:
    if size < len(_SHORT):
        return _SHORT[size]
    if size > 0xFFFF:
        raise Malformed(Code.SIZE, "field over 65,535 bytes")
    return u16(size)


class Reader:
    """Reads the encodings above, once, front to back; everything it gets is hostile.

    Each method raises Malformed when the bytes end too early; `end` when some are left.
    """

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        end = self._at + size
        if end > len(self._data):
            raise Malformed(Code.SIZE, "ends too early")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def u8(self) -> int:
        """Return the next byte as a number."""
        return self.take(1)[0]

    def u16(self) -> int:
        """Return the next two bytes as a number."""
        return int.from_bytes(self.take(2), "big")

    def u32(self) -> int:
        """Return the next four bytes as a number."""
        return int.from_bytes(self.take(4), "big")

    def u64(self) -> int:
        """Return the next eight bytes as a number."""
        return int.from_bytes(self.take(8), "big")

    def field(self, limit: int = 0xFFFF) -> bytes:
        """Return a u16-length-prefixed field of at most `limit` bytes."""
        return self._sized(self.u16(), limit)

    def long_field(self, limit: int) -> bytes:
        """Return a u32-length-prefixed field of at most `limit` bytes."""
        return self._sized(self.u32(), limit)

    def _sized(self, size: int, limit: int) -> bytes:
        if size > limit:
            raise Malformed(Code.SIZE, f"field of {size} bytes, at most {limit}")
        return self.take(size)

    def rest(self) -> bytes:
        """Return everything that is left."""
        return self.take(len(self._data) - self._at)

    def end(self) -> None:
        """Raise Malformed unless everything has been read."""
        if self._at != len(self._data):
            raise Malformed(Code.SIZE, f"{len(self._data) - self._at} bytes too many")
