"""Signatures on checkpoints, made and verified (C2SP tlog-cosignature, signed-note; spec L-9).

A cosignature is timestamped, in POSIX seconds, and never relied on without its time. Ed25519
cosignatures cover the whole text, ML-DSA-44 ones the origin, size and root, and no extension line.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from doublelock.protocol import ed25519, merkle
from doublelock.protocol.checkpoint import Checkpoint, VerifiedCheckpoint, parse_checkpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import u8, u64
from doublelock.protocol.errors import LogRefused, Malformed, Refusal
from doublelock.protocol.note import Note, NoteSignature, SignatureType, VerifierKey

_TIME_SIZE: Final = 8
_TIME_MAX: Final = 2**63 - 1
_MLDSA44_SIZE: Final = 2420
_SUBTREE_LABEL: Final = b"subtree/v1\n\x00"


@dataclass(frozen=True, slots=True)
class VerifiedCosignature:
    """A cosignature that holds: `key` saw this checkpoint as the log's largest at `time_s`.

    `time_s` is in POSIX seconds; 0 where the cosigner states no time (ML-DSA-44 alone).
    """

    key: VerifierKey
    time_s: int
    line: NoteSignature


class NoteSigner:
    """A private key that signs checkpoints under a name; it never shows its 32-byte seed."""

    __slots__ = ("_ed25519", "_mldsa44", "key")
    key: VerifierKey

    def __init__(self, name: str, kind: SignatureType, seed: bytes) -> None:
        """Raise Malformed unless the seed is 32 bytes and the name may name a key."""
        self._ed25519: ed25519.SigningKey | None = None
        self._mldsa44: MLDSA44PrivateKey | None = None
        if len(seed) != ed25519.SEED_SIZE:
            raise Malformed(Code.BAD_SCALAR, f"seed of {len(seed)} bytes, not 32")
        if kind is SignatureType.COSIGNATURE_MLDSA44:
            self._mldsa44 = MLDSA44PrivateKey.from_seed_bytes(seed)
            public = self._mldsa44.public_key().public_bytes_raw()
        else:
            self._ed25519 = ed25519.SigningKey(seed)
            public = self._ed25519.public.encoded
        self.key = VerifierKey(name, kind, public)

    def sign(self, checkpoint: Checkpoint, time_s: int) -> NoteSignature:
        """Return the signature line for a checkpoint; a plain Ed25519 key ignores the time.

        Raises Malformed for a time outside 0 to 2^63 - 1.
        """
        message = _message(self.key, checkpoint, time_s)
        if self._mldsa44 is not None:
            signature = self._mldsa44.sign(message)
        else:
            assert self._ed25519 is not None
            signature = self._ed25519.sign(message)
        if self.key.type is not SignatureType.ED25519:
            signature = u64(time_s) + signature
        return NoteSignature(self.key.name, self.key.key_id, signature)

    def __repr__(self) -> str:
        return f"NoteSigner({self.key.encode()[:80]})"


def verify_cosignature(
    line: NoteSignature, key: VerifierKey, checkpoint: Checkpoint
) -> VerifiedCosignature:
    """Check a signature line by a known key over a checkpoint (spec L-9).

    A plain Ed25519 signature counts with time 0. Raises LogRefused: LOG_UNKNOWN when the line is
    not by that key, BAD_SIGNATURE when it does not hold.
    """
    if line.name != key.name or line.key_id != key.key_id:
        raise LogRefused(Code.LOG_UNKNOWN, "signature by another key")
    time_s, signature = 0, line.signature
    if key.type is not SignatureType.ED25519:
        time_s, signature = int.from_bytes(signature[:_TIME_SIZE], "big"), signature[_TIME_SIZE:]
    try:
        message = _message(key, checkpoint, time_s)
        if key.type is SignatureType.COSIGNATURE_MLDSA44:
            if len(signature) != _MLDSA44_SIZE:
                raise InvalidSignature
            MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, message)
        else:
            ed25519.verify(key.public, signature, message)
    except (InvalidSignature, Refusal, ValueError):
        raise LogRefused(Code.BAD_SIGNATURE, f"by {key.name}") from None
    return VerifiedCosignature(key, time_s, line)


def verify_log(note: Note, keys: tuple[VerifierKey, ...]) -> VerifiedCheckpoint:
    """Return the checkpoint of a note that one of its log's known keys signed (spec L-8, L-9).

    A key counts for the origin that is its name. One signature that says it is by a known key and
    does not hold refuses the whole note. Raises Malformed, or LogRefused: LOG_UNKNOWN,
    BAD_SIGNATURE, LOG_PROOF (an empty tree without the empty root).
    """
    checkpoint = parse_checkpoint(note.text)
    signed_by = None
    for key in keys:
        for line in note.by(key) if key.name == checkpoint.origin else ():
            verify_cosignature(line, key, checkpoint)
            if key.type is SignatureType.COSIGNATURE_MLDSA44 and checkpoint.extensions:
                raise LogRefused(Code.FORM, "extension lines that this key's signature leaves out")
            signed_by = signed_by or key
    if signed_by is None:
        raise LogRefused(Code.LOG_UNKNOWN, f"no known key of {checkpoint.origin[:80]}")
    if checkpoint.size == 0 and checkpoint.root != merkle.EMPTY_ROOT:
        raise LogRefused(Code.LOG_PROOF, "empty tree without the empty root")
    return VerifiedCheckpoint(checkpoint, signed_by, note)


def _message(key: VerifierKey, checkpoint: Checkpoint, time_s: int) -> bytes:
    if not 0 <= time_s <= _TIME_MAX:
        raise Malformed(Code.SIZE, "cosignature's time")
    text = checkpoint.encode().encode()
    if key.type is SignatureType.ED25519:
        return text
    if key.type is SignatureType.COSIGNATURE_ED25519:
        return b"cosignature/v1\ntime %d\n" % time_s + text
    name, origin = key.name.encode(), checkpoint.origin.encode()
    assert len(checkpoint.root) == merkle.HASH_SIZE
    return b"".join(
        (
            _SUBTREE_LABEL,
            u8(len(name)) + name,
            u64(time_s),
            u8(len(origin)) + origin,
            u64(0),
            u64(checkpoint.size),
            checkpoint.root,
        )
    )
