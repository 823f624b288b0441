"""A deployment on loopback for client tests: the real server, one witness, one custodian, a court.

Until a test says otherwise the two logs are served here, from the server's own entries and from a
law log that holds one key epoch, under the real signatures that a client demands.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import TypeVar, cast

from doublelock.client.client import Client
from doublelock.client.invite import Invite, make_invite
from doublelock.client.mirror import Frontier
from doublelock.client.monitor import Monitor
from doublelock.demo.founding import Plan, found
from doublelock.keep import KeyFile, make_key_file
from doublelock.log.sequencer import Sequencer
from doublelock.protocol import curve
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.curve import G2_GENERATOR
from doublelock.protocol.days import day_of, key_epoch_of
from doublelock.protocol.documents import Bytes32, Opaque
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.keyepoch import (
    EpochId,
    HalfKey,
    Role,
    SignedKeyEpoch,
    make_statement,
    prove_possession,
)
from doublelock.protocol.lawlog import CharterLogged, KeyEpochLogged, sign_entry, stamp
from doublelock.protocol.note import format_note
from doublelock.protocol.record import Text, decode_record
from doublelock.protocol.tile import WIDTH, encode_bundle, parse_tile_path
from doublelock.server.app import Server, start
from doublelock.server.config import UNLIMITED, Keys, Rates, ServerConfig
from doublelock.transport.http import HttpClient

NOON = 1_262_606_400_000
"""2010-01-04 12:00 UTC."""
_seeds = count(1)


def new_seed(size: int = 32) -> bytes:
    return hashlib.sha512(b"client tests" + next(_seeds).to_bytes(8, "big")).digest()[:size]


class Clock:
    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def serve_log(entries: Sequence[bytes], path: str, signers: Sequence[NoteSigner]) -> bytes:
    """Return a file of a log that holds these entries, cosigned."""
    if path == "checkpoint":
        frontier = Frontier()
        for entry in entries:
            frontier.add(entry)
        checkpoint = Checkpoint(signers[0].key.name, len(entries), frontier.root())
        lines = [signer.sign(checkpoint, NOON // 1000) for signer in signers]
        return format_note(checkpoint.encode(), lines)
    tile = parse_tile_path(path)
    first = tile.index * WIDTH
    return encode_bundle(entries[first : first + tile.width])


class LoopbackMonitor(Monitor):
    """A monitor whose logs come from the world instead of the server's HTTP side."""

    world: "World"

    async def _file(self, log: str, path: str) -> bytes:
        return await self.world.file(log, path)


