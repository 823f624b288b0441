"""What each law-log line does, and when it is void (spec R-20 to R-37)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from doublelock.protocol.bundle import log_bundle, withdraw_bundle
from doublelock.protocol.charter import (
    Charter,
    PartyRef,
    Role,
    verify_amendment,
)
from doublelock.protocol.charter_terms import Approver, Committee, WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, first_day
from doublelock.protocol.destruction import verify_destruction
from doublelock.protocol.ed25519 import verify_key
from doublelock.protocol.errors import CharterRefused, Refusal, WarrantRefused
from doublelock.protocol.handover import judge_handover
from doublelock.protocol.keyepoch import (
    EpochId,
    decode_signed,
    refuse_changed_key,
    verify_key_epoch,
)
from doublelock.protocol.lawlog import (
    AmendmentLogged,
    Approval,
    BundleLogged,
    BundleWithdrawn,
    Cancellation,
    CharterLogged,
    Destruction,
    EpochExtended,
    HandoverLogged,
    KeyEpochLogged,
    Lapse,
    NoticeDelivered,
    Preservation,
    ReleaseLogged,
    ReleaseRequest,
    Statistics,
    VerifiedEntry,
    WarrantFiled,
)
from doublelock.protocol.lawlog import (
    WarrantRefused as RefusalLogged,
)
from doublelock.protocol.lawrecords import (
    EpochRecord,
    LoggedApproval,
    RequestRecord,
    Tally,
    WarrantRecord,
    WarrantStatus,
)
from doublelock.protocol.warrant import check_periods

if TYPE_CHECKING:
    from doublelock.protocol.lawstate import LawState

CAP_WINDOW_MS: Final = 30 * DAY_MS
_APPROVERS: Final = {Role.MINISTER: Approver.MINISTER, Role.JUDGE: Approver.JUDGE}
_OPEN: Final = (WarrantStatus.APPROVED, WarrantStatus.EMERGENCY_APPROVAL)
_K = TypeVar("_K")
_V = TypeVar("_V")


class MissingDocument(Refusal):
    """A charter document that the caller has to fetch."""


def void(code: Code, detail: str) -> WarrantRefused:
    """Return what makes a line void."""
    return WarrantRefused(code, detail)


def _with(mapping: Mapping[_K, _V], key: _K, value: _V) -> Mapping[_K, _V]:
    return MappingProxyType({**mapping, key: value})


@dataclass(frozen=True, slots=True)
class Step:
    """One line being judged; each method returns the state after it or raises why it is void."""

    state: "LawState"
    charter: Charter
    party: PartyRef
    time_ms: int
    signed: VerifiedEntry
    documents: Mapping[bytes, bytes]

    def take(self) -> "LawState":
        """Return the state after the line. Raises the Refusal that makes the line void."""
        match self.signed.entry:
            case CharterLogged() as entry:
                return self._charter(entry)
            case AmendmentLogged() as entry:
                return self._amendment(entry)
            case HandoverLogged() as entry:
                self._by(Role.OPERATOR)
                handover = judge_handover(self.state, self.charter, entry)
                return replace(self.state, handovers=(*self.state.handovers, handover))
            case KeyEpochLogged() as entry:
                return self._key_epoch(entry)
            case EpochExtended() as entry:
                return self._extension(entry)
            case WarrantFiled() as entry:
                return self._filed(entry)
            case Approval() as entry:
                return self._approval(entry)
            case RefusalLogged() as entry:
                return self._refusal(entry)
            case Cancellation() as entry:
                return self._cancellation(entry)
            case ReleaseRequest() as entry:
                return self._request(entry)
            case ReleaseLogged() as entry:
                return self._release(entry)
            case Lapse() as entry:
                return self._lapse(entry)
            case NoticeDelivered() as entry:
                return self._notice(entry)
            case Destruction() as entry:
                return self._destruction(entry)
            case Preservation() as entry:
                self._holder(entry.committee)
                self._warrant(entry.warrant)
                return self.state
            case Statistics():
                self._by(Role.OPERATOR)
                return self.state
            case BundleLogged(name, version):
                self._by(Role.OPERATOR)
                where = (self.state.size, self.time_ms)
                bundles = log_bundle(self.state.bundles, bytes(name), version, *where)
                return replace(self.state, bundles=bundles)
            case BundleWithdrawn(name):
                self._by(Role.OPERATOR)
                bundles = withdraw_bundle(self.state.bundles, bytes(name))
                return replace(self.state, bundles=bundles)

    # --- charters and key epochs -----------------------------------------------------------

    def _charter(self, entry: CharterLogged) -> "LawState":
        self._by(Role.OPERATOR)
        if bytes(entry.charter) != self.state.deployment:
            raise void(Code.CHARTER_GENESIS, "another deployment")
        return replace(self.state, founded=True)

    def _amendment(self, entry: AmendmentLogged) -> "LawState":
        """R-22: the delay runs from the log's time, whatever the document says it was issued."""
        self._by(Role.OPERATOR)
        document = self.documents.get(bytes(entry.document))
        if document is None or hashlib.sha256(document).digest() != entry.document:
            detail = f"line {self.state.size}, document with SHA-256 {entry.document.hex()}"
            raise MissingDocument(Code.CHARTER_MISSING, detail)
        current = self.state.charters[-1]
        new = verify_amendment(current, document)
        refuse_orphaned_keys(current, new, self.state.epochs)
        if new.hash != entry.charter:
            raise void(Code.ENTRY_VOID, "another charter than the line says")
        if new.terms.effective_ms < self.time_ms + current.terms.amendment_delay_ms:
            raise void(Code.CHARTER_DELAY, "counted from the log's time")
        return replace(self.state, charters=(*self.state.charters, new))

    def _key_epoch(self, entry: KeyEpochLogged) -> "LawState":
        self._by(Role.OPERATOR)
        signed = decode_signed(bytes(entry.statement))
        wanted = EpochId(self.state.deployment, entry.committee, entry.key_epoch)
        # under the charter in force alone; between a generation in the log and its holders in
        # force nobody could release.
        committee = self._committee(entry.committee)
        if committee.court is None:
            raise void(Code.ENTRY_VOID, "committee without escrow")
        holders = tuple(bytes(custodian.key) for custodian in committee.custodians)
        keys = verify_key_epoch(
            signed,
            [verify_key(holder) for holder in holders],
            verify_key(bytes(committee.court.key)),
            wanted,
            committee.threshold,
        )
        record = EpochRecord(keys, self.state.size, self.time_ms, holders)
        key = (entry.committee, entry.key_epoch)
        old = self.state.epochs.get(key)
        if old is not None:
            refuse_changed_key(old.keys, keys)
            # New shares of a dead key would bring back what was promised to be gone.
            if not old.alive:
                raise void(Code.EPOCH_DEAD, "key epoch that was destroyed")
            earlier = old.earlier if old.keys == keys else (old.keys, *old.earlier)
            since = old.logged_ms if old.keys == keys else record.logged_ms
            record = replace(
                record, destroyed=old.destroyed & {0}, earlier=earlier, logged_ms=since
            )
        return replace(self.state, epochs=_with(self.state.epochs, key, record))

    def _extension(self, entry: EpochExtended) -> "LawState":
        """R-23: a month without its key uses the last one's, at most the charter's N days."""
        self._by(Role.OPERATOR)
        key = (entry.committee, entry.key_epoch)
        if key not in self.state.epochs or (entry.committee, key[1] + 1) in self.state.epochs:
            raise void(Code.ENTRY_VOID, "nothing to extend")
        begin = first_day(entry.key_epoch + 1)
        if not begin <= entry.until_day < begin + self.charter.terms.epoch_extension_days:
            raise void(Code.ENTRY_VOID, "longer than the charter allows")
        return replace(self.state, extensions=_with(self.state.extensions, key, entry.until_day))

    def _destruction(self, entry: Destruction) -> "LawState":
        index = self._holder(entry.committee)
        key = (entry.committee, entry.key_epoch)
        record = self.state.epochs.get(key)
        if record is None:
            raise void(Code.EPOCH_UNKNOWN, "destruction")
        said = verify_destruction(bytes(entry.statement), verify_key(self.party.key)).destruction
        if said.epoch != record.keys.epoch:
            raise void(Code.ENTRY_VOID, "destruction of another key epoch")
        if index and record.number_of(self.party.key) != index:
            raise void(Code.NOT_A_HOLDER, "destruction by who holds no share of it")
        if index and said.share_version < record.keys.share_version:
            raise void(Code.ENTRY_VOID, "only an old version of the share")
        record = replace(record, destroyed=record.destroyed | {index})
        return replace(self.state, epochs=_with(self.state.epochs, key, record))

    # --- warrants --------------------------------------------------------------------------

    def _filed(self, entry: WarrantFiled) -> "LawState":
        self._by(Role.AGENCY, entry.committee)
        warrant = bytes(entry.warrant)
        if warrant in self.state.warrants:
            raise void(Code.ENTRY_VOID, "filed before")
        profile = self._committee(entry.committee).profile(entry.kind)
        if entry.urgent and not profile.urgent:
            raise void(Code.URGENT_NOT_ALLOWED, "")
        check_periods(entry.valid_from_ms, entry.valid_until_ms, entry.gag_end_ms, profile)
        renewals = 0
        if entry.renews is not None:
            before = self._warrant(entry.renews)
            same = (before.agency, before.committee, before.kind)
            renewals = before.renewals + 1
            if same != (self.party.key, entry.committee, entry.kind):
                raise void(Code.WARRANT_RENEWAL, "of another agency, committee or kind")
            if renewals > profile.renewals:
                raise void(Code.WARRANT_RENEWAL, f"renewal {renewals}")
        record = WarrantRecord(
            commitment=warrant,
            committee=entry.committee,
            kind=entry.kind,
            agency=self.party.key,
            profile=profile,
            urgent=entry.urgent,
            index=self.state.size,
            filed_ms=self.time_ms,
            valid_from_ms=entry.valid_from_ms,
            valid_until_ms=entry.valid_until_ms,
            gag_end_ms=entry.gag_end_ms,
            renewals=renewals,
        )
        return self._keep(record, filed=1)

    def _approval(self, entry: Approval) -> "LawState":
        record = self._warrant(entry.warrant)
        self._by(Role.MINISTER, record.committee, Role.JUDGE)
        role = _APPROVERS[self.party.role]
        if record.status(self.time_ms) not in (WarrantStatus.AWAITING_APPROVAL, *_OPEN):
            raise void(Code.ENTRY_VOID, "approval of a warrant that is over")
        if role in record.roles:
            raise void(Code.ENTRY_VOID, "approved in this role before")
        # Who was given the other office since would open both locks alone.
        if any(approval.key == self.party.key for approval in record.approvals):
            raise void(Code.ENTRY_VOID, "approved by this key before")
        approval = LoggedApproval(role, self.party.key, self.time_ms)
        new = replace(record, approvals=(*record.approvals, approval))
        whole = new.fully_approved and not record.fully_approved
        return self._keep(new, approved=int(whole))

    def _refusal(self, entry: RefusalLogged) -> "LawState":
        """R-11: a refusal is final, also after approvals; nothing undoes it but a new warrant."""
        record = self._warrant(entry.warrant)
        if self.party.role is not Role.OPERATOR:
            self._by(Role.MINISTER, record.committee, Role.JUDGE)
        if record.refused or record.cancelled:
            raise void(Code.ENTRY_VOID, "over before")
        return self._keep(replace(record, refused=True), refused=1)

    def _cancellation(self, entry: Cancellation) -> "LawState":
        record = self._warrant(entry.warrant)
        if not may_cancel(self.party, record):
            raise void(Code.ENTRY_AUTHOR, "cancellation")
        if record.refused or record.cancelled:
            raise void(Code.ENTRY_VOID, "over before")
        return self._keep(replace(record, cancelled=True), cancelled=1)

    def _lapse(self, entry: Lapse) -> "LawState":
        self._by(Role.OPERATOR)
        record = self._warrant(entry.warrant)
        if record.lapsed or record.status(self.time_ms) is not WarrantStatus.EXPIRED:
            raise void(Code.ENTRY_VOID, "not lapsed")
        return self._keep(replace(record, lapsed=True))

    def _request(self, entry: ReleaseRequest) -> "LawState":
        """R-15: caps count what the log ordered before, so that no two quorums can exceed them."""
        record = self._warrant(entry.warrant)
        # Under a metadata warrant the operator gives, so it is who must log what it gives.
        if record.kind is WarrantKind.METADATA:
            if self.party.role is not Role.OPERATOR:
                raise void(Code.REQUEST_FOREIGN, "metadata is the operator's to give")
        elif self.party.key != record.agency:
            raise void(Code.REQUEST_FOREIGN, "not the warrant's agency")
        if record.status(self.time_ms) not in _OPEN or self.time_ms < record.valid_from_ms:
            raise void(Code.WARRANT_UNAPPROVED, "request under a warrant not in force")
        subjects = frozenset(bytes(subject) for subject in entry.subjects)
        if not 1 <= entry.accounts == len(entry.subjects) == len(subjects) <= entry.labels:
            raise void(Code.LABELS_COUNT, "request")
        before = self._recent(record.committee)
        # What a cap turned away may come again once the window has moved on.
        if bytes(entry.labels_root) in record.roots:
            raise void(Code.REQUEST_REPLAYED, "these labels were asked for before")
        caps = self._committee(record.committee).caps
        labels = entry.labels + sum(old.labels for old in before)
        accounts = subjects.union(*(old.subjects for old in before))
        request = RequestRecord(
            hash=self.signed.hash,
            warrant=record.commitment,
            committee=record.committee,
            index=self.state.size,
            time_ms=self.time_ms,
            labels_root=bytes(entry.labels_root),
            labels=entry.labels,
            subjects=subjects,
            over_cap=labels > caps.labels or len(accounts) > caps.accounts,
        )
        state = replace(self.state, requests=_with(self.state.requests, request.hash, request))
        if request.over_cap:
            return state
        state = replace(state, recent=_with(state.recent, record.committee, (*before, request)))
        tally = {"requests": 1, "labels": entry.labels, "accounts": entry.accounts}
        record = replace(
            record, owed=record.owed | subjects, roots=record.roots | {request.labels_root}
        )
        return self._keep(record, state, **tally)

    def _release(self, entry: ReleaseLogged) -> "LawState":
        request = self.state.requests.get(bytes(entry.request))
        if request is None or request.warrant != entry.warrant:
            raise void(Code.REQUEST_UNLOGGED, "release")
        index = self._holder(request.committee)
        key = (request.hash, index, entry.versions)
        if entry.holder != index or entry.labels != request.labels or key in self.state.releases:
            raise void(Code.ENTRY_VOID, "release")
        record = self._warrant(entry.warrant)
        releases = _with(self.state.releases, key, bytes(entry.message))
        return self._keep(record, replace(self.state, releases=releases), releases=1)

    def _notice(self, entry: NoticeDelivered) -> "LawState":
        record = self._warrant(entry.warrant)
        if self.party.role is not Role.OPERATOR:
            self._holder(record.committee)
        subject = bytes(entry.subject)
        if subject not in record.owed or subject in record.delivered:
            raise void(Code.ENTRY_VOID, "notice that is not owed")
        if self.time_ms < record.gag_end_ms:
            raise void(Code.ENTRY_VOID, "notice before the gag's end")
        return self._keep(replace(record, delivered=record.delivered | {subject}), notices=1)

    # --- what all of them use --------------------------------------------------------------

    def _by(self, role: Role, committee: int | None = None, other: Role | None = None) -> None:
        if self.party.role not in (role, other) or (
            committee is not None and self.party.committee != committee
        ):
            raise void(Code.ENTRY_AUTHOR, self.party.role.value)

    def _holder(self, committee: int) -> int:
        self._by(Role.CUSTODIAN, committee, Role.COURT)
        return self.party.index

    def _committee(self, number: int) -> Committee:
        return self.charter.committee(number)

    def _warrant(self, commitment: bytes) -> WarrantRecord:
        record = self.state.warrants.get(bytes(commitment))
        if record is None:
            raise void(Code.WARRANT_UNLOGGED, "no such warrant")
        return record

    def _recent(self, committee: int) -> tuple[RequestRecord, ...]:
        since = self.time_ms - CAP_WINDOW_MS
        return tuple(old for old in self.state.recent.get(committee, ()) if old.time_ms > since)

    def _keep(
        self, record: WarrantRecord, state: "LawState | None" = None, **counts: int
    ) -> "LawState":
        state = state or self.state
        tally = state.tallies.get(record.committee, Tally())
        if counts:
            tally = replace(
                tally, **{name: getattr(tally, name) + more for name, more in counts.items()}
            )
        return replace(
            state,
            warrants=_with(state.warrants, record.commitment, record),
            tallies=_with(state.tallies, record.committee, tally),
        )


def refuse_orphaned_keys(
    old: Charter, new: Charter, epochs: Mapping[tuple[int, int], EpochRecord]
) -> None:
    """Raise CharterRefused(charter-fixed) where living keys would lose their court (spec C-11).

    The court's share is whole and stays where it is: who may hold it changes only once every key
    epoch of the committee is dead. Neither may such a committee go, or its escrow.
    """
    after = {committee.number: committee for committee in new.terms.committees}
    living = {number for (number, _), record in epochs.items() if record.alive}
    for committee in old.terms.committees:
        next_ = after.get(committee.number)
        if committee.number not in living or committee.court is None:
            continue
        if next_ is None or next_.court is None or next_.court.key != committee.court.key:
            detail = (
                f"committee {committee.number} has living keys: its court keeps its key; hand its "
                "state folder to the successor and amend the name"
            )
            raise CharterRefused(Code.CHARTER_FIXED, detail)


def may_cancel(party: PartyRef, record: WarrantRecord) -> bool:
    """Say whether a party may cancel a warrant: its agency, its minister, its judge (R-13)."""
    agency = party.role is Role.AGENCY and party.key == record.agency
    return agency or (party.role in _APPROVERS and party.committee == record.committee)
