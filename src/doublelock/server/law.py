"""The law's side of a server, wired: both logs published, the desk, its routes, its sweep."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Final

import httpx
from starlette.routing import BaseRoute

from doublelock.log import tiles
from doublelock.log.sequencer import Sequencer
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.documents import Opaque
from doublelock.protocol.errors import LogRefused, Refusal
from doublelock.protocol.frames import NOTICE_MAIL
from doublelock.protocol.handover import LogName, needed_charters, verify_signed
from doublelock.protocol.identifiers import AccountId
from doublelock.protocol.lawlog import HandoverLogged
from doublelock.protocol.note import SignatureType
from doublelock.protocol.policy import Policy
from doublelock.protocol.tlog_proof import TlogProof
from doublelock.server.inventory import Inventories
from doublelock.server.lawdesk import LawDesk
from doublelock.server.metadata import Disclosures
from doublelock.server.notices import Notices
from doublelock.server.parts import Parts
from doublelock.server.publishing import Publishing
from doublelock.server.routes import ceremonies, law

_SWEEP_S: Final = 5.0
_WITNESS_S: Final = 10.0


class Law:
    """The law log and its desk, and the publishing of both logs; made by `open_law`."""

    def __init__(
        self,
        parts: Parts,
        desk: LawDesk,
        logs: tuple[Sequencer, Sequencer],
        publishing: tuple[Publishing, Publishing],
        http: httpx.AsyncClient,
    ) -> None:
        self.desk = desk
        self._parts = parts
        self._key_log, self._law_log = logs
        self.key_publishing, self.law_publishing = publishing
        self._http = http
        config = parts.config
        self.notices = Notices(desk, self.prove, config.clock)
        self._sweeping: asyncio.Task[None] | None = None

    def routes(self) -> list[BaseRoute]:
        """Return the law desk's routes, the ceremonies' and both logs' files."""
        parts = self._parts
        inventories = Inventories(parts.store, parts.deployment, self.desk.receipt)
        disclosures = Disclosures(
            parts.store,
            self.desk,
            parts.deployment,
            parts.config.clock,
        )
        return [
            *law.routes(parts, self.desk, inventories, disclosures),
            *ceremonies.routes(parts, self.desk),
            *tiles.make_routes(self._key_log.folder, "/log/key"),
            *tiles.make_routes(self._law_log.folder, "/log/law"),
        ]

    async def prove(self, index: int) -> tuple[bytes, bytes]:
        """Return a line of the law log and its tlog-proof under the published checkpoint.

        Raises LogRefused(log-missing) while no such checkpoint holds the line.
        """
        note = await asyncio.to_thread(self._law_log.published)
        if note is None:
            raise LogRefused(Code.LOG_MISSING, "no checkpoint yet")
        cosigned = verify_signed(LogName.LAW, self._parts.charter(), note)
        size = cosigned.checkpoint.size
        if index >= size:
            raise LogRefused(Code.LOG_MISSING, f"line {index}, checkpoint of {size}")
        path = await self._law_log.proof(index, size)
        return await self._law_log.entry(index), TlogProof(index, path, cosigned.note).encode()

    def start(self) -> None:
        """Begin to publish and to sweep."""
        self.key_publishing.start()
        self.law_publishing.start()
        self._sweeping = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Stop both, and let go of the law log."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeping
        await self.key_publishing.stop()
        await self.law_publishing.stop()
        await self._law_log.close()
        await self._http.aclose()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            with contextlib.suppress(Refusal):
                await self.hand_over()
            with contextlib.suppress(Refusal):
                await self.desk.sweep()
            with contextlib.suppress(Refusal):
                await self.notices.sweep()

    async def hand_over(self) -> None:
        """Log that the charter's witnesses take over, once old and new ones cosign both logs.

        Does nothing while they are the same. Raises LogRefused(log-quorum) when too few answer,
        WireRefused(entry-void) when the law log grew meanwhile: then the next sweep does it (R-40).
        """
        if len(needed_charters(self.desk.state, self._parts.config.clock())) < 2:
            return
        key = await self.key_publishing.publish()
        law = await self.law_publishing.publish()
        notes = (Opaque(one.note.encode()) for one in (law, key))
        await self.desk.log_own(HandoverLogged(*notes))


async def open_law(parts: Parts, key_log: Sequencer) -> Law:
    """Return the law's side, not started; its log is made if new, replayed if not.

    Raises LogRefused, CharterRefused, WireRefused(storage).
    """
    config = parts.config
    terms = parts.charter().terms
    name = terms.law_log.split("+", 1)[0]
    signer = NoteSigner(name, SignatureType.ED25519, config.keys.law_log)
    law_log = await Sequencer.open(config.folder / "law-log", signer, config.clock)
    http = httpx.AsyncClient(timeout=_WITNESS_S, trust_env=False)

    def age_ms() -> int:
        return max(1_000, parts.charter().terms.checkpoint_age_ms // 3)

    def law_policies() -> tuple[Policy, ...]:
        needed = needed_charters(desk.state, config.clock())
        return tuple(charter.law_policy() for charter in needed)

    def key_policies() -> tuple[Policy, ...]:
        state = desk.state
        needed = needed_charters(state, config.clock())
        # Until everybody can see the handover, the key log is still read by the old witnesses.
        if state.handovers and -1 < law_publishing.size <= state.handovers[-1].index:
            before = replace(state, handovers=state.handovers[:-1]).witnessed
            needed = (before, *needed)
        return tuple(charter.key_policy() for charter in needed)

    law_publishing = Publishing(
        law_log, law_policies, config.witnesses, http, config.clock, age_ms, config.report
    )
    key_publishing = Publishing(
        key_log, key_policies, config.witnesses, http, config.clock, age_ms, config.report
    )

    async def deliver(account: AccountId, notice: bytes) -> None:
        devices = tuple(parts.identities.key_log.account(account).devices)
        await parts.mailboxes.deliver(devices, NOTICE_MAIL, notice)

    desk = LawDesk(
        parts.charter,
        law_log,
        law_publishing,
        parts.store,
        config.keys,
        config.clock,
        deliver,
    )
    parts.sweeper.holds = desk.held_conversations
    try:
        await desk.load()
    except BaseException:
        await law_log.close()
        await http.aclose()
        raise
    return Law(parts, desk, (key_log, law_log), (key_publishing, law_publishing), http)
