"""A deployment without escrow, its server on loopback, and devices with real keys and groups."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TypeVar

from doublelock_mls import Client, CommitView, Group

from doublelock.protocol.api import (
    Appended,
    ConversationState,
    CreateConversation,
    PostCommit,
    PostedCommit,
    Register,
    WelcomeFor,
)
from doublelock.protocol.charter import genesis_id, write_terms
from doublelock.protocol.charter_terms import Caps, CharterTerms, Committee, Party
from doublelock.protocol.days import day_of, key_epoch_of
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.frames import (
    Accepted,
    Cursor,
    Frame,
    FromServer,
    Hello,
    Item,
    Refused,
    Send,
    Welcome,
)
from doublelock.protocol.group_rules import (
    ConversationKind,
    encode_credential,
    make_context,
)
from doublelock.protocol.header import Form, Header
from doublelock.protocol.identifiers import (
    AccountId,
    ConversationId,
    DeploymentId,
    DeviceId,
    make_message_id,
    name_account,
    name_conversation,
    name_device,
)
from doublelock.protocol.jws import Purpose, sign
from doublelock.protocol.keylog_entry import make_invitation, make_invited_entry
from doublelock.protocol.note import SignatureType, VerifierKey
from doublelock.protocol.session import DeviceSubject
from doublelock.server.app import Server, start
from doublelock.server.config import UNLIMITED, Bounds, Keys, PushConfig, Rates, ServerConfig
from doublelock.transport.http import HttpClient, Identity
from doublelock.transport.stream import Stream

NOON = 1_262_606_400_000
"""2010-01-04 12:00 UTC: the machine's clock must not matter."""
F = TypeVar("F", bound=Frame)
_seeds = count(1)
_randoms = count(1)


def new_seed() -> bytes:
    return hashlib.sha256(b"server tests" + next(_seeds).to_bytes(8, "big")).digest()


def new_random(size: int = 32) -> bytes:
    return hashlib.sha256(b"random" + next(_randoms).to_bytes(8, "big")).digest()[:size]


