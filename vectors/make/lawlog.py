"""lawlog.json: a law log line by line, what it amounts to, and a notice (spec R-10 to R-33)."""

import hashlib
from collections.abc import Collection
from dataclasses import asdict
from typing import Any, Final

import msgspec

from doublelock.protocol import jws, merkle
from doublelock.protocol.charter import (
    CharterTerms,
    Committee,
    Party,
    WarrantKind,
    hash_terms,
    write_terms,
)
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.days import DAY_MS, first_day
from doublelock.protocol.destruction import Destruction as DestructionStatement
from doublelock.protocol.destruction import sign_destruction
from doublelock.protocol.documents import Bytes32, Opaque, encode
from doublelock.protocol.identifiers import AccountId
from doublelock.protocol.keyepoch import EpochId, Role
from doublelock.protocol.lawlog import (
    AmendmentLogged,
    AnyEntry,
    Approval,
    Cancellation,
    CharterLogged,
    Destruction,
    EpochExtended,
    Facets,
    Ground,
    KeyEpochLogged,
    Lapse,
    NoticeDelivered,
    Preservation,
    ReleaseLogged,
    ReleaseRequest,
    Statistics,
    WarrantFiled,
    WarrantRefused,
    sign_entry,
    stamp,
    verify_entry,
)
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.note import format_note
from doublelock.protocol.notice import NoticeTerms
from doublelock.protocol.tlog_proof import TlogProof, parse_note
from doublelock.protocol.warrant import commit_subject
from vectors.make.law import (
    EPOCH,
    EVERYONE,
    WITNESSES,
    amended,
    committee,
    genesis,
    key,
    key_epoch,
    note_signer,
    public,
    sign,
)
from vectors.make.world import DAY, TIME_MS, bytes_of

_HOUR: Final = 3_600_000
_START: Final = TIME_MS - 2 * _HOUR
_ALICE: Final = AccountId(bytes_of("told alice"))
_SALT: Final = bytes_of("alice's own salt")


class Log:
    """The log as it grows; each line is checked to count, or to be void by the code it names."""

    def __init__(self) -> None:
        self.state = LawState.begin(genesis())
        self.lines: list[dict[str, object]] = []
        self.raw: list[bytes] = []
        self.time_ms = _START

    def add(
        self,
        why: str,
        author: str,
        entry: AnyEntry,
        code: str | None = None,
        *,
        at: int | None = None,
        document: bytes | None = None,
    ) -> bytes:
        """Append an entry by an author, and return its hash."""
        deployment = genesis().deployment
        time_ms = self.time_ms + 1000 if at is None else at
        self.time_ms = max(self.time_ms, time_ms)
        signed = sign_entry(deployment, entry, public(author), key(author).sign)
        self.line(why, stamp(signed, time_ms), code, document)
        return verify_entry(deployment, signed).hash

    def line(self, why: str, line: bytes, code: str | None, document: bytes | None = None) -> None:
        """Append any line."""
        before = self.state.void
        documents = {} if document is None else {hashlib.sha256(document).digest(): document}
        self.state = self.state.apply(self.state.size, line, documents)
        void = self.state.last_void if self.state.void > before else None
        assert void == code, f"{why}: {void}"
        told: dict[str, object] = {"why": why, "line": line.hex(), "code": code}
        if document is not None:
            told["document"] = document.decode()
        self.lines.append(told)
        self.raw.append(line)


def _subject(name: str) -> Bytes32:
    return Bytes32(bytes_of(f"subject {name}"))


def _filed(
    name: str,
    *,
    urgent: bool = False,
    subjects: Collection[Bytes32] = (),
    gag_end_ms: int = TIME_MS,
    days: int = 20,
    renews: str | None = None,
    kind: WarrantKind = WarrantKind.CONTENT_STORED,
) -> WarrantFiled:
    return WarrantFiled(
        warrant=Bytes32(bytes_of(f"warrant {name}")),
        committee=1,
        kind=kind,
        urgent=urgent,
        valid_from_ms=_START,
        valid_until_ms=TIME_MS + days * DAY_MS,
        gag_end_ms=gag_end_ms,
        renews=None if renews is None else Bytes32(bytes_of(f"warrant {renews}")),
        subjects=tuple(subjects),
        facets=Facets("terrorism", 2, 1, 1) if name == "one" else None,
    )


