"""What an agency asks holders to open: a signed log entry and the labels behind its root (R-9)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from doublelock.protocol import limits, merkle
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.encoding import Reader, long_field, u16, u32
from doublelock.protocol.errors import Malformed, ReleaseRefused
from doublelock.protocol.identifiers import (
    ACCOUNT_SIZE,
    CONVERSATION_SIZE,
    AccountId,
    ConversationId,
    DeploymentId,
)
from doublelock.protocol.label import Label
from doublelock.protocol.lawlog import ReleaseRequest, VerifiedEntry, verify_entry
from doublelock.protocol.warrant import Warrant

LABEL_ROW_SIZE: Final = 2 + CONVERSATION_SIZE + ACCOUNT_SIZE + 4


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """A request as a holder gets it: the agency's signed entry, and labels of one committee.

    Nothing is decided yet: `release` does.
    """

    signed: VerifiedEntry
    entry: ReleaseRequest
    labels: tuple[Label, ...]


def labels_root(labels: Sequence[Label]) -> bytes:
    """Return the RFC 6962 tree hash over the labels' bytes in their order: 32 bytes."""
    leaves = [merkle.leaf_hash(label.encode()) for label in labels]

    def node(level: int, index: int) -> bytes:
        return merkle.reduce_perfect(leaves[index << level : (index + 1) << level])

    return merkle.range_root(0, len(leaves), node)


def describe_request(warrant: Warrant, labels: Sequence[Label]) -> ReleaseRequest:
    """Return the entry that asks for labels, in the order that `scope.labels_in_scope` gives.

    Raises ReleaseRefused(labels-count, labels-order).
    """
    check_order(labels)
    accounts = {label.account for label in labels}
    if len(accounts) > limits.SUBJECTS_PER_REQUEST:
        raise ReleaseRefused(Code.LABELS_COUNT, f"{len(accounts)} accounts in one request")
    return ReleaseRequest(
        warrant=Bytes32(warrant.commitment),
        labels_root=Bytes32(labels_root(labels)),
        labels=len(labels),
        accounts=len(accounts),
        subjects=tuple(sorted(Bytes32(warrant.subject(account)) for account in accounts)),
    )


def check_draft(warrant: Warrant, entry: ReleaseRequest) -> None:
    """Raise ReleaseRefused unless an agency may sign this request before it sees its labels (R-42).

    Of people whom the warrant names it can tell that they are; of others, how many.
    """
    subjects = set(map(bytes, entry.subjects))
    if bytes(entry.warrant) != warrant.commitment:
        raise ReleaseRefused(Code.REQUEST_FOREIGN, "draft of another warrant's request")
    if not 1 <= entry.accounts == len(entry.subjects) == len(subjects) <= entry.labels:
        raise ReleaseRefused(Code.LABELS_COUNT, "draft of a request")
    others = subjects - {warrant.subject(account) for account in warrant.scope.named_accounts}
    if len(others) > warrant.terms.unnamed_senders:
        raise ReleaseRefused(Code.UNNAMED_SENDERS, f"{len(others)}")


def check_order(labels: Sequence[Label]) -> None:
    """Raise ReleaseRefused unless there are labels, not too many, strictly ascending by bytes."""
    if not 1 <= len(labels) <= limits.LABELS_PER_WARRANT:
        raise ReleaseRefused(Code.LABELS_COUNT, f"{len(labels)} labels")
    previous = b""
    for label in labels:
        encoded = label.encode()
        if encoded <= previous:
            raise ReleaseRefused(Code.LABELS_ORDER)
        previous = encoded


def encode_request(signed: bytes, committee: int, labels: Sequence[Label]) -> bytes:
    """Return a signed entry and its labels for holders: 70 bytes a label."""
    rows = (
        u16(label.key_epoch) + label.conversation + label.account + u32(label.day)
        for label in labels
    )
    return long_field(signed) + u16(committee) + u32(len(labels)) + b"".join(rows)


def decode_request(deployment: DeploymentId, data: bytes) -> LabelRequest:
    """Return the request once its author's signature holds. Raises Malformed."""
    reader = Reader(data)
    signed = verify_entry(deployment, reader.long_field(limits.LOG_ENTRY))
    if not isinstance(signed.entry, ReleaseRequest):
        raise Malformed(Code.FORM, "not a release request")
    committee, count = reader.u16(), reader.u32()
    if count > limits.LABELS_PER_WARRANT:
        raise Malformed(Code.SIZE, f"{count} labels")
    labels = []
    for _ in range(count):
        row = Reader(reader.take(LABEL_ROW_SIZE))
        key_epoch = row.u16()
        conversation = ConversationId(row.take(CONVERSATION_SIZE))
        account = AccountId(row.take(ACCOUNT_SIZE))
        labels.append(Label(deployment, committee, key_epoch, conversation, account, row.u32()))
    reader.end()
    return LabelRequest(signed, signed.entry, tuple(labels))
