"""Attachments: a file encrypted in chunks on the device, readable by range (spec V-15).

Each attachment has a key of its own; a chunk's nonce holds its number and whether it is the last
(the STREAM construction), so chunks cannot be dropped, swapped, repeated or cut off.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import tagged, u8, u32
from doublelock.protocol.errors import EnvelopeRefused, Malformed
from doublelock.protocol.record import Attachment

KEY_SIZE: Final = 32
CHUNK: Final = limits.BLOB_CHUNK
TAG_SIZE: Final = 16
SEALED_CHUNK: Final = CHUNK + TAG_SIZE
_AAD: Final = tagged(b"doublelock/v1/attachment")


def count_chunks(size: int) -> int:
    """Return how many chunks a plaintext of `size` bytes has: one at least.

    Raises Malformed(SIZE) outside 0 to 1 GiB.
    """
    if not 0 <= size <= limits.BLOB:
        raise Malformed(Code.SIZE, f"attachment of {size} bytes")
    return max(1, -(-size // CHUNK))


def sealed_size(size: int) -> int:
    """Return the ciphertext's bytes for a plaintext's: 16 more a chunk."""
    return size + count_chunks(size) * TAG_SIZE


def seal_chunk(key: bytes, index: int, last: bool, plain: bytes) -> bytes:
    """Encrypt chunk `index` (64 KiB, the last one less) under a key used for this file alone.

    Raises Malformed(SIZE).
    """
    if len(key) != KEY_SIZE or len(plain) > CHUNK or (not last and len(plain) != CHUNK):
        raise Malformed(Code.SIZE, f"chunk {index} of {len(plain)} bytes")
    return AESGCM(key).encrypt(_nonce(index, last), plain, _AAD)


def seal_chunks(key: bytes, plain: bytes) -> Iterator[bytes]:
    """Yield the sealed chunks of a whole plaintext in memory."""
    last = count_chunks(len(plain)) - 1
    for index in range(last + 1):
        yield seal_chunk(key, index, index == last, plain[index * CHUNK : (index + 1) * CHUNK])


def open_chunk(reference: Attachment, index: int, sealed: bytes) -> bytes:
    """Decrypt chunk `index` of the file that a record refers to.

    Raises Malformed(SIZE) for an index or size that the reference does not allow,
    EnvelopeRefused(ATTACHMENT_DAMAGED).
    """
    last = count_chunks(reference.size) - 1
    if not 0 <= index <= last:
        raise Malformed(Code.SIZE, f"chunk {index} of {last + 1}")
    expected = reference.size - last * CHUNK if index == last else CHUNK
    if len(sealed) != expected + TAG_SIZE:
        raise EnvelopeRefused(Code.ATTACHMENT_DAMAGED, f"chunk {index} of {len(sealed)} bytes")
    try:
        return AESGCM(reference.key).decrypt(_nonce(index, index == last), sealed, _AAD)
    except InvalidTag:
        raise EnvelopeRefused(Code.ATTACHMENT_DAMAGED, f"chunk {index}") from None


def locate_range(size: int, start: int, end: int) -> tuple[int, int, int]:
    """Return (first chunk, ciphertext start, ciphertext end) that cover plaintext [start, end).

    Raises Malformed(SIZE) for a range outside the file.
    """
    if not 0 <= start < end <= size:
        raise Malformed(Code.SIZE, f"range {start} to {end} of {size}")
    first, beyond = start // CHUNK, -(-end // CHUNK)
    return first, first * SEALED_CHUNK, min(beyond * SEALED_CHUNK, sealed_size(size))


def open_range(reference: Attachment, start: int, end: int, sealed: bytes) -> bytes:
    """Return plaintext [start, end) from the ciphertext that `locate_range` names."""
    first, sealed_start, sealed_end = locate_range(reference.size, start, end)
    if len(sealed) != sealed_end - sealed_start:
        raise EnvelopeRefused(Code.ATTACHMENT_DAMAGED, "range of another size")
    plain = b"".join(
        open_chunk(reference, first + at // SEALED_CHUNK, sealed[at : at + SEALED_CHUNK])
        for at in range(0, len(sealed), SEALED_CHUNK)
    )
    return plain[start - first * CHUNK : end - first * CHUNK]


def open_attachment(reference: Attachment, sealed: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a whole file's plaintext from its sealed chunks in order, checking size and digest.

    The digest is known at the end only: a caller keeps nothing when this raises. Raises
    EnvelopeRefused(ATTACHMENT_DAMAGED), Malformed(SIZE).
    """
    digest = hashlib.sha256()
    count = 0
    for index, chunk in enumerate(sealed):
        digest.update(chunk)
        yield open_chunk(reference, index, chunk)
        count += 1
    if count != count_chunks(reference.size) or not hmac.compare_digest(
        digest.digest(), reference.digest
    ):
        raise EnvelopeRefused(Code.ATTACHMENT_DAMAGED, "incomplete, or not what was referred to")


def _nonce(index: int, last: bool) -> bytes:
    """Return 7 zero bytes, the chunk's number (u32), and 1 for the last; the key is used once."""
    return bytes(7) + u32(index) + u8(last)
