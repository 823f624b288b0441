"""attachment.json: sealed chunks (spec V-15)."""

import hashlib

from doublelock.protocol.attachment import CHUNK, seal_chunk
from vectors.make.world import bytes_of

KEY = bytes_of("file key")


def build() -> dict[str, object]:
    """Return the file."""
    full = bytes(CHUNK)
    return {
        "about": "Chunks under a file's own key (32); a full chunk of zeros is given by its hash.",
        "rules": ["V-15"],
        "key": KEY.hex(),
        "good": [
            {
                "index": index,
                "last": last,
                "plain": plain.hex(),
                "sealed": seal_chunk(KEY, index, last, plain).hex(),
            }
            for index, last, plain in ((0, True, b""), (0, True, b"one"), (7, True, b"eighth"))
        ],
        "full": [
            {
                "index": index,
                "last": last,
                "sealed_sha256": hashlib.sha256(seal_chunk(KEY, index, last, full)).hexdigest(),
            }
            for index, last in ((0, False), (1, False), (1, True))
        ],
    }
