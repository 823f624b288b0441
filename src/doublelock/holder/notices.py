"""Telling the people: once a gag has ended, a holder sees to it that every subject is told (R-16).

The server relays the notice and logs its delivery; what it does not relay stays owed, and blocks
the agency that owes it. One holder is enough: the others wait their turn, and then do it.
"""

from typing import Final

from doublelock.holder.desk import file_document
from doublelock.holder.identity import HolderIdentity
from doublelock.holder.serving import Serving
from doublelock.holder.watch import LawWatch
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Refusal, WireRefused
from doublelock.protocol.lawrecords import WarrantRecord
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.notice import make_notice
from doublelock.transport.http import HttpClient

_PATIENCE: Final = 20
_REFUSED: Final = frozenset({Code.ENTRY_VOID, Code.NOTICE_MISMATCH})


class Notices:
    """Delivers what is owed; `step` looks once."""

    def __init__(
        self, http: HttpClient, me: HolderIdentity, watch: LawWatch, serving: Serving
    ) -> None:
        self._http = http
        self._me = me
        self._watch = watch
        self._serving = serving
        self._looks = 0

    async def step(self, law: LawState, now_ms: int) -> int:
        """Deliver every notice that is due and whose subject is known; return how many.

        Raises WireRefused, LogRefused.
        """
        skew_ms = law.charter(now_ms).terms.skew_ms
        due = [
            record
            for record in law.warrants.values()
            if record.committee == self._me.committee
            and record.owed - record.delivered
            and now_ms >= record.gag_end_ms + skew_ms
        ]
        if not due:
            self._looks = 0
            return 0
        self._looks += 1
        if self._looks <= max(0, self._me.index - 1) * _PATIENCE:
            return 0
        return sum([await self._deliver(law, record, now_ms) for record in due])

    async def _deliver(self, law: LawState, record: WarrantRecord, now_ms: int) -> int:
        try:
            warrant = self._serving.warrant(record.commitment, now_ms)
        except Refusal:
            return 0  # its document never came here: another holder may have it
        count = 0
        told = set(record.delivered)
        for request in self._serving.requests(record.commitment):
            logged = law.requests.get(request.signed.hash)
            if logged is None or logged.over_cap:
                continue
            for account in sorted({label.account for label in request.labels}):
                subject = warrant.subject(account)
                if subject not in record.owed or subject in told:
                    continue
                line = self._watch.lines[logged.index]
                proof = await self._watch.proof(logged.index)
                signer = (self._me.key, self._me.signer.sign)
                notice = make_notice(warrant, account, line, proof, [signer])
                try:
                    await file_document(self._http, "notice", notice)
                except WireRefused as refusal:
                    if refusal.code not in _REFUSED:
                        raise
                    continue
                told.add(subject)
                count += 1
        return count
