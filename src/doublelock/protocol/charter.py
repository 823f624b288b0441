"""The charter: the signed public file that is the law of one deployment (spec C).

`CharterTerms` is the document; a `Charter` is one that was verified: against the pinned deployment
id (genesis) or against the charter before it (amendment). Nothing else makes a `Charter`.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, final

from doublelock.protocol import jws, limits
from doublelock.protocol.charter_terms import (
    Approver,
    Caps,
    CharterTerms,
    Committee,
    Custodian,
    Party,
    Profile,
    WarrantKind,
    check_terms,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import decode, encode
from doublelock.protocol.encoding import tagged
from doublelock.protocol.errors import CharterRefused, Malformed
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.note import parse_vkey
from doublelock.protocol.policy import Policy, PolicyGroup, PolicyLog, PolicyWitness

__all__ = [
    "Amendment",
    "Approver",
    "Caps",
    "Charter",
    "CharterTerms",
    "Committee",
    "Custodian",
    "Party",
    "PartyRef",
    "Profile",
    "Role",
    "WarrantKind",
    "charter_at",
    "genesis_id",
    "hash_terms",
    "read_amendment",
    "read_terms",
    "receipt_key_at",
    "requires_capsule",
    "skew_at",
    "verify_amendment",
    "verify_genesis",
    "write_terms",
]

_TAG: Final = b"doublelock/v1/charter"
_VERIFIED: Final = object()
# Account ids come from the salt, and another log key would be another log.
_FIXED: Final = ("account_salt", "genesis_key", "key_log", "law_log")


class Role(StrEnum):
    """What a key in the charter is for."""

    OPERATOR = "operator"
    CUSTODIAN = "custodian"
    COURT = "court"
    AGENCY = "agency"
    MINISTER = "minister"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class PartyRef:
    """A party as found by its key; the operator has no committee, a custodian has an index."""

    role: Role
    name: str
    key: bytes
    committee: int | None
    index: int = 0


@final
class Charter:
    """A verified charter; `hash` (32 bytes) names it, `deployment` (32) names the genesis.

    Made by `verify_genesis` and `verify_amendment` alone.
    """

    __slots__ = (
        "_committees",
        "_key_policy",
        "_law_policy",
        "_parties",
        "deployment",
        "document",
        "hash",
        "terms",
    )
    deployment: DeploymentId
    hash: bytes
    terms: CharterTerms
    document: bytes
    """The signed document as received: what is handed on to others."""

    def __init__(
        self, token: object, deployment: DeploymentId, payload: bytes, document: bytes
    ) -> None:
        if token is not _VERIFIED:
            raise TypeError("a Charter comes from verify_genesis or verify_amendment")
        self.deployment = deployment
        self.hash = hash_terms(payload)
        self.terms = read_terms(payload)
        self.document = document
        try:
            self._law_policy = _policy(self.terms, self.terms.law_log)
            self._key_policy = _policy(self.terms, self.terms.key_log)
        except Malformed as problem:
            raise CharterRefused(Code.CHARTER_TERMS, problem.detail) from None
        self._committees = {committee.number: committee for committee in self.terms.committees}
        self._parties = {party.key: party for party in _parties(self.terms)}

    def committee(self, number: int) -> Committee:
        """Return a committee. Raises CharterRefused(unknown-committee)."""
        found = self._committees.get(number)
        if found is None:
            raise CharterRefused(Code.UNKNOWN_COMMITTEE, str(number))
        return found

    def party(self, key: bytes) -> PartyRef | None:
        """Return whose key this is, or None: a key plays at most one role (spec C-4)."""
        return self._parties.get(bytes(key))

    @property
    def parties(self) -> tuple[PartyRef, ...]:
        """Return every party."""
        return tuple(self._parties.values())

    def law_policy(self) -> Policy:
        """Return the tlog policy by which law-log checkpoints count: one log, the quorum (C-5)."""
        return self._law_policy

    def key_policy(self) -> Policy:
        """Return the tlog policy by which key-log checkpoints count."""
        return self._key_policy

    def __repr__(self) -> str:
        return f"Charter({self.terms.name!r}, sequence {self.terms.sequence})"


def hash_terms(payload: bytes) -> bytes:
    """Return the 32-byte hash of a charter's payload."""
    return hashlib.sha256(tagged(_TAG, hashlib.sha256(payload).digest())).digest()


def genesis_id(payload: bytes) -> DeploymentId:
    """Return the deployment id that a genesis payload founds: its hash (spec C-2)."""
    return DeploymentId(hash_terms(payload))


