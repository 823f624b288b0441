"""Who a holder is: its key in the charter, its committee and its index."""

from dataclasses import dataclass
from typing import Self

from doublelock.keep import StateFolder
from doublelock.protocol.charter import Charter, Role
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import CharterRefused
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.partial import COURT
from doublelock.protocol.session import PartySubject
from doublelock.transport.http import Identity

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

    @classmethod
    def load(cls, folder: StateFolder, charter: Charter, role: Role) -> Self:
        """Return the identity in a state folder, as the charter knows it.

        Raises VaultRefused (no identity), CharterRefused(NOT_A_HOLDER).
        """
        signer = SigningKey(folder.read(IDENTITY_FILE))
        party = charter.party(signer.public.encoded)
        if party is None or party.role is not role or party.committee is None:
            raise CharterRefused(Code.NOT_A_HOLDER, f"no {role.value} of this charter")
        return cls(party.committee, party.index, signer)

    def session(self, deployment: DeploymentId) -> Identity:
        """Return what opens this holder's sessions with the server."""
        return Identity(deployment, PartySubject(self.key), self.signer.sign)


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
