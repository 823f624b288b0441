"""Wires a server together, starts its two listeners, and stops it without losing anything."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from doublelock.log.sequencer import Sequencer
from doublelock.protocol.charter import Charter, verify_amendment, verify_genesis
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.errors import Refusal
from doublelock.protocol.group_rules import Rules
from doublelock.protocol.identifiers import DeploymentId, DeviceId
from doublelock.protocol.keylog import KeyLog
from doublelock.protocol.note import SignatureType
from doublelock.server.blobs import Blobs
from doublelock.server.bundle import ServedBundle, log_bundle, read_bundle
from doublelock.server.catchup import CatchUps
from doublelock.server.charters import CharterChain
from doublelock.server.config import ServerConfig
from doublelock.server.connection import Connection
from doublelock.server.conversations import Conversations
from doublelock.server.delivery import Delivery
from doublelock.server.fanout import Fanout
from doublelock.server.identities import Identities
from doublelock.server.last_use import LastUse
from doublelock.server.law import Law, open_law
from doublelock.server.mailboxes import Mailboxes
from doublelock.server.ordering import Ordering
from doublelock.server.origins import own_origins
from doublelock.server.parts import Parts
from doublelock.server.push_service import PushService
from doublelock.server.pushes import Pushes
from doublelock.server.recent import REMEMBERED, RecentMessages
from doublelock.server.routes import accounts, conversations, devices, key_packages, public
from doublelock.server.routes import blobs as attachments
from doublelock.server.routes import bundle as web
from doublelock.server.routes.exchange import Gate, refuse
from doublelock.server.sessions import Sessions
from doublelock.server.stream import Stream
from doublelock.server.sweeper import Sweeper
from doublelock.server.vapid import Vapid, make_key
from doublelock.store.interface import Tables
from doublelock.store.sqlite import SqliteStore
from doublelock.transport.listening import listen

_DATABASE: Final = "server.db"


class Server:
    """A running server; made by `start`."""

    def __init__(
        self,
        parts: Parts,
        stream: Stream,
        store: SqliteStore,
        log: Sequencer,
        law: Law,
        bundle: ServedBundle | None,
    ) -> None:
        self.parts = parts
        self._bundle = bundle
        self._stream = stream
        self._store = store
        self._key_log = log
        self.law = law
        self._http: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def http(self) -> str:
        """The HTTP address, such as `http://127.0.0.1:8080`."""
        return self.parts.http

    @property
    def stream(self) -> str:
        """The stream's address, such as `ws://127.0.0.1:8081/v1/stream`."""
        return self.parts.stream

    async def listen(self) -> None:
        """Open both listeners."""
        config = self.parts.config
        stream_port = await self._stream.start()
        application = Starlette(
            routes=_routes(self.parts, self.law, self._bundle),
            exception_handlers={Refusal: refuse, Exception: refuse},
        )
        self._http = uvicorn.Server(
            uvicorn.Config(
                application,
                host=config.host,
                port=config.http_port,
                log_level="warning",
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=5,
                h11_max_incomplete_event_size=64 * 1024,
            )
        )
        sockets = await listen(config.host, config.http_port)
        self._serving = asyncio.create_task(_serve(self._http, sockets))
        while not self._http.started:
            if self._serving.done():
                await self._serving
                raise OSError(f"cannot listen on {config.host}:{config.http_port}")
            await asyncio.sleep(0.005)
        http_port = self._http.servers[0].sockets[0].getsockname()[1]
        self.parts.http = config.http_public or f"http://{config.host}:{http_port}"
        self.parts.stream = config.stream_public or f"ws://{config.host}:{stream_port}/v1/stream"
        self._stream.origins = own_origins(self.parts.http)

    async def stop(self) -> None:
        """Refuse what comes, finish what was accepted, tell everybody, close."""
        if self._stopped:
            return
        self._stopped = True
        self._stream.stop_listening()
        await self.parts.delivery.stop()
        if self._http is not None and self._serving is not None:
            self._http.should_exit = True
            await self._serving
        await self._stream.stop()
        await self.parts.sweeper.stop()
        await self.parts.pushes.stop()
        self.parts.ordering.close()
        await self.law.stop()
        await self._store.close()
        await self._key_log.close()


