"""What a charter says, as a document; `charter` tells who must have signed it (spec C)."""

from collections.abc import Hashable, Sequence
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec

from doublelock.protocol import ed25519, limits
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import (
    Bytes32,
    CommitteeNumber,
    Count,
    Document,
    Millis,
    Name,
    Word,
)
from doublelock.protocol.errors import CharterRefused, Refusal
from doublelock.protocol.note import parse_vkey

Days = Annotated[int, msgspec.Meta(ge=0, le=36_525)]
Index = Annotated[int, msgspec.Meta(ge=1, le=limits.CUSTODIANS)]
VKey = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.VKEY)]
"""A C2SP signed-note verifier key as text."""
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS


class WarrantKind(StrEnum):
    """What a warrant may ask for; a kind exists when the charter has a profile for it."""

    CONTENT_STORED = "content-stored"
    METADATA = "metadata"


class Approver(StrEnum):
    """A role whose signature a profile can demand: the double lock's two halves."""

    MINISTER = "minister"
    JUDGE = "judge"


class Party(Document, frozen=True):
    """Somebody the charter names, with an Ed25519 key of 32 bytes for this role alone."""

    name: Name
    key: Bytes32


class Custodian(Document, frozen=True):
    """A holder of one share: `index` is its participant number from 1, `key` its identity key."""

    index: Index
    name: Name
    key: Bytes32


class Profile(Document, frozen=True):
    """What one kind of warrant needs and how long everything may last (spec C-7).

    `approvals` and `urgent` are the approvals needed; an empty `urgent` allows no urgent warrant.
    `notice_ms` is the time after a gag's end within which the notice must be delivered.
    """

    kind: WarrantKind
    approvals: tuple[Approver, ...]
    urgent: tuple[Approver, ...]
    max_days: Days
    validity_ms: Millis
    urgent_window_ms: Millis
    gag_ms: Millis
    notice_ms: Millis
    renewals: Count
    offences: tuple[Word, ...]
    unnamed_senders: Count


class Caps(Document, frozen=True):
    """How much one committee may open in any 30 days, from the law log's order alone (spec C-8)."""

    accounts: Count
    labels: Count


class Committee(Document, frozen=True):
    """The custodians, court and authorities of one jurisdiction.

    With `escrow` "none" nothing can be opened: no custodians, no court, threshold 0.
    """

    number: CommitteeNumber
    name: Name
    jurisdiction: Name
    escrow: Literal["threshold", "none"]
    custodians: tuple[Custodian, ...]
    threshold: Annotated[int, msgspec.Meta(ge=0, le=limits.CUSTODIANS)]
    court: Party | None
    agencies: tuple[Party, ...]
    ministers: tuple[Party, ...]
    judges: tuple[Party, ...]
    profiles: tuple[Profile, ...]
    caps: Caps
    retention_days: Days

    @property
    def requires_capsule(self) -> bool:
        """Whether every stored message of its accounts must carry a capsule (spec C-6)."""
        return self.escrow == "threshold"

    def profile(self, kind: WarrantKind) -> Profile:
        """Return the profile of a kind. Raises CharterRefused(warrant-kind)."""
        for profile in self.profiles:
            if profile.kind == kind:
                return profile
        raise CharterRefused(Code.WARRANT_KIND, kind.value)

    def holder_key(self, index: int) -> bytes:
        """Return the identity key of custodian `index`, or the court's for 0.

        Raises CharterRefused(not-a-holder).
        """
        if index == 0 and self.court is not None:
            return self.court.key
        for custodian in self.custodians:
            if custodian.index == index:
                return custodian.key
        raise CharterRefused(Code.NOT_A_HOLDER, f"index {index}")

    def approvers(self, role: Approver) -> tuple[Party, ...]:
        """Return who may approve in a role."""
        return self.ministers if role is Approver.MINISTER else self.judges


class CharterTerms(Document, frozen=True):
    """The charter's payload. Times in ms since 1970 UTC, spans in ms or days as named.

    `deployment` and `previous` are absent in the genesis charter alone: the first charter's hash is
    the deployment id. `genesis_key` signs the first invites (spec Y-4). `addresses` says where the
    server is reached and is no matter of trust.
    """

    version: Literal[1]
    name: Name
    sequence: Count
    deployment: Bytes32 | None
    previous: Bytes32 | None
    issued_ms: Millis
    effective_ms: Millis
    operator: Party
    receipt_key: Bytes32
    genesis_key: Bytes32
    key_log: VKey
    law_log: VKey
    witnesses: tuple[VKey, ...]
    quorum: Annotated[int, msgspec.Meta(ge=0, le=limits.WITNESSES)]
    account_salt: Bytes32
    skew_ms: Millis
    checkpoint_age_ms: Millis
    epoch_extension_days: Days
    amendment_delay_ms: Millis
    escrow: Literal["threshold", "none"]
    committees: tuple[Committee, ...]
    addresses: tuple[Name, ...] = ()

    def retained_from(self, now_ms: int) -> int:
        """Return the time (ms) before which stored messages are deleted; 0 for none (spec W-19).

        The longest retention of any committee: a conversation may have senders of several. No
        days, as a committee without escrow may have, are no limit.
        """
        days = [committee.retention_days for committee in self.committees]
        return max(0, now_ms - max(days) * DAY_MS) if all(days) else 0


