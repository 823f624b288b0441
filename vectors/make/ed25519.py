"""ed25519.json: what the strict rule accepts and refuses (spec K-3)."""

from doublelock.protocol.ed25519 import SigningKey
from vectors.make.world import bytes_of, flip

_ORDER = 2**252 + 27742317777372353535851937790883648493
# 7 times the base point, plus a point of order 8
_MIXED = "16b981d0b88cdf3ab9fa87190822fe4905b475efda3aec7c34abfa92c19320f4"
_BAD_KEYS = {
    "identity": "01" + "00" * 31,
    "identity with a sign": "01" + "00" * 30 + "80",
    "order 2": "ec" + "ff" * 30 + "7f",
    "order 4": "00" * 32,
    "order 8": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "identity written as y = p + 1": "ee" + "ff" * 30 + "7f",
    "prime order plus order 8": _MIXED,
    "31 bytes": "00" * 31,
}


def build() -> dict[str, object]:
    """Return the file."""
    key = SigningKey(bytes_of("strict key"))
    public, message = key.public.encoded, b"doublelock"
    good = key.sign(message)
    above = (int.from_bytes(good[32:], "little") + _ORDER).to_bytes(32, "little")
    return {
        "about": "Ed25519: A and R canonical, of prime order, no identity; S below the order.",
        "rules": ["K-3"],
        "good": [{"key": public.hex(), "message": message.hex(), "signature": good.hex()}],
        "bad_keys": [{"why": why, "key": encoded} for why, encoded in _BAD_KEYS.items()],
        "bad_signatures": [
            {
                "why": why,
                "key": public.hex(),
                "message": message.hex(),
                "signature": signature.hex(),
            }
            for why, signature in {
                "S above the order": good[:32] + above,
                "R changed": flip(good, 0),
                "S changed": flip(good, 32),
                "R is the identity": b"\x01" + bytes(31) + good[32:],
                "one byte short": good[:-1],
            }.items()
        ],
    }
