"""The law log's meaning: a pure fold over its lines, the same for everybody (spec R-20 to R-37).

`LawState.apply` takes the lines in log order and never fails on one: what breaks a rule is void,
counted, and without effect. A state is never changed; each line gives a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from doublelock.protocol import merkle
from doublelock.protocol.bundle import Bundles
from doublelock.protocol.charter import (
    Charter,
    charter_at,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import CharterRefused, LogRefused, Refusal
from doublelock.protocol.handover import Handover
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.lawlog import (
    CharterLogged,
    verify_line,
)
from doublelock.protocol.lawrecords import (
    EpochRecord,
    ReleaseName,
    RequestRecord,
    Tally,
    WarrantRecord,
)
from doublelock.protocol.lawrules import CAP_WINDOW_MS, MissingDocument, Step, may_cancel, void
from doublelock.protocol.overdue import owed_by

__all__ = ["CAP_WINDOW_MS", "LawState", "may_cancel"]

_TOKEN: Final = object()


def _nothing() -> MappingProxyType[Any, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Tree:
    """The log's root at every size so far; later states share the list of earlier ones."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()
    roots: list[bytes] = field(default_factory=lambda: [merkle.EMPTY_ROOT])

    def append(self, line: bytes) -> "_Tree":
        peaks, node, size = list(self.peaks), merkle.leaf_hash(line), self.size
        while size & 1:
            node, size = merkle.node_hash(peaks.pop(), node), size >> 1
        peaks.append(node)
        root = peaks[-1]
        for peak in reversed(peaks[:-1]):
            root = merkle.node_hash(peak, root)
        # Only the newest state may extend the list that it shares; an older one goes its own way.
        shared = len(self.roots) == self.size + 1
        roots = self.roots if shared else self.roots[: self.size + 1]
        roots.append(root)
        return _Tree(self.size + 1, tuple(peaks), roots)


@dataclass(frozen=True, slots=True)
class LawState:
    """The law log up to `size` lines: charters, warrants, requests, key epochs, bundles.

    Begin with `begin`, go on with `apply`. `void` counts lines without effect, `last_void` says why
    the latest was void.
    """

    token: object = field(repr=False, compare=False)
    deployment: DeploymentId
    charters: tuple[Charter, ...]
    tree: _Tree = field(repr=False, compare=False)
    time_ms: int = 0
    handovers: tuple[Handover, ...] = ()
    founded: bool = False
    warrants: Mapping[bytes, WarrantRecord] = field(default_factory=_nothing)
    requests: Mapping[bytes, RequestRecord] = field(default_factory=_nothing)
    recent: Mapping[int, tuple[RequestRecord, ...]] = field(default_factory=_nothing)
    epochs: Mapping[tuple[int, int], EpochRecord] = field(default_factory=_nothing)
    extensions: Mapping[tuple[int, int], int] = field(default_factory=_nothing)
    releases: Mapping[ReleaseName, bytes] = field(default_factory=_nothing)
    tallies: Mapping[int, Tally] = field(default_factory=_nothing)
    bundles: Bundles = field(default_factory=_nothing)
    void: int = 0
    last_void: Code | None = None

    def __post_init__(self) -> None:
        if self.token is not _TOKEN:
            raise TypeError("a LawState comes from LawState.begin and LawState.apply")

    @classmethod
    def begin(cls, genesis: Charter) -> "LawState":
        """Return the state before the first line, under the genesis charter that one pinned."""
        if genesis.terms.sequence != 0:
            raise CharterRefused(Code.CHARTER_GENESIS, "not the first charter")
        return cls(_TOKEN, genesis.deployment, (genesis,), _Tree())

    @property
    def size(self) -> int:
        """How many lines were folded: the index that comes next."""
        return self.tree.size

    @property
    def root(self) -> bytes:
        """Return the Merkle root over all lines so far (32 bytes, RFC 6962)."""
        return self.tree.roots[self.size]

    def root_at(self, size: int) -> bytes:
        """Return the root when the log had `size` lines. Raises LogRefused(log-range)."""
        if not 0 <= size <= self.size:
            raise LogRefused(Code.LOG_RANGE, f"size {size} of {self.size}")
        return self.tree.roots[size]

    @property
    def witnessed(self) -> Charter:
        """Return the charter whose witnesses hold the logs: the last that was handed to (R-40)."""
        return self.handovers[-1].charter if self.handovers else self.charters[0]

    @property
    def begin_ms(self) -> int:
        """Return when the genesis charter took effect."""
        return self.charters[0].terms.effective_ms

    def charter(self, time_ms: int) -> Charter:
        """Return the charter in force at a time. Raises CharterRefused."""
        return charter_at(self.charters, time_ms)

    def overdue(self, agency: bytes, time_ms: int) -> tuple[WarrantRecord, ...]:
        """Return the warrants whose overdue notices an agency owes, by its key (R-16)."""
        return owed_by(agency, self.warrants.values(), self.charters, time_ms)

    def apply(
        self, index: int, line: bytes, documents: Mapping[bytes, bytes] = MappingProxyType({})
    ) -> "LawState":
        """Return the state after the line at `index`; a line that breaks a rule is only counted.

        `documents` holds signed charters by SHA-256 of their bytes. Raises LogRefused(log-gap) when
        `index` is not the next, CharterRefused(charter-missing) when the line names an amendment
        that is not among them: fetch it and apply the line again.
        """
        if index != self.size:
            raise LogRefused(Code.LOG_GAP, f"line {index}, expected {self.size}")
        try:
            state = self._judge(line, documents)
        except MissingDocument as missing:
            raise CharterRefused(Code.CHARTER_MISSING, missing.detail) from None
        except Refusal as refusal:
            state = replace(self, void=self.void + 1, last_void=refusal.code)
        return replace(state, tree=self.tree.append(line))

    def _judge(self, line: bytes, documents: Mapping[bytes, bytes]) -> "LawState":
        verified = verify_line(self.deployment, line)
        if verified.time_ms < self.time_ms:
            raise void(Code.ENTRY_TIME, "before the line above")
        charter = charter_at(self.charters, verified.time_ms)
        party = charter.party(verified.signed.author)
        if party is None:
            raise void(Code.ENTRY_AUTHOR, "no party of the charter")
        if self.founded == isinstance(verified.signed.entry, CharterLogged):
            raise void(Code.ENTRY_VOID, "the genesis charter comes first, and once")
        step = Step(self, charter, party, verified.time_ms, verified.signed, documents)
        return replace(step.take(), time_ms=verified.time_ms)
