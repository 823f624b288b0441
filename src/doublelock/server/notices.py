"""The operator's own part in telling people: once a gag ended, it delivers what nobody did (R-16).

Custodians and court come first where there are any; a committee without escrow has none, and its
metadata warrants owe notices all the same.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import LogRefused, Refusal, WireRefused
from doublelock.protocol.lawrecords import WarrantRecord
from doublelock.protocol.notice import make_notice
from doublelock.protocol.succession import escrow_committee
from doublelock.server.lawdesk import NO_CASE, LawDesk

PATIENCE: Final = 60
"""How many sweeps the holders of a committee have before the operator tells in their place."""

Prove = Callable[[int], Awaitable[tuple[bytes, bytes]]]
"""Returns a law-log line and its tlog-proof."""


class Notices:
    """Delivers what is owed; `sweep` looks once."""

    def __init__(self, desk: LawDesk, prove: Prove, clock: Callable[[], int]) -> None:
        self._desk = desk
        self._prove = prove
        self._clock = clock
        self._seen: dict[bytes, int] = {}

    async def sweep(self) -> int:
        """Deliver the notices that are due and this operator's turn; return how many."""
        state, now = self._desk.state, self._clock()
        charter, count = self._desk.charter, 0
        for record in list(state.warrants.values()):
            due = now >= record.gag_end_ms + charter.terms.skew_ms
            if not due or not record.owed - record.delivered:
                self._seen.pop(record.commitment, None)
                continue
            waited = self._seen.get(record.commitment, 0)
            self._seen[record.commitment] = waited + 1
            if escrow_committee(charter, record.committee) is None or waited >= PATIENCE:
                count += await self._deliver(record)
        return count

    async def _deliver(self, record: WarrantRecord) -> int:
        try:
            warrant = await self._desk.warrant(record.commitment)
        except Refusal:
            return 0
        count, told = 0, set(record.delivered)
        key = self._desk.operator
        for request in await self._desk.requested(record.commitment):
            for account in sorted({label.account for label in request.labels}):
                subject = warrant.subject(account)
                if subject not in record.owed or subject in told:
                    continue
                try:
                    line, proof = await self._prove(request.index)
                    signer = (key.public.encoded, key.sign)
                    notice = make_notice(warrant, account, line, proof, [signer])
                    await self._desk.file("notice", key.public.encoded, notice, NO_CASE)
                except LogRefused:
                    break  # the witnesses have not seen it yet
                except WireRefused as refusal:
                    if refusal.code is not Code.ENTRY_VOID:  # a holder was first
                        raise
                    continue
                told.add(subject)
                count += 1
        return count
