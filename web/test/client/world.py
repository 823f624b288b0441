"""A whole deployment on loopback for the browser's tests, driven line by line over standard input.

With two arguments more it listens on a port, and announces the HTTP address of a proxy, which the
test runs. The first line that it prints is the server's address; then each line asked, a JSON
object with `do`, is answered by one line of JSON. Ends with its input.
"""

import asyncio
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

from doublelock.client.client import Client
from doublelock.client.events import Message, RefusedItem
from doublelock.demo.clock import WallClock
from doublelock.demo.world import Ports, World
from doublelock.protocol.bundle import hash_manifest, write_manifest
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.errors import DoublelockError
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.lawlog import BundleLogged, BundleWithdrawn
from doublelock.protocol.record import Details, Edit, Reaction, Reply, Text
from doublelock.server.bundle import MANIFEST, read_files
from doublelock.server.config import Rates, ServerConfig


class Play:
    """What the tests ask of the Python side."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.heard: dict[str, list[dict[str, Any]]] = {}

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

    async def heard_at(self, ask: dict[str, Any]) -> Any:
        """Return when a text is decrypted, in ms since 1970: `make bench` measures by it."""
        client, wanted = self._client(ask), Text(ask["text"].encode())
        async with asyncio.timeout(30):
            while True:
                heard = [one for one in client.pending_events() if isinstance(one, Message)]
                if any(one.record == wanted for one in heard):
                    return time.time_ns() / 1e6
                await asyncio.sleep(0.0005)

    async def echo(self, _: dict[str, Any]) -> Any:
        """Return the address of a bare WebSocket echo in this process, where the stream is."""
        self.echoing = await ws_create_server(lambda _: Echo(), "127.0.0.1", 0)
        return f"ws://127.0.0.1:{self.echoing.sockets[0].getsockname()[1]}/"

    async def log_bundle(self, ask: dict[str, Any]) -> Any:
        """Log the manifest that these bytes are; return its hash once the witnesses have it."""
        name = hash_manifest(bytes.fromhex(ask["manifest"]))
        desk = self.world.server.law.desk
        index = await desk.log_own(BundleLogged(bundle=Bytes32(name), version=ask["version"]))
        await self._seen(index)
        return name.hex()

    async def withdraw_bundle(self, ask: dict[str, Any]) -> Any:
        """Withdraw a bundle by its hash."""
        entry = BundleWithdrawn(bundle=Bytes32(bytes.fromhex(ask["hash"])))
        await self._seen(await self.world.server.law.desk.log_own(entry))

    async def _seen(self, index: int) -> None:
        async with asyncio.timeout(30):
            while self.world.monitor.law.size <= index:
                await self.world.monitor.sync_law()
                await asyncio.sleep(0.05)

    def _client(self, ask: dict[str, Any]) -> Client:
        return self.world.people[ask["name"]]

    def _room(self, ask: dict[str, Any]) -> ConversationId:
        return ConversationId(bytes.fromhex(ask["conversation"]))


class Echo(WSListener):
    """Sends back what it gets."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Answer a frame."""
        if frame.msg_type == WSMsgType.BINARY:
            transport.send(frame.msg_type, frame.get_payload_as_bytes())


class Announced(World):
    """A world behind a proxy."""

    public = ""

    def _config(self, rates: Rates) -> ServerConfig:
        return replace(super()._config(rates), http_public=self.public)


async def main(web: Path, port: int, public: str) -> None:
    """Serve until the input ends."""
    files, _ = read_files(web)
    (web / MANIFEST).write_bytes(write_manifest("0.0.0", files))
    with tempfile.TemporaryDirectory(prefix="doublelock-web-") as place:
        world = Announced.open(Path(place), WallClock(), ports=Ports(http=port))
        world.public = public
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
    _, folder, announced_port, announced = [*sys.argv, "0", ""][:4]
    asyncio.run(main(Path(folder), int(announced_port), announced))
