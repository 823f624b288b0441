"""The warrant: one document, signed by applicant, minister and judge (spec R-1 to R-8).

`WarrantTerms` is the payload; a `Warrant` is one whose signatures hold and whose terms the charter
allows. That it is logged, in force and not cancelled is the law log's to say (`lawstate`).
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, final

import msgspec

from doublelock.protocol import jws, limits
from doublelock.protocol.charter import Charter, PartyRef, Role
from doublelock.protocol.charter_terms import Approver, Profile, WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import (
    Bytes32,
    CommitteeNumber,
    Count,
    Document,
    Millis,
    Name,
    Word,
    decode,
    encode,
)
from doublelock.protocol.encoding import tagged
from doublelock.protocol.errors import CharterRefused, WarrantRefused
from doublelock.protocol.identifiers import AccountId, DeploymentId
from doublelock.protocol.lawlog import Facets, WarrantFiled
from doublelock.protocol.scope import Scope, ScopeItem

_TAG: Final = b"doublelock/v1/warrant"
_SALT_TAG: Final = b"doublelock/v1/subject-salt"
_SUBJECT_TAG: Final = b"doublelock/v1/subject"
_VERIFIED: Final = object()
_ROLES: Final = {Role.MINISTER: Approver.MINISTER, Role.JUDGE: Approver.JUDGE}


class WarrantTerms(Document, frozen=True):
    """A warrant's payload; times in ms since 1970 UTC.

    `agency_key` signs (Ed25519, 32 bytes), `release_key` is what releases are sealed to (X25519,
    32). `reference` is the case's and is never logged. `unnamed_senders` caps the senders that only
    a conversation's name reaches. `renews` is the commitment of the warrant that this one follows.
    `salt` is 32 random bytes: it hides the terms in the commitment, and every subject too.
    """

    version: Literal[1]
    deployment: Bytes32
    committee: CommitteeNumber
    kind: WarrantKind
    agency: Name
    agency_key: Bytes32
    release_key: Bytes32
    offence: Word
    legal_basis: Name
    reference: Name
    scope: Annotated[tuple[ScopeItem, ...], msgspec.Meta(max_length=limits.SCOPE_ITEMS)]
    unnamed_senders: Count
    valid_from_ms: Millis
    valid_until_ms: Millis
    gag_end_ms: Millis
    urgent: bool
    renews: Bytes32 | None
    salt: Bytes32


@dataclass(frozen=True, slots=True)
class SignedApproval:
    """A minister's or judge's signature over a warrant's payload; comes from `verify_warrant`."""

    warrant: bytes
    role: Approver
    key: bytes


@final
class Warrant:
    """A warrant whose signatures hold and whose terms the charter allows; see `verify_warrant`.

    `commitment` (32 bytes) is its name in the law log; `approvals` are those that it carries.
    """

    __slots__ = (
        "agency",
        "approvals",
        "charter_hash",
        "commitment",
        "deployment",
        "document",
        "profile",
        "scope",
        "terms",
    )

    def __init__(
        self,
        token: object,
        charter: Charter,
        terms: WarrantTerms,
        payload: bytes,
        document: bytes,
        agency: PartyRef,
        approvals: tuple[SignedApproval, ...],
    ) -> None:
        if token is not _VERIFIED:
            raise TypeError("a Warrant comes from verify_warrant")
        self.deployment = charter.deployment
        self.charter_hash = charter.hash
        self.terms = terms
        self.scope = Scope(terms.scope)
        self.profile: Profile = charter.committee(terms.committee).profile(terms.kind)
        self.commitment = commit_warrant(charter.deployment, payload)
        self.document = document
        self.agency = agency
        self.approvals = approvals

    def subject(self, account: AccountId) -> bytes:
        """Return the 32 bytes that commit to an account as this warrant's subject (R-6)."""
        return commit_subject(
            self.deployment, self.commitment, subject_salt(self.terms.salt, account), account
        )

    def __repr__(self) -> str:
        return f"Warrant({self.commitment.hex()[:16]})"


def commit_warrant(deployment: DeploymentId, payload: bytes) -> bytes:
    """Return a payload's commitment: 32 bytes, hiding by the salt that it holds (R-2)."""
    return hashlib.sha256(tagged(_TAG, deployment, hashlib.sha256(payload).digest())).digest()


def subject_salt(salt: bytes, account: AccountId) -> bytes:
    """Return a subject's own salt: opens that subject's commitment and no other's (R-6)."""
    return hmac.digest(salt, tagged(_SALT_TAG, account), "sha256")


def commit_subject(
    deployment: DeploymentId, warrant: bytes, salt: bytes, account: AccountId
) -> bytes:
    """Return the commitment to a subject: 32 bytes."""
    return hashlib.sha256(tagged(_SUBJECT_TAG, deployment, warrant, salt, account)).digest()


def write_warrant(terms: WarrantTerms) -> bytes:
    """Return the payload of a warrant's terms: what applicant, minister and judge all sign."""
    return encode(terms)


