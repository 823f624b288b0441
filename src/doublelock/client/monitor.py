"""What a client knows of everybody else: charters, key log and law log, verified by itself.

One monitor may serve many clients of one process; each keeps its own heads, and its own alarms.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from doublelock.client.mirror import LogMirror
from doublelock.protocol import limits
from doublelock.protocol.api import Charters
from doublelock.protocol.charter import Charter, charter_at, verify_amendment, verify_genesis
from doublelock.protocol.codes import Code
from doublelock.protocol.days import first_day, last_day
from doublelock.protocol.ed25519 import VerifyKey, verify_key
from doublelock.protocol.errors import CharterRefused, LogRefused, Refusal
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.keyepoch import (
    EpochId,
    VerifiedKeyEpoch,
    decode_signed,
    refuse_changed_key,
    verify_key_epoch,
)
from doublelock.protocol.keylog import Applied, KeyLog
from doublelock.protocol.lawlog import EpochExtended, KeyEpochLogged, verify_line
from doublelock.transport.http import HttpClient

Clock = Callable[[], int]
"""Returns the deployment's time in ms since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """A log entry that breaks a rule and so has no effect; the operator should answer for it."""

    log: str
    index: int
    refusal: Refusal


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
        self._charters: list[Charter] = []
        self._keys = LogMirror(lambda path: self._file("key", path), key_entries)
        self._law = LogMirror(lambda path: self._file("law", path), law_entries)
        self._key_log: KeyLog | None = None
        self._epochs: dict[tuple[int, int], VerifiedKeyEpoch] = {}
        self._extended: dict[tuple[int, int], int] = {}
        self._busy = asyncio.Lock()
        self.applied: list[Applied] = []
        self.refused: list[RefusedEntry] = []

    async def start(self) -> None:
        """Fetch and verify the charters, then replay what is already known of both logs."""
        async with self._busy:
            answer = await self._http.ask(
                "GET", "/v1/charters", None, Charters, anyone=True, limit=limits.HTTP_ANSWER
            )
            if not answer.documents:
                raise CharterRefused(Code.CHARTER_GENESIS, "the server shows no charter")
            charters = [verify_genesis(answer.documents[0], self.deployment)]
            for document in answer.documents[1:]:
                charters.append(verify_amendment(charters[-1], document))
            self._charters = charters
            if self._key_log is None:
                terms = charters[0].terms
                self._key_log = KeyLog(
                    self.deployment, bytes(terms.genesis_key), int(terms.skew_ms)
                )
                self._replay_keys(self._keys.entries)
                self._replay_law(self._law.entries, 0)

    # --- what is known ---------------------------------------------------------------------

    @property
    def charter(self) -> Charter:
        """Return the charter in force now. Raises CharterRefused before `start`."""
        return charter_at(self._charters, self.clock())

    @property
    def charters(self) -> tuple[Charter, ...]:
        """Return every charter from genesis on, those that are still to come included."""
        return tuple(self._charters)

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
        found = self._epochs.get((committee, key_epoch))
        if found is None:
            raise CharterRefused(Code.EPOCH_UNKNOWN, f"committee {committee}, month {key_epoch}")
        return found

    def epoch_for(self, committee: int, key_epoch: int, day: int) -> VerifiedKeyEpoch:
        """Return the key epoch to seal to on a day: the month's own, or the last one extended.

        Raises CharterRefused(epoch-unknown): then sending stops (DESIGN §4).
        """
        if (committee, key_epoch) in self._epochs:
            return self._epochs[committee, key_epoch]
        if self._extended.get((committee, key_epoch - 1), -1) >= day:
            return self.epoch(committee, key_epoch - 1)
        return self.epoch(committee, key_epoch)

    def days_of(self, committee: int, key_epoch: int) -> tuple[int, int]:
        """Return the first and last day on which a key epoch is in force, an extension included."""
        last = self._extended.get((committee, key_epoch), -1)
        return first_day(key_epoch), max(last, last_day(key_epoch))

    def epochs_ready(self, committee: int, from_epoch: int) -> int:
        """Return how many key epochs follow each other from `from_epoch` on; alarm below three."""
        count = 0
        while (committee, from_epoch + count) in self._epochs:
            count += 1
        return count

    # --- bringing news ---------------------------------------------------------------------

    async def sync_keys(self, at_least: int = 0) -> int:
        """Bring the key log up to date, unless it has `at_least` entries; return its size."""
        if at_least and self._keys.size >= at_least:
            return self._keys.size
        async with self._busy:
            if not at_least or self._keys.size < at_least:
                self._replay_keys(await self._keys.grow(self.charter.key_policy()))
        return self._keys.size

    async def sync_law(self) -> int:
        """Bring the law log up to date and take over its key epochs; return its size."""
        async with self._busy:
            before = self._law.size
            self._replay_law(await self._law.grow(self.charter.law_policy()), before)
        return self._law.size

    async def _file(self, log: str, path: str) -> bytes:
        return await self._http.get(
            f"/log/{log}/{path}", limit=limits.HTTP_ANSWER + limits.NOTE, anyone=True
        )

    def _replay_keys(self, entries: Sequence[bytes]) -> None:
        log = self.key_log
        for entry in entries:
            index = log.size
            try:
                self.applied.append(log.apply(index, entry))
            except Refusal as refusal:  # spec Y-9: void, and shown
                self.refused.append(RefusedEntry("key", index, refusal))

    def _replay_law(self, entries: Sequence[bytes], first: int) -> None:
        for index, data in enumerate(entries, first):
            try:
                line = verify_line(self.deployment, data)
                entry = line.signed.entry
                if isinstance(entry, KeyEpochLogged):
                    self._take_epoch(entry, line.time_ms)
                elif isinstance(entry, EpochExtended):
                    self._extended[int(entry.committee), int(entry.key_epoch) - 1] = entry.until_day
            except Refusal as refusal:
                self.refused.append(RefusedEntry("law", index, refusal))

    def _take_epoch(self, entry: KeyEpochLogged, time_ms: int) -> None:
        """Take over a logged key epoch once everything about it holds (DESIGN §4)."""
        committee = charter_at(self._charters, time_ms).committee(int(entry.committee))
        custodians: list[VerifyKey] = [
            verify_key(bytes(custodian.key)) for custodian in committee.custodians
        ]
        if committee.court is None:
            raise CharterRefused(Code.KEY_EPOCH_SIGNATURES, "the committee has no court")
        epoch = EpochId(self.deployment, int(entry.committee), int(entry.key_epoch))
        verified = verify_key_epoch(
            decode_signed(bytes(entry.statement)),
            custodians,
            verify_key(bytes(committee.court.key)),
            epoch,
            committee.threshold,
        )
        name = (epoch.committee, epoch.key_epoch)
        if name in self._epochs:
            refuse_changed_key(self._epochs[name], verified)
        self._epochs[name] = verified
