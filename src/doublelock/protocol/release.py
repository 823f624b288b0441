"""The one function that decides whether a holder gives key material (spec R-9 to R-19).

Custodians and court run it alike, on what they verified themselves. Each check has a name; what all
of them let through is a `ReleasePermit`, and the vault turns nothing else into a partial.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, final

from doublelock.protocol.charter import Charter, Role
from doublelock.protocol.charter_terms import Approver, Profile, WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.days import day_of, key_epoch_of
from doublelock.protocol.encoding import tagged, u16, u32
from doublelock.protocol.errors import CharterRefused, LogRefused, ReleaseRefused, WarrantRefused
from doublelock.protocol.handover import LogName, verify_checkpoint
from doublelock.protocol.identifiers import AccountId, DeploymentId
from doublelock.protocol.label import Label
from doublelock.protocol.lawlog import Cancellation, VerifiedEntry
from doublelock.protocol.lawrecords import RequestRecord, WarrantRecord
from doublelock.protocol.lawstate import LawState, may_cancel
from doublelock.protocol.policy import CosignedCheckpoint
from doublelock.protocol.release_request import LabelRequest, check_order, labels_root
from doublelock.protocol.warrant import SignedApproval, Warrant, check_terms

_PROVEN: Final = object()
_PERMITTED: Final = object()
_PERMIT_TAG: Final = b"doublelock/v1/permit"


@dataclass(frozen=True, slots=True)
class LawHead:
    """The last law-log head that a holder relied on: what every later one must continue."""

    size: int
    root: bytes


@final
class LawProof:
    """The law log's state at exactly one cosigned checkpoint; comes from `prove_law` alone."""

    __slots__ = ("charter", "checkpoint", "state")
    charter: Charter
    checkpoint: CosignedCheckpoint
    state: LawState

    def __init__(
        self, token: object, charter: Charter, checkpoint: CosignedCheckpoint, state: LawState
    ) -> None:
        if token is not _PROVEN:
            raise TypeError("a LawProof comes from prove_law")
        self.charter = charter
        self.checkpoint = checkpoint
        self.state = state

    @property
    def head(self) -> LawHead:
        """Return the head to remember once the proof was relied on."""
        return LawHead(self.state.size, self.state.root)


def prove_law(
    charter: Charter, state: LawState, note: bytes, now_ms: int | None = None
) -> LawProof:
    """Return the proof that a state is the law log's at a checkpoint with the quorum it needs.

    Inclusion of every line follows from equal roots. `charter` is the one that is gone by; whose
    quorum is needed, the lines say (R-40). Raises Malformed, LogRefused (log-unknown,
    bad-signature, log-quorum) or ReleaseRefused(checkpoint-foreign) (R-14).
    """
    if state.deployment != charter.deployment:
        raise ReleaseRefused(Code.CHECKPOINT_FOREIGN, "another deployment")
    cosigned = verify_checkpoint(LogName.LAW, state, note, now_ms)
    if (cosigned.checkpoint.size, cosigned.checkpoint.root) != (state.size, state.root):
        raise ReleaseRefused(Code.CHECKPOINT_FOREIGN, "not the checkpoint of these lines")
    return LawProof(_PROVEN, charter, cosigned, state)


@final
class ReleasePermit:
    """Exactly which labels may be opened, for whom; comes from `release` alone.

    `labels` are in the request's order, `key_epochs` ascending; `release_key` (X25519, 32 bytes) is
    whom releases are sealed to; `digest` (32 bytes) names the permit in every release.
    """

    __slots__ = (
        "agency",
        "committee",
        "deployment",
        "digest",
        "key_epochs",
        "labels",
        "release_key",
        "request",
        "warrant",
    )
    deployment: DeploymentId
    committee: int
    warrant: bytes
    request: bytes
    labels: tuple[Label, ...]
    key_epochs: tuple[int, ...]
    agency: bytes
    release_key: bytes
    digest: bytes

    def __init__(self, token: object, warrant: Warrant, request: LabelRequest) -> None:
        if token is not _PERMITTED:
            raise TypeError("a ReleasePermit comes from release")
        self.deployment = warrant.deployment
        self.committee = warrant.terms.committee
        self.warrant = warrant.commitment
        self.request = request.signed.hash
        self.labels = request.labels
        self.key_epochs = tuple(sorted({label.key_epoch for label in request.labels}))
        self.agency = warrant.agency.key
        self.release_key = bytes(warrant.terms.release_key)
        self.digest = permit_digest(warrant, request)

    def __repr__(self) -> str:
        return f"ReleasePermit({self.digest.hex()[:16]}, {len(self.labels)} labels)"


