"""Which deployment a party belongs to: its address, the pinned id and the genesis charter.

A party makes its key first and hands over the public half; once the charter names it, it joins.
From then on everything is checked against what was pinned here.
"""

from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from doublelock.holder.enrolment import GENESIS_FILE, follow, keep_charters
from doublelock.holder.identity import IDENTITY_FILE, keep_identity
from doublelock.keep import StateFolder
from doublelock.protocol import limits
from doublelock.protocol.api import Charters
from doublelock.protocol.charter import Charter, PartyRef, Role, verify_genesis
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import Bytes32, Document, Name, decode, encode
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import CharterRefused, VaultRefused
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.session import PartySubject
from doublelock.transport.http import HttpClient, Identity

_MEMBERSHIP: Final = "membership"


class _Kept(Document, frozen=True):
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    deployment: Bytes32


class PartyLine(Document, frozen=True):
    """What a party hands to the operator before the founding: public, one line of JSON."""

    role: Role
    name: Name
    key: Bytes32


@dataclass(frozen=True, slots=True)
class Membership:
    """A deployment as a party pinned it; `genesis` was verified against `deployment` (32 bytes)."""

    address: str
    deployment: DeploymentId
    genesis: Charter
    signer: SigningKey

    def connect(self) -> HttpClient:
        """Return a client whose sessions this party's key opens; the caller closes it."""
        subject = PartySubject(self.signer.public.encoded)
        return HttpClient(
            self.address, identity=Identity(self.deployment, subject, self.signer.sign)
        )


def make_party(folder: StateFolder, role: Role, name: str, seed: bytes) -> PartyLine:
    """Keep a new identity seed (32 random bytes) and return what the party hands over.

    Raises VaultRefused(vault-exists): an identity is made once.
    """
    if folder.has(IDENTITY_FILE):
        raise VaultRefused(Code.VAULT_EXISTS, "this folder has its identity")
    return PartyLine(role, name, Bytes32(keep_identity(folder, seed).public.encoded))


def write_line(line: PartyLine) -> str:
    """Return a party's line as text, for the parties file."""
    return encode(line).decode()


async def join(
    folder: StateFolder, address: str, deployment: DeploymentId, role: Role
) -> tuple[Charter, PartyRef]:
    """Pin a deployment once its charter names this party; return charter and place in it.

    Raises VaultRefused (no identity; another deployment is pinned), WireRefused,
    CharterRefused(charter-genesis, not-a-holder).
    """
    signer = _signer(folder)
    if folder.has(_MEMBERSHIP) and bytes(_kept(folder).deployment) != deployment:
        raise VaultRefused(Code.VAULT_EXISTS, "another deployment is pinned here")
    http = HttpClient(address)
    try:
        answer = await http.ask(
            "GET", "/v1/charters", None, Charters, anyone=True, limit=limits.HTTP_ANSWER
        )
    finally:
        await http.close()
    if not answer.documents:
        raise CharterRefused(Code.CHARTER_GENESIS, "the server shows no charter")
    charters = follow(verify_genesis(answer.documents[0], deployment), answer.documents[1:])
    genesis, charter = charters[0], charters[-1]
    party = charter.party(signer.public.encoded)
    if party is None or party.role is not role:
        raise CharterRefused(Code.NOT_A_HOLDER, f"no {role.value} of this charter has this key")
    keep_charters(folder, genesis.document, [one.document for one in charters[1:]])
    folder.write_open(_MEMBERSHIP, encode(_Kept(address.rstrip("/"), Bytes32(deployment))))
    return charter, party


def open_membership(folder: StateFolder) -> Membership:
    """Return what was pinned. Raises VaultRefused(vault-missing) before `join`."""
    signer = _signer(folder)
    if not folder.has(_MEMBERSHIP):
        raise VaultRefused(Code.VAULT_MISSING, "this party has joined no deployment yet")
    kept = _kept(folder)
    deployment = DeploymentId(bytes(kept.deployment))
    genesis = verify_genesis(folder.read_open(GENESIS_FILE), deployment)
    return Membership(kept.address, deployment, genesis, signer)


def _signer(folder: StateFolder) -> SigningKey:
    if not folder.has(IDENTITY_FILE):
        raise VaultRefused(Code.VAULT_MISSING, "this party has no identity yet: init makes it")
    return SigningKey(folder.read(IDENTITY_FILE))


def _kept(folder: StateFolder) -> _Kept:
    return decode(folder.read_open(_MEMBERSHIP), _Kept, 4096)
