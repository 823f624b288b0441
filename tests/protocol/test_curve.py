"""BLS12-381: strict decoding, agreement of the two libraries, published values (spec K-1, K-2)."""

from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from py_arkworks_bls12381 import G1Point, G2Point

from doublelock.protocol import curve
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G1, G1_GENERATOR, G2, G2_GENERATOR, ORDER
from doublelock.protocol.errors import Malformed

P = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    16,
)

# e(G1, G2) as published with zkcrypto's `pairing`, noble-curves and EIP-2537's libraries.
PAIRING_OF_GENERATORS = (
    "1250ebd871fc0a92a7b2d83168d0d727272d441befa15c503dd8e90ce98db3e7b6d194f60839c508a84305aaca1789b6"
    "089a1c5b46e5110b86750ec6a532348868a84045483c92b7af5af689452eafabf1a8943e50439f1d59882a98eaa0170f"
    "1368bb445c7c2d209703f239689ce34c0378a68e72a6b3b216da0e22a5031b54ddff57309396b38c881c4c849ec23e87"
    "193502b86edb8857c273fa075a50512937e0794e1e65a7617c90d8bd66065b1fffe51d7a579973b1315021ec3c19934f"
    "01b2f522473d171391125ba84dc4007cfbf2f8da752f7c74185203fcca589ac719c34dffbbaad8431dad1c1fb597aaa5"
    "018107154f25a764bd3c79937a45b84546da634b8f6be14a8061e55cceba478b23f7dacaa35c8ca78beae9624045b4b6"
    "19f26337d205fb469cd6bd15c3d5a04dc88784fbb3d0b2dbdea54d43b2b73f2cbb12d58386a8703e0f948226e47ee89d"
    "06fba23eb7c5af0d9f80940ca771b6ffd5857baaf222eb95a7d2809d61bfe02e1bfd1b68ff02f0b8102ae1c2d5d5ab1a"
    "11b8b424cd48bf38fcef68083b0b0ec5c81a93b330ee1a677d0d15ff7b984e8978ef48881e32fac91b93b47333e2ba57"
    "03350f55a7aefcd3c31b4fcb6ce5771cc6a0e9786ab5973320c806ad360829107ba810c5a09ffdd9be2291a0c25a99a2"
    "04c581234d086a9902249b64728ffd21a189e87935a954051c7cdba7b3872629a4fafc05066245cb9108f0242d0fe3ef"
    "0f41e58663bf08cf068672cbd01a7ec73baca4d72ca93544deff686bfd6df543d48eaa24afe47e1efde449383b676631"
)

scalars = st.integers(min_value=1, max_value=ORDER - 1)


def test_the_pairing_of_the_generators_is_the_published_value() -> None:
    value = curve.pairing(G1_GENERATOR, G2_GENERATOR)
    assert len(value) == curve.GT_SIZE
    assert value.hex() == PAIRING_OF_GENERATORS


def test_generators_are_the_published_ones() -> None:
    assert G1_GENERATOR.encoded.hex().startswith("97f1d3a73197d7942695638c4fa9ac0f")
    assert G2_GENERATOR.encoded.hex().startswith("93e02b6052719f607dacd3a088274f65")


# RFC 9380, J.9.1: BLS12381G1_XMD:SHA-256_SSWU_RO_
_RFC_9380_DST = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"
_RFC_9380_G1 = [
    (
        b"",
        "052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1",
        "08ba738453bfed09cb546dbb0783dbb3a5f1f566ed67bb6be0e8c67e2e81a4cc68ee29813bb7994998f3eae0c9c6a265",
    ),
    (
        b"abc",
        "03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903",
        "0b9c15f3fe6e5cf4211f346271d7b01c8f3b28be689c8429c85b67af215533311f0b8dfaaa154fa6b88176c229f2885d",
    ),
]


