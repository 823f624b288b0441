"""The server's signed word on what it stores for a warrant, so that nothing is held back (R-24).

Per label: the sequence range, count, the envelopes' hashes; per conversation: the receipt chain's
head. What is delivered must be exactly that.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, final

import msgspec

from doublelock.protocol import jws, limits
from doublelock.protocol.charter import Charter, receipt_key_at
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import (
    Bytes32,
    CommitteeNumber,
    Count,
    Document,
    KeyEpoch,
    Millis,
    Opaque,
    decode,
    encode,
)
from doublelock.protocol.encoding import tagged, u64
from doublelock.protocol.errors import EvidenceRefused
from doublelock.protocol.identifiers import AccountId, ConversationId, DeploymentId
from doublelock.protocol.label import Label
from doublelock.protocol.scope import InventoryRow
from doublelock.protocol.warrant import Warrant

_TAG: Final = b"doublelock/v1/inventory-envelope"
_VERIFIED: Final = object()


class _Hashes(Opaque):
    LEAST = 0
    MOST = 32 * 1024 * 1024


class InventoryLabel(Document, frozen=True):
    """One label's envelopes: lowest and highest sequence, and each one's hash (32) in order."""

    conversation: Bytes32
    account: Bytes32
    day: Annotated[int, msgspec.Meta(ge=0, le=limits.LAST_DAY)]
    key_epoch: KeyEpoch
    first: Count
    last: Count
    count: Count
    hashes: _Hashes


class InventoryHead(Document, frozen=True):
    """Where a conversation's timeline stands: its last sequence and receipt hash."""

    conversation: Bytes32
    sequence: Count
    receipt: Bytes32


class InventoryTerms(Document, frozen=True):
    """The payload of an inventory, at a time in ms."""

    version: Literal[1]
    deployment: Bytes32
    committee: CommitteeNumber
    warrant: Bytes32
    time_ms: Millis
    labels: tuple[InventoryLabel, ...]
    heads: tuple[InventoryHead, ...]


@dataclass(frozen=True, slots=True)
class StoredEnvelope:
    """An envelope's place and bytes as the server stores and delivers it."""

    sequence: int
    header: bytes
    body: bytes


@final
class Inventory:
    """An inventory that the receipt key signed for this warrant; see `verify_inventory`."""

    __slots__ = ("_labels", "terms")

    def __init__(self, token: object, terms: InventoryTerms) -> None:
        if token is not _VERIFIED:
            raise TypeError("an Inventory comes from verify_inventory")
        self.terms = terms
        self._labels: Mapping[tuple[bytes, bytes, int, int], InventoryLabel] = {
            (bytes(row.conversation), bytes(row.account), row.day, row.key_epoch): row
            for row in terms.labels
        }

    @property
    def rows(self) -> tuple[InventoryRow, ...]:
        """Return its labels' rows, as `scope.labels_in_scope` takes them."""
        return tuple(
            InventoryRow(ConversationId(c), AccountId(a), day, epoch)
            for c, a, day, epoch in self._labels
        )

    def check_label(self, label: Label, envelopes: Sequence[tuple[int, bytes]]) -> None:
        """Check that a label's delivered envelopes are those listed, in order (R-24).

        Each one is its sequence and its name (32, `name_envelope`). Raises EvidenceRefused:
        envelope-foreign, envelope-missing naming the first one's place, inventory-mismatch when the
        same ones come in another order.
        """
        key = (bytes(label.conversation), bytes(label.account), label.day, label.key_epoch)
        row = self._labels.get(key)
        if row is None:
            raise EvidenceRefused(Code.ENVELOPE_FOREIGN, "label that the inventory does not list")
        listed = [bytes(row.hashes[at : at + 32]) for at in range(0, len(row.hashes), 32)]
        got = [name for _, name in envelopes]
        known = set(listed)
        for sequence, name in envelopes:
            if name not in known:
                raise EvidenceRefused(Code.ENVELOPE_FOREIGN, f"sequence {sequence}")
        there = set(got)
        for place, name in enumerate(listed, start=1):
            if name not in there:
                raise EvidenceRefused(Code.ENVELOPE_MISSING, f"{place} of {len(listed)}")
        if got != listed:
            raise EvidenceRefused(Code.INVENTORY_MISMATCH, "order")


