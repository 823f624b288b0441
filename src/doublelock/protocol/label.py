"""Labels: what an escrowed key is for, and the unit of every warrant (spec E-1)."""

from typing import Final

import msgspec

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G1, hash_to_g1
from doublelock.protocol.encoding import Reader, tagged, u16, u32
from doublelock.protocol.errors import Malformed
from doublelock.protocol.identifiers import (
    ACCOUNT_SIZE,
    CONVERSATION_SIZE,
    DEPLOYMENT_SIZE,
    AccountId,
    ConversationId,
    DeploymentId,
)

LABEL_SIZE: Final = 137
_TAG: Final = b"doublelock/v1/label"
_POINT_DST: Final = b"DOUBLELOCK-V1-LABEL-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"


class Label(msgspec.Struct, frozen=True, gc=False):
    """Deployment, committee (u16), key epoch (u16), conversation, sender account, day (u32).

    Making one raises Malformed(FORM) for a value out of range: a label is always encodable.
    """

    deployment: DeploymentId
    committee: int
    key_epoch: int
    conversation: ConversationId
    account: AccountId
    day: int

    def __post_init__(self) -> None:
        if (
            len(self.deployment) != DEPLOYMENT_SIZE
            or len(self.conversation) != CONVERSATION_SIZE
            or len(self.account) != ACCOUNT_SIZE
            or not 0 <= self.committee <= 0xFFFF
            or not 0 <= self.key_epoch <= 0xFFFF
            or not 0 <= self.day <= limits.LAST_DAY
        ):
            raise Malformed(Code.FORM, "label field out of range")

    def encode(self) -> bytes:
        """Return the label's 137 bytes: length-prefixed fields under a tag (spec E-1)."""
        return tagged(
            _TAG,
            self.deployment,
            u16(self.committee),
            u16(self.key_epoch),
            self.conversation,
            self.account,
            u32(self.day),
        )

    @classmethod
    def decode(cls, data: bytes) -> "Label":
        """Return the label of 137 bytes. Raises Malformed(SIZE, FORM)."""
        if len(data) != LABEL_SIZE:
            raise Malformed(Code.SIZE, f"label of {len(data)} bytes, not {LABEL_SIZE}")
        reader = Reader(data)
        fields = [reader.field() for _ in range(7)]
        reader.end()
        tag, deployment, committee, key_epoch, conversation, account, day = fields
        if tag != _TAG or (len(committee), len(key_epoch), len(day)) != (2, 2, 4):
            raise Malformed(Code.FORM, "not a label")
        return cls(
            DeploymentId(deployment),
            int.from_bytes(committee, "big"),
            int.from_bytes(key_epoch, "big"),
            ConversationId(conversation),
            AccountId(account),
            int.from_bytes(day, "big"),
        )

    def point(self) -> G1:
        """Return Q, the label's point in G1: hash_to_curve under a DST of ours (spec E-2)."""
        return hash_to_g1(self.encode(), _POINT_DST)