def _request(name: str, root: str, labels: int, subjects: Collection[Bytes32]) -> ReleaseRequest:
    return ReleaseRequest(
        warrant=Bytes32(bytes_of(f"warrant {name}")),
        labels_root=Bytes32(bytes_of(root)),
        labels=labels,
        accounts=len(subjects),
        subjects=tuple(sorted(subjects)),
    )


def _warrants(log: Log) -> bytes:
    """Append what happens to a few warrants, and return the first request's hash."""
    one, two = Bytes32(bytes_of("warrant one")), Bytes32(bytes_of("warrant two"))
    deployment = genesis().deployment
    alice = Bytes32(commit_subject(deployment, one, _SALT, _ALICE))
    log.add("a warrant is filed", "1-agency", _filed("one"))
    log.add("filed twice", "1-agency", _filed("one"), "entry-void")
    log.add("by a judge", "1-judge", _filed("by a judge"), "entry-author")
    log.add("for too long", "1-agency", _filed("too long", days=40), "warrant-period")
    log.add(
        "request before approval",
        "1-agency",
        _request("one", "r0", 1, [alice]),
        "warrant-unapproved",
    )
    log.add("the minister approves", "1-minister", Approval(one))
    log.add("and again", "1-minister", Approval(one), "entry-void")
    log.add("another committee's judge", "2-judge", Approval(one), "entry-author")
    log.add("the judge approves", "1-judge", Approval(one))
    request = log.add("a request", "1-agency", _request("one", "r1", 2, [alice]))
    log.add(
        "the same labels again", "1-agency", _request("one", "r1", 2, [alice]), "request-replayed"
    )
    log.add("by another agency", "2-agency", _request("one", "r2", 1, [alice]), "request-foreign")
    log.add(
        "more accounts than labels",
        "1-agency",
        _request("one", "r3", 1, [alice, _subject("b")]),
        "labels-count",
    )
    log.add(
        "over the cap: it counts, and opens nothing",
        "1-agency",
        _request("one", "r4", 4, [alice, _subject("b")]),
    )
    release = ReleaseLogged(one, Bytes32(request), 2, ((EPOCH, 1),), 2, Bytes32(bytes_of("m")))
    log.add("a custodian releases", "1-custodian2", release)
    log.add("and again", "1-custodian2", release, "entry-void")
    log.add("under another's index", "1-custodian1", release, "entry-void")
    log.add(
        "for a request that is not logged",
        "1-court",
        ReleaseLogged(one, two, 0, (), 2, Bytes32(bytes_of("m"))),
        "request-unlogged",
    )
    told = NoticeDelivered(one, alice)
    log.add("a notice before the gag's end", "operator", told, "entry-void", at=TIME_MS - 1)
    log.add("a notice", "1-court", told, at=TIME_MS)
    log.add("told twice", "operator", told, "entry-void")
    log.add("told who is not owed", "operator", NoticeDelivered(one, _subject("x")), "entry-void")
    log.add("a renewal", "1-agency", _filed("two", renews="one"))
    log.add("a renewal too many", "1-agency", _filed("three", renews="two"), "warrant-renewal")
    log.add("it is refused", "1-judge", WarrantRefused(two, Ground.NECESSITY))
    log.add(
        "cancelled after its refusal", "1-agency", Cancellation(two, Ground.WITHDRAWN), "entry-void"
    )
    log.add("an urgent one", "1-agency", _filed("four", urgent=True))
    four = Bytes32(bytes_of("warrant four"))
    log.add("by the minister alone", "1-minister", Approval(four))
    log.add("another", "1-agency", _filed("five"))
    log.add(
        "cancelled by its minister",
        "1-minister",
        Cancellation(Bytes32(bytes_of("warrant five")), Ground.SCOPE),
    )
    log.add("a lapse too early", "operator", Lapse(four, "unconfirmed"), "entry-void")
    return request


