"""The law in a world of the browser's tests: warrants, notices, amendments, by the real parties."""

import base64
from typing import Any

import msgspec
from rich.console import Console

from doublelock.agency import Application
from doublelock.demo.clock import ReplayClock
from doublelock.demo.lawpath import Desks, LawPath, open_desks
from doublelock.demo.telling import Telling
from doublelock.demo.world import World
from doublelock.holder.desk import file_document
from doublelock.protocol import jws
from doublelock.protocol.amendment import draft_amendment
from doublelock.protocol.charter_terms import CharterTerms, Committee, WarrantKind
from doublelock.protocol.days import DAY_MS, day_of
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.lawlog import Ground
from doublelock.protocol.notice import verify_notice
from doublelock.protocol.scope import ScopeItem
from doublelock.protocol.session import PartySubject
from doublelock.protocol.warrant import Warrant
from doublelock.transport.http import HttpClient, Identity

NEW_KEYS = (SigningKey(b"\x41" * 32), SigningKey(b"\x42" * 32))
"""What an amendment may bring as the operator's key and the receipts'; every server has them."""


class Law:
    """What the tests ask of ministers, judges, agencies and key holders; one method a step."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._desks: dict[int, Desks] = {}
        self._warrants: dict[str, Warrant] = {}

    async def close(self) -> None:
        """Close every desk."""
        for desks in self._desks.values():
            await desks.close()

    async def now(self, _: dict[str, Any]) -> Any:
        """Return the deployment's time in ms."""
        return self._world.clock()

    async def move(self, ask: dict[str, Any]) -> Any:
        """Move the deployment's clock forward by days, or to noon of a day; return its time."""
        clock = self._world.clock
        if not isinstance(clock, ReplayClock):
            raise KeyError("this world's clock does not move")
        if "to_day" in ask:
            clock.advance_to(ask["to_day"] * DAY_MS + DAY_MS // 2)
        else:
            clock.advance_to(clock() + int(ask["days"] * DAY_MS))
        await self._see()
        return clock()

    async def look(self, ask: dict[str, Any]) -> Any:
        """Let every holder look so many times, the witnesses seeing what comes of it."""
        told = 0
        for _ in range(ask.get("times", 1)):
            looks = await self._world.look()
            told += sum(one.notices for one in looks)
            await self._see()
        return told

    async def warrant(self, ask: dict[str, Any]) -> Any:
        """Take a warrant on people up to `until`; return its commitment.

        `until`: filed, refused, approved, requested, or opened; a metadata warrant opens too.
        """
        committee, until = ask.get("committee", 1), ask["until"]
        desks = await self._open(committee)
        kind = WarrantKind(ask.get("kind", "content-stored"))
        day = ask.get("day", day_of(self._world.clock()))
        senders = tuple(sorted(Bytes32(desks.agency.account(one)) for one in ask["on"]))
        warrant = await desks.agency.apply(
            Application(
                "fraud",
                "Criminal Code 12",
                f"case {len(self._warrants) + 1}",
                (ScopeItem(senders, (), day, day),),
                kind,
                gag_ms=DAY_MS,
            )
        )
        await self._see()
        if until != "filed":
            await self._decide(desks, warrant, refused=until == "refused")
        if until in ("requested", "opened"):
            if kind is WarrantKind.METADATA:
                await desks.agency.metadata(warrant.commitment, 30)
            else:
                await desks.agency.request(warrant.commitment)
            await self._see()
        if until == "opened" and kind is not WarrantKind.METADATA:
            path = LawPath(self._world, desks, Telling(Console(quiet=True)))
            holders = [one for one in self._world.holders if one.me.committee == committee]
            await path.release(holders)
            opening = await desks.agency.open_case(warrant.commitment)
            self._warrants[warrant.commitment.hex()] = warrant
            return {"case": warrant.commitment.hex(), "opened": len(opening.messages)}
        self._warrants[warrant.commitment.hex()] = warrant
        return {"case": warrant.commitment.hex(), "opened": 0}

    async def amend(self, ask: dict[str, Any]) -> Any:
        """File an amendment that operator, courts and all custodians signed; return its time."""
        await self._see()
        await self._world.monitor.sync_law()
        current = self._world.monitor.charters[-1]
        terms = msgspec.structs.replace(
            current.terms,
            committees=tuple(
                _changed(one, ask) if one.number == ask.get("committee", 1) else one
                for one in current.terms.committees
            ),
        )
        signers = self._signers(current.terms)
        if ask.get("new_keys", False):
            operator_key, receipt_key = (Bytes32(key.public.encoded) for key in NEW_KEYS)
            renewed = msgspec.structs.replace(terms.operator, key=operator_key)
            terms = msgspec.structs.replace(terms, operator=renewed, receipt_key=receipt_key)
            signers += [(key.public.encoded, key.sign) for key in NEW_KEYS]
        payload = draft_amendment(current, terms, self._world.clock())
        document = jws.sign(payload, jws.Purpose.CHARTER, signers)
        operator = SigningKey(self._world.founded.operator)
        subject = PartySubject(operator.public.encoded)
        who = Identity(self._world.deployment, subject, operator.sign)
        async with HttpClient(self._world.server.http, identity=who) as http:
            await file_document(http, "charter", document)
        await self._see()
        return payload.decode()

    async def counts(self, ask: dict[str, Any]) -> Any:
        """Return what Python makes of the law log: tally, size, lines without effect."""
        await self._see()
        await self._world.monitor.sync_law()
        law = self._world.monitor.law
        number = ask.get("committee", 1)
        tally = msgspec.to_builtins(law.tallies[number]) if number in law.tallies else {}
        return {"tally": tally, "size": law.size, "void": law.void}

    async def notice(self, ask: dict[str, Any]) -> Any:
        """Verify a notice that a browser saved, as an auditor would."""
        world = self._world
        account = next(iter(world.people.values())).account_of(ask["to"])
        document = base64.b64decode(ask["document"])
        found = verify_notice(document, world.monitor.law, account, world.clock())
        return {"account": ask["to"], "kind": found.terms.kind.value}

    async def sweep(self, _: dict[str, Any]) -> Any:
        """Let the server delete what is due; return how many items lost their content."""
        return await self._world.server.parts.sweeper.sweep()

    def _signers(self, terms: CharterTerms) -> list[Any]:
        founded = self._world.founded
        seeds = [founded.operator]
        for committee in founded.committees:
            seeds += [committee.court, *committee.custodians]
        named = {bytes(terms.operator.key)}
        for one in terms.committees:
            named |= {bytes(custodian.key) for custodian in one.custodians}
            named |= {bytes(one.court.key)} if one.court is not None else set()
        signers = [(key.public.encoded, key.sign) for key in map(SigningKey, seeds)]
        return [one for one in signers if one[0] in named]

    async def _decide(self, desks: Desks, warrant: Warrant, *, refused: bool) -> None:
        for desk in (desks.minister, desks.judge):
            await desk.pending()
            if refused and desk is desks.judge:
                await desk.refuse(warrant.commitment, Ground.PROPORTIONALITY)
            else:
                await desk.approve(warrant.commitment)
            await self._see()

    async def _open(self, committee: int) -> Desks:
        if committee not in self._desks:
            self._desks[committee] = open_desks(self._world, committee)
        return self._desks[committee]

    async def _see(self) -> None:
        """Have the witnesses cosign both logs now."""
        law = self._world.server.law
        await law.law_publishing.publish()
        await law.key_publishing.publish()


def _changed(committee: Committee, ask: dict[str, Any]) -> Committee:
    changes: dict[str, Any] = {}
    if "retention_days" in ask:
        changes["retention_days"] = ask["retention_days"]
    if "cap" in ask:
        changes["caps"] = msgspec.structs.replace(committee.caps, labels=ask["cap"])
    if "rename" in ask:
        first, *others = committee.agencies
        changes["agencies"] = (msgspec.structs.replace(first, name=ask["rename"]), *others)
    if "gag_days" in ask:
        changes["profiles"] = tuple(
            msgspec.structs.replace(one, gag_ms=ask["gag_days"] * DAY_MS)
            for one in committee.profiles
        )
    return msgspec.structs.replace(committee, **changes)
