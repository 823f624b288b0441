"""Real chat in a world: everybody of a log in one group, every message over the real server."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from doublelock.client.client import Client
from doublelock.client.vault import Shown
from doublelock.demo.irc import Line
from doublelock.demo.world import World
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import EvidenceRefused
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Text, decode_record

Progress = Callable[[int, int], None]
"""Told how many of how many are done."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message as its sender sent it: where, on which day, who, the bytes, and its sequence."""

    conversation: ConversationId
    day: int
    nick: str
    text: bytes
    sequence: int


def nicks_of(lines: Sequence[Line]) -> list[str]:
    """Return everybody who says something, in the order of their first word."""
    return list(dict.fromkeys(line.nick for line in lines))


async def gather_people(
    world: World, nicks: Sequence[str], readers: Sequence[str], progress: Progress
) -> None:
    """Register and connect everybody; only `readers` decrypt what others write."""
    at_once = 32
    for start in range(0, len(nicks), at_once):
        await world.populate(nicks[start : start + at_once], readers)
        progress(min(start + at_once, len(nicks)), len(nicks))


async def make_room(world: World, nicks: Sequence[str]) -> ConversationId:
    """Make one group of everybody; returns once each of them is in it."""
    first = world.people[nicks[0]]
    conversation = await first.create_conversation(nicks[1:])
    await asyncio.gather(*(joined(world.people[nick], conversation) for nick in nicks[1:]))
    return conversation


async def joined(client: Client, conversation: ConversationId) -> None:
    """Wait until a client is a member of a conversation."""
    while conversation not in client.conversations():  # noqa: ASYNC110 - a welcome comes by mail
        await asyncio.sleep(0.01)


async def replay_lines(
    world: World, conversation: ConversationId, lines: Sequence[Line], progress: Progress
) -> list[Said]:
    """Send every line as its nick at its time, one after the other; the order is the log's."""
    said = []
    for number, line in enumerate(lines, 1):
        world.clock.advance_to(line.time_ms)
        client = world.people[line.nick]
        sequence = await client.send(conversation, Text(line.text))
        # The day is that of the sealing: a slow machine's clock may have passed midnight since.
        day = client.history(conversation, sequence - 1, 1)[0].day
        said.append(Said(conversation, day, line.nick, line.text, sequence))
        progress(number, len(lines))
    return said


async def check_reader(reader: Client, conversation: ConversationId, said: Sequence[Said]) -> None:
    """Wait until a reader has everything, then compare: who, bytes and order.

    Raises EvidenceRefused(transcript-differs) at the first difference.
    """
    if not said:
        return
    async with asyncio.timeout(120):
        await reader.reached(conversation, said[-1].sequence)
    first = said[0].sequence - 1
    shown = [one for one in reader.history(conversation, first) if one.record]
    if len(shown) != len(said):
        raise EvidenceRefused(
            Code.TRANSCRIPT_DIFFERS, f"{reader.handle} has {len(shown)} of {len(said)} messages"
        )
    for got, sent in zip(shown, said, strict=True):
        if _differs(reader, got, sent):
            raise EvidenceRefused(
                Code.TRANSCRIPT_DIFFERS, f"{reader.handle}, message {sent.sequence}"
            )


def _differs(reader: Client, got: Shown, sent: Said) -> bool:
    record = decode_record(got.record)
    return (
        got.sequence != sent.sequence
        or got.account != reader.account_of(sent.nick)
        or not isinstance(record, Text)
        or record.content != sent.text
    )