def _metadata(log: Log, content: bytes) -> None:
    """Append a warrant for metadata, and a second release of a content request (R-30, R-36)."""
    six = Bytes32(bytes_of("warrant six"))
    log.add("for metadata", "1-agency", _filed("six", kind=WarrantKind.METADATA))
    log.add("the minister approves it", "1-minister", Approval(six))
    log.add("the judge approves it", "1-judge", Approval(six))
    asked = _request("six", "r6", 1, [_subject("c")])
    log.add("metadata by the agency's own word", "1-agency", asked, "request-foreign")
    log.add("metadata that the operator gives", "operator", asked)
    log.add(
        "content by the operator",
        "operator",
        _request("one", "r7", 1, [_subject("c")]),
        "request-foreign",
    )
    one, message = Bytes32(bytes_of("warrant one")), Bytes32(bytes_of("m"))
    log.add(
        "a custodian releases again, by a share of another version",
        "1-custodian2",
        ReleaseLogged(one, Bytes32(content), 2, ((EPOCH, 2),), 2, message),
    )


def _keys(log: Log) -> None:
    """Append what happens to key epochs and charters."""
    deployment = genesis().deployment
    log.add("a resharing", "operator", KeyEpochLogged(1, EPOCH, Opaque(key_epoch(1, 2))))
    log.add(
        "an older version again",
        "operator",
        KeyEpochLogged(1, EPOCH, Opaque(key_epoch(1))),
        "key-epoch-changed",
    )
    log.add(
        "of another committee",
        "operator",
        KeyEpochLogged(2, EPOCH, Opaque(key_epoch(1))),
        "key-epoch-statement",
    )
    log.add(
        "by a custodian",
        "1-custodian1",
        KeyEpochLogged(2, EPOCH, Opaque(key_epoch(2, 3))),
        "entry-author",
    )
    begin = first_day(EPOCH + 1)
    log.add("an extension too long", "operator", EpochExtended(1, EPOCH, begin + 5), "entry-void")
    log.add("an extension", "operator", EpochExtended(1, EPOCH, begin + 4))

    def destroyed(holder: str, version: int) -> Destruction:
        role = Role.COURT if holder == "court" else Role.CUSTODIANS
        epoch = EpochId(deployment, 2, EPOCH)
        said = DestructionStatement(epoch, role, public(f"2-{holder}"), version, TIME_MS)
        return Destruction(2, EPOCH, Opaque(sign_destruction(said, key(f"2-{holder}"))))

    log.add("a destruction", "2-custodian1", destroyed("custodian1", 1))
    log.add("another's statement", "2-custodian2", destroyed("custodian1", 1), "ceremony-mismatch")
    log.add("the court's", "2-court", destroyed("court", 1))
    log.add(
        "a dead key comes back",
        "operator",
        KeyEpochLogged(2, EPOCH, Opaque(key_epoch(2, 2))),
        "epoch-dead",
    )
    one = Bytes32(bytes_of("warrant one"))
    log.add(
        "a preservation", "1-custodian3", Preservation(1, EPOCH, one, Bytes32(bytes_of("r1")), 2)
    )
    log.add("statistics", "operator", Statistics(1, 0, TIME_MS, *range(9)))
    document = sign(amended(skew_ms=1, effective_ms=TIME_MS + 20 * DAY_MS), EVERYONE)
    payload = write_terms(amended(skew_ms=1, effective_ms=TIME_MS + 20 * DAY_MS))
    entry = AmendmentLogged(
        Bytes32(hash_terms(payload)), Bytes32(hashlib.sha256(document).digest())
    )
    log.add("an amendment", "operator", entry, document=document)
    log.add("and again", "operator", entry, "charter-sequence", document=document)
    _successors(log)


