"""Every limit on size, count and rate, in one place. Bytes unless the name says otherwise."""

from typing import Final

HANDLE: Final = 64
RECORD: Final = 64 * 1024
BODY: Final = RECORD + 64 + 32 + 16 + 64
MLS_APPLICATION: Final = 4 * 1024
MLS_COMMIT: Final = 4 * 1024 * 1024
MLS_WELCOME: Final = 4 * 1024 * 1024
MLS_KEY_PACKAGE: Final = 8 * 1024
RATCHET_TREE: Final = 8 * 1024 * 1024
FRAME: Final = 5 * 1024 * 1024
GROUP_MEMBERS: Final = 1_000
DEVICES_PER_ACCOUNT: Final = 16
BLOB_CHUNK: Final = 64 * 1024
BLOB: Final = 1024 * 1024 * 1024
CUSTODIANS: Final = 64
COMMITTEES: Final = 64
CHARTER: Final = 256 * 1024
WARRANT: Final = 64 * 1024
SCOPE_ITEMS: Final = 256
LABELS_PER_WARRANT: Final = 100_000
LOG_ENTRY: Final = 60 * 1024
NOTE: Final = 64 * 1024
WITNESSES: Final = 32
