"""label.json: label bytes and their points (spec E-1, E-2)."""

from vectors.make.world import LABEL, OTHER_COMMITTEE, OTHER_DAY, flip, label_fields


def build() -> dict[str, object]:
    """Return the file."""
    encoded = LABEL.encode()
    return {
        "about": "Label bytes (137) and Q, the label's point in G1 (48, compressed).",
        "rules": ["E-1", "E-2"],
        "good": [
            {
                **label_fields(label),
                "encoded": label.encode().hex(),
                "point": label.point().encoded.hex(),
            }
            for label in (LABEL, OTHER_COMMITTEE, OTHER_DAY)
        ],
        "bad": [
            {"why": "one byte short", "encoded": encoded[:-1].hex(), "code": "size"},
            {"why": "one byte long", "encoded": (encoded + b"\x00").hex(), "code": "size"},
            {"why": "another tag", "encoded": flip(encoded, 2).hex(), "code": "form"},
            {
                "why": "day after 9999-12-31",
                "encoded": (encoded[:-4] + b"\xff\xff\xff\xff").hex(),
                "code": "form",
            },
            {
                "why": "lengths moved from one field to the next",
                "encoded": (
                    encoded[:21] + b"\x00\x21" + encoded[23:55] + b"\x00\x00\x01" + encoded[58:]
                ).hex(),
                "code": "form",
            },
        ],
    }
