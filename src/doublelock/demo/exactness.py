"""One warrant from application to opening, and the proof that it opened exactly what it names."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from doublelock.agency.opening import Opening
from doublelock.demo.attempts import Attempted, stored_messages, try_keys
from doublelock.demo.chatting import Said
from doublelock.demo.lawpath import LawPath
from doublelock.demo.telling import Telling
from doublelock.demo.world import World
from doublelock.holder.daemon import HolderDaemon
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G2
from doublelock.protocol.errors import EvidenceRefused
from doublelock.protocol.label import Label
from doublelock.protocol.record import display
from doublelock.protocol.scope import Scope, ScopeItem
from doublelock.protocol.warrant import Warrant

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Case:
    """What one warrant came to."""

    warrant: Warrant
    opening: Opening
    attempted: Attempted


def said_in_scope(world: World, scope: tuple[ScopeItem, ...], said: Sequence[Said]) -> list[Said]:
    """Return what a scope names of what was said, by conversation and sequence: the expectation.

    It comes from the senders' side alone, and from nothing that the law path made.
    """
    covered = Scope(scope)
    account_of = next(iter(world.people.values())).account_of
    found = [one for one in said if covered.covers(one.conversation, account_of(one.nick), one.day)]
    return sorted(found, key=lambda one: (one.conversation, one.sequence))


async def open_exactly(
    world: World,
    path: LawPath,
    telling: Telling,
    reference: str,
    scope: tuple[ScopeItem, ...],
    said: Sequence[Said],
    holders: Sequence[HolderDaemon],
    unnamed: int = 0,
) -> Case:
    """Take a warrant through, open it, and try every released key on every stored message.

    Raises EvidenceRefused(transcript-differs) unless what opened is what the scope names of
    `said`, byte for byte and in order, and nothing else in the store opened.
    """
    expected = said_in_scope(world, scope, said)
    warrant = await path.apply(reference, scope, unnamed)
    await path.approve(warrant)
    await path.request(warrant)
    await path.release(holders)
    with telling.bar("messages opened and verified") as told:
        opening = await path.open(warrant, [one.text for one in expected], told)
    for one in islice(expected, _SHOWN):
        telling.item(f"  <{one.nick}> {display(one.text)}", "green")
    more = len(expected) - _SHOWN
    telling.item(
        f"{f'and {more:,} more, ' if more > 0 else ''}each as its sender sent it, byte for byte"
    )
    stored = await stored_messages(world)
    with telling.bar("every released key on every stored message") as told:
        attempted = await asyncio.to_thread(
            try_keys, stored, opening.label_keys, master_keys(opening), told
        )
    named = {(one.conversation, one.sequence) for one in expected}
    opened = {(one.label.conversation, one.sequence) for one in attempted.opened}
    if opened != named or len(stored) != len(said):
        raise EvidenceRefused(
            Code.TRANSCRIPT_DIFFERS, f"{len(opened)} of {len(stored)} stored messages opened"
        )
    telling.item(
        f"opened: {len(opened):,}; stayed shut: {attempted.shut:,} of {len(stored):,} "
        f"({attempted.attempts:,} attempts with {len(opening.label_keys):,} keys)",
        "bold",
    )
    return Case(warrant, opening, attempted)


def master_keys(opening: Opening) -> Callable[[Label], G2]:
    """Return the MPK of a label's key epoch, by the law log of an opening."""
    epochs = opening.law.state.epochs
    return lambda label: epochs[label.committee, label.key_epoch].keys.master_key
