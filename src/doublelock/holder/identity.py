"""Who a holder is: its key in the charter, its committee and its index."""

from dataclasses import dataclass

from doublelock.keep import StateFolder
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.partial import COURT

IDENTITY_FILE = "identity"


@dataclass(frozen=True, slots=True)
class HolderIdentity:
    """A custodian (index from 1) or the court (0) of one committee, with its identity key."""

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
