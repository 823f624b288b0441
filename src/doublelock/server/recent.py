"""Which message ids were accepted lately, so that a retry is recognised without asking the disk."""

from collections.abc import Iterable
from typing import Final

_GENERATION: Final = 100_000
REMEMBERED: Final = 50_000
"""How many of the store's newest messages a start reads."""


class RecentMessages:
    """Two generations of (device, message id).

    A message id is a UUIDv7 and begins with its time: one made after the older generation began and
    not found here is new; an older one must be looked up. It starts with what the store accepted
    last, complete since `since_ms`.
    """

    def __init__(
        self,
        accepted: Iterable[tuple[bytes, bytes]],
        since_ms: int,
        now_ms: int,
        generation: int = _GENERATION,
    ) -> None:
        self._generation = generation
        self._new: set[bytes] = set()
        self._old = {device + message_id for device, message_id in accepted}
        self._new_since = now_ms
        self._old_since = since_ms

    def is_new(self, name: bytes, message_id: bytes, now_ms: int) -> bool:
        """Remember a (device, message id); False when it was, or may have been, accepted before."""
        if name in self._new or name in self._old:
            return False
        if len(self._new) >= self._generation:
            self._old, self._new = self._new, set()
            self._old_since, self._new_since = self._new_since, now_ms
        self._new.add(name)
        return int.from_bytes(message_id[:6], "big") > self._old_since

    def may_be_known(self, name: bytes, message_id: bytes) -> bool:
        """Whether it was or may have been accepted before; remembers nothing."""
        if name in self._new or name in self._old:
            return True
        return int.from_bytes(message_id[:6], "big") <= self._old_since

    def forget(self, name: bytes) -> None:
        """Take back what was not stored after all."""
        self._new.discard(name)
        self._old.discard(name)