def read_terms(payload: bytes) -> CharterTerms:
    """Return a payload's terms, checked against themselves, signed by nobody yet.

    Raises Malformed (over `limits.CHARTER` bytes, form) or CharterRefused(charter-terms).
    """
    terms = decode(payload, CharterTerms, limits.CHARTER)
    check_terms(terms)
    return terms


def write_terms(terms: CharterTerms) -> bytes:
    """Return the payload bytes of terms. Raises CharterRefused(charter-terms)."""
    check_terms(terms)
    return encode(terms)


def verify_genesis(data: bytes, pinned: DeploymentId) -> Charter:
    """Return the genesis charter: its payload's hash is the pinned id, its operator signed (C-2).

    Raises Malformed or CharterRefused(charter-genesis, charter-terms).
    """
    payload = jws.read_payload(data, limits.CHARTER)
    if genesis_id(payload) != pinned:
        raise CharterRefused(Code.CHARTER_GENESIS)
    terms = read_terms(payload)
    if terms.sequence != 0:
        raise CharterRefused(Code.CHARTER_GENESIS, "not the first charter")
    jws.verify(data, jws.Purpose.CHARTER, [terms.operator.key], limits.CHARTER)
    return Charter(_VERIFIED, pinned, payload, data)


def verify_amendment(current: Charter, data: bytes) -> Charter:
    """Return the charter that follows `current`, whoever hands it over (spec C-9).

    Raises Malformed or CharterRefused: charter-sequence, charter-fixed, charter-delay,
    charter-signatures, charter-terms.
    """
    proposed = read_amendment(current, data)
    for lacking in proposed.lacking(current):
        raise CharterRefused(Code.CHARTER_SIGNATURES, lacking)
    return Charter(_VERIFIED, current.deployment, proposed.payload, data)


@dataclass(frozen=True, slots=True)
class Amendment:
    """An amendment that follows a charter, with its good signatures, be they enough or not."""

    terms: CharterTerms
    payload: bytes
    signers: frozenset[bytes]

    def lacking(self, current: Charter) -> Iterator[str]:
        """Yield whose signatures are still needed, in words (spec C-9)."""
        yield from _lacking(current.terms, self.terms, self.signers)


def read_amendment(current: Charter, data: bytes) -> Amendment:
    """Return an amendment of `current` that need not be signed by everybody yet.

    Raises as `verify_amendment`, but for charter-signatures.
    """
    payload = jws.read_payload(data, limits.CHARTER)
    new, old = read_terms(payload), current.terms
    if (new.sequence, new.previous) != (old.sequence + 1, current.hash):
        raise CharterRefused(Code.CHARTER_SEQUENCE, f"sequence {new.sequence}")
    if new.deployment is None or bytes(new.deployment) != current.deployment:
        raise CharterRefused(Code.CHARTER_SEQUENCE, "another deployment")
    if new.issued_ms < old.issued_ms:
        raise CharterRefused(Code.CHARTER_SEQUENCE, "issued before the last")
    if any(getattr(new, name) != getattr(old, name) for name in _FIXED):
        raise CharterRefused(Code.CHARTER_FIXED, ", ".join(_FIXED))
    if new.effective_ms < new.issued_ms + old.amendment_delay_ms:
        raise CharterRefused(Code.CHARTER_DELAY)
    if new.effective_ms < old.effective_ms:
        raise CharterRefused(Code.CHARTER_DELAY, "before the charter that it amends")
    holders = (*_holder_keys(old), *_holder_keys(new))
    allowed = {old.operator.key, *_new_keys(old, new).values(), *holders}
    signed = jws.verify(data, jws.Purpose.CHARTER, allowed, limits.CHARTER)
    return Amendment(new, payload, frozenset(signed.signers))


def skew_at(charters: Sequence[Charter], time_ms: int) -> int:
    """Return the skew in ms of the charter in force at a time; before genesis, of genesis."""
    return _law_at(charters, time_ms).terms.skew_ms


def receipt_key_at(charters: Sequence[Charter], time_ms: int) -> bytes:
    """Return the key (32) that signs receipts, inventories and metadata of a time (spec C-13)."""
    return bytes(_law_at(charters, time_ms).terms.receipt_key)


def _law_at(charters: Sequence[Charter], time_ms: int) -> Charter:
    return charter_at(charters, max(time_ms, charters[0].terms.effective_ms))


