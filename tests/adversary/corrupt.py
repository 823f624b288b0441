"""A running town whose operator logs whatever it likes, and whose agency asks for whatever."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from law_path import NOON, TODAY, Town, town

from doublelock.demo.founding import Plan
from doublelock.holder.daemon import HolderDaemon
from doublelock.protocol import jws
from doublelock.protocol.charter_terms import Caps, WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, key_epoch_of
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.label import Label
from doublelock.protocol.lawlog import AnyEntry, Approval, sign_entry, stamp, verify_entry
from doublelock.protocol.release_request import describe_request, encode_request
from doublelock.protocol.warrant import (
    Warrant,
    WarrantTerms,
    describe_filing,
    verify_warrant,
    write_warrant,
)
from doublelock.seal import SealKey

LABELS = 40
PLAN = Plan(
    now_ms=NOON - DAY_MS,
    custodians=3,
    threshold=2,
    witnesses=2,
    quorum=2,
    caps=Caps(accounts=50, labels=LABELS),
)
SECRET = b"the words that nobody but Bob may read"


@dataclass
class Corrupt:
    """The town, its room, and the seeds of those who are the attacker's."""

    town: Town
    room: ConversationId
    cases: int = 0

    @property
    def world(self) -> Any:
        return self.town.world

    @property
    def holders(self) -> list[HolderDaemon]:
        """The custodians, then the court."""
        found: list[HolderDaemon] = self.world.holders
        return found

    def key(self, role: str) -> SigningKey:
        founded = self.world.founded
        return SigningKey(
            founded.operator if role == "operator" else getattr(founded.committees[0], role)
        )

    def label(self, who: str = "ada", where: bytes | None = None, day: int = TODAY) -> Label:
        return Label(
            self.world.deployment,
            1,
            key_epoch_of(day),
            ConversationId(where or self.room),
            self.town.agency.account(who),
            day,
        )

    # --- the agency's papers ---------------------------------------------------------------

    async def papers(
        self,
        signers: Sequence[str] = ("agency", "minister", "judge"),
        approvals: Sequence[str] | None = None,
        *,
        filed: bool = True,
        who: str = "ada",
        **changes: Any,
    ) -> Warrant:
        """File a warrant signed by some, its filing and approvals logged as far as said."""
        self.cases += 1
        charter = self.town.agency.party.charter
        now = self.world.clock()
        terms = WarrantTerms(
            version=1,
            deployment=Bytes32(self.world.deployment),
            committee=1,
            kind=WarrantKind.CONTENT_STORED,
            agency=self.town.agency.party.me.name,
            agency_key=Bytes32(self.key("agency").public.encoded),
            release_key=Bytes32(SealKey.make(b"r" * 32).public.encoded),
            offence="fraud",
            legal_basis="Criminal Code 12",
            reference=f"case {self.cases}",
            scope=self.town.scope(who),
            unnamed_senders=0,
            valid_from_ms=now,
            valid_until_ms=now + DAY_MS,
            gag_end_ms=now + 7 * DAY_MS,
            urgent=False,
            renews=None,
            salt=Bytes32(secrets.token_bytes(32)),
        )
        terms = msgspec.structs.replace(terms, **changes)
        keys = [self.key(name) for name in signers]
        document = jws.sign(
            write_warrant(terms),
            jws.Purpose.WARRANT,
            [(key.public.encoded, key.sign) for key in keys],
        )
        warrant = verify_warrant(document, charter)
        if filed:
            await self.force(describe_filing(warrant), "agency")
            for name in signers[1:] if approvals is None else approvals:
                await self.force(Approval(warrant=Bytes32(warrant.commitment)), name)
        await self.relay(warrant.commitment, "warrant", "agency", document)
        return warrant

    async def ask(
        self,
        warrant: Warrant,
        *labels: Label,
        author: str = "agency",
        logged: bool = True,
        **changes: Any,
    ) -> bytes:
        """Log a request by force, and relay it to every holder; return its hash."""
        ordered = sorted(labels or (self.label(),), key=Label.encode)
        entry = msgspec.structs.replace(describe_request(warrant, ordered), **changes)
        signed = self.sign(entry, author)
        if logged:
            await self.force(entry, author)
        document = encode_request(signed, 1, ordered)
        await self.relay(warrant.commitment, "request", "agency", document)
        await self.town.seen()
        return verify_entry(self.world.deployment, signed).hash

    # --- the operator's power --------------------------------------------------------------

    def sign(self, entry: AnyEntry, author: str) -> bytes:
        key = self.key(author)
        return sign_entry(self.world.deployment, entry, key.public.encoded, key.sign)

    async def force(self, entry: AnyEntry, author: str) -> None:
        """Log an entry whether it counts or not, as a server does that keeps no rule."""
        desk = self.world.server.law.desk
        async with desk._turn:
            line = stamp(self.sign(entry, author), max(desk._clock(), desk.state.time_ms))
            await desk._log.append(line)
            desk.state = desk.state.apply(desk.state.size, line)
        desk._publishing.grew()

    async def relay(self, case: bytes, kind: str, author: str, document: bytes) -> None:
        """Hand a document to the holders without looking at it."""
        desk = self.world.server.law.desk
        await desk._put(case, kind, self.key(author).public.encoded, -1, document)

    # --- the holders' answers --------------------------------------------------------------

    async def answers(
        self,
        request: bytes,
        holders: Sequence[HolderDaemon] | None = None,
        now_ms: int | None = None,
    ) -> list[Code | None]:
        """Let holders look, and return how each of them answered a request."""
        found = []
        for holder in self.holders if holders is None else holders:
            look = await holder.step(self.world.clock() if now_ms is None else now_ms)
            found += [one.refusal for one in look.answers if one.request == request]
        return found

    async def refused(self, request: bytes, code: Code, now_ms: int | None = None) -> None:
        """Every holder must refuse a request by this name."""
        assert await self.answers(request, now_ms=now_ms) == [code] * len(self.holders)


@asynccontextmanager
async def corrupt_town(folder: Path) -> AsyncIterator[Corrupt]:
    async with town(folder, PLAN) as made:
        room = await made.room("ada", "bob")
        await made.say(room, made.world.people["ada"], [SECRET])
        await made.say(room, made.world.people["bob"], [b"understood"])
        await made.agency.party.look()
        yield Corrupt(made, room)
