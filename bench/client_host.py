"""The other side of the client's figures: a whole deployment, its crowd, and one who writes.

`python -m bench.client_host FOLDER CROWD` founds a deployment with its key ceremony held and so
many people registered. It prints one JSON line when it is ready, takes one command a line, answers
each with a line, and stops at the end of its input.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final

import msgspec

from doublelock.client.client import Client
from doublelock.demo.clock import WallClock
from doublelock.demo.founding import Plan
from doublelock.demo.world import World
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Text

PEER: Final = "peer"
TEXT: Final = 400
_WINDOW: Final = 200


class Ready(msgspec.Struct):
    """What the host says once: an invite for whoever is measured, and the crowd's handles."""

    invite: str
    crowd: list[str]


class Command(msgspec.Struct):
    """`away` and `back` move the writer; `send` and `renew` do so many in a conversation."""

    do: str
    conversation: str = ""
    number: int = 0


def make_text(number: int) -> Text:
    """Return a text of 400 bytes that differs from the others."""
    return Text(b"%08d" % number * (TEXT // 8))


async def post_all(client: Client, conversation: ConversationId, number: int) -> None:
    """Post so many texts, a window of them on their way, until the server has the last."""
    room = asyncio.Semaphore(_WINDOW)

    async def one(at: int) -> None:
        async with room:
            await client.send(conversation, make_text(at))

    await asyncio.gather(*map(one, range(number)))


async def obey(world: World, command: Command) -> None:
    """Do what a line asks for."""
    if command.do == "away":
        await world.people.pop(PEER).close()
        return
    peer = await world.person(PEER)
    if command.do == "back":
        await peer.settled()
        return
    conversation = ConversationId(bytes.fromhex(command.conversation))
    while conversation not in peer.conversations():  # noqa: ASYNC110 - a welcome is to come
        await asyncio.sleep(0.01)
    if command.do == "send":
        await post_all(peer, conversation, command.number)
    else:
        for _ in range(command.number):
            await peer.renew(conversation)
    peer.pending_events()


async def host(folder: Path, crowd: int) -> None:
    """Serve until the input ends."""
    clock = WallClock()
    plan = Plan(now_ms=clock(), custodians=3, threshold=2, witnesses=1, quorum=1)
    world = World.open(folder, clock, plan)
    try:
        await world.start()
        world.open_holders()
        await world.hold_ceremonies(lambda _done, _all: None)
        handles = [f"member {number}" for number in range(crowd)]
        await world.populate(handles, ())
        for handle in handles:
            await world.people.pop(handle).close()
        await world.person(PEER, packages=100)
        _say(msgspec.json.encode(Ready(world.invite().encode(), handles)))
        while line := await asyncio.to_thread(sys.stdin.readline):
            await obey(world, msgspec.json.decode(line, type=Command))
            _say(b"{}")
    finally:
        await world.stop()


def _say(line: bytes) -> None:
    print(line.decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(host(Path(sys.argv[1]), int(sys.argv[2])))
