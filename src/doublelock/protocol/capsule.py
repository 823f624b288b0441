"""Capsules: a message seed sealed to a label by identity-based encryption (spec E-3 to E-7).

Boneh-Franklin over BLS12-381 with a Fujisaki-Okamoto check, in the manner of SAKKE (RFC 6508):
identities in G1, public keys in G2. The sealing is a function of the seed, so whoever knows the
seed can make the capsule again and compare.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from doublelock.protocol.codes import Code
from doublelock.protocol.curve import (
    G1,
    G2,
    G2_GENERATOR,
    G2_SIZE,
    expand_message_xmd,
    g1_secret_multiple,
    g2_secret_multiple,
    hash_to_scalar,
    pairing,
)
from doublelock.protocol.encoding import tagged
from doublelock.protocol.errors import EnvelopeRefused, Malformed
from doublelock.protocol.header import CAPSULE_SIZE, Form
from doublelock.protocol.label import Label

SEED_SIZE: Final = 32
KEY_SIZE: Final = 32
_SCALAR_DST: Final = b"DOUBLELOCK-V1-CAPSULE-SCALAR-with-expander-XMD:SHA-256"
_MASK_DST: Final = b"DOUBLELOCK-V1-CAPSULE-MASK-with-expander-XMD:SHA-256"
_SCALAR_TAG: Final = b"doublelock/v1/capsule-scalar"
_MASK_TAG: Final = b"doublelock/v1/capsule-mask"
_DAY_KEY_TAGS: Final = {
    Form.SEALED: b"doublelock/v1/k-day",
    Form.UNESCROWED: b"doublelock/v1/k-day-unescrowed",
    Form.EPHEMERAL: b"doublelock/v1/k-day-ephemeral",
}
_SHA256: Final = SHA256()


@dataclass(frozen=True, slots=True)
class LabelKey:
    """The key that opens one label's capsules: the master secret times the label's point.

    Made by `partial.combine_batch`, which checked it against the MPK; secret.
    """

    label: Label
    point: G1 = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerifiedCapsule:
    """A capsule that is the sealing of its seed (32 bytes, secret) to its label."""

    capsule: bytes
    label: Label
    seed: bytes = field(repr=False)


def seal(seed: bytes, label: Label, mpk: G2) -> VerifiedCapsule:
    """Seal a 32-byte seed to a label: capsule U || V, 96 + 32 bytes (spec E-5).

    Raises Malformed(SIZE) for a seed of another size.
    """
    if len(seed) != SEED_SIZE:
        raise Malformed(Code.SIZE, f"seed of {len(seed)} bytes, not {SEED_SIZE}")
    encoded = label.encode()
    r = _scalar(seed, encoded, mpk)
    u = g2_secret_multiple(G2_GENERATOR, r).encoded
    # e(rQ, MPK) and not e(Q, MPK)^r: the secret scalar meets flat-time arithmetic alone.
    shared = pairing(g1_secret_multiple(label.point(), r), mpk)
    return VerifiedCapsule(u + _mask(seed, encoded, mpk, u, shared), label, seed)


def verify_capsule(capsule: bytes, seed: bytes, label: Label, mpk: G2) -> VerifiedCapsule:
    """Return the capsule as the sealing of a seed to a label: made again, byte for byte (E-6).

    Needs no decoding of the capsule's point: equal bytes are a valid point. Raises
    EnvelopeRefused(CAPSULE_MISMATCH), Malformed(SIZE) for a seed of another size.
    """
    again = seal(seed, label, mpk)
    if not hmac.compare_digest(again.capsule, capsule):
        raise EnvelopeRefused(Code.CAPSULE_MISMATCH)
    return again


def open_capsule(capsule: bytes, key: LabelKey, mpk: G2) -> VerifiedCapsule:
    """Open a capsule by its label's key, with the Fujisaki-Okamoto check (spec E-7).

    With a key that was checked against the MPK, U = r P2 implies the whole capsule: e(K, U) is
    then e(rQ, MPK), so V was unmasked by the very mask that sealing makes.
    Raises Malformed(SIZE, BAD_POINT), EnvelopeRefused(CAPSULE_MISMATCH).
    """
    seed = unmask(capsule, key.point, key.label, mpk)
    again = g2_secret_multiple(G2_GENERATOR, _scalar(seed, key.label.encode(), mpk))
    if not hmac.compare_digest(again.encoded, capsule[:G2_SIZE]):
        raise EnvelopeRefused(Code.CAPSULE_MISMATCH)
    return VerifiedCapsule(capsule, key.label, seed)


def unmask(capsule: bytes, point: G1, label: Label, mpk: G2) -> bytes:
    """Return the 32 bytes that a point gives as a capsule's seed, whether they are it or not.

    Proves nothing: `open_capsule` checks. By itself it is what an attacker with other keys can do.
    Raises Malformed(SIZE, BAD_POINT).
    """
    if len(capsule) != CAPSULE_SIZE:
        raise Malformed(Code.SIZE, f"capsule of {len(capsule)} bytes, not {CAPSULE_SIZE}")
    u, v = capsule[:G2_SIZE], capsule[G2_SIZE:]
    return _mask(v, label.encode(), mpk, u, pairing(point, G2.decode(u)))


def day_key(seed: bytes, capsule: bytes, label: Label, form: Form = Form.SEALED) -> bytes:
    """Return K_day, 32 bytes: HKDF-SHA-256 of the seed, salt SHA-256(capsule), info tag || label.

    Without escrow, and for ephemeral messages, `capsule` is empty and the tag another (spec E-8).
    """
    return HKDF(
        _SHA256,
        KEY_SIZE,
        hashlib.sha256(capsule).digest(),
        tagged(_DAY_KEY_TAGS[form], label.encode()),
    ).derive(seed)


def _scalar(seed: bytes, label: bytes, mpk: G2) -> int:
    """Return r = H3(m, MPK, label) (spec E-3); zero, of chance 2^-255, is refused as a scalar."""
    return hash_to_scalar(tagged(_SCALAR_TAG, seed, mpk.encoded, label), _SCALAR_DST)


def _mask(data: bytes, label: bytes, mpk: G2, u: bytes, shared: bytes) -> bytes:
    """Return `data` (32 bytes) XOR H2(MPK, label, U, shared) (spec E-4)."""
    mask = expand_message_xmd(tagged(_MASK_TAG, mpk.encoded, label, u, shared), _MASK_DST, 32)
    return bytes(a ^ b for a, b in zip(data, mask, strict=True))
