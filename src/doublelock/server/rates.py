"""Token buckets on the monotonic clock: how fast one device may go."""

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused


class Bucket:
    """Tokens that refill; `take` refuses when they run out."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = 0.0

    def take(self, now_s: float, cost: float = 1.0) -> None:
        """Spend tokens at a monotonic time in seconds. Raises WireRefused(too-fast)."""
        tokens = min(self._burst, self._tokens + (now_s - self._at) * self._rate)
        self._at = now_s
        if tokens < cost:
            self._tokens = tokens
            raise WireRefused(Code.TOO_FAST)
        self._tokens = tokens - cost

    @property
    def full(self) -> bool:
        """Whether nothing was spent lately, as of the last `take`; then it may be forgotten."""
        return self._tokens >= self._burst - 1.0
