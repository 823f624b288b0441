"""The deployment's clock: the machine's own, or one that lives on another day."""

import time


class WallClock:
    """The machine's time in milliseconds."""

    def __call__(self) -> int:
        """Return the time in ms since 1970 UTC."""
        return time.time_ns() // 1_000_000

    def advance_to(self, time_ms: int) -> None:
        """Do nothing: nobody moves this clock."""


class ReplayClock:
    """A clock that starts at a time of the past, runs at real speed, and can be moved forward."""

    def __init__(self, start_ms: int) -> None:
        self._base_ms = start_ms
        self._since = time.monotonic_ns()

    def __call__(self) -> int:
        """Return the time in ms since 1970 UTC."""
        return self._base_ms + (time.monotonic_ns() - self._since) // 1_000_000

    def advance_to(self, time_ms: int) -> None:
        """Move forward to a time; a time that has passed changes nothing."""
        if time_ms > self():
            self._base_ms = time_ms
            self._since = time.monotonic_ns()


Clock = WallClock | ReplayClock
