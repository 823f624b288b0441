"""The strict Ed25519 rule (spec K-3)."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from doublelock.protocol import ed25519
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SigningKey, VerifyKey
from doublelock.protocol.errors import Malformed

L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P

# The eight points of small order and every other way to write them.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]

# A tiny reference of the curve, to make keys and signatures that no library would make.
Point = tuple[int, int]


def _add(a: Point, b: Point) -> Point:
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    x3 = (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P
    return x3, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def _multiple(n: int, point: Point) -> Point:
    total = (0, 1)
    while n:
        if n & 1:
            total = _add(total, point)
        point = _add(point, point)
        n >>= 1
    return total


def _encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def _decode(data: bytes) -> Point:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (P - x if x & 1 != sign else x), y


BASE = _decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
TORSION = _decode(bytes.fromhex(SMALL_ORDER[10]))


def _sign(scalar: int, public: bytes, message: bytes, twist: Point = (0, 1)) -> bytes:
    """A signature whose R carries `twist`: the cofactored equation holds whatever the twist."""
    nonce = 12345
    commitment = _encode(_add(_multiple(nonce, BASE), twist))
    digest = hashlib.sha512(commitment + public + message).digest()
    response = (nonce + int.from_bytes(digest, "little") * scalar) % L
    return commitment + response.to_bytes(32, "little")


def test_rfc_8032_vectors() -> None:
    # RFC 8032 §7.1, tests 1 and 3
    key = SigningKey(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    assert key.public.encoded.hex() == (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )
    assert key.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b"
    )
    key = SigningKey(
        bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    )
    signature = key.sign(b"\xaf\x82")
    assert signature.hex().startswith(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    )
    key.public.verify(signature, b"\xaf\x82")


@pytest.mark.parametrize("encoded", SMALL_ORDER)
def test_small_order_and_non_canonical_keys_are_refused(encoded: str) -> None:
    with pytest.raises(Malformed) as refused:
        VerifyKey(bytes.fromhex(encoded))
    assert refused.value.code is Code.BAD_POINT


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_and_seeds_of_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(Malformed):
        VerifyKey(bytes(size))
    with pytest.raises(Malformed):
        SigningKey(bytes(size))


def test_a_key_with_torsion_is_refused() -> None:
    mixed = _encode(_add(_multiple(7, BASE), TORSION))
    with pytest.raises(Malformed) as refused:
        VerifyKey(mixed)
    assert refused.value.code is Code.BAD_POINT


def test_our_reference_signs_what_the_rule_accepts() -> None:
    public = _encode(_multiple(7, BASE))
    VerifyKey(public).verify(_sign(7, public, b"m"), b"m")


def test_a_commitment_with_torsion_is_refused() -> None:
    """A verifier with the cofactored equation accepts this one: the rule must not."""
    public = _encode(_multiple(7, BASE))
    _refuse(public, _sign(7, public, b"m", TORSION))


@pytest.mark.parametrize("encoded", SMALL_ORDER)
def test_small_order_and_non_canonical_commitments_are_refused(encoded: str) -> None:
    public = _encode(_multiple(7, BASE))
    commitment = bytes.fromhex(encoded)
    digest = hashlib.sha512(commitment + public + b"m").digest()
    response = int.from_bytes(digest, "little") * 7 % L
    _refuse(public, commitment + response.to_bytes(32, "little"))


def test_a_response_above_the_order_is_refused() -> None:
    public = _encode(_multiple(7, BASE))
    good = _sign(7, public, b"m")
    response = int.from_bytes(good[32:], "little") + L
    _refuse(public, good[:32] + response.to_bytes(32, "little"))


def _refuse(public: bytes, signature: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        ed25519.verify(public, signature, b"m")
    assert refused.value.code is Code.BAD_SIGNATURE


# --- the accepted set ---------------------------------------------------------------------------

TORSIONS = [_multiple(n, TORSION) for n in range(8)]
_COMMITTED = [_multiple(nonce, BASE) for nonce in range(1, 4)]


def _accepts(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        ed25519.verify(key, signature, message)
    except Malformed:
        return False
    return True


def _accepts_by_openssl(key: bytes, signature: bytes, message: bytes) -> bool:
    """The rule by OpenSSL's verification, which compares the bytes of R."""
    try:
        VerifyKey(key)
    except Malformed:
        return False
    if len(signature) != 64 or signature[:32] == bytes.fromhex(SMALL_ORDER[0]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _odd_cases() -> Iterator[tuple[bytes, bytes, bool]]:
    """(A, signature of b"m", by the rule?): whatever A and R, the cofactored equation holds."""
    keys = [(_encode(_add(_multiple(7, BASE), twist)), 7) for twist in TORSIONS]
    keys += [(bytes.fromhex(encoded), 0) for encoded in SMALL_ORDER]
    commitments = [
        (_encode(_add(point, twist)), nonce)
        for nonce, point in enumerate(_COMMITTED, start=1)
        for twist in TORSIONS
    ]
    commitments += [(bytes.fromhex(encoded), 0) for encoded in SMALL_ORDER]
    for key, scalar in keys:
        for commitment, nonce in commitments:
            digest = hashlib.sha512(commitment + key + b"m").digest()
            response = (nonce + int.from_bytes(digest, "little") * scalar) % L
            sound = (key, scalar) == keys[0] and commitment in map(_encode, _COMMITTED)
            for turn in range(3):
                size = response + turn * L
                yield key, commitment + size.to_bytes(32, "little"), sound and turn == 0
            yield key, commitment + ((response + 1) % L).to_bytes(32, "little"), False


def test_the_accepted_set_is_the_rules() -> None:
    """Small and mixed order, other encodings, S above the order: none of them is in it."""
    accepted = 0
    for key, signature, sound in _odd_cases():
        assert _accepts(key, signature, b"m") is sound, (key.hex(), signature.hex())
        assert _accepts_by_openssl(key, signature, b"m") is sound, (key.hex(), signature.hex())
        accepted += sound
    assert accepted == len(_COMMITTED)


_KEYS = st.sampled_from([_encode(_multiple(n, BASE)) for n in (1, 7, L - 1)])
_SCALARS = st.one_of(
    st.integers(0, 2**256 - 1),
    st.sampled_from([0, 1, L - 1, L, L + 1, 2 * L, 8 * L, 2**252, 2**253, 2**255 - 1, 2**255]),
)
_ANY_COMMITMENT = st.one_of(
    st.binary(min_size=32, max_size=32),
    st.sampled_from([bytes.fromhex(encoded) for encoded in SMALL_ORDER]),
    st.sampled_from([_encode(point) for point in (*_COMMITTED, *TORSIONS)]),
)


@given(_KEYS, _ANY_COMMITMENT, _SCALARS, st.binary(max_size=40))
def test_libsodium_and_openssl_agree_on_any_bytes(
    key: bytes, commitment: bytes, response: int, message: bytes
) -> None:
    signature = commitment + response.to_bytes(32, "little")
    accepted = _accepts(key, signature, message)
    assert accepted is _accepts_by_openssl(key, signature, message)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.sampled_from(range(5)))
