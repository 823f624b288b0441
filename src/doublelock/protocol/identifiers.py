"""The names of things, as bytes of fixed size (spec W-2)."""

import hashlib
from typing import Final, NewType

from doublelock.protocol.encoding import tagged

DeploymentId = NewType("DeploymentId", bytes)
"""32 bytes: the hash of the genesis charter."""
AccountId = NewType("AccountId", bytes)
"""32 bytes: H(deployment salt, handle); the account's name in the key log."""
DeviceId = NewType("DeviceId", bytes)
"""16 bytes: from the hash of the device's Ed25519 public key."""
ConversationId = NewType("ConversationId", bytes)
"""32 bytes: also the MLS group id."""
MessageId = NewType("MessageId", bytes)
"""16 bytes: a UUIDv7 (RFC 9562)."""

DEPLOYMENT_SIZE: Final = 32
ACCOUNT_SIZE: Final = 32
DEVICE_SIZE: Final = 16
CONVERSATION_SIZE: Final = 32
MESSAGE_ID_SIZE: Final = 16


def name_account(salt: bytes, handle: str) -> AccountId:
    """Return the account id of a handle: SHA-256 over a tag, the salt and the handle."""
    return AccountId(
        hashlib.sha256(tagged(b"doublelock/v1/account", salt, handle.encode())).digest()
    )


def name_device(public_key: bytes) -> DeviceId:
    """Return the device id of an Ed25519 public key (32 bytes): SHA-256, first 16 bytes."""
    return DeviceId(hashlib.sha256(tagged(b"doublelock/v1/device", public_key)).digest()[:16])


def name_conversation(creator: DeviceId, random: bytes, deployment: DeploymentId) -> ConversationId:
    """Return a conversation id from its creator, 32 random bytes and the deployment (spec G-1)."""
    return ConversationId(
        hashlib.sha256(tagged(b"doublelock/v1/conversation", creator, random, deployment)).digest()
    )


def make_message_id(time_ms: int, random: bytes) -> MessageId:
    """Return a UUIDv7 from a time in milliseconds and 10 random bytes (RFC 9562 §5.7)."""
    value = (time_ms & 0xFFFFFFFFFFFF) << 80 | int.from_bytes(random[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return MessageId(value.to_bytes(16, "big"))
