"""What the law log amounts to, record by record; `lawstate` makes and changes them (spec R-20)."""

from dataclasses import dataclass
from enum import StrEnum

from doublelock.protocol.charter_terms import Approver, Profile, WarrantKind
from doublelock.protocol.keyepoch import VerifiedKeyEpoch

ReleaseName = tuple[bytes, int, tuple[tuple[int, int], ...]]
"""A logged release: request hash (32), holder, and (key epoch, share version) pairs (R-30)."""


class WarrantStatus(StrEnum):
    """A warrant's state, by the names of ETSI TS 103 120's AuthorisationStatus (R-10)."""

    AWAITING_APPROVAL = "AwaitingApproval"
    EMERGENCY_APPROVAL = "EmergencyApproval"
    APPROVED = "Approved"
    REJECTED = "Rejected"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"


@dataclass(frozen=True, slots=True)
class LoggedApproval:
    """An approval that counts: whose, in which role, and when the log had it."""

    role: Approver
    key: bytes
    time_ms: int


@dataclass(frozen=True, slots=True)
class WarrantRecord:
    """A filed warrant as the log knows it; hashes and keys are 32 bytes, times ms."""

    commitment: bytes
    committee: int
    kind: WarrantKind
    agency: bytes
    profile: Profile
    urgent: bool
    index: int
    filed_ms: int
    valid_from_ms: int
    valid_until_ms: int
    gag_end_ms: int
    renewals: int
    approvals: tuple[LoggedApproval, ...] = ()
    refused: bool = False
    cancelled: bool = False
    lapsed: bool = False
    owed: frozenset[bytes] = frozenset()
    delivered: frozenset[bytes] = frozenset()
    roots: frozenset[bytes] = frozenset()

    @property
    def roles(self) -> frozenset[Approver]:
        """Return the roles that approved."""
        return frozenset(approval.role for approval in self.approvals)

    @property
    def window_end_ms(self) -> int:
        """Return the end of the urgent window, which begins when the log has the warrant."""
        return self.filed_ms + self.profile.urgent_window_ms

    @property
    def fully_approved(self) -> bool:
        """Whether every role that the profile demands approved."""
        return self.roles >= set(self.profile.approvals)

    def status(self, time_ms: int) -> WarrantStatus:
        """Return the state at a time, by the log's entries so far (R-10, R-12)."""
        if self.refused:
            return WarrantStatus.REJECTED
        if self.cancelled:
            return WarrantStatus.CANCELLED
        if self.lapsed or time_ms >= self.valid_until_ms:
            return WarrantStatus.EXPIRED
        if self.fully_approved:
            return WarrantStatus.APPROVED
        if self.urgent and time_ms >= self.window_end_ms:
            return WarrantStatus.EXPIRED
        if self.urgent and self.roles >= set(self.profile.urgent):
            return WarrantStatus.EMERGENCY_APPROVAL
        return WarrantStatus.AWAITING_APPROVAL

    def overdue(self, time_ms: int) -> frozenset[bytes]:
        """Return the subjects who should have been told by now and were not (R-16)."""
        if time_ms <= self.gag_end_ms + self.profile.notice_ms:
            return frozenset()
        return self.owed - self.delivered


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A release request that counts; `over_cap` ones are in the log but open nothing (R-15)."""

    hash: bytes
    warrant: bytes
    committee: int
    index: int
    time_ms: int
    labels_root: bytes
    labels: int
    subjects: frozenset[bytes]
    over_cap: bool


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """A key epoch in the log, and which holders (0: the court) destroyed their share of it.

    `holders` are the identity keys (32 bytes) of the custodians whose shares these are, number 1
    first; `earlier` are the generations before it, the newest first (K-11). `logged_ms` is the
    log's time when this generation came.
    """

    keys: VerifiedKeyEpoch
    index: int
    logged_ms: int
    holders: tuple[bytes, ...]
    destroyed: frozenset[int] = frozenset()
    earlier: tuple[VerifiedKeyEpoch, ...] = ()

    def number_of(self, key: bytes) -> int:
        """Return the number of a custodian of this generation by its key, 0 when it is none."""
        return self.holders.index(key) + 1 if key in self.holders else 0

    @property
    def alive(self) -> bool:
        """Whether a quorum and the court may still hold shares (R-18)."""
        count = len(self.keys.custodians.shares)
        left = count - len(self.destroyed - {0})
        return 0 not in self.destroyed and left >= self.keys.custodians.threshold


@dataclass(frozen=True, slots=True)
class Tally:
    """What a committee's log entries count up to: what statistics are held against."""

    filed: int = 0
    approved: int = 0
    refused: int = 0
    cancelled: int = 0
    requests: int = 0
    labels: int = 0
    accounts: int = 0
    releases: int = 0
    notices: int = 0
