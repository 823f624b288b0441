"""COCKTAIL's Schnorr signatures: proofs of possession and the certificate (spec K-6).

Source: COCKTAIL-DKG v0.2.1, "Schnorr Signature Scheme". The nonce is deterministic.
"""

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed
from doublelock.protocol.prime_group import Element, PrimeGroup


def signature_size(group: PrimeGroup) -> int:
    """Return the bytes of a signature: R and z."""
    return group.element_size + group.scalar_size


def sign(group: PrimeGroup, secret: int, message: bytes) -> bytes:
    """Return R ‖ z over `message` by a secret scalar. Raises Malformed(BAD_SCALAR) for zero."""
    public = group.base_multiple(secret)
    nonce = group.hash_to_scalar(group.prefix + b"-NONCE" + group.encode_scalar(secret) + message)
    commitment = group.base_multiple(nonce)  # refuses nonce 0, as the specification demands
    response = (nonce + _challenge(group, commitment, public, message) * secret) % group.order
    return commitment + group.encode_scalar(response)


def verify(group: PrimeGroup, public: Element, message: bytes, signature: bytes) -> None:
    """Raise Malformed(BAD_SIGNATURE) unless the signature holds."""
    if len(signature) != signature_size(group):
        raise Malformed(Code.BAD_SIGNATURE)
    try:
        commitment = group.element(signature[: group.element_size])
        response = group.scalar(signature[group.element_size :])
        challenge = _challenge(group, commitment, public, message)
        holds = group.base_multiple(response) == group.combine([commitment, public], [1, challenge])
    except Malformed:  # no point, no scalar, or an equation at the identity: never a signature
        holds = False
    if not holds:
        raise Malformed(Code.BAD_SIGNATURE)


def _challenge(group: PrimeGroup, commitment: Element, public: Element, message: bytes) -> int:
    return group.hash_to_scalar(group.prefix + b"-H7" + commitment + public + message)
