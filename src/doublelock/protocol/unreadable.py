"""Stored messages that do not open or do not verify, shown to be so (spec R-38).

A sender may seal what nobody can open; that must not spoil the evidence of everything else. Such a
message stands in the package with its label's key, by which anybody finds that it does not open:
so an agency cannot call unreadable what it would rather leave out.
"""

from dataclasses import dataclass

from doublelock.protocol import limits
from doublelock.protocol.capsule import LabelKey, day_key, open_capsule
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G1
from doublelock.protocol.documents import (
    Bytes32,
    Bytes48,
    Bytes64,
    Document,
    Opaque,
    decode,
    encode,
)
from doublelock.protocol.ed25519 import verify_key
from doublelock.protocol.envelope import open_body, verify_body
from doublelock.protocol.errors import EvidenceRefused, Refusal
from doublelock.protocol.evidence import (
    EvidenceContext,
    StoredMessage,
    check_receipt,
    find_device,
    stated_receipt,
)
from doublelock.protocol.evidence_line import EvidenceReceipt
from doublelock.protocol.label import Label
from doublelock.protocol.partial import COURT, verify_partial
from doublelock.protocol.receipt import Receipt


class UnreadableLine(Document, frozen=True):
    """One message as one line of `unreadable.jsonl`; `key` (48) is its label's key."""

    header: Opaque
    body: Opaque
    key: Bytes48
    receipt: EvidenceReceipt


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that the server stored and that does not hold; its sender is the server's word.

    `name` (32) is the one by which the inventory lists it.
    """

    label: Label
    sequence: int
    name: bytes
    time_ms: int
    code: Code


def write_unreadable(header: bytes, body: bytes, key: LabelKey, receipt: Receipt) -> bytes:
    """Return the JSON line of a message that does not hold, without its newline."""
    fields = receipt.fields
    return encode(
        UnreadableLine(
            header=Opaque(header),
            body=Opaque(body),
            key=Bytes48(key.point.encoded),
            receipt=EvidenceReceipt(
                sequence=fields.sequence,
                previous=Bytes32(fields.previous),
                time_ms=fields.time_ms,
                mls_hash=Bytes32(fields.mls_hash),
                index=receipt.index,
                size=receipt.size,
                path=Opaque(receipt.path),
                signature=Bytes64(receipt.signature),
            ),
        )
    )


def verify_unreadable(data: bytes, context: EvidenceContext) -> Unreadable:
    """Return the message with the name of what is wrong with it, found again here.

    Raises EvidenceRefused: evidence-scope, receipt-signature, day-mismatch, partial-wrong (not the
    label's key), and evidence-manifest for a message that holds.
    """
    try:
        return _verify(data, context)
    except EvidenceRefused:
        raise
    except Refusal as refusal:
        raise EvidenceRefused(refusal.code, refusal.detail) from None


def _verify(data: bytes, context: EvidenceContext) -> Unreadable:
    line = decode(data, UnreadableLine, limits.EVIDENCE_LINE)
    stored = StoredMessage.decode(bytes(line.header), bytes(line.body))
    header = stored.header
    label = context.opened_label(header)
    fields = check_receipt(stored, stated_receipt(line.receipt, stored), context).fields
    mpk = context.master_key(label.committee, label.key_epoch)
    key = LabelKey(label, G1.decode(bytes(line.key)))
    verify_partial(key.point, label, mpk, COURT)
    try:
        device_key = find_device(header, fields.time_ms, context)
        seed = open_capsule(header.capsule, key, mpk).seed
        opened = open_body(
            day_key(seed, header.capsule, label), header, stored.header_hash, stored.body
        )
        verify_body(opened, verify_key(device_key), context.charter.deployment)
    except Refusal as refusal:
        name = stored.name(fields.sequence)
        return Unreadable(label, fields.sequence, name, fields.time_ms, refusal.code)
    raise EvidenceRefused(Code.EVIDENCE_MANIFEST, "a message that can be read")
