"""Receipts: the server's word on order and time, one signature per write batch (spec V-8 to V-10).

Every item of a conversation's timeline has one; each names the one before it, so that a server
which drops, reorders or rewrites contradicts its own signature.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SigningKey, VerifyKey
from doublelock.protocol.encoding import tagged, u64
from doublelock.protocol.errors import EnvelopeRefused, Refusal
from doublelock.protocol.identifiers import AccountId, ConversationId, DeploymentId, DeviceId
from doublelock.protocol.merkle import leaf_hash, node_hash

HASH_SIZE: Final = 32
FIRST: Final = bytes(HASH_SIZE)
"""What the first item of a timeline names as its previous receipt."""
_LEAF_TAG: Final = b"doublelock/v1/receipt"
_ROOT_TAG: Final = b"doublelock/v1/receipt-batch"


class ReceiptFields(msgspec.Struct, frozen=True, gc=False):
    """What a receipt says of one item: its place, its time, its sender and its hashes (32 each).

    A commit has no header and no body: their hashes are SHA-256 of nothing.
    """

    conversation: ConversationId
    sequence: int
    previous: bytes
    time_ms: int
    account: AccountId
    device: DeviceId
    header_hash: bytes
    body_hash: bytes
    mls_hash: bytes

    def leaf(self, deployment: DeploymentId) -> bytes:
        """Return the bytes that are hashed into the batch's tree (spec V-8)."""
        return tagged(
            _LEAF_TAG,
            deployment,
            self.conversation,
            u64(self.sequence),
            self.previous,
            u64(self.time_ms),
            self.account,
            self.device,
            self.header_hash,
            self.body_hash,
            self.mls_hash,
        )

    def hash(self, deployment: DeploymentId) -> bytes:
        """Return the receipt's hash, 32 bytes: the leaf hash of RFC 6962 §2.1."""
        return leaf_hash(self.leaf(deployment))


def describe_item(
    conversation: ConversationId,
    sequence: int,
    previous: bytes,
    time_ms: int,
    account: AccountId,
    device: DeviceId,
    header: bytes,
    body: bytes,
    mls: bytes,
) -> ReceiptFields:
    """Return the receipt fields of an item from its bytes; header and body empty for a commit."""
    sha256 = hashlib.sha256
    return ReceiptFields(
        conversation,
        sequence,
        previous,
        time_ms,
        account,
        device,
        sha256(header).digest(),
        sha256(body).digest(),
        sha256(mls).digest(),
    )


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """The fields with their proof: leaf `index` of `size`, path (32-byte hashes joined), signature.

    Anyone may make one; `verify_receipt` says whether the server did.
    """

    fields: ReceiptFields
    index: int
    size: int
    path: bytes
    signature: bytes


class VerifiedReceipt(msgspec.Struct, frozen=True, gc=False):
    """A receipt that the deployment's receipt key signed; `hash` is what the next one must name."""

    fields: ReceiptFields
    hash: bytes


def sign_receipts(
    hashes: Sequence[bytes], deployment: DeploymentId, key: SigningKey
) -> tuple[bytes, list[bytes]]:
    """Return the signature (64) over a batch of receipt hashes and each one's path (spec V-9).

    One signature for the whole batch; the tree is RFC 6962's over the hashes in their order.
    """
    rows = [list(hashes)]
    while len(rows[-1]) > 1:
        row = rows[-1]
        paired = len(row) & ~1
        above = [node_hash(row[at], row[at + 1]) for at in range(0, paired, 2)]
        rows.append(above + row[paired:])  # a last one without a sibling moves up as it is
    paths = []
    for index in range(len(hashes)):
        path = []
        for row in rows[:-1]:
            sibling = index ^ 1
            if sibling < len(row):
                path.append(row[sibling])
            index >>= 1
        paths.append(b"".join(path))
    return key.sign(tagged(_ROOT_TAG, deployment, rows[-1][0])), paths


class SeenRoots:
    """Batch roots whose signature was checked already, so that it is checked once a batch.

    Holds at most `limit` of them; then it starts afresh.
    """

    __slots__ = ("_limit", "_roots")

    def __init__(self, limit: int = 4096) -> None:
        self._roots: set[bytes] = set()
        self._limit = limit

    def __contains__(self, entry: bytes) -> bool:
        return entry in self._roots

    def add(self, entry: bytes) -> None:
        """Remember a root that was verified."""
        if len(self._roots) >= self._limit:
            self._roots.clear()
        self._roots.add(entry)