async def start(config: ServerConfig) -> Server:
    """Return a listening server on a folder, made if new, checked if not.

    Raises CharterRefused, WireRefused(storage), LogRefused, OSError when an address is taken, and
    what `read_bundle` and `log_bundle` raise about the web client.
    """
    bundle = None if config.web is None else read_bundle(config.web)
    config.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    deployment = DeploymentId(config.deployment)
    charters = _verify_charters(config.charters, deployment)
    charter = CharterChain(charters, config.clock)
    terms = charters[0].terms
    store = SqliteStore(config.folder / _DATABASE, deployment)

    def keep_charters(tables: Tables) -> None:
        for document in config.charters:
            tables.law.put_charter(document)

    await store.write(keep_charters)
    log = await _open_log(config.folder / "key-log", config.keys.key_log, terms.key_log, config)
    key_log = KeyLog(deployment, bytes(terms.genesis_key), charter.skew_ms)
    fanout = Fanout(config.bounds.waiting)
    sessions = Sessions(
        deployment, lambda subject: identities.key_of(subject), config.clock, config.bounds
    )

    new_key = make_key()
    push_key = await store.write(lambda tables: tables.push.keep_key(new_key))
    subscriptions, without_days = await store.read(
        lambda tables: (tables.push.all(), tables.devices.without_days())
    )
    contact = config.push.contact or (
        config.http_public if config.http_public.startswith("https://") else ""
    )
    service = PushService(config.push, Vapid(push_key, contact, time.time))
    pushes = Pushes(config.push, store, fanout, service, subscriptions)
    last_use = LastUse(store, config.clock, without_days)

    def arrived(connection: Connection) -> None:
        pushes.connected(connection.device)
        last_use.connected(connection.account, connection.device)

    def removed(device: DeviceId) -> None:
        sessions.drop_device(device)
        pushes.forget(device)
        last_use.forget(device)
        store.submit(lambda tables: tables.devices.forget(device), lambda _: None)
        connection = fanout.find(device)
        if connection is not None:
            fanout.end(connection)

    identities = Identities(charter, key_log, log, store, config.clock, removed)
    conversations_ = Conversations(store, deployment)
    accepted, since_ms = await store.read(
        lambda tables: tables.timeline.newest_messages(REMEMBERED)
    )
    delivery = Delivery(
        store,
        fanout,
        deployment,
        lambda time_ms: config.keys.held(charter.receipt_key(time_ms)),
        config.clock,
        config.bounds,
        RecentMessages(accepted, since_ms, config.clock()),
        pushes.arrived,
    )
    catch_ups = CatchUps(store, fanout, conversations_)

    def rules() -> Rules:
        escrow, earlier = charter.escrows()
        return Rules(
            deployment, escrow=escrow, key_log=key_log, skew_ms=charter.skew_ms, earlier=earlier
        )

    ordering = Ordering(
        deployment,
        rules,
        store,
        conversations_,
        delivery,
        fanout,
        catch_ups,
        config.clock,
        pushes.mailed,
    )
    blobs = Blobs(config.folder / "blobs", store, config.clock, config.bounds)
    gate = Gate(sessions, config.rates)
    parts = Parts(
        config,
        deployment,
        charter,
        store,
        sessions,
        gate,
        identities,
        conversations_,
        delivery,
        fanout,
        ordering,
        blobs,
        Sweeper(charter, store, blobs, sessions, config.clock, config.bounds),
        pushes,
        Mailboxes(store, fanout, catch_ups, config.clock, config.bounds, pushes.mailed),
        last_use,
    )
    stream = Stream(
        config,
        store,
        sessions,
        conversations_,
        delivery,
        fanout,
        catch_ups,
        arrived,
        lambda connection: pushes.mailed(connection.device),
    )
    law = await open_law(parts, log)
    server = Server(parts, stream, store, log, law, bundle)
    try:
        # The law log first: what the key log's entries come to, its charters say (Y-8).
        for index in range(log.checkpoint().checkpoint.size):
            identities.replay(index, await log.entry(index))
        law.start()
        if bundle is not None:
            await log_bundle(law.desk, bundle)
        await server.listen()
    except BaseException:
        await server.stop()
        raise
    parts.sweeper.start()
    pushes.start()
    return server


async def _open_log(folder: Path, seed: bytes, vkey: str, config: ServerConfig) -> Sequencer:
    name = vkey.split("+", 1)[0]
    return await Sequencer.open(folder, NoteSigner(name, SignatureType.ED25519, seed), config.clock)


def _verify_charters(documents: Iterable[bytes], deployment: DeploymentId) -> list[Charter]:
    genesis, *amendments = documents
    charters = [verify_genesis(genesis, deployment)]
    for document in amendments:
        charters.append(verify_amendment(charters[-1], document))
    return charters


def _routes(parts: Parts, law: Law, bundle: ServedBundle | None) -> list[BaseRoute]:
    own = [
        route
        for group in (public, accounts, devices, key_packages, conversations, attachments)
        for route in group.routes(parts)
    ]
    return [*own, *law.routes(), *web.routes(parts, law, bundle)]


async def _serve(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
    # The whole process handles signals, not one listener of it.
    with contextlib.suppress(asyncio.CancelledError):
        await server._serve(sockets)
