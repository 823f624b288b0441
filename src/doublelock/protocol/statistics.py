"""Periodic statistics, counted from the law log itself, and held against it by everybody (R-37).

An operator states what a committee's law did in a period; whoever has the log counts again.
"""

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType

from doublelock.protocol.charter import Charter
from doublelock.protocol.errors import Refusal
from doublelock.protocol.lawlog import Statistics, verify_line
from doublelock.protocol.lawrecords import Tally
from doublelock.protocol.lawstate import LawState


@dataclass(frozen=True, slots=True)
class StatedStatistics:
    """A statistics line that counts, at its index; `holds` when it says what the log says."""

    index: int
    stated: Statistics
    holds: bool


class Counts:
    """What a law log counted up to at every moment; `documents` holds amendments by SHA-256.

    Raises CharterRefused(charter-missing) where a line names an amendment that is not there.
    """

    def __init__(
        self,
        genesis: Charter,
        lines: Sequence[bytes],
        documents: Mapping[bytes, bytes] = MappingProxyType({}),
    ) -> None:
        self._times: list[int] = []
        self._tallies: list[Mapping[int, Tally]] = []
        self._stated: list[tuple[int, int, Statistics]] = []
        state = LawState.begin(genesis)
        for index, line in enumerate(lines):
            after = state.apply(index, line, documents)
            self._times.append(after.time_ms)
            self._tallies.append(after.tallies)
            if after.void == state.void:
                self._remember(state, index, line)
            state = after

    def count(self, committee: int, from_ms: int, until_ms: int) -> Statistics:
        """Return a committee's counts from a time to before another, by the lines' stamps."""
        before, after = self._at(committee, from_ms), self._at(committee, until_ms)
        more = {
            one.name: getattr(after, one.name) - getattr(before, one.name) for one in fields(Tally)
        }
        return Statistics(committee=committee, from_ms=from_ms, until_ms=until_ms, **more)

    def check(self) -> tuple[StatedStatistics, ...]:
        """Return every statistics line, held against the log; its period was over when stated."""
        return tuple(
            StatedStatistics(
                index,
                stated,
                stated.until_ms <= time_ms
                and stated == self.count(stated.committee, stated.from_ms, stated.until_ms),
            )
            for index, time_ms, stated in self._stated
        )

    def _at(self, committee: int, time_ms: int) -> Tally:
        lines = bisect.bisect_left(self._times, time_ms)
        return self._tallies[lines - 1].get(committee, Tally()) if lines else Tally()

    def _remember(self, state: LawState, index: int, line: bytes) -> None:
        try:
            logged = verify_line(state.deployment, line)
        except Refusal:
            return
        if isinstance(logged.signed.entry, Statistics):
            self._stated.append((index, logged.time_ms, logged.signed.entry))