def permit_digest(warrant: Warrant, request: LabelRequest) -> bytes:
    """Return the 32 bytes that name what a permit for this request permits (R-19)."""
    return hashlib.sha256(
        tagged(
            _PERMIT_TAG,
            warrant.deployment,
            u16(warrant.terms.committee),
            warrant.commitment,
            request.signed.hash,
            bytes(request.entry.labels_root),
            u32(request.entry.labels),
            bytes(warrant.terms.release_key),
        )
    ).digest()


def release(
    warrant: Warrant,
    approvals: Collection[SignedApproval],
    charter: Charter,
    request: LabelRequest,
    proof: LawProof,
    last_head: LawHead | None,
    now_ms: int,
    cancellations: Collection[VerifiedEntry] = (),
) -> ReleasePermit:
    """Return the permit for exactly the request's labels, or refuse by name (spec R-9 to R-19).

    `last_head` is what this holder relied on last; `cancellations` are those it got from anyone,
    logged or not. Raises ReleaseRefused or LogRefused(log-quorum); changes nothing.
    """
    state = proof.state
    _check_head(charter, proof, last_head, now_ms)
    if not warrant.deployment == request_deployment(request) == charter.deployment:
        raise ReleaseRefused(Code.WARRANT_COMMITTEE, "another deployment")
    if warrant.terms.kind is not WarrantKind.CONTENT_STORED:
        raise ReleaseRefused(Code.WARRANT_KIND, f"{warrant.terms.kind.value} opens no key")
    record = check_in_force(warrant, approvals, charter, state, now_ms, cancellations)
    logged = _check_request(request, record, state)
    _check_labels(warrant, request, state, now_ms)
    _check_subjects(warrant, request, state)
    if logged.over_cap:
        raise ReleaseRefused(Code.CAP_EXCEEDED)
    # The state at the checkpoint decides what is owed, this holder's clock since when.
    overdue = state.overdue(record.agency, now_ms)
    if overdue:
        raise ReleaseRefused(Code.NOTICE_OVERDUE, f"{len(overdue)} warrants")
    return ReleasePermit(_PERMITTED, warrant, request)


def check_in_force(
    warrant: Warrant,
    approvals: Collection[SignedApproval],
    charter: Charter,
    state: LawState,
    now_ms: int,
    cancellations: Collection[VerifiedEntry] = (),
) -> WarrantRecord:
    """Return a warrant's record once it is logged, approved, valid and not over (R-7 to R-13).

    Raises ReleaseRefused by the rule's name.
    """
    record = state.warrants.get(warrant.commitment)
    if record is None:
        raise ReleaseRefused(Code.WARRANT_UNLOGGED, "warrant")
    if warrant.charter_hash != state.charter(record.filed_ms).hash:
        raise ReleaseRefused(Code.WARRANT_TERMS, "not checked under the charter of its line")
    profile = _check_charter(warrant, charter)
    _check_filing(warrant, record)
    _check_cancelled(warrant, record, state, now_ms, cancellations)
    _check_validity(record, now_ms)
    for one in (warrant.profile, profile):
        _check_approvals(warrant, one, frozenset(approvals), record, now_ms)
    return record


def request_deployment(request: LabelRequest) -> DeploymentId | None:
    """Return the deployment that all labels of a request name, or None."""
    deployments = {label.deployment for label in request.labels}
    return deployments.pop() if len(deployments) == 1 else None


def _check_head(charter: Charter, proof: LawProof, last_head: LawHead | None, now_ms: int) -> None:
    """R-14: cosigned by the quorum, fresh, and a continuation of what this holder saw."""
    state, terms = proof.state, charter.terms
    if proof.charter.hash != charter.hash or state.charter(now_ms).hash != charter.hash:
        raise ReleaseRefused(Code.CHECKPOINT_FOREIGN, "not under the charter in force")
    if proof.checkpoint.quorum_time_s is None:
        raise LogRefused(Code.LOG_QUORUM, "no witness")
    seen_ms = proof.checkpoint.quorum_time_s * 1000
    if seen_ms > now_ms + terms.skew_ms or state.time_ms > seen_ms + 1000 + terms.skew_ms:
        raise ReleaseRefused(Code.CHECKPOINT_FUTURE)
    if now_ms - seen_ms > terms.checkpoint_age_ms:
        raise ReleaseRefused(Code.CHECKPOINT_STALE, f"{(now_ms - seen_ms) // 1000} seconds")
    if last_head is not None and (
        last_head.size > state.size or state.root_at(last_head.size) != last_head.root
    ):
        raise ReleaseRefused(Code.CHECKPOINT_FORKED)


