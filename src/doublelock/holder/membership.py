"""Which deployment a party belongs to: its address, the pinned id and the genesis charter.

A party makes its key first and hands over the public half; once the charter names it, it joins.
From then on everything is checked against what was pinned here.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec

from doublelock.holder.identity import IDENTITY_FILE, keep_identity
from doublelock.keep import StateFolder
from doublelock.keep.atomic import read_private
from doublelock.protocol import limits
from doublelock.protocol.api import Charters
from doublelock.protocol.charter import Charter, PartyRef, Role, verify_amendment, verify_genesis
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import Bytes32, Document, Name, decode, encode
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import CharterRefused, Malformed, Refusal, VaultRefused
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.session import PartySubject
from doublelock.transport.http import HttpClient, Identity

_GENESIS: Final = "charter"
_AMENDMENTS: Final = "amendments"
_MEMBERSHIP: Final = "membership"
_NAME_LENGTH: Final = 128
"""As in the charter, which gives the name to read."""


class _Kept(Document, frozen=True):
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    deployment: Bytes32


class PartyLine(Document, frozen=True):
    """What a party hands to the operator before the founding: public, one line of JSON."""

    role: Role
    name: Name
    key: Bytes32


@dataclass(frozen=True, slots=True)
class Pinned:
    """A deployment as a party pinned it: `deployment` (32 bytes) names the first of `charters`.

    The later ones are those known when the party joined: they say who is who, and no more; only
    the law log says which amendment counts.
    """

    address: str
    deployment: DeploymentId
    charters: tuple[Charter, ...]

    @property
    def genesis(self) -> Charter:
        """Return the charter that the deployment id names."""
        return self.charters[0]

    @property
    def charter(self) -> Charter:
        """Return the last one known."""
        return self.charters[-1]


@dataclass(frozen=True, slots=True)
class Membership(Pinned):
    """What a party pinned, with the key by which it acts there."""

    signer: SigningKey

    def party(self, roles: Sequence[Role]) -> PartyRef:
        """Return the party's place. Raises CharterRefused(not-a-holder) outside these roles."""
        return _place(self.charters, self.signer, roles)

    def connect(self) -> HttpClient:
        """Return a client whose sessions this party's key opens; the caller closes it."""
        subject = PartySubject(self.signer.public.encoded)
        return HttpClient(
            self.address, identity=Identity(self.deployment, subject, self.signer.sign)
        )


def make_party(folder: StateFolder, role: Role, name: str, seed: bytes) -> PartyLine:
    """Keep a new identity seed (32 random bytes) and return what the party hands over.

    `name` is 1 to 128 characters that are seen. Raises Malformed(form), VaultRefused(vault-exists):
    an identity is made once.
    """
    if not 0 < len(name) <= _NAME_LENGTH or not name.isprintable() or name.isspace():
        raise Malformed(Code.FORM, f"a name is 1 to {_NAME_LENGTH} characters that can be seen")
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

    Joining again is how a party learns that the server has moved. Raises VaultRefused (no
    identity; another deployment is pinned), WireRefused, CharterRefused(charter-genesis,
    not-a-holder).
    """
    signer = _signer(folder)
    async with HttpClient(address) as http:
        answer = await http.ask("GET", "/v1/charters", None, Charters, anyone=True)
    charters = _follow(answer.documents, deployment)
    party = _place(charters[-1:], signer, (role,))
    pin(folder, address, [one.document for one in charters], deployment)
    return charters[-1], party


def pin(
    folder: StateFolder, address: str, charters: Sequence[bytes], deployment: DeploymentId
) -> Charter:
    """Keep a deployment's address and its signed charters, genesis first; return the last.

    Raises CharterRefused, VaultRefused(vault-exists) where another deployment is pinned.
    """
    charter = _follow(charters, deployment)[-1]
    if folder.has(_MEMBERSHIP) and bytes(_read_kept(folder.path).deployment) != deployment:
        raise VaultRefused(Code.VAULT_EXISTS, "another deployment is pinned here")
    folder.write_open(_GENESIS, charters[0])
    for number, document in enumerate(charters[1:], 1):
        folder.write_open(f"{_AMENDMENTS}/{number:08}", document)
    folder.write_open(_MEMBERSHIP, encode(_Kept(address.rstrip("/"), Bytes32(deployment))))
    return charter


def read_pinned(path: Path) -> Pinned:
    """Return what the party of a state folder pinned; it is public, and needs no key.

    Raises VaultRefused(vault-missing) before `join`, CharterRefused.
    """
    if not (path / _MEMBERSHIP).is_file():
        raise VaultRefused(Code.VAULT_MISSING, "this party has joined no deployment yet")
    kept = _read_kept(path)
    deployment = DeploymentId(bytes(kept.deployment))
    inside = path / _AMENDMENTS
    amendments = sorted(one for one in inside.iterdir()) if inside.is_dir() else []
    documents = [read_private(one, limits.CHARTER * 3) for one in (path / _GENESIS, *amendments)]
    return Pinned(kept.address, deployment, _follow(documents, deployment))


def open_membership(folder: StateFolder) -> Membership:
    """Return what was pinned, with the party's key. Raises what `read_pinned` raises."""
    signer = _signer(folder)
    found = read_pinned(folder.path)
    return Membership(found.address, found.deployment, found.charters, signer)


def _follow(documents: Sequence[bytes], deployment: DeploymentId) -> tuple[Charter, ...]:
    """Return the chain that documents give from genesis on; what does not fit is passed over."""
    if not documents:
        raise CharterRefused(Code.CHARTER_GENESIS, "the server shows no charter")
    chain = [verify_genesis(documents[0], deployment)]
    for document in documents[1:]:
        with contextlib.suppress(Refusal):
            chain.append(verify_amendment(chain[-1], document))
    return tuple(chain)


def _place(charters: Sequence[Charter], signer: SigningKey, roles: Sequence[Role]) -> PartyRef:
    """Return the place that the latest charter with this key gives it."""
    for charter in reversed(charters):
        party = charter.party(signer.public.encoded)
        if party is not None and party.role in roles:
            return party
    wanted = " or ".join(role.value for role in roles)
    raise CharterRefused(Code.NOT_A_HOLDER, f"no {wanted} of this charter has this key")


def _signer(folder: StateFolder) -> SigningKey:
    if not folder.has(IDENTITY_FILE):
        raise VaultRefused(Code.VAULT_MISSING, "this party has no identity yet: init makes it")
    return SigningKey(folder.read(IDENTITY_FILE))


def _read_kept(path: Path) -> _Kept:
    return decode(read_private(path / _MEMBERSHIP, 4096), _Kept, 4096)
