"""The law desk: takes signed documents, logs what must be logged, relays what it cannot change.

It folds the law log with the same pure rules as everybody; what those rules call void is refused
before it is logged. It decides nothing else: holders and agencies trust no word of it (spec W-36).
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from doublelock.log.sequencer import Sequencer
from doublelock.protocol import jws, limits
from doublelock.protocol.case import merge_warrant, read_warrant
from doublelock.protocol.charter import Charter, PartyRef, Role, verify_amendment
from doublelock.protocol.charter_terms import WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.days import day_of, first_day, key_epoch_of
from doublelock.protocol.documents import Bytes32, Opaque, decode
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.encoding import Reader
from doublelock.protocol.errors import Refusal, WireRefused
from doublelock.protocol.identifiers import AccountId
from doublelock.protocol.keyepoch import decode_signed, decode_statement
from doublelock.protocol.label import Label
from doublelock.protocol.lawlog import (
    AmendmentLogged,
    AnyEntry,
    CharterLogged,
    EpochExtended,
    KeyEpochLogged,
    Lapse,
    NoticeDelivered,
    ReleaseRequest,
    VerifiedEntry,
    sign_entry,
    stamp,
    verify_entry,
)
from doublelock.protocol.lawrecords import WarrantStatus
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.notice import NoticeTerms, verify_notice
from doublelock.protocol.release import check_named
from doublelock.protocol.release_request import decode_request, labels_root
from doublelock.protocol.warrant import Warrant
from doublelock.server.charters import CharterChain
from doublelock.server.config import Keys
from doublelock.server.publishing import Publishing
from doublelock.store.interface import Store, Tables
from doublelock.store.rows import LawRow

NO_CASE: Final = bytes(32)
_OPEN: Final = (WarrantStatus.APPROVED, WarrantStatus.EMERGENCY_APPROVAL)
_PAGE: Final = 256


@dataclass(frozen=True, slots=True)
class Filing:
    """Where a document is: its number in the store and its entry's index, or -1."""

    number: int
    log_index: int


@dataclass(frozen=True, slots=True)
class Requested:
    """A logged request: its entry's index and its labels."""

    index: int
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    committee: int
    agency: bytes


