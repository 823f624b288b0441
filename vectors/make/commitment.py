"""commitment.json: the commitment of a record (spec V-5)."""

from doublelock.protocol.envelope import commit_record
from doublelock.protocol.header import Form
from doublelock.protocol.record import encode_record
from vectors.make.world import FRANKING_KEY, bytes_of, record_for


def build() -> dict[str, object]:
    """Return the file."""
    return {
        "about": "Commitment (32) = HMAC-SHA-256(franking key (32), record).",
        "rules": ["V-5"],
        "good": [
            {
                "franking_key": key.hex(),
                "record": record.hex(),
                "commitment": commit_record(key, record).hex(),
            }
            for key in (FRANKING_KEY, bytes_of("another franking key"))
            for record in (encode_record(record_for(Form.SEALED)), b"\x92\x01\xc4\x00")
        ],
    }
