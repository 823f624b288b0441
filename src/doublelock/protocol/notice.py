"""The notice to an affected account, and how its client checks it (spec R-16, R-25).

It opens one subject commitment of the law log by that subject's own salt: nobody else's opens with
it, and without the log's line there is no notice.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from doublelock.protocol import jws, limits
from doublelock.protocol.charter import Charter, Role
from doublelock.protocol.charter_terms import WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import (
    Bytes32,
    CommitteeNumber,
    Document,
    Millis,
    Name,
    Opaque,
    Word,
    decode,
    encode,
)
from doublelock.protocol.errors import EvidenceRefused, LogRefused
from doublelock.protocol.identifiers import AccountId
from doublelock.protocol.jws import Signer
from doublelock.protocol.lawlog import ReleaseRequest, verify_line
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.tlog_proof import VerifiedEntry, verify_proof
from doublelock.protocol.warrant import Warrant, commit_subject, subject_salt

_Day = Annotated[int, msgspec.Meta(ge=0, le=limits.LAST_DAY)]


class NoticeTerms(Document, frozen=True):
    """A notice's payload: who is told, of which warrant, with the opening and the log's proof.

    `salt` opens `subject`; `line` is the release request's log line, `proof` its tlog-proof.
    """

    version: Literal[1]
    deployment: Bytes32
    committee: CommitteeNumber
    warrant: Bytes32
    account: Bytes32
    salt: Bytes32
    kind: WarrantKind
    agency: Name
    offence: Word
    legal_basis: Name
    first_day: _Day
    last_day: _Day
    gag_end_ms: Millis
    line: Opaque
    proof: Opaque


@dataclass(frozen=True, slots=True)
class VerifiedNotice:
    """A notice to this account that the law log bears out; `subject` is what was delivered."""

    terms: NoticeTerms
    subject: bytes
    signers: tuple[Role, ...]
    log_index: int


def make_notice(
    warrant: Warrant,
    account: AccountId,
    line: bytes,
    proof: bytes,
    signers: Collection[tuple[bytes, Signer]],
) -> bytes:
    """Return the notice to an account, signed by operator, custodians or court."""
    terms, items = warrant.terms, warrant.terms.scope
    payload = encode(
        NoticeTerms(
            version=1,
            deployment=Bytes32(warrant.deployment),
            committee=terms.committee,
            warrant=Bytes32(warrant.commitment),
            account=Bytes32(account),
            salt=Bytes32(subject_salt(terms.salt, account)),
            kind=terms.kind,
            agency=terms.agency,
            offence=terms.offence,
            legal_basis=terms.legal_basis,
            first_day=min(item.first_day for item in items),
            last_day=max(item.last_day for item in items),
            gag_end_ms=terms.gag_end_ms,
            line=Opaque(line),
            proof=Opaque(proof),
        )
    )
    return jws.sign(payload, jws.Purpose.NOTICE, list(signers))


def verify_notice(data: bytes, law: LawState, account: AccountId, now_ms: int) -> VerifiedNotice:
    """Return the notice once a party signed it and a cosigned log line commits to this account.

    Signer and witnesses may be those of any charter so far: a notice is read long after it was
    made. Where its log is no longer than `law`, it must be the same one. Raises Malformed,
    LogRefused, or EvidenceRefused(notice-mismatch).
    """
    told = _so_far(law.charters, now_ms)
    holders = {
        party.key: party
        for charter in told
        for party in charter.parties
        if party.role in (Role.OPERATOR, Role.CUSTODIAN, Role.COURT)
    }
    document = jws.verify(data, jws.Purpose.NOTICE, list(holders), limits.NOTICE)
    terms = decode(document.payload, NoticeTerms, limits.NOTICE)
    if (bytes(terms.deployment), bytes(terms.account)) != (law.deployment, account):
        raise EvidenceRefused(Code.NOTICE_MISMATCH, "to somebody else")
    if now_ms + told[-1].terms.skew_ms < terms.gag_end_ms:
        raise EvidenceRefused(Code.NOTICE_MISMATCH, "before the gag's end")
    parties = [holders[key] for key in document.signers]
    for party in parties:
        if party.committee not in (None, terms.committee):
            raise EvidenceRefused(Code.NOTICE_MISMATCH, "by another committee's holder")
    line = bytes(terms.line)
    entry = verify_line(law.deployment, line).signed.entry
    placed = _verify_proof(bytes(terms.proof), line, told)
    head = placed.checkpoint.checkpoint
    if head.size <= law.size and law.root_at(head.size) != head.root:
        raise LogRefused(Code.LOG_FORK, f"at size {head.size}")
    subject = commit_subject(law.deployment, bytes(terms.warrant), bytes(terms.salt), account)
    if not isinstance(entry, ReleaseRequest) or entry.warrant != terms.warrant:
        raise EvidenceRefused(Code.NOTICE_MISMATCH, "another log line")
    if Bytes32(subject) not in entry.subjects:
        raise EvidenceRefused(Code.NOTICE_MISMATCH, "the log line does not name this account")
    _check_facts(terms, law)
    roles = tuple(party.role for party in parties)
    return VerifiedNotice(terms, subject, roles, placed.index)


def _check_facts(terms: NoticeTerms, law: LawState) -> None:
    """Hold the log's facts of a warrant against a notice; the rest is its signer's word (R-25)."""
    record = law.warrants.get(bytes(terms.warrant))
    if record is None:
        return  # the own log is shorter than the notice's
    agency = law.charter(record.filed_ms).party(record.agency)
    said = (terms.committee, terms.kind, terms.gag_end_ms, terms.agency)
    logged = (record.committee, record.kind, record.gag_end_ms, agency.name if agency else "")
    if said != logged:
        raise EvidenceRefused(Code.NOTICE_MISMATCH, "the log has other facts of the warrant")


def _so_far(charters: Sequence[Charter], now_ms: int) -> Sequence[Charter]:
    """Return the charters that are or were in force; the first one always is."""
    return [charters[0], *(one for one in charters[1:] if one.terms.effective_ms <= now_ms)]


def _verify_proof(proof: bytes, line: bytes, charters: Sequence[Charter]) -> VerifiedEntry:
    """Verify a line's place under whichever charter's witnesses saw it (R-40)."""
    failure: LogRefused | None = None
    for charter in reversed(charters):
        try:
            return verify_proof(proof, line, charter.law_policy())
        except LogRefused as refusal:
            if refusal.code is not Code.LOG_QUORUM:
                raise
            failure = failure or refusal
    raise failure or LogRefused(Code.LOG_QUORUM, "no charter")
