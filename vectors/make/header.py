"""header.json: headers in each form, and bytes that are none (spec V-1, V-2)."""

from doublelock.protocol.header import Form, Header, hash_header
from vectors.make.world import envelope, flip


def build() -> dict[str, object]:
    """Return the file."""
    sealed, bare = envelope(Form.SEALED).header, envelope(Form.UNESCROWED).header
    good = []
    for form in Form:
        encoded = envelope(form).header
        header = Header.decode(encoded)
        good.append(
            {
                "form": int(header.form),
                "conversation": header.conversation.hex(),
                "message_id": header.message_id.hex(),
                "account": header.account.hex(),
                "device": header.device.hex(),
                "committee": header.committee,
                "key_epoch": header.key_epoch,
                "day": header.day,
                "capsule": header.capsule.hex(),
                "commitment": header.commitment.hex(),
                "encoded": encoded.hex(),
                "hash": hash_header(encoded).hex(),
            }
        )
    bad = [
        ("empty", b"", "size"),
        ("one byte short", sealed[:-1], "size"),
        ("one byte long", sealed + b"\x00", "size"),
        ("another version", flip(sealed, 0, 0x03), "form"),
        ("form 0", sealed[:1] + b"\x00" + sealed[2:], "form"),
        ("form 4", sealed[:1] + b"\x04" + sealed[2:], "form"),
        ("sealed, yet without a capsule", bare[:1] + b"\x01" + bare[2:], "size"),
        ("without escrow, yet with a capsule", sealed[:1] + b"\x02" + sealed[2:], "size"),
        ("ephemeral, yet with a capsule", sealed[:1] + b"\x03" + sealed[2:], "size"),
        ("message id of UUID version 4", flip(sealed, 40, 0x30), "form"),
        ("message id of another variant", flip(sealed, 42, 0x40), "form"),
        ("day after 9999-12-31", bare[:102] + b"\xff\xff\xff\xff" + bare[106:], "form"),
    ]
    return {
        "about": "Headers: 266 bytes sealed (form 1), 138 without escrow (2) or ephemeral (3).",
        "rules": ["V-1", "V-2"],
        "good": good,
        "bad": [{"why": why, "encoded": data.hex(), "code": code} for why, data, code in bad],
    }
