"""A whole deployment on loopback for the browser's tests, driven line by line over standard input.

The first line that it prints is the server's address; then each line asked, a JSON object with
`do`, is answered by one line of JSON. Ends with its input.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from hostile import Hostile

from doublelock.client.client import Client
from doublelock.client.events import Message, RefusedItem
from doublelock.demo.clock import WallClock
from doublelock.demo.world import World
from doublelock.protocol.bundle import write_manifest
from doublelock.protocol.errors import DoublelockError
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.record import Details, Edit, Reaction, Reply, Text
from doublelock.server.bundle import MANIFEST, read_files


class Play:
    """What the tests ask of the Python side."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.heard: dict[str, list[dict[str, Any]]] = {}
        self.hostile = Hostile(world)

    async def invite(self, _: dict[str, Any]) -> Any:
        """Return an invite."""
        return self.world.invite().encode()

    async def person(self, ask: dict[str, Any]) -> Any:
        """Bring a person in; return the account."""
        client = await self.world.person(ask["name"])
        client.marks.delivery = client.marks.reading = True
        return client.account.hex()

    async def group(self, ask: dict[str, Any]) -> Any:
        """Make a conversation; return its id."""
        client = self._client(ask)
        conversation = await client.create_conversation(ask["with"], direct=bool(ask.get("direct")))
        if "title" in ask:
            await client.send(conversation, Details(ask["title"].encode()))
        return conversation.hex()

    async def send(self, ask: dict[str, Any]) -> Any:
        """Send a text or a reply; return its id."""
        content = bytes.fromhex(ask["hex"]) if "hex" in ask else ask["text"].encode()
        record = Reply(bytes.fromhex(ask["to"]), content) if "to" in ask else Text(content)
        message, done = await self._client(ask).post(self._room(ask), record)
        await done
        return message.hex()

    async def edit(self, ask: dict[str, Any]) -> Any:
        """Edit a message."""
        record = Edit(bytes.fromhex(ask["to"]), ask["text"].encode())
        return await self._client(ask).send(self._room(ask), record)

    async def react(self, ask: dict[str, Any]) -> Any:
        """React to a message."""
        record = Reaction(bytes.fromhex(ask["to"]), ask["mark"].encode())
        return await self._client(ask).send(self._room(ask), record)

    async def read(self, ask: dict[str, Any]) -> Any:
        """Say that everything was read."""
        client, room = self._client(ask), self._room(ask)
        client.mark_read(room, client.sequence(room))

    async def add(self, ask: dict[str, Any]) -> Any:
        """Add people."""
        await self._client(ask).add(self._room(ask), ask["with"])

    async def remove(self, ask: dict[str, Any]) -> Any:
        """Remove people."""
        await self._client(ask).remove(self._room(ask), ask["with"])

    async def renew(self, ask: dict[str, Any]) -> Any:
        """Renew the device's keys."""
        await self._client(ask).renew(self._room(ask))

    async def conversations(self, ask: dict[str, Any]) -> Any:
        """Return a person's conversations."""
        return [one.hex() for one in self._client(ask).conversations()]

    async def members(self, ask: dict[str, Any]) -> Any:
        """Return the accounts of a conversation's devices."""
        return [leaf.account.hex() for leaf in self._client(ask).members(self._room(ask))]

    async def promote(self, ask: dict[str, Any]) -> Any:
        """Name the people who rule a conversation."""
        await self._client(ask).set_admins(self._room(ask), ask["with"])

    async def lie(self, ask: dict[str, Any]) -> Any:
        """Lie to an account from now on, or tell it the truth again; `cut` ends its connections."""
        self.hostile.lie(ask["name"], ask.get("how"))
        if ask.get("cut"):
            self.hostile.cut(ask["name"])

    async def take_over(self, ask: dict[str, Any]) -> Any:
        """Begin an account anew with a stranger's device."""
        await self.hostile.take_over(self._client({"name": ask["by"]}), ask["name"])

    async def bring_in(self, ask: dict[str, Any]) -> Any:
        """Bring a person in by another's invite."""
        await self.hostile.bring_in(self._client({"name": ask["by"]}), ask["name"])

    async def invite_by(self, ask: dict[str, Any]) -> Any:
        """Return a person's invite."""
        return self._client(ask).invite(1, self.world.clock() + 86_400_000).encode()

    async def bundle(self, _: dict[str, Any]) -> Any:
        """Log some bundle."""
        await self.hostile.log_a_bundle()

    async def slip_in(self, ask: dict[str, Any]) -> Any:
        """Add a ghost to a conversation, as a device of an account."""
        await self.hostile.slip_in(self._client(ask), self._room(ask), ask["as"])

    async def ghost_package(self, ask: dict[str, Any]) -> Any:
        """Return a key package of a ghost of an account."""
        return self.hostile.package_of(ask["name"]).hex()

    async def hear(self, ask: dict[str, Any]) -> Any:
        """Return everything that a client was told of messages, as soon as there are so many."""
        client, told = self._client(ask), self.heard.setdefault(ask["name"], [])
        async with asyncio.timeout(30):
            while True:
                for event in client.pending_events():
                    if isinstance(event, Message):
                        record = event.record
                        content = getattr(record, "content", b"")
                        kind = type(record).__name__
                        told.append(
                            {
                                "kind": kind,
                                "from": event.account.hex(),
                                "id": event.message_id.hex(),
                                "hex": content.hex(),
                            }
                        )
                    elif isinstance(event, RefusedItem):
                        told.append({"kind": "refused", "code": event.refusal.code.value})
                if len(told) >= ask["count"]:
                    return told
                await asyncio.sleep(0.05)

    def _client(self, ask: dict[str, Any]) -> Client:
        return self.world.people[ask["name"]]

    def _room(self, ask: dict[str, Any]) -> ConversationId:
        return ConversationId(bytes.fromhex(ask["conversation"]))


async def main(web: Path) -> None:
    """Serve until the input ends."""
    files, _ = read_files(web)
    (web / MANIFEST).write_bytes(write_manifest("0.0.0", files))
    with tempfile.TemporaryDirectory(prefix="doublelock-web-") as place:
        world = World.open(Path(place), WallClock())
        world.web = web
        await world.start()
        try:
            world.open_holders()
            await world.hold_ceremonies(lambda _ready, _wanted: None)
            _say({"address": world.server.http})
            await _answer(Play(world))
        finally:
            await world.stop()


async def _answer(play: Play) -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        ask = json.loads(line)
        try:
            _say({"value": await getattr(play, ask["do"])(ask)})
        except (DoublelockError, KeyError, TimeoutError) as problem:
            _say({"code": type(problem).__name__, "detail": str(problem)})


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