def check_terms(terms: CharterTerms) -> None:
    """Raise CharterRefused(charter-terms) unless the charter agrees with itself (C-3 to C-8)."""
    _require(1 <= len(terms.committees) <= limits.COMMITTEES, "number of committees")
    _require(_distinct([committee.number for committee in terms.committees]), "committee twice")
    _require(len(terms.witnesses) <= limits.WITNESSES, "too many witnesses")
    _require(_distinct([*terms.witnesses, terms.key_log, terms.law_log]), "log key twice")
    for vkey in (*terms.witnesses, terms.key_log, terms.law_log):
        _check_vkey(vkey)
    _require(terms.quorum <= len(terms.witnesses), "quorum over number of witnesses")
    _require(terms.skew_ms <= 24 * HOUR_MS, "skew over a day")
    _require(terms.effective_ms >= terms.issued_ms, "effective before issued")
    _require((terms.sequence == 0) == (terms.previous is None), "sequence and previous")
    _require((terms.sequence == 0) == (terms.deployment is None), "sequence and deployment")
    any_escrow = any(committee.escrow == "threshold" for committee in terms.committees)
    _require((terms.escrow == "threshold") == any_escrow, "escrow differs from the committees'")
    _require(terms.quorum >= 1 or not any_escrow, "escrow without witnesses")
    # One key in two roles would let one person open both locks.
    keys = all_keys(terms)
    _require(_distinct(keys), "one key in two roles")
    for key in keys:
        try:
            ed25519.verify_key(bytes(key))
        except Refusal:
            raise CharterRefused(Code.CHARTER_TERMS, "a key is not valid") from None
    for committee in terms.committees:
        _check_committee(committee)


def all_keys(terms: CharterTerms) -> list[bytes]:
    """Return every Ed25519 key in the charter, log and witness keys aside."""
    keys: list[bytes] = [terms.operator.key, terms.receipt_key, terms.genesis_key]
    for committee in terms.committees:
        keys += [custodian.key for custodian in committee.custodians]
        if committee.court is not None:
            keys.append(committee.court.key)
        for parties in (committee.agencies, committee.ministers, committee.judges):
            keys += [party.key for party in parties]
    return keys


def _check_committee(committee: Committee) -> None:
    count = len(committee.custodians)
    _require(count <= limits.CUSTODIANS, "too many custodians")
    _require(
        sum(map(len, (committee.agencies, committee.ministers, committee.judges))) <= 1024,
        "too many parties",
    )
    if committee.escrow == "threshold":
        _require(committee.court is not None, "no court")
        # t = 1 is no quorum: a single custodian would stand for the whole committee.
        _require(2 <= committee.threshold <= count, "threshold")
        indices = [custodian.index for custodian in committee.custodians]
        _require(indices == list(range(1, count + 1)), "custodians not numbered from 1")
    else:
        _require(
            count == 0 and committee.threshold == 0 and committee.court is None,
            "holders without escrow",
        )
    _require(_distinct([profile.kind for profile in committee.profiles]), "kind twice")
    for profile in committee.profiles:
        _check_profile(committee, profile)


def _check_profile(committee: Committee, profile: Profile) -> None:
    _require(_distinct(profile.approvals) and _distinct(profile.urgent), "role twice")
    _require(len(profile.approvals) > 0, "warrant without approval")
    _require(set(profile.urgent) < set(profile.approvals) or not profile.urgent, "urgent roles")
    _require(not profile.urgent or profile.urgent_window_ms > 0, "urgent window")
    _require(profile.max_days > 0 and profile.validity_ms > 0, "empty period")
    _require(profile.unnamed_senders <= limits.GROUP_MEMBERS, "cap on unnamed senders")
    if profile.kind is WarrantKind.CONTENT_STORED:
        _require(committee.escrow == "threshold", "content without escrow")
        # The double lock itself is no matter of configuration for content.
        _require(set(profile.approvals) == set(Approver), "content without the double lock")


def _check_vkey(vkey: str) -> None:
    try:
        parse_vkey(vkey)
    except Refusal:
        raise CharterRefused(Code.CHARTER_TERMS, "a log or witness key is not valid") from None


def _distinct(values: Sequence[Hashable]) -> bool:
    return len(set(values)) == len(values)


def _require(good: bool, what: str) -> None:
    if not good:
        raise CharterRefused(Code.CHARTER_TERMS, what)