def charter_at(charters: Sequence[Charter], time_ms: int) -> Charter:
    """Return the charter in force at a time, of a chain from genesis on (spec C-10).

    Raises CharterRefused(charter-sequence) when none is in force yet.
    """
    for charter in reversed(charters):
        if charter.terms.effective_ms <= time_ms:
            return charter
    raise CharterRefused(Code.CHARTER_SEQUENCE, "no charter in force at that time")


def requires_capsule(charters: Sequence[Charter], committee: int, day: int) -> bool:
    """Say whether a day's stored messages of a committee's accounts carry a capsule (spec C-6).

    The charter at the day's beginning says it; a committee that begins on that day begins with
    its own. Raises CharterRefused(unknown-committee).
    """
    begin, end = day * DAY_MS, (day + 1) * DAY_MS
    present = _law_at(charters, begin)
    begun = [one for one in charters if begin < one.terms.effective_ms < end]
    for charter in (present, *begun):
        for one in charter.terms.committees:
            if one.number == committee:
                return one.requires_capsule
    raise CharterRefused(Code.UNKNOWN_COMMITTEE, str(committee))


def _policy(terms: CharterTerms, log: str) -> Policy:
    names = tuple(f"witness{number}" for number in range(1, len(terms.witnesses) + 1))
    witnesses = tuple(
        PolicyWitness(name, parse_vkey(vkey))
        for name, vkey in zip(names, terms.witnesses, strict=True)
    )
    logs = (PolicyLog(parse_vkey(log)),)
    if terms.quorum == 0:
        return Policy(logs, witnesses, (), "none")
    return Policy(logs, witnesses, (PolicyGroup("quorum", terms.quorum, names),), "quorum")


def _lacking(old: CharterTerms, new: CharterTerms, signers: frozenset[bytes]) -> Iterator[str]:
    if old.operator.key not in signers:
        yield "operator"
    for whose, key in _new_keys(old, new).items():
        if key not in signers:
            yield whose
    before = {committee.number: committee for committee in old.committees}
    after = {committee.number: committee for committee in new.committees}
    # What is not inside a committee, and which committees there are, concerns them all.
    everyone = before.keys() != after.keys() or _frame(old) != _frame(new)
    for number, committee in before.items():
        if everyone or after.get(number) != committee:
            yield from _lacking_consent(committee, signers)
    for number, committee in after.items():
        if number not in before:
            yield from _lacking_consent(committee, signers)


def _lacking_consent(committee: Committee, signers: frozenset[bytes]) -> Iterator[str]:
    if committee.court is not None and committee.court.key not in signers:
        yield f"court of committee {committee.number}"
    count = sum(custodian.key in signers for custodian in committee.custodians)
    if count < committee.threshold:
        here = f"{count} of {committee.threshold}"
        yield f"custodians of committee {committee.number} ({here})"


def _frame(terms: CharterTerms) -> bytes:
    """Return everything that belongs to no single committee, as bytes to compare."""
    loose = {"sequence", "deployment", "previous", "issued_ms", "effective_ms", "committees"}
    names = (name for name in CharterTerms.__struct_fields__ if name not in loose)
    return encode([getattr(terms, name) for name in names])


def _new_keys(old: CharterTerms, new: CharterTerms) -> dict[str, bytes]:
    """Return the operator's keys that an amendment brings; one of nobody's would end all (C-9)."""
    found: dict[str, bytes] = {}
    if new.operator.key != old.operator.key:
        found["new operator key"] = new.operator.key
    if new.receipt_key != old.receipt_key:
        found["new receipt key"] = new.receipt_key
    return found


def _holder_keys(terms: CharterTerms) -> Iterator[bytes]:
    for committee in terms.committees:
        yield from (custodian.key for custodian in committee.custodians)
        if committee.court is not None:
            yield committee.court.key


def _parties(terms: CharterTerms) -> Iterator[PartyRef]:
    operator = terms.operator
    yield PartyRef(Role.OPERATOR, operator.name, operator.key, None)
    for committee in terms.committees:
        number = committee.number
        for custodian in committee.custodians:
            yield PartyRef(Role.CUSTODIAN, custodian.name, custodian.key, number, custodian.index)
        if committee.court is not None:
            yield PartyRef(Role.COURT, committee.court.name, committee.court.key, number)
        for role, parties in (
            (Role.AGENCY, committee.agencies),
            (Role.MINISTER, committee.ministers),
            (Role.JUDGE, committee.judges),
        ):
            for party in parties:
                yield PartyRef(role, party.name, party.key, number)