def name_envelope(sequence: int, header_hash: bytes, body_hash: bytes) -> bytes:
    """Return the 32 bytes by which an inventory names an envelope at its place.

    The hashes are SHA-256 of its header and of its body.
    """
    return hashlib.sha256(tagged(_TAG, u64(sequence), header_hash, body_hash)).digest()


def hash_envelope(envelope: StoredEnvelope) -> bytes:
    """Return the 32 bytes by which an inventory names an envelope: sequence, header and body."""
    sha256 = hashlib.sha256
    header_hash, body_hash = sha256(envelope.header).digest(), sha256(envelope.body).digest()
    return name_envelope(envelope.sequence, header_hash, body_hash)


def list_label(row: InventoryRow, envelopes: Sequence[tuple[int, bytes]]) -> InventoryLabel:
    """Return the inventory's line for a label's envelopes, ascending by sequence, at least one.

    Each one is its sequence and its name (32, `hash_envelope`).
    """
    return InventoryLabel(
        conversation=Bytes32(row.conversation),
        account=Bytes32(row.account),
        day=row.day,
        key_epoch=row.key_epoch,
        first=envelopes[0][0],
        last=envelopes[-1][0],
        count=len(envelopes),
        hashes=_Hashes(b"".join(name for _, name in envelopes)),
    )


def write_inventory(
    deployment: DeploymentId,
    committee: int,
    warrant: bytes,
    time_ms: int,
    labels: Iterable[InventoryLabel],
    heads: Iterable[InventoryHead],
) -> bytes:
    """Return the payload of an inventory, for the receipt key to sign as Purpose.INVENTORY."""
    return encode(
        InventoryTerms(
            version=1,
            deployment=Bytes32(deployment),
            committee=committee,
            warrant=Bytes32(warrant),
            time_ms=time_ms,
            labels=tuple(labels),
            heads=tuple(heads),
        )
    )


def verify_inventory(data: bytes, charters: Sequence[Charter], warrant: Warrant) -> Inventory:
    """Return the inventory that the receipt key of its time signed for this warrant (C-13).

    `charters` are those from genesis on. Raises Malformed, or EvidenceRefused(inventory-mismatch).
    """
    signers = {bytes(charter.terms.receipt_key) for charter in charters}
    document = jws.verify(data, jws.Purpose.INVENTORY, signers, limits.INVENTORY)
    terms = decode(document.payload, InventoryTerms, limits.INVENTORY)
    if document.signers != (receipt_key_at(charters, terms.time_ms),):
        raise EvidenceRefused(Code.INVENTORY_MISMATCH, "signed by the key of another time")
    named = (bytes(terms.deployment), terms.committee, bytes(terms.warrant))
    if named != (charters[0].deployment, warrant.terms.committee, warrant.commitment):
        raise EvidenceRefused(Code.INVENTORY_MISMATCH, "of another warrant")
    keys = {(row.conversation, row.account, row.day, row.key_epoch) for row in terms.labels}
    heads = {head.conversation: head.sequence for head in terms.heads}
    if len(keys) != len(terms.labels) or len(heads) != len(terms.heads):
        raise EvidenceRefused(Code.INVENTORY_MISMATCH, "a label or conversation twice")
    for row in terms.labels:
        if row.count < 1 or len(row.hashes) != 32 * row.count or not row.first <= row.last:
            raise EvidenceRefused(Code.INVENTORY_MISMATCH, "counts")
        if row.last > heads.get(row.conversation, -1):
            raise EvidenceRefused(Code.INVENTORY_MISMATCH, "head of a conversation")
        if not warrant.scope.covers(bytes(row.conversation), bytes(row.account), row.day):
            raise EvidenceRefused(Code.EVIDENCE_SCOPE, "inventory beyond the warrant")
    return Inventory(_VERIFIED, terms)
