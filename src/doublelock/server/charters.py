"""The charters that a running server goes by; the chain grows when the law log does (C-10)."""

from collections.abc import Callable, Sequence

from doublelock.protocol.charter import (
    Charter,
    PartyRef,
    charter_at,
    receipt_key_at,
    skew_at,
)


class CharterChain:
    """Every charter from genesis on; calling it gives the one in force by the server's clock."""

    def __init__(self, charters: Sequence[Charter], clock: Callable[[], int]) -> None:
        self._charters = tuple(charters)
        self._clock = clock

    def __call__(self) -> Charter:
        """Return the charter in force. Raises CharterRefused(charter-sequence) before the first."""
        return charter_at(self._charters, self._clock())

    @property
    def all(self) -> tuple[Charter, ...]:
        """Return the whole chain, what is not in force yet included."""
        return self._charters

    def replace(self, charters: Sequence[Charter]) -> None:
        """Take over the chain as the law log has it."""
        self._charters = tuple(charters)

    def skew_ms(self, time_ms: int) -> int:
        """Return the skew in ms of the charter in force at a time."""
        return skew_at(self._charters, time_ms)

    def receipt_key(self, time_ms: int) -> bytes:
        """Return the key (32) that signs what the server says at a time (C-13)."""
        return receipt_key_at(self._charters, time_ms)

    def escrows(self) -> tuple[bool, frozenset[bool]]:
        """Say whether the charter in force escrows, and what it and those before it said."""
        present = self()
        so_far = self._charters[: self._charters.index(present) + 1]
        said = [charter.terms.escrow == "threshold" for charter in so_far]
        return said[-1], frozenset(said)

    def party(self, key: bytes) -> PartyRef | None:
        """Return a party of the charter in force, or of any other: whom to let into a session.

        Who may do what is for the routes: a resharing brings together who left and who is to come.
        """
        party = self().party(key)
        others = (charter.party(key) for charter in reversed(self._charters))
        return party or next((found for found in others if found is not None), None)