def test_libsodium_and_openssl_agree_on_what_was_signed(
    seed: bytes, message: bytes, spoilt: int
) -> None:
    key = SigningKey(seed)
    signature = key.sign(message)
    response = int.from_bytes(signature[32:], "little")
    odd = response.to_bytes(32, "little") if not spoilt else b""
    if spoilt and response + spoilt * L < 2**256:
        odd = (response + spoilt * L).to_bytes(32, "little")
    signature = signature[:32] + odd
    accepted = _accepts(key.public.encoded, signature, message)
    assert accepted is (spoilt == 0)
    assert accepted is _accepts_by_openssl(key.public.encoded, signature, message)


@given(st.binary(max_size=80), st.integers(0, 511))
def test_any_bit_counts(message: bytes, bit: int) -> None:
    key = SigningKey(b"\x07" * 32)
    signature = bytearray(key.sign(message))
    key.public.verify(bytes(signature), message)
    signature[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Malformed):
        key.public.verify(bytes(signature), message)


@given(st.binary(max_size=100), st.binary(max_size=40))
def test_garbage_is_refused(signature: bytes, key: bytes) -> None:
    with pytest.raises(Malformed):
        SigningKey(b"\x07" * 32).public.verify(signature, b"m")
    with suppress(Malformed):
        assert ed25519.verify_key(key).encoded == key


def test_a_signing_key_never_prints_its_seed() -> None:
    seed = b"\x42" * 32
    assert seed.hex() not in repr(SigningKey(seed))
