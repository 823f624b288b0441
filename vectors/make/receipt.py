"""receipt.json: a batch of receipts, its proofs, and such as must be refused (spec V-8, V-9)."""

from msgspec.structs import replace

from doublelock.protocol.receipt import FIRST, Receipt, describe_item, sign_receipts
from vectors.make.world import (
    ACCOUNT,
    CONVERSATION,
    DEPLOYMENT,
    DEVICE,
    RECEIPT_KEY,
    TIME_MS,
    envelope,
    flip,
)


def batch(count: int) -> list[Receipt]:
    """Return the receipts of a timeline's first items, signed as one batch."""
    made = envelope()
    previous, fields = FIRST, []
    for number in range(1, count + 1):
        commit = number % 3 == 0
        described = describe_item(
            CONVERSATION,
            number,
            previous,
            TIME_MS + number,
            ACCOUNT,
            DEVICE,
            b"" if commit else made.header,
            b"" if commit else made.body,
            b"mls %d" % number,
        )
        previous = described.hash(DEPLOYMENT)
        fields.append(described)
    signature, paths = sign_receipts(
        [described.hash(DEPLOYMENT) for described in fields], DEPLOYMENT, RECEIPT_KEY
    )
    return [
        Receipt(described, index, count, path, signature)
        for index, (described, path) in enumerate(zip(fields, paths, strict=True))
    ]


def _json(receipt: Receipt) -> dict[str, object]:
    fields = receipt.fields
    return {
        "conversation": fields.conversation.hex(),
        "sequence": fields.sequence,
        "previous": fields.previous.hex(),
        "time_ms": fields.time_ms,
        "account": fields.account.hex(),
        "device": fields.device.hex(),
        "header_hash": fields.header_hash.hex(),
        "body_hash": fields.body_hash.hex(),
        "mls_hash": fields.mls_hash.hex(),
        "index": receipt.index,
        "size": receipt.size,
        "path": receipt.path.hex(),
        "signature": receipt.signature.hex(),
    }


def build() -> dict[str, object]:
    """Return the file."""
    seven = batch(7)
    one = seven[4]
    bad = [
        ("another time", replace(one, fields=replace(one.fields, time_ms=TIME_MS))),
        ("another sequence", replace(one, fields=replace(one.fields, sequence=6))),
        ("another place in the batch", replace(one, index=5)),
        ("a batch of another size", replace(one, size=6)),
        ("outside the batch", replace(one, index=7)),
        ("a path too short", replace(one, path=one.path[:-32])),
        ("a path too long", replace(one, path=one.path + bytes(32))),
        ("a path cut within a hash", replace(one, path=one.path[:-1])),
        ("another signature", replace(one, signature=flip(one.signature, 3))),
    ]
    return {
        "about": "Receipts: leaf, its RFC 6962 hash, path to the batch's root, one signature.",
        "rules": ["V-8", "V-9"],
        "deployment": DEPLOYMENT.hex(),
        "receipt_key": RECEIPT_KEY.public.encoded.hex(),
        "good": [
            {
                **_json(receipt),
                "leaf": receipt.fields.leaf(DEPLOYMENT).hex(),
                "hash": receipt.fields.hash(DEPLOYMENT).hex(),
            }
            for receipt in (*batch(1), *batch(2), *seven)
        ],
        "bad": [
            {"why": why, **_json(receipt), "code": "receipt-signature"} for why, receipt in bad
        ],
    }