@pytest.mark.parametrize(("message", "x", "y"), _RFC_9380_G1)
def test_hash_to_g1_is_rfc_9380(message: bytes, x: str, y: str) -> None:
    sign = 0x20 if int(y, 16) > (P - 1) // 2 else 0
    expected = bytearray.fromhex(x)
    expected[0] |= 0x80 | sign
    assert curve.hash_to_g1(message, _RFC_9380_DST).encoded == bytes(expected)


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=255))
def test_both_libraries_hash_alike(message: bytes, dst: bytes) -> None:
    other = G1Point.hash_to_curve(message, dst).to_compressed_bytes()
    assert curve.hash_to_g1(message, dst).encoded == other


@pytest.mark.parametrize(
    ("message", "size", "expected"),
    [  # RFC 9380, K.1: expand_message_xmd(SHA-256)
        (b"", 0x20, "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235"),
        (b"abc", 0x20, "d8ccab23b5985ccea865c6c97b6e5b8350e794e603b4b97902f53a8a0d605615"),
        (
            b"abcdef0123456789",
            0x20,
            "eff31487c770a893cfb36f912fbfcbff40d5661771ca4b2cb4eafe524333f5c1",
        ),
        (
            b"",
            0x80,
            "af84c27ccfd45d41914fdff5df25293e221afc53d8ad2ac06d5e3e29485dadbe"
            "e0d121587713a3e0dd4d5e69e93eb7cd4f5df4cd103e188cf60cb02edc3edf18"
            "eda8576c412b18ffb658e3dd6ec849469b979d444cf7b26911a08e63cf31f9dc"
            "c541708d3491184472c2c29bb749d4286b004ceb5ee6b9a7fa5b646c993f0ced",
        ),
    ],
)
def test_expand_message_is_rfc_9380(message: bytes, size: int, expected: str) -> None:
    dst = b"QUUX-V01-CS02-with-expander-SHA256-128"
    assert curve.expand_message_xmd(message, dst, size).hex() == expected


@pytest.mark.parametrize("size", [0, 8161])
def test_expand_message_refuses_impossible_sizes(size: int) -> None:
    with pytest.raises(Malformed):
        curve.expand_message_xmd(b"", b"D", size)
    with pytest.raises(Malformed):
        curve.expand_message_xmd(b"", b"", 32)
    with pytest.raises(Malformed):
        curve.hash_to_g1(b"", bytes(256))


def _g1_outside_the_subgroup() -> bytes:
    for x in range(1, 100):
        encoded = (x | 1 << 383).to_bytes(48, "big")
        try:
            point = G1Point.from_compressed_bytes_unchecked(encoded)
        except ValueError:
            continue
        if not point.is_in_subgroup():
            return encoded
    raise AssertionError("none found")


def _g2_outside_the_subgroup() -> bytes:
    for x in range(1, 100):
        encoded = (1 << 383).to_bytes(48, "big") + x.to_bytes(48, "big")
        try:
            point = G2Point.from_compressed_bytes_unchecked(encoded)
        except ValueError:
            continue
        if not point.is_in_subgroup():
            return encoded
    raise AssertionError("none found")


def _bad_g1() -> dict[str, bytes]:
    good = G1_GENERATOR.encoded
    return {
        "outside the subgroup": _g1_outside_the_subgroup(),
        "identity": b"\xc0" + bytes(47),
        "identity with a sign": b"\xe0" + bytes(47),
        "identity with dirt": b"\xc0" + bytes(46) + b"\x01",
        "not compressed": bytes([good[0] & 0x7F]) + good[1:],
        "zeros": bytes(48),
        "x = p": (P | 1 << 383).to_bytes(48, "big"),
        "x = p + 4": (P + 4 | 1 << 383).to_bytes(48, "big"),
        "off the curve": (1 | 1 << 383).to_bytes(48, "big"),
        "too short": good[:-1],
        "too long": good + b"\0",
        "empty": b"",
    }


def _bad_g2() -> dict[str, bytes]:
    good = G2_GENERATOR.encoded
    return {
        "outside the subgroup": _g2_outside_the_subgroup(),
        "identity": b"\xc0" + bytes(95),
        "identity with a sign": b"\xe0" + bytes(95),
        "not compressed": bytes([good[0] & 0x7F]) + good[1:],
        "zeros": bytes(96),
        "coordinate above p": good[:48]
        + (int.from_bytes(good[48:], "big") + P).to_bytes(48, "big"),
        "too short": good[:-1],
        "too long": good + b"\0",
        "a point of G1 twice": G1_GENERATOR.encoded * 2,
    }


