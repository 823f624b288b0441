"""The form of evidence: one message as one line of `messages.jsonl`, written and read (spec R-26).

A warrant may open a hundred thousand messages, so both are made for speed: a line is put together
from its texts, and one that says what we would write needs no second parser to find a repeated
member. Any other form is left to `documents.decode`, which decides for all.
"""

from typing import Final

import msgspec

from doublelock.protocol import limits
from doublelock.protocol.documents import (
    Bytes32,
    Bytes64,
    Count,
    Document,
    Millis,
    Opaque,
    decode,
    encode_base64url,
)
from doublelock.protocol.receipt import Receipt


class EvidenceReceipt(Document, frozen=True):
    """The receipt's fields that header and body do not give, with path and signature."""

    sequence: Count
    previous: Bytes32
    time_ms: Millis
    mls_hash: Bytes32
    index: Count
    size: Count
    path: Opaque
    signature: Bytes64


class EvidenceLine(Document, frozen=True):
    """One message, as one line of `messages.jsonl`: all that proves it, its seed included.

    `seed` (32) is the capsule's; `device_key` (32) the sender's, to be found in the key log.
    """

    header: Opaque
    body: Opaque
    seed: Bytes32
    device_key: Bytes32
    receipt: EvidenceReceipt


class _ReceiptTexts(Document, frozen=True):
    sequence: Count
    previous: str
    time_ms: Millis
    mls_hash: str
    index: Count
    size: Count
    path: str
    signature: str


class _LineTexts(Document, frozen=True):
    header: str
    body: str
    seed: str
    device_key: str
    receipt: _ReceiptTexts


_TEXTS: Final = msgspec.json.Decoder(_LineTexts)
_FORM: Final = (
    '{"header":"%s","body":"%s","seed":"%s","device_key":"%s",'
    '"receipt":{"sequence":%d,"previous":"%s","time_ms":%d,"mls_hash":"%s",'
    '"index":%d,"size":%d,"path":"%s","signature":"%s"}}'
)


def write_line(
    header: bytes, body: bytes, seed: bytes, device_key: bytes, receipt: Receipt
) -> bytes:
    """Return the JSON line of a message, without its newline: what encoding an EvidenceLine gives.

    `header` and `body` are the envelope's bytes, `seed` and `device_key` 32 each.
    """
    fields, text = receipt.fields, encode_base64url
    texts = (
        text(header),
        text(body),
        text(seed),
        text(device_key),
        fields.sequence,
        text(fields.previous),
        fields.time_ms,
        text(fields.mls_hash),
        receipt.index,
        receipt.size,
        text(receipt.path),
        text(receipt.signature),
    )
    return (_FORM % texts).encode()


def read_line(data: bytes) -> EvidenceLine:
    """Return the line in at most 1 MiB. Raises Malformed(SIZE, FORM) as `documents.decode`."""
    if len(data) <= limits.EVIDENCE_LINE:
        try:
            texts = _TEXTS.decode(data)
            if _is_own_form(texts, data):
                return _from_texts(texts)
        except ValueError:  # msgspec's errors are some
            pass
    return decode(data, EvidenceLine, limits.EVIDENCE_LINE)


def _is_own_form(texts: _LineTexts, data: bytes) -> bool:
    """Whether the bytes are those that these texts give: then no member stands there twice."""
    receipt = texts.receipt
    again = _FORM % (
        texts.header,
        texts.body,
        texts.seed,
        texts.device_key,
        receipt.sequence,
        receipt.previous,
        receipt.time_ms,
        receipt.mls_hash,
        receipt.index,
        receipt.size,
        receipt.path,
        receipt.signature,
    )
    return again.encode() == data


def _from_texts(texts: _LineTexts) -> EvidenceLine:
    receipt = texts.receipt
    return EvidenceLine(
        Opaque.from_text(texts.header),
        Opaque.from_text(texts.body),
        Bytes32.from_text(texts.seed),
        Bytes32.from_text(texts.device_key),
        EvidenceReceipt(
            receipt.sequence,
            Bytes32.from_text(receipt.previous),
            receipt.time_ms,
            Bytes32.from_text(receipt.mls_hash),
            receipt.index,
            receipt.size,
            Opaque.from_text(receipt.path),
            Bytes64.from_text(receipt.signature),
        ),
    )