@dataclass
class Clock:
    """A clock that a test moves."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now


@dataclass
class World:
    """One deployment: its keys, its charter, its folder."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    genesis: SigningKey = field(default_factory=lambda: SigningKey(new_seed()))
    operator: SigningKey = field(default_factory=lambda: SigningKey(new_seed()))
    receipt: SigningKey = field(default_factory=lambda: SigningKey(new_seed()))
    key_log_seed: bytes = field(default_factory=new_seed)
    law_log_seed: bytes = field(default_factory=new_seed)
    charter: bytes = b""
    devices: list["Device"] = field(default_factory=list)
    deployment: DeploymentId = DeploymentId(b"")  # noqa: RUF009
    retention_days: int = 30

    def __post_init__(self) -> None:
        payload = write_terms(self.terms())
        self.deployment = genesis_id(payload)
        self.charter = sign(
            payload, Purpose.CHARTER, [(self.operator.public.encoded, self.operator.sign)]
        )

    def terms(self) -> CharterTerms:
        return CharterTerms(
            version=1,
            name="Harbour",
            sequence=0,
            deployment=None,
            previous=None,
            issued_ms=1_000_000_000_000,
            effective_ms=1_000_000_000_000,
            operator=Party(name="operator", key=Bytes32(self.operator.public.encoded)),
            receipt_key=Bytes32(self.receipt.public.encoded),
            genesis_key=Bytes32(self.genesis.public.encoded),
            key_log=_vkey("harbour.test/key", self.key_log_seed),
            law_log=_vkey("harbour.test/law", self.law_log_seed),
            witnesses=(),
            quorum=0,
            account_salt=Bytes32(b"s" * 32),
            skew_ms=300_000,
            checkpoint_age_ms=3_600_000,
            epoch_extension_days=7,
            amendment_delay_ms=86_400_000,
            escrow="none",
            committees=(
                Committee(
                    number=1,
                    name="Nobody",
                    jurisdiction="nowhere",
                    escrow="none",
                    custodians=(),
                    threshold=0,
                    court=None,
                    agencies=(),
                    ministers=(),
                    judges=(),
                    profiles=(),
                    caps=Caps(accounts=0, labels=0),
                    retention_days=self.retention_days,
                ),
            ),
        )

    def config(self, rates: Rates = UNLIMITED, bounds: Bounds | None = None) -> ServerConfig:
        return ServerConfig(
            folder=self.folder,
            deployment=self.deployment,
            charters=(self.charter,),
            keys=Keys(self.operator, self.receipt, self.key_log_seed, self.law_log_seed),
            clock=self.clock,
            rates=rates,
            bounds=bounds or Bounds(),
        )

    @asynccontextmanager
    async def serve(
        self,
        rates: Rates = UNLIMITED,
        bounds: Bounds | None = None,
        *,
        web: Path | None = None,
        push: PushConfig | None = None,
    ) -> AsyncIterator[Server]:
        config = replace(self.config(rates, bounds), web=web, push=push or PushConfig())
        server = await start(config)
        try:
            yield server
        finally:
            for device in self.devices:
                await device.leave()
            await server.stop()

    async def join(self, server: Server, handle: str, devices: int = 1) -> "Device":
        """Return a device of a newly registered account; its others are in `siblings`."""
        invite = SigningKey(new_seed())
        mine = [Device(self, server, handle, new_seed()) for _ in range(devices)]
        device, *device.siblings = mine
        invitation = make_invitation(
            self.deployment,
            self.genesis.sign,
            invite.public.encoded,
            1,
            self.clock.now + 86_400_000,
        )
        entry = make_invited_entry(
            self.deployment,
            device.account,
            invitation,
            invite.sign,
            [(one.key.public.encoded, one.key.sign) for one in mine],
            self.clock.now,
        )
        await device.http.ask(
            "POST",
            "/v1/register",
            Register(handle=handle, entry=entry.encode()),
            Appended,
            anyone=True,
        )
        return device


def _vkey(name: str, seed: bytes) -> str:
    return VerifierKey(name, SignatureType.ED25519, SigningKey(seed).public.encoded).encode()


