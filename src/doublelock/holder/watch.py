"""A party's own copy of the law log: fetched, proved against the witnesses, folded (spec R-14).

The last head is kept on disk before anything relies on it: a log that is rolled back, forked or
forgotten between two runs is refused, whoever serves it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from doublelock.keep import StateFolder
from doublelock.log.reader import LogReader
from doublelock.protocol import limits
from doublelock.protocol.api import Charters
from doublelock.protocol.charter import Charter
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import CharterRefused, LogRefused, WireRefused
from doublelock.protocol.handover import LogName, signed_policy, verify_checkpoint
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.policy import CosignedCheckpoint, Policy
from doublelock.protocol.release import LawHead, LawProof, prove_law
from doublelock.transport.http import HttpClient

_HEAD = "law/head"


class LogFiles:
    """One log's files over the HTTP client; a missing file is None, as `LogReader` wants it."""

    def __init__(self, http: HttpClient, prefix: str) -> None:
        self._http = http
        self._prefix = prefix

    async def __call__(self, path: str) -> bytes | None:
        """Return a file's bytes. Raises WireRefused."""
        try:
            return await self._http.get(
                f"{self._prefix}/{path}", limit=limits.LOG_FILE, anyone=True
            )
        except WireRefused as refusal:
            if refusal.code is Code.NOT_FOUND:
                return None
            raise


@dataclass(frozen=True, slots=True)
class LogCopy:
    """A whole log: every entry of one cosigned checkpoint, and the checkpoint's note."""

    entries: tuple[bytes, ...]
    note: bytes


async def copy_keys(http: HttpClient, law: LawState, now_ms: int | None = None) -> LogCopy:
    """Return a copy of the key log as it is served now, checked against its cosigned checkpoint.

    `law` says who must have cosigned it (R-40). Raises LogRefused, WireRefused, Malformed.
    """
    reader = LogReader(LogFiles(http, "/log/key"), signed_policy(LogName.KEY, law.charters[0]))
    head = await reader.refresh()
    verify_checkpoint(LogName.KEY, law, head.note, now_ms)
    entries = tuple([entry async for _, entry in reader.entries()])
    return LogCopy(entries, head.note.encode())


class LawWatch:
    """Follows the law log from genesis on; `folder` keeps the last head across runs, if given."""

    def __init__(self, http: HttpClient, genesis: Charter, folder: StateFolder | None) -> None:
        self._http = http
        self._folder = folder
        self._documents: dict[bytes, bytes] = {}
        self.state = LawState.begin(genesis)
        self.checkpoint: CosignedCheckpoint | None = None
        self._reader: LogReader | None = None
        self.last_head: LawHead | None = None
        """The last head that was kept; every later state continues it."""
        self.lines: list[bytes] = []
        """Every line so far, as logged: what evidence and audits carry."""

    async def update(self, now_ms: int | None = None) -> LawState:
        """Fetch what is new, prove it, fold it, and keep the head before returning the state.

        Whose cosignatures count, the lines themselves say (R-40). Raises LogRefused (log-stale,
        log-fork, log-proof, log-quorum, log-missing), WireRefused, CharterRefused; then the state
        is as it was.
        """
        if self._reader is None:
            policy = signed_policy(LogName.LAW, self.state.charters[0])
            self._reader = LogReader(LogFiles(self._http, "/log/law"), policy, self._kept(policy))
        state = self.state
        try:
            await self._reader.refresh()
            lines = [entry async for entry in self._reader.entries(state.size)]
            for index, line in lines:
                state = await self._apply(state, index, line)
            head = self._verify(self._reader, state, now_ms)
        except BaseException:
            # It may stand at a head that no witness saw: nothing is to be held against that.
            self._reader = None
            raise
        if self._folder is not None:
            self._folder.write_open(_HEAD, head.note.encode())
        self.lines.extend(line for _, line in lines)
        self.state, self.checkpoint = state, head
        self.last_head = LawHead(state.size, state.root)
        return state

    @property
    def note(self) -> bytes:
        """The present checkpoint's note. Raises LogRefused(log-missing) before the first update."""
        if self.checkpoint is None:
            raise LogRefused(Code.LOG_MISSING, "no checkpoint was fetched yet")
        return self.checkpoint.note.encode()

    @property
    def amendments(self) -> list[bytes]:
        """The signed amendments in the state's chain of charters, genesis aside."""
        return [charter.document for charter in self.state.charters[1:]]

    def is_fresh(self, now_ms: int) -> bool:
        """Say whether the present checkpoint is as young as a release would demand (R-14)."""
        seen_s = None if self.checkpoint is None else self.checkpoint.quorum_time_s
        age_ms = self.state.charter(now_ms).terms.checkpoint_age_ms
        return seen_s is not None and now_ms - seen_s * 1000 <= age_ms

    def prove(self, now_ms: int) -> LawProof:
        """Return the proof of the present state at its checkpoint under the charter in force.

        Raises what `prove_law` raises, LogRefused(log-missing) before the first update.
        """
        return prove_law(self.state.charter(now_ms), self.state, self.note, now_ms)

    async def proof(self, index: int) -> bytes:
        """Return the offline proof of a line under the present checkpoint. Raises LogRefused."""
        if self._reader is None:
            raise LogRefused(Code.LOG_MISSING, "no checkpoint was fetched yet")
        return (await self._reader.tlog_proof(index)).encode()

    def _verify(self, reader: LogReader, state: LawState, now_ms: int | None) -> CosignedCheckpoint:
        assert reader.head is not None
        head = verify_checkpoint(LogName.LAW, state, reader.head.note, now_ms)
        if (state.size, state.root) != (head.checkpoint.size, head.checkpoint.root):
            raise LogRefused(Code.LOG_PROOF, "the lines do not give the checkpoint's root")
        return head

    def _kept(self, policy: Policy) -> CosignedCheckpoint | None:
        if self.checkpoint is not None:
            return self.checkpoint
        if self._folder is None or not self._folder.has(_HEAD):
            return None
        kept = policy.verify(self._folder.read_open(_HEAD))
        self.last_head = LawHead(kept.checkpoint.size, kept.checkpoint.root)
        return kept

    async def _apply(self, state: LawState, index: int, line: bytes) -> LawState:
        try:
            return state.apply(index, line, self._documents)
        except CharterRefused as refusal:
            if refusal.code is not Code.CHARTER_MISSING:
                raise
        charters = await self._http.ask("GET", "/v1/charters", None, Charters, anyone=True)
        for document in charters.documents:
            self._documents[hashlib.sha256(document).digest()] = document
        return state.apply(index, line, self._documents)


Clock = Callable[[], int]
"""The deployment's clock: milliseconds since 1970-01-01 UTC."""
