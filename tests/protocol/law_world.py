"""A deployment's law for tests: real keys, a signed charter, a law log, witnesses and a warrant."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec

from doublelock.protocol import jws, keyepoch, polynomial
from doublelock.protocol.charter import (
    Approver,
    Caps,
    Charter,
    CharterTerms,
    Committee,
    Custodian,
    Party,
    Profile,
    WarrantKind,
    genesis_id,
    hash_terms,
    verify_genesis,
    write_terms,
)
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.curve import G2_GENERATOR, ORDER, g2_secret_multiple
from doublelock.protocol.days import DAY_MS, day_of, key_epoch_of
from doublelock.protocol.destruction import Destruction as DestructionStatement
from doublelock.protocol.destruction import sign_destruction
from doublelock.protocol.documents import Bytes32, Opaque
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.identifiers import AccountId, ConversationId
from doublelock.protocol.keyepoch import EpochId, HalfKey, Role, SignedKeyEpoch
from doublelock.protocol.label import Label
from doublelock.protocol.lawlog import (
    AmendmentLogged,
    AnyEntry,
    Approval,
    CharterLogged,
    Destruction,
    KeyEpochLogged,
    sign_entry,
    stamp,
    verify_entry,
)
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.note import SignatureType, format_note
from doublelock.protocol.release import LawHead, LawProof, ReleasePermit, prove_law, release
from doublelock.protocol.release_request import LabelRequest, describe_request
from doublelock.protocol.scope import InventoryRow, ScopeItem, labels_in_scope
from doublelock.protocol.warrant import (
    SignedApproval,
    Warrant,
    WarrantTerms,
    describe_filing,
    verify_warrant,
    write_warrant,
)

NOW = 1_262_613_600_000  # 2010-01-04 14:00 UTC
TODAY = day_of(NOW)
EPOCH = key_epoch_of(TODAY)
HOUR = 3_600_000
WITNESS_NAMES = ("w1", "w2", "w3")


@cache
def key(name: str) -> SigningKey:
    return SigningKey(hashlib.sha256(f"law {name}".encode()).digest())


def public(name: str) -> Bytes32:
    return Bytes32(key(name).public.encoded)


def party(name: str) -> Party:
    return Party(name, public(name))


def account(name: str) -> AccountId:
    return AccountId(hashlib.sha256(f"account {name}".encode()).digest())


def conversation(name: str) -> ConversationId:
    return ConversationId(hashlib.sha256(f"conversation {name}".encode()).digest())


def note_signer(name: str) -> NoteSigner:
    kind = SignatureType.ED25519 if name.endswith("log") else SignatureType.COSIGNATURE_ED25519
    return NoteSigner(f"{name}.example", kind, hashlib.sha256(f"note {name}".encode()).digest())


PROFILE = Profile(
    kind=WarrantKind.CONTENT_STORED,
    approvals=(Approver.MINISTER, Approver.JUDGE),
    urgent=(Approver.MINISTER,),
    max_days=31,
    validity_ms=30 * DAY_MS,
    urgent_window_ms=3 * DAY_MS,
    gag_ms=90 * DAY_MS,
    notice_ms=7 * DAY_MS,
    renewals=1,
    offences=("terrorism", "murder"),
    unnamed_senders=3,
)
METADATA = msgspec.structs.replace(PROFILE, kind=WarrantKind.METADATA)


def committee(number: int, size: int = 3, threshold: int = 2) -> Committee:
    prefix = f"{number}-"
    return Committee(
        number=number,
        name=f"Committee {number}",
        jurisdiction="XX",
        escrow="threshold",
        custodians=tuple(
            Custodian(index, f"custodian {index}", public(f"{prefix}custodian{index}"))
            for index in range(1, size + 1)
        ),
        threshold=threshold,
        court=party(f"{prefix}court"),
        agencies=(party(f"{prefix}agency"), party(f"{prefix}other agency")),
        ministers=(party(f"{prefix}minister"),),
        judges=(party(f"{prefix}judge"), party(f"{prefix}second judge")),
        profiles=(PROFILE, METADATA),
        caps=Caps(accounts=4, labels=10),
        retention_days=90,
    )


def charter_terms(**changes: Any) -> CharterTerms:
    terms = CharterTerms(
        version=1,
        name="Test deployment",
        sequence=0,
        deployment=None,
        previous=None,
        issued_ms=0,
        effective_ms=0,
        operator=party("operator"),
        receipt_key=public("receipts"),
        genesis_key=public("genesis invites"),
        key_log=note_signer("key-log").key.encode(),
        law_log=note_signer("law-log").key.encode(),
        witnesses=tuple(note_signer(name).key.encode() for name in WITNESS_NAMES),
        quorum=2,
        account_salt=Bytes32(b"S" * 32),
        skew_ms=60_000,
        checkpoint_age_ms=HOUR,
        epoch_extension_days=5,
        amendment_delay_ms=14 * DAY_MS,
        escrow="threshold",
        committees=(committee(1), committee(2)),
    )
    return msgspec.structs.replace(terms, **changes)


def sign_charter(terms: CharterTerms, names: Iterable[str] = ("operator",)) -> bytes:
    payload = write_terms(terms)
    signers = [(public(name), key(name).sign) for name in names]
    return jws.sign(payload, jws.Purpose.CHARTER, signers)


def found(terms: CharterTerms | None = None) -> Charter:
    terms = terms or charter_terms()
    return verify_genesis(sign_charter(terms), genesis_id(write_terms(terms)))


def scalar(name: str) -> int:
    wide = hashlib.shake_256(name.encode()).digest(64)
    return polynomial.draw_scalars(wide, 1, ORDER)[0]


@cache
def key_epoch_statement(
    deployment: bytes, number: int, epoch_number: int, version: int = 1, size: int = 3
) -> bytes:
    epoch = EpochId(deployment, number, epoch_number)  # type: ignore[arg-type]
    halves = []
    coefficients = [
        scalar(f"{number} {epoch_number} {version}x{i}" if i else f"{number}") for i in range(2)
    ]
    for role, secret, shares, threshold in (
        (
            Role.CUSTODIANS,
            coefficients[0],
            [polynomial.evaluate(coefficients, i, ORDER) for i in range(1, size + 1)],
            2,
        ),
        (Role.COURT, scalar(f"court {number}"), [scalar(f"court {number}")], 1),
    ):
        whole = g2_secret_multiple(G2_GENERATOR, secret)
        halves.append(
            HalfKey(
                whole,
                keyepoch.prove_possession(epoch, role, whole, secret),
                threshold,
                tuple(g2_secret_multiple(G2_GENERATOR, share) for share in shares),
            )
        )
    data = keyepoch.make_statement(epoch, version, b"T" * 32, halves[0], halves[1]).encode()
    names = [f"{number}-custodian{index}" for index in range(1, size + 1)]
    return SignedKeyEpoch(
        data, tuple(key(name).sign(data) for name in names), key(f"{number}-court").sign(data)
    ).encode()


class World:
    """One deployment with its law log; `time_ms` is the log's clock and moves with each line."""

    def __init__(self, terms: CharterTerms | None = None, epochs: Sequence[int] = (EPOCH,)) -> None:
        self.charter = found(terms)
        self.deployment = self.charter.deployment
        self.state = LawState.begin(self.charter)
        self.lines: list[bytes] = []
        self.time_ms = NOW - 2 * HOUR
        charter_hash = hashlib.sha256(self.charter.document).digest()
        self.log("operator", CharterLogged(Bytes32(self.charter.hash), Bytes32(charter_hash)))
        for epoch in epochs:
            for number in (1, 2):
                self.log("operator", self.key_epoch(number, epoch))

    def key_epoch(self, number: int, epoch: int, version: int = 1) -> KeyEpochLogged:
        return KeyEpochLogged(
            number, epoch, Opaque(key_epoch_statement(self.deployment, number, epoch, version))
        )

    def log(
        self,
        author: str,
        entry: AnyEntry,
        time_ms: int | None = None,
        documents: dict[bytes, bytes] | None = None,
        *,
        void: bool = False,
    ) -> bytes:
        """Append an entry by an author; the test fails unless it counts (or is void)."""
        if time_ms is None:
            time_ms = self.time_ms + 1000
        self.time_ms = max(self.time_ms, time_ms)
        signed = sign_entry(self.deployment, entry, public(author), key(author).sign)
        line = stamp(signed, time_ms)
        before = self.state.void
        self.state = self.state.apply(self.state.size, line, documents or {})
        self.lines.append(line)
        assert (self.state.void > before) == void, self.state.last_void
        return signed

    def note(
        self,
        time_ms: int,
        witnesses: Sequence[str] = WITNESS_NAMES,
        state: LawState | None = None,
        log: str = "law-log",
    ) -> bytes:
        state = state or self.state
        head = Checkpoint(f"{log}.example", state.size, state.root)
        time_s = time_ms // 1000
        lines = [note_signer(name).sign(head, time_s) for name in (log, *witnesses)]
        return format_note(head.encode(), lines)

    def prove(self, time_ms: int | None = None) -> LawProof:
        return prove_law(self.charter, self.state, self.note(time_ms or self.time_ms))

    # --- warrants --------------------------------------------------------------------------

    def terms(self, **changes: Any) -> WarrantTerms:
        terms = WarrantTerms(
            version=1,
            deployment=Bytes32(self.deployment),
            committee=1,
            kind=WarrantKind.CONTENT_STORED,
            agency="1-agency",
            agency_key=public("1-agency"),
            release_key=Bytes32(b"R" * 32),
            offence="terrorism",
            legal_basis="Act 1 of 2009, section 2",
            reference="case 7",
            scope=(
                ScopeItem(
                    senders=(Bytes32(account("alice")), Bytes32(account("bob"))),
                    conversations=(),
                    first_day=TODAY - 1,
                    last_day=TODAY + 1,
                ),
            ),
            unnamed_senders=0,
            valid_from_ms=NOW - HOUR * 3,
            valid_until_ms=NOW + 20 * DAY_MS,
            gag_end_ms=NOW + 60 * DAY_MS,
            urgent=False,
            renews=None,
            salt=Bytes32(b"W" * 32),
        )
        return msgspec.structs.replace(terms, **changes)

    def document(self, terms: WarrantTerms, *names: str) -> bytes:
        payload = write_warrant(terms)
        signers = [(public(name), key(name).sign) for name in names]
        return jws.sign(payload, jws.Purpose.WARRANT, signers)

    def warrant(
        self,
        *names: str,
        approved: Sequence[str] | None = None,
        filed: bool = True,
        **changes: Any,
    ) -> Warrant:
        """Make a warrant signed by `names`, filed, with the approvals of `approved` logged."""
        names = names or ("1-agency", "1-minister", "1-judge")
        warrant = verify_warrant(self.document(self.terms(**changes), *names), self.charter)
        if filed:
            self.log(names[0], describe_filing(warrant))
            for name in names[1:] if approved is None else approved:
                self.log(name, Approval(Bytes32(warrant.commitment)))
        return warrant

    def label(self, who: str, where: str = "room", day: int = TODAY, **changes: Any) -> Label:
        values: dict[str, Any] = {
            "deployment": self.deployment,
            "committee": 1,
            "key_epoch": key_epoch_of(day),
            "conversation": conversation(where),
            "account": account(who),
            "day": day,
        }
        return Label(**(values | changes))

    def labels(self, *labels: Label) -> tuple[Label, ...]:
        return tuple(sorted(labels, key=Label.encode))

    def in_scope(self, warrant: Warrant, *labels: Label) -> tuple[Label, ...]:
        rows = [InventoryRow(x.conversation, x.account, x.day, x.key_epoch) for x in labels]
        return labels_in_scope(warrant.scope, self.deployment, warrant.terms.committee, rows)

    def request(
        self,
        warrant: Warrant,
        wanted: Sequence[Label],
        author: str = "1-agency",
        *,
        logged: bool = True,
        void: bool = False,
        time_ms: int | None = None,
        **changes: Any,
    ) -> LabelRequest:
        entry = msgspec.structs.replace(describe_request(warrant, wanted), **changes)
        if logged:
            signed = self.log(author, entry, time_ms, void=void)
        else:
            signed = sign_entry(self.deployment, entry, public(author), key(author).sign)
        return LabelRequest(verify_entry(self.deployment, signed), entry, tuple(wanted))

    def release(
        self,
        warrant: Warrant,
        request: LabelRequest,
        *,
        approvals: Sequence[SignedApproval] | None = None,
        proof: LawProof | None = None,
        last_head: LawHead | None = None,
        now_ms: int | None = None,
        charter: Charter | None = None,
        cancellations: Sequence[Any] = (),
    ) -> ReleasePermit:
        now_ms = now_ms or max(NOW, self.time_ms)
        return release(
            warrant,
            warrant.approvals if approvals is None else approvals,
            charter or self.charter,
            request,
            proof or self.prove(now_ms),
            last_head,
            now_ms,
            cancellations,
        )

    def destroy(self, number: int, epoch: int, holder: str, version: int = 1) -> None:
        statement = DestructionStatement(
            EpochId(self.deployment, number, epoch),
            Role.COURT if holder == "court" else Role.CUSTODIANS,
            public(f"{number}-{holder}"),
            version,
            self.time_ms,
        )
        signed = sign_destruction(statement, key(f"{number}-{holder}"))
        self.log(f"{number}-{holder}", Destruction(number, epoch, Opaque(signed)))


def amend(world: World, first: Committee) -> tuple[AmendmentLogged, dict[bytes, bytes]]:
    """An amendment that gives committee 1 another form, signed by all whom it concerns."""
    terms = msgspec.structs.replace(
        charter_terms(),
        sequence=1,
        deployment=Bytes32(world.deployment),
        previous=Bytes32(world.charter.hash),
        issued_ms=NOW,
        effective_ms=NOW + 15 * DAY_MS,
        committees=(first, committee(2)),
    )
    names = ("operator", "1-court", "1-custodian1", "1-custodian2")
    document = sign_charter(terms, names)
    digest = hashlib.sha256(document).digest()
    return AmendmentLogged(Bytes32(hash_terms(write_terms(terms))), Bytes32(digest)), {
        digest: document
    }
