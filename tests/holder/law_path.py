"""A small town that chats, and the parties of the law: what the tests of the whole path share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from doublelock.agency import AgencyDesk, Application, ApprovalDesk
from doublelock.agency.opening import Opening
from doublelock.client.client import Client
from doublelock.demo.chatting import make_room
from doublelock.demo.clock import ReplayClock
from doublelock.demo.founding import Plan
from doublelock.demo.lawpath import Desks, LawPath
from doublelock.demo.telling import Telling
from doublelock.demo.world import World
from doublelock.protocol.days import DAY_MS, day_of
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.lawrecords import WarrantStatus
from doublelock.protocol.record import Text
from doublelock.protocol.scope import ScopeItem
from doublelock.protocol.warrant import Warrant

NOON = 1_262_606_400_000
TODAY = day_of(NOON)
PLAN = Plan(now_ms=NOON - DAY_MS, custodians=5, threshold=3, witnesses=3, quorum=2)
ODD = [
    b"plain",
    b"\xff\xfe not utf-8 \x00\x07\x1b[31m",
    "<script>alert(1)</script> \u202e right to left \u2066".encode(),
    b"",
    b"a" * 3000,
]


@dataclass
class Town:
    """A running world with its desks open."""

    world: World
    agency: AgencyDesk
    minister: ApprovalDesk
    judge: ApprovalDesk

    async def say(self, conversation: ConversationId, client: Client, words: list[bytes]) -> None:
        for word in words:
            await client.send(conversation, Text(word))

    async def room(self, *handles: str) -> ConversationId:
        await self.world.populate(handles, handles)
        return await make_room(self.world, handles)

    def scope(self, *handles: str, rooms: tuple[bytes, ...] = ()) -> tuple[ScopeItem, ...]:
        senders = tuple(sorted(Bytes32(self.agency.account(handle)) for handle in handles))
        return (ScopeItem(senders, tuple(map(Bytes32, rooms)), TODAY, TODAY),)

    async def warrant(self, scope: tuple[ScopeItem, ...], *, unnamed: int = 0) -> Warrant:
        """Return a warrant that both locks approved and the witnesses have seen."""
        asked = Application(
            "fraud", "Criminal Code 12", "case 7/2010", scope, unnamed_senders=unnamed
        )
        warrant = await self.agency.apply(asked)
        for desk in (self.minister, self.judge):
            await self.seen()
            pending = await desk.pending()
            assert warrant.commitment in [one.case for one in pending]
            await desk.approve(warrant.commitment)
        await self.seen()
        assert await self.agency.status(warrant.commitment) is WarrantStatus.APPROVED
        return warrant

    async def seen(self) -> None:
        """Have the witnesses see everything now, without waiting for the server to ask them."""
        law = self.world.server.law
        await law.law_publishing.publish()
        await law.key_publishing.publish()


@asynccontextmanager
async def town(folder: Path, plan: Plan = PLAN) -> AsyncIterator[Town]:
    world = World.open(folder, ReplayClock(NOON), plan)
    await world.start()
    desks: list[AgencyDesk | ApprovalDesk] = []
    try:
        world.open_holders()
        await world.hold_ceremonies(lambda _, __: None)
        people = world.founded.committees[0]
        place = world.enrol("agency", people.agency)
        agency = AgencyDesk.open(*place, world.clock)
        place = world.enrol("minister", people.minister)
        minister = ApprovalDesk.open(*place, world.clock)
        place = world.enrol("judge", people.judge)
        judge = ApprovalDesk.open(*place, world.clock)
        desks += [agency, minister, judge]
        yield Town(world, agency, minister, judge)
    finally:
        for desk in desks:
            await desk.close()
        await world.stop()


async def be_seen(world: World) -> None:
    """Have the witnesses cosign both logs now."""
    law = world.server.law
    await law.law_publishing.publish()
    await law.key_publishing.publish()


async def take_through(
    world: World, desks: Desks, scope: tuple[ScopeItem, ...], case: str, unnamed: int = 0
) -> Opening:
    """Apply, approve twice, request, release by every holder, open."""
    path = LawPath(world, desks, Telling(Console(quiet=True)))
    warrant = await path.apply(case, scope, unnamed)
    await path.approve(warrant)
    await path.request(warrant)
    await path.release(world.holders)
    return await desks.agency.open_case(warrant.commitment)
