"""The envelope's header: fixed-layout bytes that everything else is bound to (spec V-1)."""

import hashlib
import struct
from enum import IntEnum
from typing import Final

import msgspec

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed
from doublelock.protocol.identifiers import (
    AccountId,
    ConversationId,
    DeploymentId,
    DeviceId,
    MessageId,
)
from doublelock.protocol.label import Label

VERSION: Final = 1
CAPSULE_SIZE: Final = 128
COMMITMENT_SIZE: Final = 32
HASH_SIZE: Final = 32
SEALED_SIZE: Final = 266
BARE_SIZE: Final = 138
_FIXED: Final = struct.Struct(">BB32s16s32s16sHHI")


class Form(IntEnum):
    """How a message stands to the escrow: fixed by the charter, or by the kind of its record."""

    SEALED = 1
    """Sealed to the escrow: the header carries a capsule."""
    UNESCROWED = 2
    """The charter knows no escrow: no capsule."""
    EPHEMERAL = 3
    """Typing, presence and read marks: no capsule, never stored."""


_FORMS: Final = {int(form): form for form in Form}


class Header(msgspec.Struct, frozen=True, gc=False):
    """Who, where, when, sealed to whom: 266 bytes with a capsule, 138 without.

    Made by `decode`, or by `envelope.seal_envelope`; `encode` is its only encoding.
    """

    form: Form
    conversation: ConversationId
    message_id: MessageId
    account: AccountId
    device: DeviceId
    committee: int
    key_epoch: int
    day: int
    capsule: bytes
    commitment: bytes

    def encode(self) -> bytes:
        """Return the header's 266 or 138 bytes (spec V-1)."""
        fixed = _FIXED.pack(
            VERSION,
            self.form,
            self.conversation,
            self.message_id,
            self.account,
            self.device,
            self.committee,
            self.key_epoch,
            self.day,
        )
        return fixed + self.capsule + self.commitment

    @classmethod
    def decode(cls, data: bytes) -> "Header":
        """Return the header of 266 or 138 bytes. Raises Malformed(SIZE, FORM).

        The capsule's point is not decoded here: `capsule.verify_capsule` does, once a capsule.
        """
        if len(data) not in (SEALED_SIZE, BARE_SIZE):
            raise Malformed(Code.SIZE, f"header of {len(data)} bytes")
        version, form, conversation, message_id, account, device, committee, key_epoch, day = (
            _FIXED.unpack_from(data)
        )
        known = _FORMS.get(form)
        if version != VERSION or known is None:
            raise Malformed(Code.FORM, "header of an unknown version or form")
        if (known is Form.SEALED) != (len(data) == SEALED_SIZE):
            raise Malformed(Code.SIZE, "header's form and size disagree")
        if message_id[6] >> 4 != 7 or message_id[8] >> 6 != 2:  # RFC 9562 §5.7
            raise Malformed(Code.FORM, "message id is not a UUIDv7")
        if day > limits.LAST_DAY:
            raise Malformed(Code.FORM, "day out of range")
        return cls(
            known,
            ConversationId(conversation),
            MessageId(message_id),
            AccountId(account),
            DeviceId(device),
            committee,
            key_epoch,
            day,
            data[_FIXED.size : -COMMITMENT_SIZE],
            data[-COMMITMENT_SIZE:],
        )

    def label(self, deployment: DeploymentId) -> Label:
        """Return the label that this header's capsule is sealed to."""
        return Label(
            deployment, self.committee, self.key_epoch, self.conversation, self.account, self.day
        )


def hash_header(header: bytes) -> bytes:
    """Return hash(header): SHA-256 of its exact bytes, 32 bytes (spec V-2)."""
    return hashlib.sha256(header).digest()
