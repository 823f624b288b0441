"""What a client knows of everybody else: charters, key log and law log, verified by itself.

One monitor may serve many clients of one process; each keeps its own heads, and its own alarms.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from doublelock.client.mirror import LogMirror
from doublelock.protocol import limits
from doublelock.protocol.api import Charters
from doublelock.protocol.charter import Charter, receipt_key_at, skew_at, verify_genesis
from doublelock.protocol.codes import Code
from doublelock.protocol.days import first_day, last_day
from doublelock.protocol.ed25519 import VerifyKey, verify_key
from doublelock.protocol.errors import CharterRefused, LogRefused, Refusal, WireRefused
from doublelock.protocol.handover import LogName, signed_policy, verify_checkpoint
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.keyepoch import VerifiedKeyEpoch
from doublelock.protocol.keylog import Applied, KeyLog
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.note import Note
from doublelock.protocol.policy import CosignedCheckpoint
from doublelock.transport.http import HttpClient

Clock = Callable[[], int]
"""Returns the deployment's time in ms since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """A log entry that breaks a rule and so has no effect; the operator should answer for it."""

    log: str
    index: int
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class _Folded:
    state: LawState
    refused: list[RefusedEntry]


class Monitor:
    """The verified public state of one deployment, pinned by its id.

    `key_log` and `epoch` answer what the rules need; `sync_keys` and `sync_law` bring news. Errors
    are LogRefused, CharterRefused, WireRefused, Malformed; on an error the state is as it was.
    """

    def __init__(
        self,
        http: HttpClient,
        deployment: DeploymentId,
        clock: Clock,
        *,
        key_entries: Sequence[bytes] = (),
        law_entries: Sequence[bytes] = (),
    ) -> None:
        self.deployment = deployment
        self.clock = clock
        self._http = http
        self._documents: dict[bytes, bytes] = {}
        self._keys = LogMirror(lambda path: self._file("key", path), key_entries)
        self._law = LogMirror(lambda path: self._file("law", path), law_entries)
        self._key_log: KeyLog | None = None
        self._state: LawState | None = None
        self._handed_over = 0
        self._law_ms = 0
        self._refreshed: float | None = None
        self._busy = asyncio.Lock()
        self.applied: list[Applied] = []
        self.refused: list[RefusedEntry] = []

    async def start(self) -> None:
        """Fetch and verify the genesis charter, then replay what is already known of both logs."""
        async with self._busy:
            await self._fetch_charters()
            if self._state is None or self._key_log is None:
                charter = verify_genesis(next(iter(self._documents.values())), self.deployment)
                self._state = LawState.begin(charter)
                # The law log first: what the key log's entries come to, its charters say (Y-8).
                self._take_law(await self._fold(self._law.entries))
                self._key_log = KeyLog(
                    self.deployment, bytes(charter.terms.genesis_key), self.skew_ms
                )
                self._replay_keys()

    async def _fetch_charters(self) -> None:
        """Fetch every charter document; each counts only once genesis pins or the log names it."""
        answer = await self._http.ask("GET", "/v1/charters", None, Charters, anyone=True)
        if not answer.documents:
            raise CharterRefused(Code.CHARTER_GENESIS, "the server shows no charter")
        self._documents = {
            hashlib.sha256(document).digest(): document for document in answer.documents
        }

    # --- what is known ---------------------------------------------------------------------

    @property
    def charter(self) -> Charter:
        """Return the charter in force now. Raises CharterRefused before `start`."""
        return self.law.charter(self.clock())

    @property
    def charters(self) -> tuple[Charter, ...]:
        """Return every charter from genesis on, those that are still to come included."""
        return self.law.charters

    def receipt_key(self, time_ms: int) -> VerifyKey:
        """Return the key by which receipts of a time count (spec C-13)."""
        return verify_key(receipt_key_at(self.charters, time_ms))

    def skew_ms(self, time_ms: int) -> int:
        """Return the skew in ms of the charter in force at a time."""
        return skew_at(self.charters, time_ms)

    @property
    def law(self) -> LawState:
        """Return the law log's state. Raises LogRefused before `start`."""
        if self._state is None:
            raise LogRefused(Code.LOG_MISSING, "the monitor has not started")
        return self._state

    @property
    def key_log(self) -> KeyLog:
        """Return the replayed key log. Raises LogRefused before `start`."""
        if self._key_log is None:
            raise LogRefused(Code.LOG_MISSING, "the monitor has not started")
        return self._key_log

    @property
    def key_head(self) -> tuple[int, bytes]:
        """Return size and root of the key log as mirrored."""
        return self._keys.size, self._keys.root()

    @property
    def law_head(self) -> tuple[int, bytes]:
        """Return size and root of the law log as mirrored."""
        return self._law.size, self._law.root()

    @property
    def key_entries(self) -> list[bytes]:
        """Return every mirrored key-log entry."""
        return self._keys.entries

    @property
    def law_entries(self) -> list[bytes]:
        """Return every mirrored law-log line."""
        return self._law.entries

    def check_heads(self, key: tuple[int, bytes] | None, law: tuple[int, bytes] | None) -> None:
        """Refuse logs whose history differs from heads seen before. Raises LogRefused."""
        if key is not None:
            self._keys.check_head(*key)
        if law is not None:
            self._law.check_head(*law)

    def epoch(self, committee: int, key_epoch: int) -> VerifiedKeyEpoch:
        """Return a committee's key epoch, verified and logged before witnesses.

        Raises CharterRefused(epoch-unknown).
        """
        found = self.law.epochs.get((committee, key_epoch))
        if found is None:
            raise CharterRefused(Code.EPOCH_UNKNOWN, f"committee {committee}, month {key_epoch}")
        return found.keys

    def epoch_for(self, committee: int, key_epoch: int, day: int) -> VerifiedKeyEpoch:
        """Return the key epoch to seal to on a day: the month's own, or the last one extended.

        Raises CharterRefused(epoch-unknown): then sending stops (DESIGN §4).
        """
        if (committee, key_epoch) in self.law.epochs:
            return self.epoch(committee, key_epoch)
        if self.law.extensions.get((committee, key_epoch - 1), -1) >= day:
            return self.epoch(committee, key_epoch - 1)
        return self.epoch(committee, key_epoch)

    def days_of(self, committee: int, key_epoch: int) -> tuple[int, int]:
        """Return the first and last day on which a key epoch is in force, an extension included."""
        last = self.law.extensions.get((committee, key_epoch), -1)
        return first_day(key_epoch), max(last, last_day(key_epoch))

    def epochs_ready(self, committee: int, from_epoch: int) -> int:
        """Return how many key epochs follow each other from `from_epoch` on; alarm below three."""
        count = 0
        while (committee, from_epoch + count) in self.law.epochs:
            count += 1
        return count

    # --- bringing news ---------------------------------------------------------------------

    async def sync_keys(self, at_least: int = 0) -> int:
        """Bring the key log up to date, unless it has `at_least` entries; return its size."""
        if at_least and self._keys.size >= at_least:
            return self._keys.size
        async with self._busy:
            if not at_least or self._keys.size < at_least:
                # A law log younger than the delay has every amendment in force, and so the skew.
                delay_ms = self.charter.terms.amendment_delay_ms
                if self.clock() - self._law_ms >= delay_ms // 2:
                    await self._grow_law()
                try:
                    await self._grow_keys()
                except LogRefused as refusal:
                    if refusal.code is not Code.LOG_QUORUM:
                        raise
                    # Others may have become its witnesses: the law log says so.
                    try:
                        await self._grow_law()
                    except Refusal:
                        raise refusal from None
                    await self._grow_keys()
                self._replay_keys()
        return self._keys.size

    async def sync_law(self) -> int:
        """Bring the law log up to date and take over its key epochs; return its size."""
        async with self._busy:
            await self._grow_law()
        return self._law.size

    async def know_law(self, time_ms: int) -> None:
        """Bring the law log up to date where an amendment in force at a time may be missing here.

        Where the server does not answer, what is known has to do: nothing is raised (C-13).
        """
        delay_ms = self.charter.terms.amendment_delay_ms
        if min(time_ms, self.clock()) - self._law_ms >= delay_ms // 2:
            with contextlib.suppress(Refusal):
                await self.sync_law()

    async def refresh(self, age_s: float) -> None:
        """Bring both logs up to date unless that was done less than `age_s` seconds ago."""
        now = asyncio.get_running_loop().time()
        if self._refreshed is not None and now - self._refreshed < age_s:
            return
        self._refreshed = now
        await self.sync_law()
        await self.sync_keys()

    async def _grow_law(self) -> None:
        folded: list[_Folded] = []

        async def judge(fresh: Sequence[bytes], note: Note) -> CosignedCheckpoint:
            folded.append(await self._fold(fresh))
            return verify_checkpoint(LogName.LAW, folded[-1].state, note, self.clock())

        await self._law.grow(signed_policy(LogName.LAW, self.charters[0]), judge)
        self._take_law(folded[-1])
        self._law_ms = self.clock()

    async def _grow_keys(self) -> None:
        async def judge(_: Sequence[bytes], note: Note) -> CosignedCheckpoint:
            return verify_checkpoint(LogName.KEY, self.law, note, self.clock())

        await self._keys.grow(signed_policy(LogName.KEY, self.charters[0]), judge)
        for handover in self.law.handovers[self._handed_over :]:
            self._keys.check_head(handover.key_size, handover.key_root)
            self._handed_over += 1

    async def _fold(self, lines: Sequence[bytes]) -> "_Folded":
        """Fold the law log's lines: amendments and key epochs count by its rules alone."""
        state, refused = self.law, list[RefusedEntry]()
        for line in lines:
            before = state
            try:
                state = before.apply(before.size, line, self._documents)
            except CharterRefused as refusal:
                if refusal.code is not Code.CHARTER_MISSING:
                    raise
                await self._fetch_charters()
                state = before.apply(before.size, line, self._documents)
            if state.void > before.void:
                void = LogRefused(state.last_void or Code.ENTRY_VOID, "law-log line")
                refused.append(RefusedEntry("law", before.size, void))
        return _Folded(state, refused)

    def _take_law(self, folded: "_Folded") -> None:
        self._state = folded.state
        self.refused.extend(folded.refused)

    async def _file(self, log: str, path: str) -> bytes:
        try:
            return await self._http.get(
                f"/log/{log}/{path}", limit=limits.HTTP_ANSWER + limits.NOTE, anyone=True
            )
        except WireRefused as refusal:
            if refusal.code is Code.NOT_FOUND:
                raise LogRefused(Code.LOG_MISSING, path) from None
            raise

    def _replay_keys(self) -> None:
        log = self.key_log
        for entry in self._keys.entries[log.size :]:
            index = log.size
            try:
                self.applied.append(log.apply(index, entry))
            except Refusal as refusal:  # spec Y-9: void, and shown
                self.refused.append(RefusedEntry("key", index, refusal))
