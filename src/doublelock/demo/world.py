"""A whole deployment on loopback: witnesses, server, custodians, court, agency and people.

Every role has its own state folder below the world's, as it would on a machine of its own, and
speaks to the others over real sockets alone. `World.open` founds a deployment or opens it again.
"""

import asyncio
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from msgspec import msgpack

from doublelock.client.client import Client
from doublelock.client.invite import Invite, make_invite
from doublelock.client.monitor import Monitor
from doublelock.court.daemon import open_court
from doublelock.custodian.daemon import open_custodian
from doublelock.demo.clock import Clock
from doublelock.demo.founding import Founded, Holders, Plan, found
from doublelock.demo.listener import Listener
from doublelock.holder.daemon import HolderDaemon, Look
from doublelock.holder.identity import keep_identity
from doublelock.holder.membership import pin
from doublelock.keep import KeyFile, StateFolder, make_key_file
from doublelock.log import witness
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, day_of, key_epoch_of
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import CeremonyRefused, LogRefused, WireRefused
from doublelock.protocol.identifiers import DeploymentId
from doublelock.server.app import Server, start
from doublelock.server.config import UNLIMITED, Bounds, Keys, Rates, ServerConfig
from doublelock.transport.http import HttpClient
from doublelock.transport.listening import listen

