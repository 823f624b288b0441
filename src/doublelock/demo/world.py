"""A whole deployment on loopback: witnesses, server, custodians, court, agency and people.

Every role has its own state folder below the world's, as it would on a machine of its own, and
speaks to the others over real sockets alone. `World.open` founds a deployment or opens it again.
"""

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from msgspec import msgpack

from doublelock.client.client import Client
from doublelock.client.invite import Invite, make_invite
from doublelock.client.monitor import Monitor
from doublelock.demo.clock import Clock
from doublelock.demo.founding import Founded, Plan, found
from doublelock.demo.listener import Listener
from doublelock.holder.identity import keep_identity
from doublelock.keep import KeyFile, StateFolder, make_key_file
from doublelock.log import witness
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.identifiers import DeploymentId
from doublelock.server.app import Server, start
from doublelock.server.config import UNLIMITED, Keys, Rates, ServerConfig
from doublelock.transport.http import HttpClient

_FOUNDING: Final = "founding"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the server listens; 0 takes a free port."""

    http: int = 0
    stream: int = 0


class World:
    """A deployment whose every part runs here; made by `open`, run between `start` and `stop`."""

    def __init__(self, folder: Path, founded: Founded, clock: Clock, ports: Ports) -> None:
        self.folder = folder
        self.founded = founded
        self.clock = clock
        self._ports = ports
        self._witnesses: list[Listener] = []
        self._server: Server | None = None
        self._http: HttpClient | None = None
        self._monitor: Monitor | None = None
        self.people: dict[str, Client] = {}

    @classmethod
    def open(
        cls, folder: Path, clock: Clock, plan: Plan | None = None, ports: Ports | None = None
    ) -> Self:
        """Found a deployment after `plan` in a folder, or open the one that is there.

        Raises VaultRefused when the folder is another process's or damaged.
        """
        with _folder(folder, "founder") as state:
            data = state.find(_FOUNDING)
            if data is None:
                founded = found(plan or Plan(now_ms=clock()), secrets.token_bytes)
                state.write(_FOUNDING, msgpack.encode(founded))
            else:
                founded = msgpack.decode(data, type=Founded)
        return cls(folder, founded, clock, ports or Ports())

    @property
    def deployment(self) -> DeploymentId:
        """Return the deployment id, 32 bytes."""
        return self.founded.deployment

    @property
    def server(self) -> Server:
        """Return the running server."""
        if self._server is None:
            raise RuntimeError("the world has not started")
        return self._server

    @property
    def monitor(self) -> Monitor:
        """Return the one view of the logs that the people of this process share."""
        if self._monitor is None:
            raise RuntimeError("the world has not started")
        return self._monitor

    async def start(self, rates: Rates = UNLIMITED) -> None:
        """Start the witnesses, then the server that asks them."""
        logs = [signer.key for signer in self.founded.logs]
        for number, signer in enumerate(self.founded.witnesses, 1):
            place = self.folder / f"witness-{number}"
            listener = Listener(witness.make_app(place, [signer], logs, self.clock))
            await listener.start()
            self._witnesses.append(listener)
        self._server = await start(self._config(rates))
        self._http = HttpClient(self.server.http)
        self._monitor = Monitor(self._http, self.deployment, self.clock)
        await self._monitor.start()

    async def stop(self) -> None:
        """Stop everything; nothing acknowledged is lost."""
        await asyncio.gather(*(client.close() for client in self.people.values()))
        self.people.clear()
        if self._http is not None:
            await self._http.close()
        if self._server is not None:
            await self._server.stop()
        for listener in self._witnesses:
            await listener.stop()
        self._witnesses.clear()

    def party_folder(self, name: str, seed: bytes | None = None) -> StateFolder:
        """Open a role's state folder, made if new; with a seed, its identity key lies in it."""
        state = _folder(self.folder, name)
        if seed is not None:
            keep_identity(state, seed)
        return state

    def key_file(self, name: str) -> Path:
        """Return the key file that opens a role's state folder."""
        return self.folder / "keys" / f"{name}.key"

    def invite(self, committee: int = 1) -> Invite:
        """Return an invite by the charter's genesis key, good for a week."""
        return make_invite(
            self.server.http,
            self.deployment,
            SigningKey(self.founded.genesis).sign,
            secrets.token_bytes(32),
            committee,
            self.clock() + 7 * DAY_MS,
        )

    async def person(
        self, handle: str, *, committee: int = 1, decrypt: bool = True, packages: int = 4
    ) -> Client:
        """Return a person's connected client: registered if new, opened if not."""
        if handle in self.people:
            return self.people[handle]
        place = self.folder / "people" / handle.encode().hex()
        unlocking = _key_file(self.folder, f"person-{handle.encode().hex()}")
        if (place / "vault.db").is_file():
            client = await Client.open(
                place, unlocking, clock=self.clock, monitor=self.monitor, decrypt=decrypt
            )
        else:
            client = await Client.register(
                place,
                unlocking,
                self.invite(committee),
                handle,
                clock=self.clock,
                monitor=self.monitor,
                decrypt=decrypt,
                packages=packages,
            )
        await client.connect()
        self.people[handle] = client
        return client

    async def populate(
        self, handles: Sequence[str], readers: Iterable[str], *, committee: int = 1
    ) -> None:
        """Bring people in side by side; only `readers` decrypt what others write."""
        reading = frozenset(readers)
        some_at_once = asyncio.Semaphore(32)

        async def enter(handle: str) -> None:
            async with some_at_once:
                await self.person(
                    handle, committee=committee, decrypt=handle in reading, packages=1
                )

        await asyncio.gather(*map(enter, handles))

    def _config(self, rates: Rates) -> ServerConfig:
        founded = self.founded
        return ServerConfig(
            folder=self.folder / "server",
            deployment=founded.deployment,
            charters=(founded.charter,),
            keys=Keys(
                SigningKey(founded.operator),
                SigningKey(founded.receipt),
                founded.key_log_seed[1],
                founded.law_log_seed[1],
            ),
            http_port=self._ports.http,
            stream_port=self._ports.stream,
            witnesses=tuple(listener.address for listener in self._witnesses),
            clock=self.clock,
            rates=rates,
        )


def _key_file(folder: Path, name: str) -> KeyFile:
    path = folder / "keys" / f"{name}.key"
    return KeyFile(path) if path.is_file() else make_key_file(path)


def _folder(folder: Path, name: str) -> StateFolder:
    return StateFolder.open_or_create(folder / name, _key_file(folder, name))
