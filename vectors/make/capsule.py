"""capsule.json: sealing, opening, and capsules that must not open (spec E-3 to E-7)."""

from doublelock.protocol.curve import G1, G2_SIZE, ORDER, g1_secret_multiple, g1_sum, pairing
from doublelock.protocol.label import Label
from vectors.make.world import (
    LABEL,
    OTHER_COMMITTEE,
    OTHER_DAY,
    SEED,
    court,
    flip,
    label_fields,
    master_key,
    sealed,
    share,
)

# A point on the curve of G2 that is not in the subgroup of prime order, and x = p: not canonical.
OUTSIDE = bytes.fromhex("80" + "00" * 94 + "02")
NOT_REDUCED = bytes.fromhex(
    "9a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab"
    + "00" * 48
)


def label_key(label: Label) -> G1:
    """Return the label's key by the master secret itself."""
    secret = (share(label.committee, 0) + court(label.committee)) % ORDER
    return g1_secret_multiple(label.point(), secret)


def build() -> dict[str, object]:
    """Return the file."""
    capsule = sealed().capsule
    u, v = capsule[:G2_SIZE], capsule[G2_SIZE:]
    key = label_key(LABEL)
    refused = [
        ("U is not a point", flip(u, -1) + v, LABEL, "bad-point"),
        ("U is the identity", b"\xc0" + bytes(95) + v, LABEL, "bad-point"),
        ("U is outside the subgroup", OUTSIDE + v, LABEL, "bad-point"),
        ("U's coordinate is not below the modulus", NOT_REDUCED + v, LABEL, "bad-point"),
        ("U without its compression bit", flip(u, 0, 0x80) + v, LABEL, "bad-point"),
        ("U negated", flip(u, 0, 0x20) + v, LABEL, "capsule-mismatch"),
        ("one bit of V changed", u + flip(v, 5), LABEL, "capsule-mismatch"),
        ("one byte short", capsule[:-1], LABEL, "size"),
        ("sealed to another day", sealed(OTHER_DAY).capsule, LABEL, "capsule-mismatch"),
        ("sealed to another committee", sealed(OTHER_COMMITTEE).capsule, LABEL, "capsule-mismatch"),
    ]
    return {
        "about": "A 32-byte seed sealed to a label under an MPK (96, G2): capsule = U || V (128). "
        "`label_key` (48, G1) opens it. `pairing` is e(label_key, U) = e(rQ, MPK), 576 bytes.",
        "rules": ["E-3", "E-4", "E-5", "E-6", "E-7"],
        "good": [
            {
                **label_fields(label),
                "mpk": master_key(label.committee).encoded.hex(),
                "seed": SEED.hex(),
                "capsule": sealed(label).capsule.hex(),
                "label_key": label_key(label).encoded.hex(),
            }
            for label in (LABEL, OTHER_COMMITTEE, OTHER_DAY)
        ],
        "pairing": pairing(key, master_key(1)).hex(),
        "pairing_of": "label_key and mpk of the first",
        "open_refused": [
            {
                "why": why,
                "mpk": master_key(1).encoded.hex(),
                **label_fields(label),
                "label_key": key.encoded.hex(),
                "capsule": bad.hex(),
                "code": code,
            }
            for why, bad, label, code in refused
        ],
        "verify_refused": [
            {
                "why": why,
                "mpk": master_key(1).encoded.hex(),
                **label_fields(LABEL),
                "seed": seed.hex(),
                "capsule": bad.hex(),
                "code": code,
            }
            for why, bad, seed, code in (
                ("another seed", capsule, flip(SEED, 0), "capsule-mismatch"),
                ("another day", sealed(OTHER_DAY).capsule, SEED, "capsule-mismatch"),
                ("one bit of V changed", flip(capsule, -1), SEED, "capsule-mismatch"),
                ("no capsule", b"", SEED, "capsule-mismatch"),
                ("a seed of 31 bytes", capsule, SEED[:31], "size"),
            )
        ],
        "wrong_key": g1_sum([key, key]).encoded.hex(),
    }
