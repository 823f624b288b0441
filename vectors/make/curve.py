"""curve.json: hashing to G1, expanding, pairing bytes, points and scalars (spec K-1, K-2)."""

from doublelock.protocol import curve
from doublelock.protocol.curve import G1_GENERATOR, G2_GENERATOR, ORDER

_DST = b"DOUBLELOCK-V1-VECTORS-BLS12381G1_XMD:SHA-256_SSWU_RO_"
_P = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    16,
)
# x = 4 and (0, 2): the first abscissae of points on the curves outside the prime-order subgroups.
_G1_OUTSIDE = (1 << 383 | 4).to_bytes(48, "big")
_G2_OUTSIDE = (1 << 383).to_bytes(48, "big") + (2).to_bytes(48, "big")


def build() -> dict[str, object]:
    """Return the file."""
    g1, g2 = G1_GENERATOR.encoded, G2_GENERATOR.encoded
    pairs = [(1, 1), (2, 3), (ORDER - 1, 7)]
    return {
        "about": "BLS12-381. GT is 12 coefficients of 48 bytes big-endian, c0.c0.c0 first.",
        "rules": ["K-1", "K-2"],
        "order": curve.ORDER.to_bytes(32, "big").hex(),
        "hash_to_g1": [
            {
                "message": message.hex(),
                "dst": _DST.decode(),
                "point": curve.hash_to_g1(message, _DST).encoded.hex(),
            }
            for message in (b"", b"abc", bytes(137))
        ],
        "expand_message_xmd": [
            {
                "message": b"abc".hex(),
                "dst": _DST.decode(),
                "size": size,
                "bytes": curve.expand_message_xmd(b"abc", _DST, size).hex(),
            }
            for size in (32, 48, 65)
        ],
        "hash_to_scalar": [
            {
                "message": b"abc".hex(),
                "dst": _DST.decode(),
                "scalar": curve.encode_scalar(curve.hash_to_scalar(b"abc", _DST)).hex(),
            }
        ],
        "pairing": [_pairing(left, right) for left, right in pairs],
        "bad_g1": [
            {"why": "outside the subgroup", "point": _G1_OUTSIDE.hex()},
            {"why": "identity", "point": (b"\xc0" + bytes(47)).hex()},
            {"why": "identity with a sign", "point": (b"\xe0" + bytes(47)).hex()},
            {"why": "identity with dirt", "point": (b"\xc0" + bytes(46) + b"\x01").hex()},
            {"why": "not compressed", "point": (bytes([g1[0] & 0x7F]) + g1[1:]).hex()},
            {"why": "x = p + 4", "point": (1 << 383 | _P + 4).to_bytes(48, "big").hex()},
            {"why": "off the curve", "point": (1 << 383 | 1).to_bytes(48, "big").hex()},
            {"why": "one byte short", "point": g1[:-1].hex()},
        ],
        "bad_g2": [
            {"why": "outside the subgroup", "point": _G2_OUTSIDE.hex()},
            {"why": "identity", "point": (b"\xc0" + bytes(95)).hex()},
            {"why": "not compressed", "point": (bytes([g2[0] & 0x7F]) + g2[1:]).hex()},
            {"why": "one byte long", "point": (g2 + b"\x00").hex()},
        ],
        "bad_scalars": [
            {"why": "zero", "scalar": bytes(32).hex()},
            {"why": "the order", "scalar": ORDER.to_bytes(32, "big").hex()},
            {"why": "one byte short", "scalar": bytes(31).hex()},
        ],
    }


def _pairing(left: int, right: int) -> dict[str, str]:
    one = curve.g1_secret_multiple(G1_GENERATOR, left)
    other = curve.g2_secret_multiple(G2_GENERATOR, right)
    return {
        "g1": one.encoded.hex(),
        "g2": other.encoded.hex(),
        "gt": curve.pairing(one, other).hex(),
    }
