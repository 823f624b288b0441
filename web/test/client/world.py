"""A whole deployment on loopback for the browser's tests, driven line by line over standard input.

Its second argument is a JSON object of wishes: `moving` for a clock that moves by itself from
`days` ahead, `jurisdictions` by name, `port` and `public` for a server that listens on that port
and announces the HTTP address of a proxy, which the test runs. The first line that it prints is the
server's address; then each line asked, a JSON object with `do`, is answered by one line of JSON.
Ends with its input.
"""

import asyncio
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from hostile import Hostile
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

from doublelock.client.client import Client
from doublelock.client.events import Message, RefusedItem, Whispering
from doublelock.client.linking import Linking
from doublelock.demo.clock import Clock, ReplayClock, WallClock
from doublelock.demo.founding import Plan
from doublelock.demo.world import Ports, World
from doublelock.keep import make_key_file
from doublelock.protocol.api import CONTENT_TYPE, SendMail, encode_body
from doublelock.protocol.bundle import hash_manifest, write_manifest
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.group_link import decode_group_link
from doublelock.protocol.identifiers import ConversationId, DeviceId
from doublelock.protocol.lawlog import BundleLogged, BundleWithdrawn
from doublelock.protocol.letter import KeyLetter, Route, sign_letter
from doublelock.protocol.link_request import decode_link_request
from doublelock.protocol.record import (
    Attachment,
    Delete,
    Details,
    Edit,
    Media,
    Reaction,
    Reply,
    Text,
    Typing,
)
from doublelock.server.bundle import MANIFEST, read_files
from doublelock.server.config import Rates, ServerConfig

sys.path.insert(0, str(Path(__file__).parent))
from forger import Forger
from law import NEW_KEYS, Law
from usurper import Usurper


