"""Warrants in a world, step by step over everybody's own desk, told from the law log itself."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from doublelock.agency import AgencyDesk, Application, ApprovalDesk
from doublelock.agency.opening import Opening
from doublelock.agency.words import describe_warrant
from doublelock.audit import describe_line
from doublelock.demo.chatting import Said
from doublelock.demo.telling import Telling, Told
from doublelock.demo.world import World
from doublelock.holder.daemon import HolderDaemon
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.errors import EvidenceRefused
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.lawlog import Ground
from doublelock.protocol.record import Text
from doublelock.protocol.scope import ScopeItem
from doublelock.protocol.warrant import Warrant

GAG_MS = 7 * DAY_MS


@dataclass(slots=True)
class Desks:
    """The agency, the minister and the judge of one committee, each with its own folder."""

    agency: AgencyDesk
    minister: ApprovalDesk
    judge: ApprovalDesk

    async def close(self) -> None:
        """Close every desk."""
        for desk in (self.agency, self.minister, self.judge):
            await desk.close()


def open_desks(world: World, committee: int = 1) -> Desks:
    """Open the three desks of a committee. Raises VaultRefused, CharterRefused."""
    people = world.founded.committees[committee - 1]
    suffix = "" if committee == 1 else f"-{committee}"
    agency, minister, judge = (
        world.enrol(f"{name}{suffix}", seed)
        for name, seed in (
            ("agency", people.agency),
            ("minister", people.minister),
            ("judge", people.judge),
        )
    )
    return Desks(
        AgencyDesk.open(*agency, world.clock),
        ApprovalDesk.open(*minister, world.clock),
        ApprovalDesk.open(*judge, world.clock),
    )


def busiest(said: Sequence[Said]) -> str:
    """Return who said most."""
    return Counter(one.nick for one in said).most_common(1)[0][0]


def name_sender(desks: Desks, nick: str, first_day: int, last_day: int) -> tuple[ScopeItem, ...]:
    """Return the scope of one sender's messages on some days, wherever they wrote."""
    return (ScopeItem((Bytes32(desks.agency.account(nick)),), (), first_day, last_day),)


def name_room(conversation: ConversationId, first_day: int, last_day: int) -> tuple[ScopeItem, ...]:
    """Return the scope of one conversation's messages on some days, whoever wrote them."""
    return (ScopeItem((), (Bytes32(conversation),), first_day, last_day),)


class LawPath:
    """Takes warrants through a world and tells each new line of the law log, once witnessed."""

    def __init__(self, world: World, desks: Desks, telling: Telling) -> None:
        self._world = world
        self._desks = desks
        self._telling = telling
        self._told = 0

    async def be_seen(self) -> None:
        """Have the witnesses cosign both logs now, and tell what is new in the law log."""
        law = self._world.server.law
        await law.law_publishing.publish()
        await law.key_publishing.publish()
        party = self._desks.agency.party
        await party.look()
        for index in range(self._told, len(party.watch.lines)):
            words = describe_line(party.charter, party.watch.lines[index])
            self._telling.item(f"law log {index}: {words}", "cyan")
        self._told = len(party.watch.lines)

    async def pass_over(self) -> None:
        """Take the law log's lines so far as told."""
        await self._desks.agency.party.look()
        self._told = len(self._desks.agency.party.watch.lines)

    async def apply(
        self, reference: str, scope: tuple[ScopeItem, ...], unnamed: int = 0
    ) -> Warrant:
        """Draft, sign and file a warrant. Raises what the desk refuses."""
        asked = Application(
            "corruption",
            "Criminal Code 331",
            reference,
            scope,
            gag_ms=GAG_MS,
            unnamed_senders=unnamed,
        )
        warrant = await self._desks.agency.apply(asked)
        for words in describe_warrant(warrant):
            self._telling.item(words)
        await self.be_seen()
        return warrant

    async def approve(self, warrant: Warrant) -> None:
        """Let the minister, then the judge approve."""
        for desk in (self._desks.minister, self._desks.judge):
            await desk.approve(warrant.commitment)
            await self.be_seen()

    async def refuse(self, warrant: Warrant, ground: Ground) -> None:
        """Let the minister approve and the judge refuse."""
        await self._desks.minister.approve(warrant.commitment)
        await self.be_seen()
        await self._desks.judge.refuse(warrant.commitment, ground)
        await self.be_seen()

    async def request(self, warrant: Warrant) -> None:
        """Ask for exactly what the warrant covers; the request must be in the log first."""
        made = await self._desks.agency.request(warrant.commitment)
        self._telling.item(
            f"the server's signed inventory: {made.messages:,} messages, "
            f"{len(made.labels):,} labels in scope"
        )
        await self.be_seen()

    async def release(self, holders: Sequence[HolderDaemon]) -> None:
        """Let these holders look at the log and answer; say who was away."""
        looks = await self._world.look(holders)
        for holder, look in zip(holders, looks, strict=True):
            for answer in look.answers:
                if answer.refusal is not None:
                    self._telling.item(f"{holder.me.name}: refused, {answer.refusal.value}", "red")
        away = [one.me.name for one in self._world.holders if one not in holders]
        if away:
            self._telling.item(f"away today, and not needed: {', '.join(away)}")
        await self.be_seen()

    async def open(self, warrant: Warrant, expected: Sequence[bytes], told: Told) -> Opening:
        """Combine and open; check that exactly these texts came out, byte for byte and in order.

        Raises EvidenceRefused(transcript-differs).
        """
        opening = await self._desks.agency.open_case(warrant.commitment, told)
        texts = [
            one.message.body.record.content
            for one in opening.messages
            if isinstance(one.message.body.record, Text)
        ]
        if opening.faults or opening.culprits or texts != list(expected):
            raise EvidenceRefused(
                Code.TRANSCRIPT_DIFFERS, f"{len(texts)} opened, {len(expected)} expected"
            )
        return opening

    async def write(self, opening: Opening, path: Path, handles: tuple[str, ...]) -> None:
        """Write the evidence package. Raises EvidenceRefused when it does not verify."""
        await self._desks.agency.write(opening, path, handles)