def _successors(log: Log) -> None:
    """Append what becomes of keys when a later charter changes their holders (C-11, R-22)."""
    first = log.state.charters[-1]
    effective_ms = TIME_MS + 40 * DAY_MS

    def following(one: Committee) -> CharterTerms:
        return amended(
            sequence=2,
            previous=Bytes32(first.hash),
            skew_ms=1,
            effective_ms=effective_ms,
            committees=(one, committee(2)),
        )

    def logged(made: CharterTerms) -> tuple[AmendmentLogged, bytes]:
        document = sign(made, EVERYONE)
        digest = Bytes32(hashlib.sha256(document).digest())
        return AmendmentLogged(Bytes32(hash_terms(write_terms(made))), digest), document

    one = committee(1)
    court = Party("another court", public("another court"))
    entry, document = logged(following(msgspec.structs.replace(one, court=court)))
    log.add("another court for living keys", "operator", entry, "charter-fixed", document=document)
    two = msgspec.structs.replace(one, custodians=one.custodians[:2])
    entry, document = logged(following(two))
    log.add("one custodian leaves", "operator", entry, document=document)
    passed = KeyEpochLogged(1, EPOCH, Opaque(key_epoch(1, 3, 2)))
    log.add("passed on too early", "operator", passed, "key-epoch-statement")
    log.add("passed on in time", "operator", passed, at=effective_ms)
    stated = DestructionStatement(
        EpochId(genesis().deployment, 1, EPOCH),
        Role.CUSTODIANS,
        public("1-custodian3"),
        3,
        effective_ms,
    )
    log.add(
        "a destruction by who left",
        "1-custodian3",
        Destruction(1, EPOCH, Opaque(sign_destruction(stated, key("1-custodian3")))),
        "entry-author",
    )


def _node(lines: list[bytes], level: int, index: int) -> bytes:
    start = index << level
    return merkle.reduce_perfect(
        [merkle.leaf_hash(each) for each in lines[start : start + 2**level]]
    )


def _notices(log: Log) -> list[dict[str, object]]:
    """Return notices: one that holds, and others."""
    charter = genesis()
    index = next(at for at, each in enumerate(log.lines) if each["why"] == "a request")
    size = log.state.size
    head = Checkpoint("law-log.example", size, log.state.root)
    time_s = log.time_ms // 1000
    lines = [note_signer(name).sign(head, time_s) for name in ("law-log", *WITNESSES)]
    note = parse_note(format_note(head.encode(), lines))
    path = merkle.prove_inclusion(index, 0, size, lambda level, at: _node(log.raw, level, at))
    proof = TlogProof(index, path, note).encode()

    def notice(
        signer: str, salt: bytes = _SALT, line: bytes = log.raw[index], **changes: Any
    ) -> bytes:
        terms = msgspec.structs.replace(
            NoticeTerms(
                version=1,
                deployment=Bytes32(charter.deployment),
                committee=1,
                warrant=Bytes32(bytes_of("warrant one")),
                account=Bytes32(_ALICE),
                salt=Bytes32(salt),
                kind=WarrantKind.CONTENT_STORED,
                agency="1-agency",
                offence="terrorism",
                legal_basis="Act 1 of 2009, section 2",
                first_day=DAY - 1,
                last_day=DAY,
                gag_end_ms=TIME_MS,
                line=Opaque(line),
                proof=Opaque(proof),
            ),
            **changes,
        )
        payload = encode(terms)
        return jws.sign(payload, jws.Purpose.NOTICE, [(public(signer), key(signer).sign)])

    later = TIME_MS + _HOUR
    return [
        {
            "why": why,
            "document": document.decode(),
            "account": account.hex(),
            "now_ms": now_ms,
            "code": code,
        }
        for why, document, account, now_ms, code in (
            ("by the operator", notice("operator"), _ALICE, later, None),
            ("by the court", notice("1-court"), _ALICE, later, None),
            ("by another committee's court", notice("2-court"), _ALICE, later, "notice-mismatch"),
            ("by an agency", notice("1-agency"), _ALICE, later, "unknown-signer"),
            (
                "to somebody else",
                notice("operator"),
                AccountId(bytes(32)),
                later,
                "notice-mismatch",
            ),
            (
                "before the gag's end",
                notice("operator"),
                _ALICE,
                TIME_MS - 10**6,
                "notice-mismatch",
            ),
            ("with another salt", notice("operator", bytes(32)), _ALICE, later, "notice-mismatch"),
            ("with another line", notice("operator", line=log.raw[0]), _ALICE, later, "log-proof"),
            *(
                (why, notice("1-court", **{name: value}), _ALICE, later, "notice-mismatch")
                for why, name, value in (
                    ("with an earlier gag's end", "gag_end_ms", TIME_MS - _HOUR),
                    ("of another agency", "agency", "2-agency"),
                    ("of another kind of warrant", "kind", WarrantKind.METADATA),
                )
            ),
        )
    ]