class LawDesk:
    """The law log's writer and the relay of its documents; `load` it before use."""

    def __init__(
        self,
        charters: CharterChain,
        log: Sequencer,
        publishing: Publishing,
        store: Store,
        keys: Keys,
        clock: Callable[[], int],
        deliver: Callable[[AccountId, bytes], Awaitable[None]] | None = None,
    ) -> None:
        self._charters = charters
        self._log = log
        self._publishing = publishing
        self._store = store
        self._keys = keys
        self._clock = clock
        self._deliver = deliver
        self._turn = asyncio.Lock()
        self._news = asyncio.Condition()
        self._cases: dict[bytes, _Case] = {}
        self.state = LawState.begin(charters.all[0])

    @property
    def charter(self) -> Charter:
        """The charter in force."""
        return self.state.charter(self._clock())

    @property
    def operator(self) -> SigningKey:
        """The operator's key by the charter in force, at the log's time or later (C-13)."""
        now = max(self._clock(), self.state.time_ms)
        return self._keys.held(self.state.charter(now).terms.operator.key)

    def receipt(self, time_ms: int) -> SigningKey:
        """Return the key that signs inventories and metadata of a time (C-13)."""
        return self._keys.held(self._charters.receipt_key(time_ms))

    async def load(self) -> None:
        """Replay the log and the documents; found the log with the genesis charter if it is new.

        Raises VaultRefused(vault-missing) without a key that the charter in force, or one to come,
        names as the operator's.
        """
        kept = await self._store.read(lambda tables: tables.law.charters())
        documents = {_digest(document): document for document in kept}
        for index in range(self._log.checkpoint().checkpoint.size):
            line = await self._log.entry(index)
            self.state = self.state.apply(index, line, documents)
        self._charters.replace(self.state.charters)
        present = self.state.charter(max(self._clock(), self.state.begin_ms))
        for charter in self.state.charters[self.state.charters.index(present) :]:
            self._check_keys(charter)
        after = 0
        while rows := await self._page(after):
            for row in rows:
                self._learn(row)
            after = rows[-1].number
        if self.state.size == 0:
            genesis = self.state.charters[0]
            await self.log_own(
                CharterLogged(
                    charter=Bytes32(genesis.hash), document=Bytes32(_digest(genesis.document))
                )
            )

    # --- the log ---------------------------------------------------------------------------

    async def log_own(
        self, entry: AnyEntry, documents: Mapping[bytes, bytes] = MappingProxyType({})
    ) -> int:
        """Log an entry of the operator's; return its index. Raises what `log_entry` raises."""
        return await self.log_entry(self._sign(entry), documents)

    def _sign(self, entry: AnyEntry) -> bytes:
        key = self.operator
        return sign_entry(self.charter.deployment, entry, key.public.encoded, key.sign)

    async def log_entry(
        self, signed: bytes, documents: Mapping[bytes, bytes] = MappingProxyType({})
    ) -> int:
        """Log a signed entry unless the law log's rules make it void; return its index.

        Raises Malformed, WireRefused with the code of the rule that it breaks, LogRefused.
        """
        async with self._turn:
            line, state = self._refuse_void(signed, documents)
            index = self.state.size
            # The document first: a line whose document is lost would stop everybody who folds it.
            if documents:
                await self._store.write(lambda tables: _put_charters(tables, documents))
            placed = await self._log.append(line)
            if placed.index != index:
                raise WireRefused(Code.STORAGE, "law log")
            self.state = state
            self._charters.replace(state.charters)
        self._publishing.grew()
        return index

    async def sweep(self) -> None:
        """Log what time alone has done: warrants that lapsed, months that lack their key."""
        now = self._clock()
        for record in list(self.state.warrants.values()):
            over = record.status(now) is WarrantStatus.EXPIRED
            if over and not record.lapsed:
                unconfirmed = record.urgent and now < record.valid_until_ms
                await self.log_own(
                    Lapse(
                        warrant=Bytes32(record.commitment),
                        ground="unconfirmed" if unconfirmed else "expired",
                    )
                )
        month = key_epoch_of(day_of(now))
        days = self.charter.terms.epoch_extension_days
        for committee in self.charter.terms.committees:
            last = (committee.number, month - 1)
            if not days or last in self.state.extensions or last not in self.state.epochs:
                continue
            if (committee.number, month) not in self.state.epochs:
                await self.log_own(
                    EpochExtended(
                        committee=committee.number,
                        key_epoch=month - 1,
                        until_day=first_day(month) + days - 1,
                    )
                )

    def _refuse_void(
        self, signed: bytes, documents: Mapping[bytes, bytes] = MappingProxyType({})
    ) -> tuple[bytes, LawState]:
        """Return an entry's line and the state after it. Raises WireRefused when it is void."""
        line = stamp(signed, max(self._clock(), self.state.time_ms))
        state = self.state.apply(self.state.size, line, documents)
        if state.void > self.state.void and state.last_void is not None:
            raise WireRefused(state.last_void, "law log")
        return line, state

    # --- documents -------------------------------------------------------------------------

    async def file(self, kind: str, author: bytes, document: bytes, case: bytes) -> Filing:
        """Take a document of a kind from a party; `case` is for kinds that do not name theirs.

        Raises Malformed, WireRefused(not-permitted, not-found), or the refusal of its own rules.
        """
        party = self.charter.party(author)
        if party is None:
            raise WireRefused(Code.NOT_PERMITTED)
        match kind:
            case "warrant":
                return await self._file_warrant(party, document)
            case "entry":
                return await self._file_entry(party, document)
            case "request":
                return await self._file_request(party, document)
            case "release":
                self._check_holder(party, case)
                return await self._put(case, kind, author, -1, document)
            case "notice":
                return await self._file_notice(party, document)
            case "charter":
                return await self._file_charter(party, document)
            case _:
                raise WireRefused(Code.NOT_FOUND, "kind of document")

    async def _file_warrant(self, party: PartyRef, document: bytes) -> Filing:
        warrant = read_warrant(document, self.state, self._clock())
        if party.committee != warrant.terms.committee or party.role in (
            Role.CUSTODIAN,
            Role.COURT,
        ):
            raise WireRefused(Code.NOT_PERMITTED)
        return await self._put(warrant.commitment, "warrant", party.key, -1, document)

    async def _file_entry(self, party: PartyRef, document: bytes) -> Filing:
        signed = self._own(party, document)
        if isinstance(signed.entry, NoticeDelivered):
            # Or one holder's bare word could keep somebody from ever being told.
            raise WireRefused(Code.NOT_PERMITTED, "hand in the notice itself")
        if isinstance(signed.entry, ReleaseRequest):
            # Whose labels nobody has is told by nobody.
            raise WireRefused(Code.NOT_PERMITTED, "hand in the request with its labels")
        case = getattr(signed.entry, "warrant", NO_CASE)
        index = await self.log_entry(document)
        return await self._put(bytes(case), "entry", party.key, index, document)

    async def _file_request(self, party: PartyRef, document: bytes) -> Filing:
        request = decode_request(self.charter.deployment, document)
        if request.signed.author != party.key:
            raise WireRefused(Code.NOT_PERMITTED, "another author")
        if len(request.labels) != request.entry.labels or labels_root(request.labels) != bytes(
            request.entry.labels_root
        ):
            raise WireRefused(Code.LABELS_ROOT)
        warrant = await self.warrant(bytes(request.entry.warrant))
        check_named(warrant, request)
        signed = Reader(document).long_field(limits.LOG_ENTRY)
        return await self.log_request(bytes(request.entry.warrant), party.key, signed, document)

    async def _file_notice(self, party: PartyRef, document: bytes) -> Filing:
        payload = jws.read_payload(document, limits.NOTICE)
        account = AccountId(bytes(decode(payload, NoticeTerms, limits.NOTICE).account))
        notice = verify_notice(document, self.state, account, self._clock())
        if party.role not in (Role.OPERATOR, Role.CUSTODIAN, Role.COURT):
            raise WireRefused(Code.NOT_PERMITTED)
        case = bytes(notice.terms.warrant)
        signed = self._sign(NoticeDelivered(Bytes32(case), Bytes32(notice.subject)))
        # First of all: what a notice says of its gag is its signer's word, the log's end counts.
        self._refuse_void(signed)
        filing = await self._put(case, "notice", party.key, -1, document)
        if self._deliver is not None:
            await self._deliver(account, document)
        return Filing(filing.number, await self.log_entry(signed))

    async def _file_charter(self, party: PartyRef, document: bytes) -> Filing:
        if party.role is not Role.OPERATOR:
            raise WireRefused(Code.NOT_PERMITTED)
        new = verify_amendment(self.state.charters[-1], document)
        self._check_keys(new)
        digest = _digest(document)
        entry = AmendmentLogged(charter=Bytes32(new.hash), document=Bytes32(digest))
        return Filing(0, await self.log_own(entry, {digest: document}))

    def _check_keys(self, charter: Charter) -> None:
        """Raise VaultRefused(vault-missing) for what this server could not sign under (C-13)."""
        self._keys.held(charter.terms.operator.key)
        self._keys.held(charter.terms.receipt_key)

    async def file_key_epoch(self, document: bytes) -> Filing:
        """Log a key epoch that all its holders signed; the same one again changes nothing."""
        statement = decode_statement(decode_signed(document).statement)
        where = (statement.epoch.committee, statement.epoch.key_epoch)
        known = self.state.epochs.get(where)
        if known is not None and (known.keys.share_version, known.keys.transcript_hash) == (
            statement.share_version,
            statement.transcript_hash,
        ):
            return Filing(0, known.index)
        index = await self.log_own(
            KeyEpochLogged(committee=where[0], key_epoch=where[1], statement=Opaque(document))
        )
        number = await self._store.write(lambda tables: tables.law.put_key_epoch(document))
        await self._tell()
        return Filing(number, index)

    async def documents(self, reader: bytes, after: int, wait_s: float) -> list[LawRow]:
        """Return what a party may see of what came after a number; wait a while for the first."""
        party = self.charter.party(reader)
        if party is None:
            raise WireRefused(Code.NOT_PERMITTED)
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while True:
            rows = await self._page(after)
            found = [row for row in rows if self._may_see(party, row)]
            if found:
                return found
            if rows:
                after = rows[-1].number
                continue
            left = until - loop.time()
            if left <= 0:
                return []
            try:
                async with self._news:
                    await asyncio.wait_for(self._news.wait(), left)
            except TimeoutError:
                return []

    async def opened_labels(
        self, agency: bytes, case: bytes
    ) -> frozenset[tuple[bytes, bytes, int]]:
        """Return the (conversation, account, day) of requests that witnesses have seen (W-37).

        Raises WireRefused(not-permitted) unless this is the agency of the case.
        """
        self.check_agency(agency, case)
        return frozenset(
            (label.conversation, label.account, label.day)
            for request in await self.requested(case)
            if request.index < self.published
            for label in request.labels
        )

    def check_agency(self, agency: bytes, case: bytes) -> None:
        """Raise WireRefused unless this is the case's agency and its content warrant in force.

        Metadata has its own way, by which it is logged first (R-36).
        """
        record = self.state.warrants.get(case)
        party = self.charter.party(agency)
        if record is None or record.agency != agency or party is None:
            raise WireRefused(Code.NOT_PERMITTED, "not the agency of this case")
        if record.status(self._clock()) not in _OPEN:
            raise WireRefused(Code.WARRANT_UNAPPROVED, "not in force")
        if record.kind is not WarrantKind.CONTENT_STORED:
            raise WireRefused(Code.WARRANT_KIND, f"{record.kind.value} opens no message")

    async def warrant(self, case: bytes) -> Warrant:
        """Return a case's warrant with every signature that was filed. Raises WireRefused."""
        rows = await self._store.read(lambda tables: tables.law.case(case))
        found = [row.document for row in rows if row.kind == "warrant"]
        if not found:
            raise WireRefused(Code.NOT_FOUND, "warrant")
        return merge_warrant(found, case, self.state, self._clock())

    @property
    def published(self) -> int:
        """How many of the law log's lines the witnesses have seen."""
        return self._publishing.size

    async def requested(self, case: bytes) -> list[Requested]:
        """Return the case's requests that the law log has within its caps."""
        rows = await self._store.read(lambda tables: tables.law.case(case))
        found = []
        for row in rows:
            if row.kind != "request":
                continue
            request = decode_request(self.charter.deployment, row.document)
            known = self.state.requests.get(request.signed.hash)
            if known is not None and not known.over_cap:
                found.append(Requested(known.index, request.labels))
        return found

    async def log_request(
        self, case: bytes, author: bytes, signed: bytes, document: bytes
    ) -> Filing:
        """Log a request and keep its labels; the labels first, so that no crash can lose them.

        Raises what `log_entry` raises; what it would refuse is not kept either.
        """
        self._refuse_void(signed)
        filing = await self._put(case, "request", author, -1, document)
        return Filing(filing.number, await self.log_entry(signed))

    async def held_conversations(self) -> frozenset[bytes]:
        """Return the conversations that a warrant in force asked for: retention spares them (W-38).

        What nobody's released key opens stays shut: its month's key dies in its time all the same.
        """
        now, held = self._clock(), set[bytes]()
        for record in self.state.warrants.values():
            if record.roots and record.status(now) in _OPEN:
                for request in await self.requested(record.commitment):
                    held |= {label.conversation for label in request.labels}
        return frozenset(held)

    def _own(self, party: PartyRef, document: bytes) -> VerifiedEntry:
        signed = verify_entry(self.charter.deployment, document)
        if signed.author != party.key:
            raise WireRefused(Code.NOT_PERMITTED, "another author")
        return signed

    def _check_holder(self, party: PartyRef, case: bytes) -> None:
        record = self.state.warrants.get(case)
        if record is None:
            raise WireRefused(Code.NOT_FOUND, "case")
        if party.role not in (Role.CUSTODIAN, Role.COURT) or party.committee != record.committee:
            raise WireRefused(Code.NOT_PERMITTED)

    def _may_see(self, party: PartyRef, row: LawRow) -> bool:
        if row.case == NO_CASE or party.role is Role.OPERATOR:
            return True
        case = self._cases.get(row.case)
        if case is None or party.committee != case.committee:
            return False
        return party.role is not Role.AGENCY or party.key == case.agency

    async def _put(
        self, case: bytes, kind: str, author: bytes, index: int, document: bytes
    ) -> Filing:
        row = LawRow(0, case, kind, author, self._clock(), index, document)
        number = await self._store.write(lambda tables: _put_once(tables, row))
        self._learn(row)
        await self._tell()
        return Filing(number, index)

    def _learn(self, row: LawRow) -> None:
        """Remember whose a case is, so that its documents reach those whom they concern."""
        if row.kind != "warrant" or row.case in self._cases:
            return
        try:
            warrant = read_warrant(row.document, self.state, self._clock())
        except Refusal:
            return
        self._cases[row.case] = _Case(warrant.terms.committee, warrant.agency.key)

    async def _page(self, after: int) -> list[LawRow]:
        return await self._store.read(lambda tables: tables.law.documents(after, _PAGE))

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


def _put_charters(tables: Tables, documents: Mapping[bytes, bytes]) -> None:
    for document in documents.values():
        tables.law.put_charter(document)


def _put_once(tables: Tables, row: LawRow) -> int:
    """Store a document; the same one of the same case again is the same document."""
    for known in tables.law.case(row.case):
        if (known.kind, known.author, known.document) == (row.kind, row.author, row.document):
            return known.number
    return tables.law.put_document(row)


def _digest(document: bytes) -> bytes:
    return hashlib.sha256(document).digest()