def _check_charter(warrant: Warrant, charter: Charter) -> Profile:
    """R-41: who signed may be gone; agency, kind and terms must be what the charter allows now."""
    terms = warrant.terms
    agency = charter.party(warrant.agency.key)
    if agency is None or (agency.role, agency.committee) != (Role.AGENCY, terms.committee):
        raise ReleaseRefused(Code.WARRANT_APPLICANT, "no agency of the committee any more")
    try:
        profile = charter.committee(terms.committee).profile(terms.kind)
        check_terms(terms, profile)
    except (CharterRefused, WarrantRefused) as refusal:
        raise ReleaseRefused(refusal.code, f"under the charter now: {refusal.detail}") from None
    return profile


def _check_filing(warrant: Warrant, record: WarrantRecord) -> None:
    """R-8: the log's facts are the document's: a commitment alone does not bind the log's copy."""
    terms = warrant.terms
    logged = (
        record.committee,
        record.kind,
        record.agency,
        record.urgent,
        record.valid_from_ms,
        record.valid_until_ms,
        record.gag_end_ms,
    )
    if logged != (
        terms.committee,
        terms.kind,
        warrant.agency.key,
        terms.urgent,
        terms.valid_from_ms,
        terms.valid_until_ms,
        terms.gag_end_ms,
    ):
        raise ReleaseRefused(Code.WARRANT_UNLOGGED, "the log has other terms for it")
    if terms.renews is not None and record.renewals == 0:
        raise ReleaseRefused(Code.WARRANT_RENEWAL, "the log knows no renewal")


def _check_cancelled(
    warrant: Warrant,
    record: WarrantRecord,
    state: LawState,
    now_ms: int,
    cancellations: Collection[VerifiedEntry],
) -> None:
    """R-11, R-13: over is over, logged or not, also once who ended it has left the charter."""
    if record.refused:
        raise ReleaseRefused(Code.WARRANT_REFUSED)
    if record.cancelled:
        raise ReleaseRefused(Code.WARRANT_CANCELLED)
    filed = state.charters.index(state.charter(record.filed_ms))
    since = [one for one in state.charters[filed:] if one.terms.effective_ms <= now_ms]
    for signed in cancellations:
        entry = signed.entry
        if not isinstance(entry, Cancellation) or bytes(entry.warrant) != warrant.commitment:
            continue
        for party in (charter.party(signed.author) for charter in since):
            if party is not None and may_cancel(party, record):
                raise ReleaseRefused(Code.WARRANT_CANCELLED, "not logged yet")


def _check_validity(record: WarrantRecord, now_ms: int) -> None:
    if record.lapsed:
        raise ReleaseRefused(Code.WARRANT_LAPSED)
    if now_ms < record.valid_from_ms:
        raise ReleaseRefused(Code.WARRANT_EARLY)
    if now_ms >= record.valid_until_ms:
        raise ReleaseRefused(Code.WARRANT_EXPIRED)


def _check_approvals(
    warrant: Warrant,
    profile: Profile,
    approvals: frozenset[SignedApproval],
    record: WarrantRecord,
    now_ms: int,
) -> None:
    """R-7, R-12: each approval is a signature over the terms and an entry in the log, both."""
    if any(approval.warrant != warrant.commitment for approval in approvals):
        raise ReleaseRefused(Code.WARRANT_UNAPPROVED, "approval of another warrant")
    signed = {(approval.role, approval.key) for approval in approvals}
    in_log = {(approval.role, approval.key) for approval in record.approvals}
    roles: frozenset[Approver] = frozenset(role for role, _ in signed & in_log)
    if roles >= set(profile.approvals):
        return
    urgent = warrant.terms.urgent and bool(profile.urgent)
    if urgent and roles >= set(profile.urgent):
        if now_ms < record.window_end_ms:
            return
        raise ReleaseRefused(Code.URGENT_OVER)
    missing = sorted({role.value for role in profile.approvals} - {role.value for role in roles})
    signers = {role for role, _ in signed}
    if signers >= set(profile.approvals):
        raise ReleaseRefused(Code.WARRANT_UNLOGGED, f"approval by {', '.join(missing)}")
    raise ReleaseRefused(Code.WARRANT_UNAPPROVED, f"by {', '.join(missing)}")