class Play:
    """What the tests ask of the Python side."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.heard: dict[str, list[dict[str, Any]]] = {}
        self.linking: dict[str, Linking] = {}
        self.whispered: dict[str, list[dict[str, Any]]] = {}
        self.files: dict[str, Attachment] = {}
        self.rule: Law | None = None
        self.hostile = Hostile(world)

    async def invite(self, ask: dict[str, Any]) -> Any:
        """Return an invite, by default to the first committee."""
        return self.world.invite(ask.get("committee", 1)).encode()

    async def person(self, ask: dict[str, Any]) -> Any:
        """Bring a person in; return the account."""
        client = await self.world.person(ask["name"], committee=ask.get("committee", 1))
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
        return self._client(ask).invite(self.world.clock() + 86_400_000).encode()

    async def bundle(self, _: dict[str, Any]) -> Any:
        """Log some bundle."""
        await self.hostile.log_a_bundle()

    async def usurp(self, ask: dict[str, Any]) -> Any:
        """Make a charter or a month's key by holders of the operator's own; see `Usurper`."""
        usurper = Usurper(self.world)
        match ask["what"]:
            case "genesis":
                return usurper.genesis().hex()
            case "amendment":
                await usurper.amend()
            case "key":
                await usurper.replace_key(1)
        return None

    async def slip_in(self, ask: dict[str, Any]) -> Any:
        """Add a ghost to a conversation, as a device of an account."""
        await self.hostile.slip_in(self._client(ask), self._room(ask), ask["as"])

    async def ghost_package(self, ask: dict[str, Any]) -> Any:
        """Return a key package of a ghost of an account."""
        return self.hostile.package_of(ask["name"]).hex()

    async def hear(self, ask: dict[str, Any]) -> Any:
        """Return everything that a client was told of messages, as soon as there are so many."""
        client, told = self._client(ask), self.heard.setdefault(ask["name"], [])
        async with asyncio.timeout(60):
            while True:
                for event in client.pending_events():
                    if isinstance(event, Message):
                        record = event.record
                        content = getattr(record, "content", b"")
                        kind = type(record).__name__
                        if isinstance(record, Attachment):
                            self.files[event.message_id.hex()] = record
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
                    elif isinstance(event, Whispering):
                        kind = type(event.record).__name__
                        whisper = {"kind": kind, "from": event.account.hex()}
                        self.whispered.setdefault(ask["name"], []).append(whisper)
                if len(told) >= ask["count"]:
                    return told
                await asyncio.sleep(0.05)

    async def heard_at(self, ask: dict[str, Any]) -> Any:
        """Return when a text is decrypted, in ms since 1970: `make bench` measures by it."""
        client, wanted = self._client(ask), Text(ask["text"].encode())
        async with asyncio.timeout(60):
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
        async with asyncio.timeout(60):
            while self.world.monitor.law.size <= index:
                await self.world.monitor.sync_law()
                await asyncio.sleep(0.05)

    async def begin_link(self, ask: dict[str, Any]) -> Any:
        """Begin a further device of `handle` under a name of its own; return its line and code."""
        place = self.world.folder / "further" / ask["name"]
        linking = await Linking.begin(
            place,
            make_key_file(self.world.folder / f"further-{ask['name']}.key"),
            self.world.people[ask["near"]].address,
            ask["handle"],
            clock=self.world.clock,
            monitor=self.world.monitor,
        )
        assert linking.request is not None
        self.linking[ask["name"]] = linking
        return {"line": linking.request.text(), "code": linking.request.code}

    async def end_link(self, ask: dict[str, Any]) -> Any:
        """Wait until the device is listed, and bring it in; return its id."""
        linking = self.linking.pop(ask["name"])
        await linking.listed(60)
        client = await Client.link(linking, clock=self.world.clock, packages=4)
        await client.connect()
        self.world.people[ask["name"]] = client
        return client.device.hex()

    async def approve(self, ask: dict[str, Any]) -> Any:
        """Approve a new device's line; return the code that the person compares."""
        request = decode_link_request(ask["line"])
        await self._client(ask).devices.approve(request)
        return request.code

    async def revoke(self, ask: dict[str, Any]) -> Any:
        """Revoke a device."""
        await self._client(ask).devices.revoke(DeviceId(bytes.fromhex(ask["device"])))

    async def forge_letter(self, ask: dict[str, Any]) -> Any:
        """Send a device a letter in a person's name, signed by nobody that the key log lists."""
        client = self._client(ask)
        core = client._core
        account = core.monitor.key_log.account(client.account)
        device = next(one for one in account.devices if one.hex().startswith(ask["device"]))
        route = Route(core.deployment, client.account, client.device, device)
        letter = KeyLetter(bytes(32), core.clock(), True)
        sealed = sign_letter(route, letter, SigningKey(bytes(32)).sign)
        body = encode_body(SendMail(account=client.account, device=device, sealed=sealed))
        await core.http.send("POST", "/v1/mail", body, kind=CONTENT_TYPE)

    async def devices(self, ask: dict[str, Any]) -> Any:
        """Return the devices in a conversation."""
        return [leaf.device.hex() for leaf in self._client(ask).members(self._room(ask))]

    async def account(self, ask: dict[str, Any]) -> Any:
        """Return a person's account, a browser's too."""
        return next(iter(self.world.people.values())).account_of(ask["name"]).hex()

    async def address(self, ask: dict[str, Any]) -> Any:
        """Return the line that leads a person's further device here."""
        return self._client(ask).address.encode()

    async def safety(self, ask: dict[str, Any]) -> Any:
        """Return the safety code with somebody."""
        return (await self._client(ask).safety_code(ask["with"])).digits

    async def whispers(self, ask: dict[str, Any]) -> Any:
        """Return every whisper that a client was told of."""
        await self.hear({**ask, "count": 0})
        return self.whispered.get(ask["name"], [])

    async def delete(self, ask: dict[str, Any]) -> Any:
        """Wish a message away."""
        record = Delete(bytes.fromhex(ask["to"]))
        return await self._client(ask).send(self._room(ask), record)

    async def typing(self, ask: dict[str, Any]) -> Any:
        """Say that one types."""
        self._client(ask).whisper(self._room(ask), Typing(active=True))

    async def timer(self, ask: dict[str, Any]) -> Any:
        """Let later messages of a conversation disappear."""
        return await self._client(ask).set_timer(self._room(ask), ask["seconds"])

    async def admins(self, ask: dict[str, Any]) -> Any:
        """Return who rules a conversation, or say who does from now on."""
        client, room = self._client(ask), self._room(ask)
        if "with" in ask:
            await client.set_admins(room, ask["with"])
        return [account.hex() for account in client.admins(room)]

    async def title(self, ask: dict[str, Any]) -> Any:
        """Return a conversation's name and the size of its picture."""
        found = self._client(ask).details(self._room(ask))
        return None if found is None else [found.name.decode(), len(found.picture)]

    async def file(self, ask: dict[str, Any]) -> Any:
        """Send a file or a picture; return its id."""
        client = self._client(ask)
        with tempfile.TemporaryDirectory() as place:
            path = Path(place, ask["file"])
            path.write_bytes(bytes.fromhex(ask["hex"]))
            record: Attachment = await client.attachments.upload(path)
        if "width" in ask:
            fields = {name: getattr(record, name) for name in record.__struct_fields__}
            record = Media(**fields, width=ask["width"], height=ask["height"])
        message, done = await client.post(self._room(ask), record)
        await done
        return message.hex()

    async def fetch(self, ask: dict[str, Any]) -> Any:
        """Return the bytes of a file that came, in hexadecimal, and what was said of it."""
        record = self.files[ask["to"]]
        with tempfile.TemporaryDirectory() as place:
            path = Path(place, "file")
            await self._client(ask).attachments.download(record, path)
            said: dict[str, object] = {"name": record.name.decode()}
            said["media"] = record.media_type.decode()
            if isinstance(record, Media):
                said |= {"ms": record.duration_ms, "width": record.width}
                said |= {"small": record.thumbnail.hex(), "target": record.target.hex()}
            return {**said, "hex": path.read_bytes().hex()}

    async def shown(self, ask: dict[str, Any]) -> Any:
        """Return the ids of the messages that a client's history still has."""
        history = self._client(ask).history(self._room(ask))
        return [item.message_id.hex() for item in history]

    async def law(self, ask: dict[str, Any]) -> Any:
        """Take one step of the law; see `law.Law`."""
        if self.rule is None:
            self.rule = Law(self.world)
        return await getattr(self.rule, ask["step"])(ask)

    async def forge(self, ask: dict[str, Any]) -> Any:
        """Send a message that breaks the receive rule; see `forger.Forger`."""
        forger = Forger(self._client(ask))
        return await forger.send(self._room(ask), ask["trick"], ask["text"].encode())

    async def close(self) -> None:
        """Close what was opened."""
        if self.rule is not None:
            await self.rule.close()

    async def join(self, ask: dict[str, Any]) -> Any:
        """Ask to be let into a link's group."""
        await self._client(ask).links.ask(decode_group_link(ask["link"]))

    async def link(self, ask: dict[str, Any]) -> Any:
        """Make a link into a group."""
        room = self._room(ask)
        return self._client(ask).links.make(room, b"", at_once=ask["at_once"]).encode()

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
        config = super()._config(rates)
        keys = replace(config.keys, later=NEW_KEYS)
        return replace(config, http_public=self.public, keys=keys)


