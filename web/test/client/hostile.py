"""A server that lies to one device: what it sends is changed on its way out, bytes or order.

It plays the real server's other side: everything is stored, receipted and ordered as it should be,
and one account's connections get something else.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from doublelock.client.client import Client
from doublelock.client.groups import Groups
from doublelock.client.invite import Invite
from doublelock.demo.world import World
from doublelock.keep import make_key_file
from doublelock.protocol.api import PostCommit, PostedCommit, WelcomeFor
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.encoding import u64
from doublelock.protocol.frames import MESSAGE, Accepted, Frame, Item, Live, Welcome, encode
from doublelock.protocol.frames import frames_from_server as read_frames
from doublelock.protocol.identifiers import AccountId, ConversationId, name_account
from doublelock.protocol.lawlog import BundleLogged
from doublelock.server.stream import StreamListener

Lie = Callable[[list[Frame]], list[Frame]]


class Anything:
    """Rules that let everything pass: a server or a member that does not keep them."""

    def __init__(self, key_log: Any) -> None:
        self.key_log = key_log

    def check_leaf(self, *_: object, **__: object) -> None:
        """Let any device in."""

    def check_change(self, *_: object, **__: object) -> None:
        """Let any commit pass."""


def unacknowledged(frames: list[Frame]) -> list[Frame]:
    """Keep back that a message was taken."""
    return [frame for frame in frames if not isinstance(frame, Accepted)]


def hiding(frames: list[Frame]) -> list[Frame]:
    """Name no conversation, and deliver nothing of any."""
    shown = [frame for frame in frames if not isinstance(frame, Item | Live)]
    return [replace(one, heads=()) if isinstance(one, Welcome) else one for one in shown]


def repeating(frames: list[Frame]) -> list[Frame]:
    """Deliver everything twice."""
    return [copy for frame in frames for copy in (frame, frame)]


def altering(frames: list[Frame]) -> list[Frame]:
    """Change the bytes of every message under its receipt."""
    return [
        replace(one, body=one.body[:-1] + bytes([one.body[-1] ^ 1]))
        if isinstance(one, Item) and one.kind == MESSAGE
        else one
        for one in frames
    ]


class Withholding:
    """Drops one message: the first it sees, on every delivery or, with `once`, the first only."""

    def __init__(self, *, once: bool) -> None:
        self._once = once
        self._dropped: int | None = None

    def __call__(self, frames: list[Frame]) -> list[Frame]:
        """Take the one message out."""
        kept = []
        for frame in frames:
            if isinstance(frame, Item) and _is_message(frame):
                first = self._dropped is None
                self._dropped = frame.sequence if first else self._dropped
                if frame.sequence == self._dropped and (first or not self._once):
                    continue
            kept.append(frame)
        return kept


class Reordering:
    """Keeps the first message back until the second has gone."""

    def __init__(self) -> None:
        self._held: list[Frame] = []
        self._over = False

    def __call__(self, frames: list[Frame]) -> list[Frame]:
        """Swap the first two messages."""
        out: list[Frame] = []
        for frame in frames:
            if self._over or not _is_message(frame):
                out.append(frame)
            elif not self._held:
                self._held.append(frame)
            else:
                out += [frame, *self._held]
                self._over = True
        return out


LIES: Final[dict[str, Callable[[], Lie]]] = {
    "unacknowledged": lambda: unacknowledged,
    "hiding": lambda: hiding,
    "repeating": lambda: repeating,
    "altering": lambda: altering,
    "dropping once": lambda: Withholding(once=True),
    "dropping": lambda: Withholding(once=False),
    "reordering": Reordering,
}


class Hostile:
    """Which account is lied to, and how."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lies: dict[bytes, Lie] = {}
        self._open: set[StreamListener] = set()
        honest = StreamListener.push
        lies = self._lies

        def push(listener: StreamListener, data: bytes) -> None:
            self._open.add(listener)
            connection = listener._connection
            lie = None if connection is None else lies.get(connection.account)
            if lie is None:
                honest(listener, data)
                return
            told = lie(list(read_frames(data)))
            if told:
                honest(listener, b"".join(encode(frame) for frame in told))

        setattr(StreamListener, "push", push)  # noqa: B010 - the class is the server's

    def lie(self, handle: str, how: str | None) -> None:
        """Lie to an account from now on; without a lie, tell it the truth again."""
        account = self._account(handle)
        if how is None:
            self._lies.pop(account, None)
        else:
            self._lies[account] = LIES[how]()

    def cut(self, handle: str) -> None:
        """End an account's connections, as a network does."""
        account = self._account(handle)
        for listener in [each for each in self._open if each._transport is not None]:
            if listener._connection is not None and listener._connection.account == account:
                listener.abort()

    async def slip_in(self, client: Client, conversation: ConversationId, handle: str) -> None:
        """Let a member and the server together add a device that no key log lists."""
        world = self._world
        ordering: Any = world.server.parts.ordering
        rules: Any = Anything(world.monitor.key_log)
        honest, ordering._rules = ordering._rules, lambda: rules
        seed = secrets.token_bytes(32)
        account = self._account(handle)
        ghost = Groups(account, SigningKey(seed), seed, lambda: rules, world.clock)
        package = ghost.client.generate_key_package(world.clock() // 1000)
        rogue: Any = client
        own, rogue._core.groups._rules = rogue._core.groups._rules, lambda: rules
        try:
            group = rogue._core.group(rogue._core.room(conversation))
            pending = group.commit(add=[package.message], now=world.clock() // 1000)
            welcome = WelcomeFor(
                account=account,
                device=ghost.device,
                welcome=u64(pending.epoch) + pending.welcomes[0][1],
            )
            body = PostCommit(
                commit=pending.message, welcomes=(welcome,), group_info=pending.group_info
            )
            path = f"/v1/conversations/{conversation.hex()}/commits"
            await client._core.http.ask("POST", path, body, PostedCommit)
        finally:
            rogue._core.groups._rules = own
            ordering._rules = honest

    def package_of(self, handle: str) -> bytes:
        """Return a key package for a person's account by a device that no key log lists."""
        seed = secrets.token_bytes(32)
        rules: Any = Anything(self._world.monitor.key_log)
        key, clock = SigningKey(seed), self._world.clock
        ghost = Groups(self._account(handle), key, seed, lambda: rules, clock)
        return ghost.client.generate_key_package(clock() // 1000).message

    async def bring_in(self, inviter: Client, handle: str) -> None:
        """Bring a person in by another's invite."""
        invite = inviter.invite(self._world.clock() + 86_400_000)
        self._world.people[handle] = client = await self._register(invite, handle, handle)
        await client.connect()

    async def take_over(self, inviter: Client, handle: str) -> None:
        """Begin an account anew with a stranger's device, by an inviter who plays along."""
        expires = self._world.clock() + 86_400_000
        invite = inviter.invite(expires, reset_of=self._account(handle))
        thief = await self._register(invite, handle, f"thief of {handle}")
        await thief.close()

    async def _register(self, invite: Invite, handle: str, place: str) -> Client:
        return await Client.register(
            self._world.folder / "guests" / place,
            make_key_file(self._world.folder / f"guest {place}.key"),
            invite,
            handle,
            clock=self._world.clock,
            monitor=self._world.monitor,
            packages=4,
        )

    async def log_a_bundle(self) -> None:
        """Let the law log grow by some bundle's hash."""
        entry = BundleLogged(bundle=Bytes32(secrets.token_bytes(32)), version="1")
        index = await self._world.server.law.desk.log_own(entry)
        async with asyncio.timeout(30):
            while self._world.monitor.law.size <= index:
                await self._world.monitor.sync_law()
                await asyncio.sleep(0.05)

    def _account(self, handle: str) -> AccountId:
        salt = bytes(self._world.monitor.charter.terms.account_salt)
        return name_account(salt, handle)


def _is_message(frame: Frame) -> bool:
    return isinstance(frame, Item) and frame.kind == MESSAGE