def _check_request(request: LabelRequest, record: WarrantRecord, state: LawState) -> RequestRecord:
    """R-9: the request that the log has is this one, of this warrant, by its agency."""
    entry = request.entry
    if request.signed.author != record.agency or bytes(entry.warrant) != record.commitment:
        raise ReleaseRefused(Code.REQUEST_FOREIGN)
    logged = state.requests.get(request.signed.hash)
    if logged is None:
        if bytes(entry.labels_root) in record.roots:
            raise ReleaseRefused(Code.REQUEST_REPLAYED, "another request for the same labels")
        raise ReleaseRefused(Code.REQUEST_UNLOGGED)
    if logged.warrant != record.commitment:
        raise ReleaseRefused(Code.REQUEST_FOREIGN)
    return logged


def _check_labels(warrant: Warrant, request: LabelRequest, state: LawState, now_ms: int) -> None:
    """R-9, R-17, R-18: the very labels that were logged, each in scope, come and alive."""
    labels, entry = request.labels, request.entry
    if len(labels) != entry.labels:
        raise ReleaseRefused(Code.LABELS_COUNT, f"{len(labels)} labels, {entry.labels} logged")
    check_order(labels)
    if labels_root(labels) != bytes(entry.labels_root):
        raise ReleaseRefused(Code.LABELS_ROOT)
    today, committee = day_of(now_ms), warrant.terms.committee
    for label in labels:
        if label.committee != committee:
            raise ReleaseRefused(Code.WARRANT_COMMITTEE, f"label of committee {label.committee}")
        if not warrant.scope.covers(label.conversation, label.account, label.day):
            raise ReleaseRefused(Code.LABEL_OUT_OF_SCOPE)
        if label.day > today:
            raise ReleaseRefused(Code.LABEL_FUTURE)
    for key_epoch, day in {(label.key_epoch, label.day) for label in labels}:
        _check_epoch(committee, key_epoch, day, state)


def _check_epoch(committee: int, key_epoch: int, day: int, state: LawState) -> None:
    month = key_epoch_of(day)
    extended = state.extensions.get((committee, key_epoch), -1)
    if key_epoch != month and not (key_epoch == month - 1 and day <= extended):
        raise ReleaseRefused(Code.LABEL_EPOCH, f"day {day} in key epoch {key_epoch}")
    epoch = state.epochs.get((committee, key_epoch))
    if epoch is None:
        raise ReleaseRefused(Code.EPOCH_UNKNOWN, f"key epoch {key_epoch}")
    if not epoch.alive:
        raise ReleaseRefused(Code.EPOCH_DEAD, f"key epoch {key_epoch}")


def _check_subjects(warrant: Warrant, request: LabelRequest, state: LawState) -> None:
    """R-5, R-6: everyone concerned is committed to, and the unnamed are no more than allowed."""
    check_named(warrant, request)
    accounts = frozenset(label.account for label in request.labels)
    check_unnamed(warrant, accounts, state.warrants[warrant.commitment])


def check_named(warrant: Warrant, request: LabelRequest) -> None:
    """Raise ReleaseRefused unless a request commits to everyone whom its labels concern (R-6).

    So whoever has the labels can tell them all: labels-count, labels-subjects.
    """
    accounts = frozenset(label.account for label in request.labels)
    if len(accounts) != request.entry.accounts:
        raise ReleaseRefused(Code.LABELS_COUNT, f"{len(accounts)} accounts")
    committed = {account: warrant.subject(account) for account in accounts}
    if frozenset(committed.values()) != frozenset(map(bytes, request.entry.subjects)):
        raise ReleaseRefused(Code.LABELS_SUBJECTS)


def check_unnamed(warrant: Warrant, accounts: Collection[AccountId], record: WarrantRecord) -> None:
    """Raise ReleaseRefused(unnamed-senders) where more are reached than warrant and charter allow.

    Those of earlier requests count too, or a crowd could be opened in small pieces (R-5).
    """
    unnamed = {warrant.subject(one) for one in accounts if one not in warrant.scope.named}
    named = {warrant.subject(account) for account in warrant.scope.named_accounts}
    before = record.owed - named
    if len(unnamed | before) > min(warrant.terms.unnamed_senders, warrant.profile.unnamed_senders):
        raise ReleaseRefused(Code.UNNAMED_SENDERS, f"{len(unnamed | before)}")