async def main(web: Path, wish: dict[str, Any]) -> None:
    """Serve until the input ends."""
    files, _ = read_files(web)
    (web / MANIFEST).write_bytes(write_manifest("0.0.0", files))
    with tempfile.TemporaryDirectory(prefix="doublelock-web-") as place:
        clock: Clock = WallClock()
        if wish.get("moving"):
            clock = ReplayClock(clock() + wish.get("days", 0) * 86_400_000)
        places = tuple(wish.get("jurisdictions", ("Northland",)))
        plan = Plan(now_ms=clock(), jurisdictions=places)
        world = Announced.open(Path(place), clock, plan, ports=Ports(http=wish.get("port", 0)))
        world.public = wish.get("public", "")
        world.web = web
        await world.start()
        try:
            world.open_holders()
            await world.hold_ceremonies(lambda _ready, _wanted: None)
            _say({"address": world.server.http})
            play = Play(world)
            try:
                await _answer(play)
            finally:
                await play.close()
        finally:
            await world.stop()


async def _answer(play: Play) -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        ask = json.loads(line)
        try:
            _say({"value": await getattr(play, ask["do"])(ask)})
        except Exception as problem:  # whoever asks is told, and the world goes on
            _say({"code": type(problem).__name__, "detail": str(problem)})


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}))