_FOUNDER: Final = "founder"
_FOUNDING: Final = "founding"
_PORTS: Final = "ports"
_PARTS: Final = (
    "agency",
    "minister",
    "judge",
    "custodian-*",
    "court-*",
    "witness-*",
    "people",
    "server",
    "evidence*",
    "keys",
    _FOUNDER,
)
"""What a world lays down in its folder; `discard` touches nothing else."""
_EPOCHS_READY: Final = 4
_LOOKS: Final = 400
_FIRST_CHECKPOINT_S: Final = 30
_HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the server listens; 0 takes a free port."""

    http: int = 0
    stream: int = 0


class World:
    """A deployment whose every part runs here; made by `open`, run between `start` and `stop`."""

    def __init__(
        self, state: StateFolder, folder: Path, founded: Founded, clock: Clock, ports: Ports
    ) -> None:
        self._state = state
        self.folder = folder
        self.founded = founded
        self.clock = clock
        self._ports = ports
        self.web: Path | None = None
        """Folder of the web client's bundle, which the server serves once it starts."""
        self._witnesses: list[Listener] = []
        self.witness_addresses: tuple[str, ...] = ()
        """Witnesses besides the founding ones, such as an amendment is to bring; before `start`."""
        self.bounds = Bounds()
        """How much the server keeps for whom; before `start`."""
        self._server: Server | None = None
        self._http: HttpClient | None = None
        self._monitor: Monitor | None = None
        self.people: dict[str, Client] = {}
        self.holders: list[HolderDaemon] = []

    @classmethod
    def open(
        cls, folder: Path, clock: Clock, plan: Plan | None = None, ports: Ports | None = None
    ) -> Self:
        """Found a deployment after `plan` in a folder, or open the one that is there.

        Without `ports` it listens where it did before: browsers know a deployment by its address.
        The folder is this world's until `stop`. Raises VaultRefused when it is another process's
        or damaged.
        """
        state = _folder(folder, _FOUNDER)
        try:
            data = state.find(_FOUNDING)
            if data is None:
                founded = found(plan or Plan(now_ms=clock()), secrets.token_bytes)
                state.write(_FOUNDING, msgpack.encode(founded))
            else:
                founded = msgpack.decode(data, type=Founded)
            known = state.find(_PORTS) if ports is None else None
            if known is not None:
                ports = msgpack.decode(known, type=Ports)
        except BaseException:
            state.close()
            raise
        return cls(state, folder, founded, clock, ports or Ports())

    @staticmethod
    def exists(folder: Path) -> bool:
        """Say whether a deployment was founded in a folder."""
        return (folder / _FOUNDER / "folder.key").is_file()

    @classmethod
    def discard(cls, folder: Path) -> None:
        """Remove a folder's deployment, so that another can be founded there.

        Raises VaultRefused when it is running; a folder without a deployment is left alone.
        """
        if not cls.exists(folder):
            return
        with _folder(folder, _FOUNDER):  # refused while a world of it runs
            for pattern in _PARTS:
                for place in folder.glob(pattern):
                    shutil.rmtree(place) if place.is_dir() else place.unlink()

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
        self._ports = Ports(await _if_free(self._ports.http), await _if_free(self._ports.stream))
        self._server = await start(self._config(rates))
        self._keep_ports()
        self._http = HttpClient(self.server.http)
        self._monitor = Monitor(self._http, self.deployment, self.clock)
        await self._monitor.start()
        async with asyncio.timeout(_FIRST_CHECKPOINT_S):
            while not await self._law_is_served():  # noqa: ASYNC110 - asks the server
                await asyncio.sleep(0.02)

    def _keep_ports(self) -> None:
        http, stream = (urlsplit(one).port or 0 for one in (self.server.http, self.server.stream))
        self._state.write(_PORTS, msgpack.encode(Ports(http, stream)))

    async def _law_is_served(self) -> bool:
        try:
            await self.monitor.sync_law()
        except (LogRefused, WireRefused) as refusal:
            if refusal.code not in (Code.LOG_MISSING, Code.NOT_FOUND):
                raise
            return False
        return True

    async def stop(self) -> None:
        """Stop everything; nothing acknowledged is lost."""
        await asyncio.gather(*(client.close() for client in self.people.values()))
        self.people.clear()
        await asyncio.gather(*(holder.close() for holder in self.holders))
        self.holders.clear()
        if self._http is not None:
            await self._http.close()
        if self._server is not None:
            await self._server.stop()
        for listener in self._witnesses:
            await listener.stop()
        self._witnesses.clear()
        self._state.close()

    def enrol(self, name: str, seed: bytes) -> tuple[Path, KeyFile]:
        """Make a party's state folder with its identity, if new, and pin the running server."""
        with _folder(self.folder, name) as state:
            keep_identity(state, seed)
            pin(state, self.server.http, [self.founded.charter], self.deployment)
        return self.folder / name, _key_file(self.folder, name)

    def open_holders(self) -> None:
        """Open every custodian's and every court's daemon; `look` then drives them."""
        for one in self._escrowing():
            for index, seed in enumerate(one.custodians, 1):
                place = self.enrol(f"custodian-{one.number}-{index}", seed)
                self.holders.append(open_custodian(*place))
            place = self.enrol(f"court-{one.number}", one.court)
            self.holders.append(open_court(*place))

    async def look(self, holders: Sequence[HolderDaemon] | None = None) -> list[Look]:
        """Let every holder (or those given) look once, one after the other."""
        return [
            await holder.step(self.clock())
            for holder in (self.holders if holders is None else holders)
        ]

    async def hold_ceremonies(self, progress: Callable[[int, int], None]) -> None:
        """Let the holders look until this month's key and the three after it are in the law log.

        Raises CeremonyRefused(ceremony-setup) when that does not happen.
        """
        for _ in range(_LOOKS):
            await self.look()
            await self.monitor.sync_law()
            month = key_epoch_of(day_of(self.clock()))
            escrowing = self._escrowing()
            wanted = _EPOCHS_READY * len(escrowing)
            ready = sum(
                min(_EPOCHS_READY, self.monitor.epochs_ready(one.number, month))
                for one in escrowing
            )
            progress(ready, wanted)
            if ready == wanted:
                return
            await asyncio.sleep(0.01)
        raise CeremonyRefused(Code.CEREMONY_SETUP, f"after {_LOOKS} looks")

    def _escrowing(self) -> list[Holders]:
        """Return the people of the committees that escrow under the charter in force."""
        charter = self.monitor.charter
        return [
            one for one in self.founded.committees if charter.committee(one.number).requires_capsule
        ]

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
            witnesses=(
                *(listener.address for listener in self._witnesses),
                *self.witness_addresses,
            ),
            web=self.web,
            clock=self.clock,
            rates=rates,
            bounds=self.bounds,
        )


async def _if_free(port: int) -> int:
    """Return a port, or 0 where somebody else listens at it."""
    try:
        bound = await listen(_HOST, port)
    except OSError:
        return 0
    for one in bound:
        one.close()
    return port


def _key_file(folder: Path, name: str) -> KeyFile:
    path = folder / "keys" / f"{name}.key"
    return KeyFile(path) if path.is_file() else make_key_file(path)


def _folder(folder: Path, name: str) -> StateFolder:
    return StateFolder.open_or_create(folder / name, _key_file(folder, name))
