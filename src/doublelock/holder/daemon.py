"""One holder's day, look by look: mirror the law log, run ceremonies, answer, preserve, destroy.

Outbound only: it opens no port. `step` looks once, so that a test can drive it; `run` looks until
it is stopped, and survives a server or witness that is away.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from doublelock.holder.ceremony import CeremonyDriver
from doublelock.holder.chronicle import Chronicle
from doublelock.holder.desk import patiently
from doublelock.holder.identity import HolderIdentity
from doublelock.holder.journal import Act
from doublelock.holder.membership import open_membership
from doublelock.holder.notices import Notices
from doublelock.holder.retention import Retention
from doublelock.holder.serving import Answered, Serving
from doublelock.holder.vault import Vault
from doublelock.holder.watch import Clock, LawWatch
from doublelock.keep import StateFolder, Unlocking
from doublelock.protocol.charter import Charter, Role
from doublelock.protocol.errors import Refusal, VaultRefused
from doublelock.protocol.succession import escrow_committee
from doublelock.transport.http import HttpClient

_LOOK_S = 1.0
_AFTER_FAILURE_S = 5.0


@dataclass(slots=True)
class Look:
    """What one look brought."""

    ceremony_moved: bool = False
    answers: list[Answered] = field(default_factory=list)
    notices: int = 0
    destroyed: list[int] = field(default_factory=list)


class HolderDaemon:
    """A custodian or the court, on its own state folder."""

    def __init__(
        self, folder: StateFolder, http: HttpClient, genesis: Charter, me: HolderIdentity
    ) -> None:
        self.me = me
        self.folder = folder
        self.http = http
        self.watch = LawWatch(http, genesis, folder)
        self.vault = Vault(folder, me.committee, court=me.is_court)
        self.ceremonies = CeremonyDriver(folder, http, me, self.vault)
        self.serving = Serving(folder, http, me, self.vault, self.watch)
        self.retention = Retention(http, me, self.vault, self.serving, self.watch)
        self.notices = Notices(http, me, self.watch, self.serving)

    @classmethod
    def open(cls, path: Path, unlocking: Unlocking, role: Role) -> Self:
        """Open the state folder of a party that has joined (`membership.join`).

        Raises VaultRefused, CharterRefused(not-a-holder).
        """
        folder = StateFolder.open(path, unlocking)
        try:
            for inside in ("shares", "ceremonies", "releases"):
                folder.clear_unfinished(inside)
            member = open_membership(folder)
            party = member.party((role,))
            me = HolderIdentity(party.committee or 0, party.index, member.signer)
        except BaseException:
            folder.close()
            raise
        return cls(folder, member.connect(), member.genesis, me)

    async def step(self, now_ms: int, look: Look | None = None) -> Look:
        """Look once, and fill `look`. Raises a Refusal: VaultRefused at once, others at the end.

        Who is no holder under the charter in force (yet, or any more) has its part in ceremonies,
        destroys what it need not keep, and answers nobody. What is due in any case is destroyed
        before a server's refusal, rubbish or silence is raised: none keeps shares alive (K-20).
        """
        look = Look() if look is None else look
        try:
            async with patiently():
                law = await self.watch.update(now_ms)
        except VaultRefused:
            raise
        except Refusal:
            if self.watch.checkpoint is not None:
                await self.retention.step(self.watch.state, now_ms, look.destroyed)
            raise
        trouble: Refusal | None = None
        try:
            async with patiently():
                look.ceremony_moved = await self.ceremonies.step(law, now_ms)
        except VaultRefused:
            raise
        except Refusal as refusal:
            trouble = refusal
        await self.retention.step(law, now_ms, look.destroyed)
        if self.me.place(escrow_committee(law.charter(now_ms), self.me.committee)) is not None:
            look.answers = await self.serving.step(now_ms)
            look.notices = await self.notices.step(law, now_ms)
        if trouble is not None:
            raise trouble
        return look

    async def run(self, clock: Clock, report: Callable[[Act], None] = lambda _: None) -> None:
        """Look until cancelled; what fails is reported by its name and tried again.

        What is reported is in the folder's journal too. Raises VaultRefused: a holder whose own
        disk fails stops.
        """
        chronicle = Chronicle(self.folder, self.me, clock, report)
        try:
            while True:
                wait_s, look = _LOOK_S, Look()
                try:
                    await self.step(clock(), look)
                    chronicle.tell_calm()
                    if look.ceremony_moved:
                        wait_s = 0.05
                except VaultRefused:
                    raise
                except Refusal as refusal:
                    chronicle.tell_trouble(refusal)
                    wait_s = _AFTER_FAILURE_S
                chronicle.tell_ceremonies(self.ready, self.ceremonies.failures)
                chronicle.tell_acts(look.answers, look.notices, look.destroyed)
                await asyncio.sleep(wait_s)
        finally:
            await self.close()

    @property
    def ready(self) -> frozenset[int]:
        """The months whose key is in the law log and whose share lies here."""
        return frozenset(
            month
            for (committee, month), record in self.watch.state.epochs.items()
            if committee == self.me.committee and self.vault.holds(record.keys)
        )

    async def close(self) -> None:
        """Close connections and folder."""
        await self.http.close()
        self.folder.close()
