"""Who a holder is: its key, and the place that each charter gives it (spec K-16)."""

from dataclasses import dataclass

from doublelock.keep import StateFolder
from doublelock.protocol.charter_terms import Committee
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.partial import COURT

IDENTITY_FILE = "identity"


@dataclass(frozen=True, slots=True)
class HolderIdentity:
    """A custodian (index from 1) or the court (0) of one committee, with its identity key.

    `index` is its number in the latest charter known when the folder was opened: it names the
    holder and orders turns. What a rule needs is `place` in the charter that the rule means.
    """

    committee: int
    index: int
    signer: SigningKey

    @property
    def key(self) -> bytes:
        """The public key, 32 bytes."""
        return self.signer.public.encoded

    @property
    def name(self) -> str:
        """How reports call this holder."""
        return "court" if self.index == COURT else f"custodian {self.index}"

    @property
    def is_court(self) -> bool:
        """Whether this is the court."""
        return self.index == COURT

    def place(self, committee: Committee | None) -> int | None:
        """Return this holder's number in a committee, 0 for the court, None if it has no part."""
        if committee is None or committee.court is None:
            return None
        if self.is_court:
            return COURT if committee.court.key == self.key else None
        numbers = [one.index for one in committee.custodians if one.key == self.key]
        return numbers[0] if numbers else None


def keep_identity(folder: StateFolder, seed: bytes) -> SigningKey:
    """Keep a party's identity seed (32 random bytes), once; return its key.

    Raises VaultRefused, Malformed(BAD_SCALAR). A seed that is there already stays.
    """
    known = folder.find(IDENTITY_FILE)
    if known is None:
        SigningKey(seed)  # refused before it is kept
        folder.write(IDENTITY_FILE, seed)
        known = seed
    return SigningKey(known)