class Device:
    """A device as the server sees it: sessions, stream, and an MLS client that trusts everybody."""

    def __init__(self, world: World, server: Server, handle: str, seed: bytes) -> None:
        self.world = world
        self.handle = handle
        self.key = key = SigningKey(seed)
        self.account = name_account(b"s" * 32, handle)
        self.device = name_device(key.public.encoded)
        self.mls = Client(encode_credential(self.account, self.device), seed, _yes, _ok)
        self.groups: dict[bytes, Group] = {}
        self.requests = count(1)
        self.lines: list[Line] = []
        self.siblings: list[Device] = []
        world.devices.append(self)
        self.reach(server)

    async def leave(self) -> None:
        """Close every connection."""
        await self.http.close()
        for line in self.lines:
            await line.stream.close()
        self.lines.clear()

    def reach(self, server: Server) -> None:
        """Talk to this server from now on."""
        self.server = server
        self.http = HttpClient(
            server.http,
            identity=Identity(
                self.world.deployment, DeviceSubject(self.account, self.device), self.key.sign
            ),
            attempts=1,
        )

    async def create(self, kind: ConversationKind = ConversationKind.GROUP) -> ConversationId:
        """Create a conversation of one and return its id."""
        random = new_random()
        name = name_conversation(self.device, random, self.world.deployment)
        context = make_context(
            kind, self.world.deployment, self.device, random, escrow=False, admins=[self.account]
        )
        group = self.mls.create_group(name, self.world.clock.now // 1000, context.encode())
        self.groups[name] = group
        await self.http.ask(
            "POST",
            "/v1/conversations",
            CreateConversation(
                conversation=name,
                random=random,
                group_info=group.group_info(),
                tree=group.ratchet_tree(),
            ),
            ConversationState,
        )
        return name

    async def add(self, conversation: bytes, *others: "Device") -> PostedCommit:
        """Add devices, hand them their welcomes, and move on."""
        group = self.groups[conversation]
        now = self.world.clock.now // 1000
        packages = [other.mls.generate_key_package(now) for other in others]
        pending = group.commit(add=[package.message for package in packages], now=now)
        welcomes = dict(pending.welcomes)
        posted = await self.http.ask(
            "POST",
            f"/v1/conversations/{conversation.hex()}/commits",
            PostCommit(
                commit=pending.message,
                welcomes=tuple(
                    WelcomeFor(
                        account=other.account,
                        device=other.device,
                        welcome=welcomes[package.reference],
                    )
                    for other, package in zip(others, packages, strict=True)
                ),
                group_info=pending.group_info,
            ),
            PostedCommit,
        )
        group.apply_pending_commit()
        for other, package in zip(others, packages, strict=True):
            joined, _ = other.mls.join(welcomes[package.reference], pending.tree, package.private)
            other.groups[conversation] = joined
        return posted

    def envelope(
        self,
        conversation: bytes,
        text: bytes = b"hello",
        *,
        day: int | None = None,
        account: AccountId | None = None,
        device: DeviceId | None = None,
        form: Form = Form.UNESCROWED,
        time_ms: int | None = None,
    ) -> Send:
        """Return a `Send` whose form is right and whose content only members could judge."""
        now = self.world.clock.now if time_ms is None else time_ms
        day = day_of(now) if day is None else day
        header = Header(
            form,
            ConversationId(conversation),
            make_message_id(now + 1, new_random(10)),
            account or self.account,
            device or self.device,
            1,
            key_epoch_of(day),
            day,
            b"",
            new_random(),
        ).encode()
        sealed = self.groups[conversation].encrypt(text[:64], hashlib.sha256(header).digest())
        return Send(next(self.requests), header, text + bytes(16), sealed.ciphertext)

    async def connect(self, *cursors: Cursor, mailbox: int = 0) -> "Line":
        """Open the stream and say hello."""
        token = await self.http.session()
        stream = await Stream.connect(self.server.stream)
        stream.push([Hello(token, cursors, mailbox)])
        line = Line(stream)
        self.lines.append(line)
        line.welcome = await line.next(Welcome)
        return line


class Line:
    """A stream whose frames a test takes one by one."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.frames: list[FromServer] = []
        self.welcome: Welcome | None = None

    async def any(self) -> FromServer:
        """Return the next frame."""
        while not self.frames:
            self.frames = await self.stream.receive()
        return self.frames.pop(0)

    async def next(self, kind: type[F]) -> F:
        """Return the next frame, which must be of a kind."""
        frame = await self.any()
        assert isinstance(frame, kind), frame
        return frame

    async def ask(self, send: Send) -> Accepted | Refused:
        """Send and return the answer, passing over items."""
        self.stream.push([send])
        while True:
            frame = await self.any()
            if isinstance(frame, Accepted | Refused) and frame.request == send.request:
                return frame

    async def items(self, number: int) -> list[Item]:
        """Return the next items, passing over everything else."""
        found: list[Item] = []
        while len(found) < number:
            frame = await self.any()
            if isinstance(frame, Item):
                found.append(frame)
        return found


def _yes(_credential: bytes, _key: bytes, _context: str) -> None:
    """Whom the devices trust is no matter here."""


def _ok(_commit: CommitView) -> None:
    """Nor what they commit."""


def fixed_world(folder: Path) -> World:
    """Return a deployment whose keys are the same in every process."""
    keys = [hashlib.sha256(b"fixed" + bytes([number])).digest() for number in range(5)]
    return World(
        folder,
        genesis=SigningKey(keys[0]),
        operator=SigningKey(keys[1]),
        receipt=SigningKey(keys[2]),
        key_log_seed=keys[3],
        law_log_seed=keys[4],
    )