class World:
    """One deployment, its server, and the people who were made in it."""

    def __init__(self, folder: Path, *, escrow: bool = True, rates: Rates = UNLIMITED) -> None:
        self.folder = folder
        self.rates = rates
        self.clock = Clock()
        self.founded = found(
            Plan(
                now_ms=NOON - 86_400_000,
                custodians=2,
                threshold=2,
                witnesses=1,
                quorum=1,
                escrow=escrow,
            ),
            new_seed,
        )
        self.key_file: KeyFile = make_key_file(folder / "people.key")
        self.server: Server | None = None
        self.clients: list[Client] = []
        self.monitors: list[Monitor] = []
        document = hashlib.sha256(self.founded.charter).digest()
        genesis = CharterLogged(Bytes32(self.founded.deployment), Bytes32(document))
        self.law = [self.law_line(genesis)]
        self.extra_keys: list[bytes] = []
        if escrow:
            self.law.append(self.key_epoch(key_epoch_of(day_of(NOON))))

    def key_epoch(self, key_epoch: int, *, court: bytes | None = None) -> bytes:
        """Return the law-log line of a key epoch; another `court` seed makes it wrong."""
        founded = self.founded
        holders = founded.committees[0]
        epoch = EpochId(founded.deployment, 1, key_epoch)
        halves = []
        for role, degree in ((Role.CUSTODIANS, 1), (Role.COURT, 0)):
            # a polynomial of that degree: the key at 0, the holders' shares from 1 on
            terms = [int.from_bytes(new_seed(), "big") % curve.ORDER for _ in range(degree + 1)]
            values = [
                sum(term * at**power for power, term in enumerate(terms)) % curve.ORDER
                for at in range(degree + 2)
            ]
            keys = [curve.g2_secret_multiple(G2_GENERATOR, value) for value in values]
            proof = prove_possession(epoch, role, keys[0], terms[0])
            halves.append(HalfKey(keys[0], proof, degree + 1, tuple(keys[1:])))
        statement = make_statement(epoch, 1, b"t" * 32, halves[0], halves[1])
        data = statement.encode()
        signed = SignedKeyEpoch(
            data,
            tuple(SigningKey(seed).sign(data) for seed in holders.custodians),
            SigningKey(court or holders.court).sign(data),
        )
        return self.law_line(
            KeyEpochLogged(committee=1, key_epoch=key_epoch, statement=Opaque(signed.encode()))
        )

    def law_line(self, entry: CharterLogged | KeyEpochLogged) -> bytes:
        """Return a line of the law log that the operator signed and stamped."""
        operator = SigningKey(self.founded.operator)
        signed = sign_entry(self.founded.deployment, entry, operator.public.encoded, operator.sign)
        return stamp(signed, NOON - 1000)

    async def file(self, log: str, path: str) -> bytes:
        witness = self.founded.witnesses[0]
        if log == "law":
            return serve_log(self.law, path, [self.founded.logs[1], witness])
        assert self.server is not None
        sequencer = cast(Sequencer, self.server.parts.identities._log)
        size = sequencer.checkpoint().checkpoint.size
        entries = [await sequencer.entry(index) for index in range(size)]
        return serve_log([*entries, *self.extra_keys], path, [self.founded.logs[0], witness])

    async def start_server(self) -> Server:
        founded = self.founded
        self.server = await start(
            ServerConfig(
                folder=self.folder / "server",
                deployment=founded.deployment,
                charters=(founded.charter,),
                keys=Keys(
                    SigningKey(founded.operator),
                    SigningKey(founded.receipt),
                    founded.key_log_seed[1],
                    founded.law_log_seed[1],
                ),
                clock=self.clock,
                rates=self.rates,
                http_port=self.server_port(0),
                stream_port=self.server_port(1),
            )
        )
        return self.server

    _ports: tuple[int, int] = (0, 0)

    def server_port(self, which: int) -> int:
        return self._ports[which]

    async def stop_server(self) -> None:
        assert self.server is not None
        http, stream = self.server.http, self.server.stream
        self._ports = (int(http.rsplit(":", 1)[1]), int(stream.split(":")[2].split("/")[0]))
        await self.server.stop()
        self.server = None

    def monitor(self) -> Monitor:
        assert self.server is not None
        made = LoopbackMonitor(HttpClient(self.server.http), self.founded.deployment, self.clock)
        made.world = self
        self.monitors.append(made)
        return made

    def invite(self) -> Invite:
        assert self.server is not None
        return make_invite(
            self.server.http,
            self.founded.deployment,
            SigningKey(self.founded.genesis).sign,
            new_seed(),
            1,
            self.clock.now + 86_400_000,
        )

    async def person(
        self,
        handle: str,
        *,
        invite: Invite | None = None,
        decrypt: bool = True,
        monitor: Monitor | None = None,
        connect: bool = True,
    ) -> Client:
        if monitor is None:
            monitor = self.monitor()
            await monitor.start()
        client = await Client.register(
            self.folder / handle,
            self.key_file,
            invite or self.invite(),
            handle,
            clock=self.clock,
            monitor=monitor,
            decrypt=decrypt,
            packages=3,
        )
        self.clients.append(client)
        if connect:
            await client.connect()
        return client

    async def reopen(self, client: Client, *, connect: bool = True) -> Client:
        if client in self.clients:
            self.clients.remove(client)
            await client.close()
        monitor = self.monitor()
        await monitor.start()
        again = await Client.open(
            client._core.vault.folder.path, self.key_file, clock=self.clock, monitor=monitor
        )
        self.clients.append(again)
        if connect:
            await again.connect()
        return again


@asynccontextmanager
async def world_at(
    folder: Path, *, escrow: bool = True, rates: Rates = UNLIMITED
) -> AsyncIterator[World]:
    world = World(folder, escrow=escrow, rates=rates)
    await world.start_server()
    try:
        yield world
    finally:
        for client in world.clients:
            await client.close()
        for monitor in world.monitors:
            await monitor._http.close()
        if world.server is not None:
            await world.server.stop()


E = TypeVar("E")


async def next_event(client: Client, kind: type[E]) -> E:
    """Return the next event of a kind, passing over others."""
    async with asyncio.timeout(20):
        async for event in client.receive():
            if isinstance(event, kind):
                return event
    raise AssertionError


def texts(client: Client, conversation: ConversationId) -> list[bytes]:
    """Return the texts of a conversation's history, in order; refused ones as their code."""
    found = []
    for shown in client.history(conversation):
        if shown.refusal:
            found.append(shown.refusal.encode())
            continue
        record = decode_record(shown.record)
        assert isinstance(record, Text)
        found.append(record.content)
    return found
