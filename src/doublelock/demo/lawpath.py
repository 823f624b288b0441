"""One warrant in a world, from the application to the evidence, over everybody's own desk."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from doublelock.agency import AgencyDesk, Application, ApprovalDesk
from doublelock.agency.opening import Opening
from doublelock.audit import verify_evidence
from doublelock.demo.chatting import Said
from doublelock.demo.world import World
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.errors import EvidenceRefused
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Text
from doublelock.protocol.scope import ScopeItem


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
    where = (world.server.http, world.deployment, world.clock)
    address, deployment, clock = where
    agency, minister, judge = (
        world.enrol(f"{name}{suffix}", seed)
        for name, seed in (
            ("agency", people.agency),
            ("minister", people.minister),
            ("judge", people.judge),
        )
    )
    return Desks(
        AgencyDesk.open(*agency, address, deployment, clock),
        ApprovalDesk.open(*minister, address, deployment, clock),
        ApprovalDesk.open(*judge, address, deployment, clock),
    )


def busiest(said: Sequence[Said]) -> str:
    """Return who said most."""
    return Counter(one.nick for one in said).most_common(1)[0][0]


def name_sender(desks: Desks, nick: str, first_day: int, last_day: int) -> tuple[ScopeItem, ...]:
    """Return the scope of one sender's messages on some days."""
    return (ScopeItem((Bytes32(desks.agency.account(nick)),), (), first_day, last_day),)


def name_room(conversation: ConversationId, first_day: int, last_day: int) -> tuple[ScopeItem, ...]:
    """Return the scope of one conversation's messages on some days."""
    return (ScopeItem((), (Bytes32(conversation),), first_day, last_day),)


async def take_through(
    world: World, desks: Desks, scope: tuple[ScopeItem, ...], case: str, unnamed: int = 0
) -> Opening:
    """Apply, approve twice, request, release, open. Raises what any step refuses."""
    warrant = await desks.agency.apply(
        Application("corruption", "Criminal Code 331", case, scope, unnamed_senders=unnamed)
    )
    for desk in (desks.minister, desks.judge):
        await be_seen(world)
        await desk.approve(warrant.commitment)
    await be_seen(world)
    await desks.agency.request(warrant.commitment)
    await be_seen(world)
    await world.look()
    await be_seen(world)
    return await desks.agency.open_case(warrant.commitment)


async def be_seen(world: World) -> None:
    """Have the witnesses cosign both logs now, without waiting for the server's next round."""
    law = world.server.law
    await law.law_publishing.publish()
    await law.key_publishing.publish()


def compare(opening: Opening, expected: Sequence[bytes]) -> None:
    """Check that exactly these texts were opened, byte for byte and in order.

    Raises EvidenceRefused(transcript-differs).
    """
    texts = [
        one.message.body.record.content
        for one in opening.messages
        if isinstance(one.message.body.record, Text)
    ]
    if opening.faults or opening.culprits or texts != list(expected):
        raise EvidenceRefused(
            Code.TRANSCRIPT_DIFFERS, f"{len(texts)} opened, {len(expected)} expected"
        )


async def write_evidence(
    world: World, desks: Desks, opening: Opening, path: Path, handles: tuple[str, ...]
) -> int:
    """Write the package, verify it offline, and return how many checks it passed."""
    await desks.agency.write(opening, path, handles)
    return len(verify_evidence(path, world.deployment).checks)
