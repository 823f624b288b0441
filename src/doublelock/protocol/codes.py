"""Every refusal code with its advice; `vectors/codes.json` is this table for other languages."""

from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """A refusal's name: the same on the wire, in Python and in TypeScript."""

    # form
    SIZE = "size"
    FORM = "form"
    NOT_CANONICAL = "not-canonical"
    BAD_POINT = "bad-point"
    BAD_SCALAR = "bad-scalar"
    BAD_SIGNATURE = "bad-signature"
    # envelope
    SENDER_MISMATCH = "sender-mismatch"
    EPOCH_MISMATCH = "epoch-mismatch"
    DAY_MISMATCH = "day-mismatch"
    RECEIPT_TIME = "receipt-time"
    RECEIPT_CHAIN = "receipt-chain"
    CAPSULE_MISMATCH = "capsule-mismatch"
    CAPSULE_MISSING = "capsule-missing"
    BODY_UNREADABLE = "body-unreadable"
    COMMITMENT_MISMATCH = "commitment-mismatch"


ADVICE: Final[dict[Code, str]] = {
    Code.SIZE: "The data is larger or smaller than allowed; nothing was changed.",
    Code.FORM: "The data is not of the expected form; nothing was changed.",
    Code.NOT_CANONICAL: "The data is encoded in a way that is not allowed; ask for it again.",
    Code.BAD_POINT: "A key or point is invalid; do not use it, and tell the operator.",
    Code.BAD_SCALAR: "A number is outside its group; do not use it, and tell the operator.",
    Code.BAD_SIGNATURE: "A signature does not hold; do not rely on this data.",
    Code.SENDER_MISMATCH: "The message does not come from whom it says; it was not shown.",
    Code.EPOCH_MISMATCH: "The message is sealed for another committee or month; not shown.",
    Code.DAY_MISMATCH: "The message's day is not the day on which it was received; not shown.",
    Code.RECEIPT_TIME: "The server's times run backwards or ahead; check your device's clock.",
    Code.RECEIPT_CHAIN: "The server's receipts do not follow each other; tell the operator.",
    Code.CAPSULE_MISMATCH: "The sealed key does not match its label; the message was not shown.",
    Code.CAPSULE_MISSING: "The message has no sealed key where the charter demands one.",
    Code.BODY_UNREADABLE: "The message cannot be decrypted; it was not shown.",
    Code.COMMITMENT_MISMATCH: "The message does not match its commitment; it was not shown.",
}
