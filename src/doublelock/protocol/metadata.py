"""What a metadata warrant gives: who wrote where and when, signed, and never a key (R-36).

The operator logs the request first, with a commitment to everybody concerned; what it then gives is
of the labels of such requests alone, and says so under the receipt key.
"""

import struct
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Final, Literal

import msgspec

from doublelock.protocol import jws, limits
from doublelock.protocol.charter import Charter, receipt_key_at
from doublelock.protocol.charter_terms import WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.days import day_of
from doublelock.protocol.documents import (
    Bytes32,
    CommitteeNumber,
    Document,
    KeyEpoch,
    Millis,
    Opaque,
    decode,
    encode,
)
from doublelock.protocol.errors import EvidenceRefused, ReleaseRefused
from doublelock.protocol.identifiers import AccountId, ConversationId
from doublelock.protocol.label import Label
from doublelock.protocol.lawlog import VerifiedEntry
from doublelock.protocol.lawrecords import WarrantRecord
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.release import check_in_force, check_unnamed
from doublelock.protocol.warrant import Warrant

_ENVELOPE: Final = struct.Struct(">QQII")


class _Envelopes(Opaque):
    LEAST = _ENVELOPE.size
    MOST = 24 * 1024 * 1024


class MetadataLabel(Document, frozen=True):
    """One sender's envelopes in one conversation on one day: 24 bytes each, ascending.

    Each is sequence, time (ms), size of the body and of the MLS ciphertext: u64, u64, u32, u32.
    """

    conversation: Bytes32
    account: Bytes32
    day: Annotated[int, msgspec.Meta(ge=0, le=limits.LAST_DAY)]
    key_epoch: KeyEpoch
    envelopes: _Envelopes


class MetadataTerms(Document, frozen=True):
    """The payload: what the server stores for a metadata warrant, at a time in ms."""

    version: Literal[1]
    deployment: Bytes32
    committee: CommitteeNumber
    warrant: Bytes32
    time_ms: Millis
    labels: tuple[MetadataLabel, ...]


@dataclass(frozen=True, slots=True)
class EnvelopeFacts:
    """That an envelope exists: its place, its time in ms, its sizes in bytes."""

    sequence: int
    time_ms: int
    body_size: int
    mls_size: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the receipt key signed for a metadata warrant; comes from `verify_metadata`."""

    time_ms: int
    labels: tuple[tuple[Label, tuple[EnvelopeFacts, ...]], ...]


def check_metadata_warrant(
    warrant: Warrant,
    charter: Charter,
    state: LawState,
    now_ms: int,
    cancellations: Collection[VerifiedEntry] = (),
) -> WarrantRecord:
    """Return a metadata warrant's record once metadata may be given for it at this time.

    As for content: both locks signed and logged, in force, no notice overdue (R-7 to R-16). Raises
    ReleaseRefused by the rule's name; warrant-kind for another kind.
    """
    if warrant.terms.kind is not WarrantKind.METADATA:
        raise ReleaseRefused(Code.WARRANT_KIND, f"{warrant.terms.kind.value} is no metadata")
    approvals = warrant.approvals
    record = check_in_force(warrant, approvals, charter, state, now_ms, cancellations)
    overdue = state.overdue(record.agency, now_ms)
    if overdue:
        raise ReleaseRefused(Code.NOTICE_OVERDUE, f"{len(overdue)} warrants")
    return record


def check_disclosed(
    warrant: Warrant, labels: Collection[Label], record: WarrantRecord, now_ms: int
) -> None:
    """Raise ReleaseRefused unless labels may be given: in scope, come, not too many unnamed."""
    for label in labels:
        if not warrant.scope.covers(label.conversation, label.account, label.day):
            raise ReleaseRefused(Code.LABEL_OUT_OF_SCOPE)
        if label.day > day_of(now_ms):
            raise ReleaseRefused(Code.LABEL_FUTURE)
    check_unnamed(warrant, {label.account for label in labels}, record)


def list_metadata(label: Label, envelopes: Sequence[EnvelopeFacts]) -> MetadataLabel:
    """Return the line of one label's envelopes, at least one."""
    return MetadataLabel(
        conversation=Bytes32(label.conversation),
        account=Bytes32(label.account),
        day=label.day,
        key_epoch=label.key_epoch,
        envelopes=_Envelopes(
            b"".join(
                _ENVELOPE.pack(one.sequence, one.time_ms, one.body_size, one.mls_size)
                for one in envelopes
            )
        ),
    )


def write_metadata(warrant: Warrant, time_ms: int, labels: Iterable[MetadataLabel]) -> bytes:
    """Return the payload, for the receipt key to sign as Purpose.METADATA."""
    return encode(
        MetadataTerms(
            version=1,
            deployment=Bytes32(warrant.deployment),
            committee=warrant.terms.committee,
            warrant=Bytes32(warrant.commitment),
            time_ms=time_ms,
            labels=tuple(labels),
        )
    )


def verify_metadata(
    data: bytes, charters: Sequence[Charter], warrant: Warrant, requested: Collection[Label]
) -> Metadata:
    """Return what the receipt key of its time signed for this warrant (C-13).

    It is of labels that were `requested` alone: those of the warrant's logged requests. `charters`
    are those from genesis on. Raises Malformed, or EvidenceRefused: inventory-mismatch,
    evidence-scope, envelope-foreign for a label that no logged request names.
    """
    signers = {bytes(charter.terms.receipt_key) for charter in charters}
    document = jws.verify(data, jws.Purpose.METADATA, signers, limits.INVENTORY)
    terms = decode(document.payload, MetadataTerms, limits.INVENTORY)
    if document.signers != (receipt_key_at(charters, terms.time_ms),):
        raise EvidenceRefused(Code.INVENTORY_MISMATCH, "signed by the key of another time")
    named = (bytes(terms.deployment), terms.committee, bytes(terms.warrant))
    deployment = charters[0].deployment
    if named != (deployment, warrant.terms.committee, warrant.commitment):
        raise EvidenceRefused(Code.INVENTORY_MISMATCH, "of another warrant")
    found: dict[Label, tuple[EnvelopeFacts, ...]] = {}
    for row in terms.labels:
        label = Label(
            deployment,
            terms.committee,
            row.key_epoch,
            ConversationId(bytes(row.conversation)),
            AccountId(bytes(row.account)),
            row.day,
        )
        if not warrant.scope.covers(label.conversation, label.account, label.day):
            raise EvidenceRefused(Code.EVIDENCE_SCOPE, "metadata beyond the warrant")
        if label not in requested:
            raise EvidenceRefused(Code.ENVELOPE_FOREIGN, "metadata that no logged request names")
        if label in found:
            raise EvidenceRefused(Code.INVENTORY_MISMATCH, "a label twice")
        found[label] = _read_envelopes(row)
    return Metadata(terms.time_ms, tuple(found.items()))


def _read_envelopes(row: MetadataLabel) -> tuple[EnvelopeFacts, ...]:
    if len(row.envelopes) % _ENVELOPE.size:
        raise EvidenceRefused(Code.INVENTORY_MISMATCH, "counts")
    facts = tuple(EnvelopeFacts(*one) for one in _ENVELOPE.iter_unpack(row.envelopes))
    if any(after.sequence <= one.sequence for one, after in pairwise(facts)):
        raise EvidenceRefused(Code.INVENTORY_MISMATCH, "order")
    return facts
