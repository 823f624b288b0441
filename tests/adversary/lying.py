"""What a lying server or member does: commits past the rules, receipts and welcomes of its own."""

from typing import Any

from client_world import World, next_event

from doublelock.client.client import Client
from doublelock.client.events import (
    Joined,
)
from doublelock.protocol.api import PostCommit, PostedCommit
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.encoding import u64
from doublelock.protocol.frames import (
    WELCOME_MAIL,
    FromServer,
    Item,
    Mail,
    frames_from_server,
)
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.receipt import FIRST, describe_item, sign_receipts


class Anything:
    """Rules that let everything pass: a server or a member that does not keep them."""

    def check_leaf(self, *_: object, **__: object) -> None:
        return None

    def check_change(self, *_: object, **__: object) -> None:
        return None


async def trio(world: World) -> tuple[Client, Client, Client, ConversationId]:
    crowd = [await world.person(handle) for handle in ("ann", "bob", "cid")]
    chat = await crowd[0].create_conversation(["bob", "cid"])
    for one in crowd[1:]:
        await next_event(one, Joined)
    return crowd[0], crowd[1], crowd[2], chat


async def post(client: Client, chat: ConversationId, body: PostCommit) -> None:
    path = f"/v1/conversations/{chat.hex()}/commits"
    await client._core.http.ask("POST", path, body, PostedCommit)


def corrupt_server(world: World) -> None:
    assert world.server is not None
    ordering: Any = world.server.parts.ordering
    ordering._rules = Anything


def signed_item(
    world: World,
    reader: Client,
    chat: ConversationId,
    kind: int,
    header: bytes = b"",
    body: bytes = b"",
    mls: bytes = b"",
    *,
    sender: Client,
) -> Item:
    """Return an item as a lying server signs it: next in this reader's timeline."""
    room = reader._core.room(chat)
    chain = room.chain
    previous = FIRST if chain is None else chain.hash
    fields = describe_item(
        chat,
        room.sequence + 1,
        previous,
        world.clock(),
        sender.account,
        sender.device,
        header,
        body,
        mls,
    )
    deployment = world.founded.deployment
    key = SigningKey(world.founded.receipt)
    signature, paths = sign_receipts([fields.hash(deployment)], deployment, key)
    return Item(
        chat,
        fields.sequence,
        fields.time_ms,
        sender.account,
        sender.device,
        kind,
        header,
        body,
        mls,
        previous,
        0,
        1,
        paths[0],
        signature,
    )


async def deliver(reader: Client, frame: FromServer) -> None:
    """Hand a frame to a client as if the stream had brought it."""
    await reader._session._take(frame)
    reader._core.flush()
    reader._session.mending.mend()


async def stored_items(reader: Client, chat: ConversationId, kind: int) -> list[Item]:
    """Return a conversation's items of a kind as the server stores them."""
    data = await reader._core.http.get(f"/v1/conversations/{chat.hex()}/items")
    frames = frames_from_server(data)
    return [one for one in frames if isinstance(one, Item) and one.kind == kind]


async def welcome_into(
    world: World, maker: Client, invited: Client, name: ConversationId, context: bytes | None
) -> tuple[Mail, bytes]:
    """Return the welcome mail of a group that the server never saw, and its tree."""
    now = world.clock() // 1000
    core: Any = maker._core
    everything: Any = Anything()
    core.groups._rules = lambda: everything
    group = core.groups.client.create_group(name, now, context)
    package = invited._core.groups.client.generate_key_package(now)
    invited._core.vault.write_key_packages([(package.reference, package.private)])
    pending = group.commit(add=[package.message], now=now)
    payload = u64(pending.epoch) + pending.welcomes[0][1]
    return Mail(1000, world.clock(), WELCOME_MAIL, name, 1, payload), pending.tree


async def deliver_welcome(reader: Client, mail: Mail, tree: bytes) -> None:
    """Hand a welcome to a client, and serve its tree."""
    http: Any = reader._core.http
    honest = http.get

    async def get(path: str, **options: Any) -> bytes:
        return tree if path.endswith("/tree") else await honest(path, **options)

    http.get = get
    try:
        await deliver(reader, mail)
    finally:
        http.get = honest
