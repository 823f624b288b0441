"""A ceremony's public result on disk, so that a restarted holder need not run it again."""

from typing import Final

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import Reader, field, u16, u32
from doublelock.protocol.errors import Malformed
from doublelock.protocol.prime_group import BLS12381_G2 as GROUP
from doublelock.protocol.transcript import SharedKey

_TAG: Final = b"doublelock/v1/ceremony/result"
_HASH_SIZE: Final = 32


def encode_result(key: SharedKey) -> bytes:
    """Return the bytes of a ceremony's public result."""
    return b"".join(
        (
            field(_TAG),
            u16(key.threshold),
            u32(key.share_version),
            key.transcript_hash,
            key.public_key,
            u16(len(key.verification_shares)),
            *key.verification_shares,
        )
    )


def decode_result(data: bytes) -> SharedKey:
    """Return a ceremony's public result. Raises Malformed."""
    reader = Reader(data)
    if reader.field(64) != _TAG:
        raise Malformed(Code.FORM, "not a ceremony's result")
    threshold, version, name = reader.u16(), reader.u32(), reader.take(_HASH_SIZE)
    public_key = GROUP.element(reader.take(GROUP.element_size))
    count = reader.u16()
    if not 1 <= threshold <= count <= limits.CUSTODIANS:
        raise Malformed(Code.FORM, "a ceremony's result")
    shares = tuple(GROUP.element(reader.take(GROUP.element_size)) for _ in range(count))
    reader.end()
    return SharedKey(threshold, public_key, shares, version, name)