def verify_receipt(
    receipt: Receipt, deployment: DeploymentId, key: VerifyKey, seen: SeenRoots | None = None
) -> VerifiedReceipt:
    """Return the receipt as one that the key of the charter signed (spec V-9).

    Raises EnvelopeRefused(RECEIPT_SIGNATURE).
    """
    fields, path = receipt.fields, receipt.path
    if (
        len(path) % HASH_SIZE
        or len(path) > limits.RECEIPT_PATH * HASH_SIZE
        or not 0 <= receipt.index < receipt.size <= 2**limits.RECEIPT_PATH
        or not 0 < fields.sequence < 2**64
        or not 0 <= fields.time_ms < 2**53
    ):
        raise EnvelopeRefused(Code.RECEIPT_SIGNATURE, "receipt out of range")
    own = fields.hash(deployment)
    root = _root(own, receipt.index, receipt.size, path)
    entry = key.encoded + deployment + root + receipt.signature
    if seen is None or entry not in seen:
        try:
            key.verify(receipt.signature, tagged(_ROOT_TAG, deployment, root))
        except Refusal:
            raise EnvelopeRefused(Code.RECEIPT_SIGNATURE) from None
        if seen is not None:
            seen.add(entry)
    return VerifiedReceipt(fields, own)


def _root(leaf: bytes, index: int, size: int, path: bytes) -> bytes:
    """Return the root that a path leads to (RFC 9162 §2.1.3.2); the signature then judges it."""
    node, last, sha256 = leaf, size - 1, hashlib.sha256
    for at in range(0, len(path), HASH_SIZE):
        sibling = path[at : at + HASH_SIZE]
        if last == 0:
            raise EnvelopeRefused(Code.RECEIPT_SIGNATURE, "path too long")
        # `node_hash` written out: a batch of a hundred has seven for each message.
        if index & 1 or index == last:
            node = sha256(b"\x01" + sibling + node).digest()
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            node = sha256(b"\x01" + node + sibling).digest()
        index >>= 1
        last >>= 1
    if last:
        raise EnvelopeRefused(Code.RECEIPT_SIGNATURE, "path too short")
    return node


class ReceiptChain(msgspec.Struct, frozen=True, gc=False):
    """How far a conversation's timeline was followed: its last receipt's place, hash and time."""

    conversation: ConversationId
    sequence: int
    hash: bytes
    time_ms: int


class AcceptedReceipt(msgspec.Struct, frozen=True, gc=False):
    """A verified receipt that follows the one before it; `chain` is where the timeline stands."""

    fields: ReceiptFields
    hash: bytes
    chain: ReceiptChain


def begin_chain(conversation: ConversationId) -> ReceiptChain:
    """Return the chain of a timeline before its first item."""
    return ReceiptChain(conversation, 0, FIRST, 0)


def join_chain(receipt: VerifiedReceipt) -> ReceiptChain:
    """Return the chain of one who joins a running timeline: from this receipt on (spec V-10)."""
    fields = receipt.fields
    return ReceiptChain(fields.conversation, fields.sequence, receipt.hash, fields.time_ms)


def accept_receipt(
    chain: ReceiptChain, receipt: VerifiedReceipt, now_ms: int, skew_ms: int
) -> AcceptedReceipt:
    """Return the receipt as the next of its conversation's timeline (spec V-10).

    Every item passes here, commits and refused messages too. Raises EnvelopeRefused:
    RECEIPT_CHAIN unless it is the next and names the last; RECEIPT_TIME when its time runs
    backwards, or ahead of `now_ms` by more than the charter's skew.
    """
    fields = receipt.fields
    if fields.conversation != chain.conversation or fields.sequence != chain.sequence + 1:
        raise EnvelopeRefused(Code.RECEIPT_CHAIN, f"expected sequence {chain.sequence + 1}")
    if fields.previous != chain.hash:
        raise EnvelopeRefused(Code.RECEIPT_CHAIN, f"history changed before {fields.sequence}")
    if fields.time_ms < chain.time_ms or fields.time_ms > now_ms + skew_ms:
        raise EnvelopeRefused(Code.RECEIPT_TIME, f"at sequence {fields.sequence}")
    return AcceptedReceipt(fields, receipt.hash, join_chain(receipt))