def build() -> dict[str, object]:
    """Return the file."""
    log = Log()
    charter = genesis()
    log.add("before the genesis line", "1-agency", _filed("early"), "entry-void")
    log.add(
        "another deployment's charter",
        "operator",
        CharterLogged(Bytes32(bytes(32)), Bytes32(bytes(32))),
        "charter-genesis",
    )
    genesis_line = CharterLogged(
        Bytes32(charter.hash), Bytes32(hashlib.sha256(charter.document).digest())
    )
    log.add("the genesis charter", "operator", genesis_line)
    log.add("once", "operator", genesis_line, "entry-void")
    for number in (1, 2):
        log.add("a key epoch", "operator", KeyEpochLogged(number, EPOCH, Opaque(key_epoch(number))))
    log.line("no line", b"not JSON", "form")
    log.line("a bent signature", log.raw[2].replace(b'"signature":"', b'"signature":"A', 1), "form")
    log.line(
        "a stamp that is later, and a member twice",
        log.raw[2].replace(b'{"time_ms":', b'{"time_ms":1,"time_ms":', 1),
        "form",
    )
    log.add("by nobody", "nobody", genesis_line, "entry-author")
    log.add("back in time", "operator", genesis_line, "entry-time", at=_START - 1)
    request = _warrants(log)
    _metadata(log, request)
    _keys(log)
    state = log.state
    late = TIME_MS + 21 * DAY_MS
    return {
        "about": "A law log: what has a code is void and without effect. Then what it amounts to.",
        "rules": [
            "R-10",
            "R-11",
            "R-12",
            "R-13",
            "R-15",
            "R-16",
            "R-20",
            "R-22",
            "R-23",
            "R-25",
            "R-30",
            "R-36",
        ],
        "deployment": charter.deployment.hex(),
        "charter": charter.document.decode(),
        "lines": log.lines,
        "root": state.root.hex(),
        "void": state.void,
        "charters": [each.hash.hex() for each in state.charters],
        "tallies": [{"committee": n, **asdict(tally)} for n, tally in state.tallies.items()],
        "epochs": [
            {
                "committee": committee,
                "key_epoch": number,
                "master_key": record.keys.master_key.encoded.hex(),
                "share_version": record.keys.share_version,
                "alive": record.alive,
                "destroyed": sorted(record.destroyed),
            }
            for (committee, number), record in state.epochs.items()
        ],
        "extensions": [
            {"committee": committee, "key_epoch": number, "until_day": day}
            for (committee, number), day in state.extensions.items()
        ],
        "warrants": [
            {
                "warrant": record.commitment.hex(),
                "now": record.status(TIME_MS + _HOUR),
                "late": record.status(late),
                "overdue": sorted(each.hex() for each in record.overdue(late)),
            }
            for record in state.warrants.values()
        ],
        "now_ms": TIME_MS + _HOUR,
        "late_ms": late,
        "request": request.hex(),
        "notices": _notices(log),
    }