def verify_warrant(data: bytes, charter: Charter, since: Sequence[Charter] = ()) -> Warrant:
    """Return the warrant once its applicant's signature holds and the charter allows its terms.

    Every further signature must be by a minister or judge of its committee, under that charter or
    one of those `since` (R-41). Raises Malformed, CharterRefused (committee, kind) or
    WarrantRefused by the rule's name (R-1 to R-5).
    """
    payload = jws.read_payload(data, limits.WARRANT)
    terms = decode(payload, WarrantTerms, limits.WARRANT)
    if bytes(terms.deployment) != charter.deployment:
        raise WarrantRefused(Code.WARRANT_COMMITTEE, "another deployment")
    committee = charter.committee(terms.committee)
    try:
        profile = committee.profile(terms.kind)
    except CharterRefused as problem:
        raise WarrantRefused(problem.code, problem.detail) from None
    agency = charter.party(terms.agency_key)
    if agency is None or (agency.role, agency.committee) != (Role.AGENCY, terms.committee):
        raise WarrantRefused(Code.WARRANT_APPLICANT, "no agency of the committee")
    if agency.name != terms.agency:
        raise WarrantRefused(Code.WARRANT_APPLICANT, "the agency's name")
    check_terms(terms, profile)
    authorities: dict[bytes, set[Approver]] = {}
    for one in (charter, *since):
        for party in one.parties:
            if party.role in _ROLES and party.committee == terms.committee:
                authorities.setdefault(party.key, set()).add(_ROLES[party.role])
    keys = {agency.key, *authorities}
    signed = jws.verify(data, jws.Purpose.WARRANT, keys, limits.WARRANT)
    if agency.key not in signed.signers:
        raise WarrantRefused(Code.WARRANT_APPLICANT)
    commitment = commit_warrant(charter.deployment, payload)
    approvals = [
        SignedApproval(commitment, role, key)
        for key in signed.signers
        for role in sorted(authorities.get(key, ()))
    ]
    return Warrant(_VERIFIED, charter, terms, payload, data, agency, tuple(approvals))


def describe_filing(warrant: Warrant, *, facets: bool = True) -> WarrantFiled:
    """Return the law-log entry by which the agency files a warrant; `facets` may be held back."""
    terms, scope = warrant.terms, warrant.scope
    subjects = sorted(Bytes32(warrant.subject(AccountId(account))) for account in scope.named)
    return WarrantFiled(
        warrant=Bytes32(warrant.commitment),
        committee=terms.committee,
        kind=terms.kind,
        urgent=terms.urgent,
        valid_from_ms=terms.valid_from_ms,
        valid_until_ms=terms.valid_until_ms,
        gag_end_ms=terms.gag_end_ms,
        renews=terms.renews,
        subjects=tuple(subjects),
        facets=Facets(
            offence=terms.offence,
            days=scope.days,
            senders=len(scope.named),
            conversations=len({name for item in scope.items for name in item.conversations}),
        )
        if facets
        else None,
    )


def check_terms(terms: WarrantTerms, profile: Profile) -> None:
    """Raise WarrantRefused by the rule's name unless a profile allows a warrant's terms (R-8)."""
    scope = Scope(terms.scope)
    if terms.offence not in profile.offences:
        raise WarrantRefused(Code.WARRANT_OFFENCE, terms.offence)
    if terms.urgent and not profile.urgent:
        raise WarrantRefused(Code.URGENT_NOT_ALLOWED)
    if terms.renews is not None and profile.renewals == 0:
        raise WarrantRefused(Code.WARRANT_RENEWAL)
    check_periods(terms.valid_from_ms, terms.valid_until_ms, terms.gag_end_ms, profile)
    if scope.days > profile.max_days:
        raise WarrantRefused(Code.WARRANT_PERIOD, f"{scope.days} days")
    if terms.unnamed_senders > profile.unnamed_senders:
        raise WarrantRefused(Code.UNNAMED_SENDERS, f"{terms.unnamed_senders} unnamed senders")
    if scope.has_unnamed != (terms.unnamed_senders > 0):
        raise WarrantRefused(Code.WARRANT_TERMS, "cap on unnamed senders")
    if len(scope.named) > limits.SUBJECTS_PER_REQUEST:
        raise WarrantRefused(Code.WARRANT_TERMS, "too many senders")


def check_periods(from_ms: int, until_ms: int, gag_end_ms: int, profile: Profile) -> None:
    """Raise WarrantRefused(warrant-terms, warrant-period) unless a profile allows the periods."""
    if from_ms >= until_ms:
        raise WarrantRefused(Code.WARRANT_TERMS, "ends before it begins")
    if until_ms - from_ms > profile.validity_ms:
        raise WarrantRefused(Code.WARRANT_PERIOD, "validity")
    if gag_end_ms > from_ms + profile.gag_ms:
        raise WarrantRefused(Code.WARRANT_PERIOD, "gag")
