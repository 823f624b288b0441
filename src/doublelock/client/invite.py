"""Invites: one line of text that carries everything a newcomer needs to trust (DESIGN §2).

`<address>/#<base64url>`: the fragment never reaches a server. It holds the deployment id, which
pins the genesis charter and so every log and witness key, and the invitation with its key's seed.
"""

from dataclasses import dataclass, field
from typing import Final

from doublelock.protocol.codes import Code
from doublelock.protocol.documents import decode_base64url, encode_base64url
from doublelock.protocol.ed25519 import SEED_SIZE, SigningKey
from doublelock.protocol.encoding import Reader, u8
from doublelock.protocol.errors import GroupRefused, Malformed
from doublelock.protocol.group_link import GroupLink
from doublelock.protocol.identifiers import (
    DEPLOYMENT_SIZE,
    AccountId,
    DeploymentId,
    DeviceId,
)
from doublelock.protocol.keylog_entry import (
    INVITATION_SIZE,
    NO_DEVICE,
    NOBODY,
    Invitation,
    Signer,
    decode_invitation,
    make_invitation,
)

_VERSION: Final = 1
_ADDRESS: Final = 512


@dataclass(frozen=True, slots=True)
class Invite:
    """An invitation to one deployment with the secret that uses it (32 bytes, once)."""

    address: str
    deployment: DeploymentId
    invitation: Invitation
    seed: bytes = field(repr=False)

    def encode(self) -> str:
        """Return the invite's line; whoever has it can use it."""
        data = u8(_VERSION) + self.deployment + self.seed + self.invitation.encode()
        return f"{self.address}/#{encode_base64url(data)}"


@dataclass(frozen=True, slots=True)
class PinnedAddress:
    """Where a deployment is and which one it is; public, for a further device of a member."""

    address: str
    deployment: DeploymentId

    def encode(self) -> str:
        """Return `<address>/#<deployment id in hexadecimal>`."""
        return f"{self.address.rstrip('/')}/#{self.deployment.hex()}"


def decode_address(text: str) -> PinnedAddress:
    """Return the address in a line of text. Raises Malformed."""
    address, fragment = _split(text, "not an address of a deployment")
    try:
        deployment = bytes.fromhex(fragment)
    except ValueError:
        deployment = b""
    if len(deployment) != DEPLOYMENT_SIZE:
        raise Malformed(Code.FORM, "not an address of a deployment")
    return PinnedAddress(address, DeploymentId(deployment))


def _split(text: str, wrong: str) -> tuple[str, str]:
    address, mark, fragment = text.strip().partition("/#")
    if not mark or len(address) > _ADDRESS or not address.startswith(("http://", "https://")):
        raise Malformed(Code.FORM, wrong)
    return address, fragment


def decode_invite(text: str) -> Invite:
    """Return the invite in a line of text. Raises Malformed."""
    address, fragment = _split(text, "not an invite")
    if len(fragment) > 2 * (INVITATION_SIZE + 128):
        raise Malformed(Code.SIZE, "invite")
    try:
        reader = Reader(decode_base64url(fragment))
    except ValueError:
        raise Malformed(Code.FORM, "not an invite") from None
    if reader.u8() != _VERSION:
        raise Malformed(Code.FORM, "invite version")
    deployment = DeploymentId(reader.take(DEPLOYMENT_SIZE))
    seed = reader.take(SEED_SIZE)
    return Invite(address, deployment, decode_invitation(reader.rest()), seed)


def invite_in(link: GroupLink) -> Invite:
    """Return what a newcomer registers by. Raises GroupRefused where the link holds no such."""
    if link.invitation is None:
        raise GroupRefused(Code.INVITATION_REFUSED, "a group's link for who has an account")
    return Invite(link.address, link.deployment, link.invitation, link.seed)


def make_invite(
    address: str,
    deployment: DeploymentId,
    sign: Signer,
    seed: bytes,
    committee: int,
    expires_ms: int,
    *,
    inviter: AccountId = NOBODY,
    inviter_device: DeviceId = NO_DEVICE,
    reset_of: AccountId | None = None,
) -> Invite:
    """Return an invite signed by a member's device, or by the charter's genesis invite key.

    `seed` is 32 fresh random bytes.
    """
    invitation = make_invitation(
        deployment,
        sign,
        SigningKey(seed).public.encoded,
        committee,
        expires_ms,
        inviter=inviter,
        inviter_device=inviter_device,
        reset_of=reset_of,
    )
    return Invite(address.rstrip("/"), deployment, invitation, seed)
