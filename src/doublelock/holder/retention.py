"""Destruction when retention ends, stated under the holder's signature and logged (K-15, K-20).

On the first day after a month's retention, releases that are still permitted are made
(preservation); from the second on this holder's shares of the month are destroyed and the law log
is told. So nobody's destruction comes before another's preservation. A holder that crashes between
the two states it again at its next look.
"""

from typing import Final

from doublelock.holder.desk import file_document, patiently
from doublelock.holder.identity import HolderIdentity
from doublelock.holder.serving import Serving
from doublelock.holder.vault import Vault
from doublelock.holder.watch import LawWatch
from doublelock.protocol.codes import Code
from doublelock.protocol.days import day_of, last_day
from doublelock.protocol.documents import Opaque
from doublelock.protocol.errors import Refusal, VaultRefused, WireRefused
from doublelock.protocol.lawlog import Destruction, sign_entry
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.partial import COURT
from doublelock.protocol.succession import escrow_committee
from doublelock.transport.http import HttpClient

_PRESERVING_DAYS: Final = 1
"""How many days after its retention a month's share is kept, for preservation alone."""
_WAITING_DAYS: Final = 2
"""Until which day after it a holder that sees no fresh checkpoint waits for one."""


class Retention:
    """Destroys this holder's shares in time; `step` looks once."""

    def __init__(
        self,
        http: HttpClient,
        me: HolderIdentity,
        vault: Vault,
        serving: Serving,
        watch: LawWatch,
    ) -> None:
        self._watch = watch
        self._serving = serving
        self._http = http
        self._me = me
        self._vault = vault

    async def step(self, law: LawState, now_ms: int, stated: list[int]) -> None:
        """Destroy what is due; add the months of which the destruction was stated now.

        Raises VaultRefused; what else a server's answers raise only once every month was looked at.
        """
        committee = escrow_committee(law.charter(now_ms), self._me.committee)
        if committee is None:
            return
        today, fresh = day_of(now_ms), self._watch.is_fresh(now_ms)
        logged = {number for of, number in law.epochs if of == committee.number}
        trouble: Refusal | None = None
        for key_epoch in sorted(logged | set(self._vault.key_epochs())):
            over = today - last_day(key_epoch) - committee.retention_days
            if over <= 0:
                continue
            in_any_case = over > _WAITING_DAYS
            try:
                if over <= _PRESERVING_DAYS or not (fresh or in_any_case):
                    if self._place(law, key_epoch, now_ms) is not None:
                        async with patiently():
                            await self._serving.preserve(key_epoch, now_ms)
                elif await self.destroy(law, key_epoch, now_ms, in_any_case=in_any_case):
                    stated.append(key_epoch)
            except VaultRefused:
                raise
            except Refusal as refusal:
                trouble = refusal
        if trouble is not None:
            raise trouble

    async def destroy(
        self, law: LawState, key_epoch: int, now_ms: int, *, in_any_case: bool = False
    ) -> bool:
        """Destroy a month's shares and have it logged; say whether it was news.

        Raises VaultRefused, and what a server's answers raise; `in_any_case` that only once the
        shares are gone. A month that was never logged, or passed to others, goes in silence.
        """
        place = self._place(law, key_epoch, now_ms)
        if place is None:
            self._vault.discard(key_epoch)
            return False
        record = law.epochs[self._me.committee, key_epoch]
        if place in record.destroyed:
            return False
        try:
            async with patiently():
                await self._serving.preserve(key_epoch, now_ms)
        except VaultRefused:
            raise
        except Refusal:
            if not in_any_case:
                raise
        statement = self._vault.destroy(
            record.keys.epoch, self._me.signer, record.keys.share_version, now_ms
        )
        entry = Destruction(
            committee=self._me.committee, key_epoch=key_epoch, statement=Opaque(statement)
        )
        signed = sign_entry(law.deployment, entry, self._me.key, self._me.signer.sign)
        try:
            async with patiently():
                await file_document(self._http, "entry", signed)
        except WireRefused as refusal:
            if refusal.code is not Code.ENTRY_VOID:
                raise
        return True

    def _place(self, law: LawState, key_epoch: int, now_ms: int) -> int | None:
        """Return under which number this holder has a share that counts, None if it has none."""
        record = law.epochs.get((self._me.committee, key_epoch))
        place = self._me.place(escrow_committee(law.charter(now_ms), self._me.committee))
        if record is None or place is None:
            return None
        number = COURT if self._me.is_court else record.number_of(self._me.key)
        return place if place == number else None