@pytest.mark.parametrize("data", _bad_g1().values(), ids=_bad_g1().keys())
def test_bad_g1_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        G1.decode(data)
    assert refused.value.code is Code.BAD_POINT


@pytest.mark.parametrize("data", _bad_g2().values(), ids=_bad_g2().keys())
def test_bad_g2_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        G2.decode(data)
    assert refused.value.code is Code.BAD_POINT


@given(st.binary(max_size=120) | st.binary(min_size=48, max_size=48).map(lambda b: b"\xa0" + b[1:]))
def test_any_bytes_decode_to_themselves_or_are_refused(data: bytes) -> None:
    for decode in (G1.decode, G2.decode):
        with suppress(Malformed):
            assert decode(data).encoded == data


@given(scalars, scalars)
def test_flat_and_fast_agree(first: int, second: int) -> None:
    assume((first + second) % ORDER and (1 + second) % ORDER)
    one, other = (curve.g1_secret_multiple(G1_GENERATOR, n) for n in (first, second))
    total = curve.g1_sum([G1_GENERATOR, G1.decode(one.encoded)], [first, second])
    expected = (first + first * second) % ORDER
    assert total == curve.g1_secret_multiple(G1_GENERATOR, expected)
    pair = curve.g2_sum([curve.g2_secret_multiple(G2_GENERATOR, n) for n in (first, second)])
    assert pair == curve.g2_sum([G2_GENERATOR], [first + second])
    assert curve.pairings_match(
        [(one, G2_GENERATOR), (other, G2_GENERATOR)], [(G1_GENERATOR, pair)]
    )
    assert not curve.pairings_match([(one, G2_GENERATOR)], [(G1_GENERATOR, pair)])


def test_the_pairing_is_bilinear() -> None:
    left = curve.g1_secret_multiple(G1_GENERATOR, 6)
    right = curve.g2_secret_multiple(G2_GENERATOR, 6)
    assert curve.pairing(left, G2_GENERATOR) == curve.pairing(G1_GENERATOR, right)


def test_sums_refuse_the_identity_and_unequal_counts() -> None:
    with pytest.raises(Malformed) as refused:
        curve.g1_sum([G1_GENERATOR, G1_GENERATOR], [1, -1])
    assert refused.value.code is Code.BAD_POINT
    with pytest.raises(Malformed):
        curve.g2_sum([G2_GENERATOR, curve.g2_secret_multiple(G2_GENERATOR, ORDER - 1)])
    for points, factors in (([], None), ([], []), ([G2_GENERATOR], [1, 2]), ([G2_GENERATOR], [])):
        with pytest.raises(Malformed):
            curve.g2_sum(points, factors)


@pytest.mark.parametrize("scalar", [0, -1, ORDER, ORDER + 1])
def test_secret_multiples_refuse_scalars_out_of_range(scalar: int) -> None:
    with pytest.raises(Malformed) as refused:
        curve.g1_secret_multiple(G1_GENERATOR, scalar)
    assert refused.value.code is Code.BAD_SCALAR
    with pytest.raises(Malformed):
        curve.g2_secret_multiple(G2_GENERATOR, scalar)


@pytest.mark.parametrize(
    "data",
    [bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32, bytes(31), bytes(33), b""],
)
def test_bad_scalars_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        curve.decode_scalar(data)
    assert refused.value.code is Code.BAD_SCALAR


def test_scalars_round_trip() -> None:
    assert curve.decode_scalar(bytes(32), zero=True) == 0
    for value in (1, ORDER - 1):
        assert curve.decode_scalar(curve.encode_scalar(value)) == value
    with pytest.raises(Malformed):
        curve.encode_scalar(ORDER)


def test_a_point_of_g1_never_prints_itself() -> None:
    assert G1_GENERATOR.encoded.hex()[:8] not in repr(G1_GENERATOR)
