"""Links into groups, and the requests of those who follow them (spec G-20 to G-24).

A link's secret is made by one device of an administrator and stays with whoever has the link. A
request proves that its sender has it, says so by a signature, and tells the server nothing of the
group.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from doublelock.protocol import ed25519, limits
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import decode_base64url, encode_base64url
from doublelock.protocol.ed25519 import SEED_SIZE
from doublelock.protocol.encoding import Reader, tagged, u8, u64
from doublelock.protocol.errors import GroupRefused, Malformed
from doublelock.protocol.identifiers import (
    ACCOUNT_SIZE,
    CONVERSATION_SIZE,
    DEPLOYMENT_SIZE,
    DEVICE_SIZE,
    AccountId,
    ConversationId,
    DeploymentId,
    DeviceId,
)
from doublelock.protocol.keylog_entry import (
    SIGNATURE_SIZE,
    Invitation,
    Signer,
    decode_invitation,
)

SECRET_SIZE: Final = 32
_VERSION: Final = 2
_REQUEST_VERSION: Final = 1
_MAC_SIZE: Final = 32
_TAG_KEY: Final = b"doublelock/v1/group-link"
_TAG_MAC: Final = b"doublelock/v1/join-request/mac"
_TAG_REQUEST: Final = b"doublelock/v1/join-request"


@dataclass(frozen=True, slots=True)
class GroupLink:
    """A way into a group: whose device answers, until when, and the secret (32 bytes).

    `name` is the group's as its maker said it, at most 128 bytes. With `invitation` and `seed` (32
    bytes) one newcomer can register by it first.
    """

    address: str
    deployment: DeploymentId
    conversation: ConversationId
    inviter: AccountId
    device: DeviceId
    expires_ms: int
    secret: bytes = field(repr=False)
    name: bytes = b""
    invitation: Invitation | None = None
    seed: bytes = field(default=b"", repr=False)

    def encode(self) -> str:
        """Return the link's line; whoever has it can ask. Raises Malformed(SIZE)."""
        if len(self.name) > limits.GROUP_LINK_NAME:
            raise Malformed(Code.SIZE, "a group's name in a link")
        pieces = [
            u8(_VERSION),
            self.deployment,
            self.conversation,
            self.inviter,
            self.device,
            u64(self.expires_ms),
            self.secret,
            u8(len(self.name)),
            self.name,
        ]
        if self.invitation is not None:
            pieces += [self.seed, self.invitation.encode()]
        return f"{self.address}/#{encode_base64url(b''.join(pieces))}"

    def mac(self, account: AccountId, device: DeviceId, time_ms: int) -> bytes:
        """Return what proves the secret for one device's request (32 bytes, spec G-21)."""
        info = tagged(
            _TAG_KEY,
            self.deployment,
            self.conversation,
            self.inviter,
            self.device,
            u64(self.expires_ms),
        )
        key = HKDF(SHA256(), 32, None, info).derive(self.secret)
        message = tagged(_TAG_MAC, account, device, u64(time_ms))
        return hmac.digest(key, message, hashlib.sha256)


def decode_group_link(text: str) -> GroupLink:
    """Return the link in a line of text. Raises Malformed."""
    address, mark, fragment = text.strip().partition("/#")
    if (
        not mark
        or len(address) > limits.GROUP_LINK_ADDRESS
        or not address.startswith(("http://", "https://"))
    ):
        raise Malformed(Code.FORM, "not a group's link")
    if len(fragment) > limits.GROUP_LINK_FRAGMENT:
        raise Malformed(Code.SIZE, "group link")
    try:
        reader = Reader(decode_base64url(fragment))
    except ValueError:
        raise Malformed(Code.FORM, "not a group's link") from None
    if reader.u8() != _VERSION:
        raise Malformed(Code.FORM, "group link version")
    deployment = DeploymentId(reader.take(DEPLOYMENT_SIZE))
    conversation = ConversationId(reader.take(CONVERSATION_SIZE))
    inviter = AccountId(reader.take(ACCOUNT_SIZE))
    device = DeviceId(reader.take(DEVICE_SIZE))
    expires_ms = reader.u64()
    secret = reader.take(SECRET_SIZE)
    size = reader.u8()
    if size > limits.GROUP_LINK_NAME:
        raise Malformed(Code.SIZE, "a group's name in a link")
    name = reader.take(size)
    rest = reader.rest()
    invitation, seed = None, b""
    if rest:
        tail = Reader(rest)
        seed = tail.take(SEED_SIZE)
        invitation = decode_invitation(tail.rest())
    return GroupLink(
        address,
        deployment,
        conversation,
        inviter,
        device,
        expires_ms,
        secret,
        name,
        invitation,
        seed,
    )


def is_group_link(text: str) -> bool:
    """Say whether a line is a group's link, by its version alone; an invite is another."""
    fragment = text.strip().partition("/#")[2]
    try:
        return decode_base64url(fragment[:4])[:1] == u8(_VERSION)
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """A request as decoded: nothing of it is verified yet."""

    time_ms: int
    mac: bytes
    signature: bytes

    def encode(self) -> bytes:
        """Return the request's 105 bytes."""
        return u8(_REQUEST_VERSION) + u64(self.time_ms) + self.mac + self.signature

    def opens(self, link: GroupLink, account: AccountId, device: DeviceId) -> bool:
        """Say whether the request was made with this link, by this device of this account."""
        return hmac.compare_digest(self.mac, link.mac(account, device, self.time_ms))


def make_join_request(
    link: GroupLink, account: AccountId, device: DeviceId, sign: Signer, time_ms: int
) -> JoinRequest:
    """Return a device's request to be let into a link's group, signed by the device's key."""
    mac = link.mac(account, device, time_ms)
    signature = sign(_signed(link, account, device, time_ms, mac))
    return JoinRequest(time_ms, mac, signature)


def decode_join_request(data: bytes) -> JoinRequest:
    """Return the request of 105 bytes; only its form is checked. Raises Malformed."""
    reader = Reader(data)
    if reader.u8() != _REQUEST_VERSION:
        raise Malformed(Code.FORM, "join request version")
    time_ms = reader.u64()
    mac, signature = reader.take(_MAC_SIZE), reader.take(SIGNATURE_SIZE)
    reader.end()
    return JoinRequest(time_ms, mac, signature)


def check_join_request(
    request: JoinRequest,
    link: GroupLink,
    account: AccountId,
    device: DeviceId,
    key: bytes,
    answered_ms: int,
    now_ms: int,
    skew_ms: int,
) -> None:
    """Refuse a request that does not count (spec G-22).

    `key` is the device's, which the key log lists for the account; `answered_ms` the time of the
    account's last request that was answered for this group, 0 for none. Raises GroupRefused:
    invitation-refused, invitation-expired, invitation-used; bad-signature by Ed25519.
    """
    if not request.opens(link, account, device):
        raise GroupRefused(Code.INVITATION_REFUSED, "another link's, or none's")
    signed = _signed(link, account, device, request.time_ms, request.mac)
    ed25519.verify(key, request.signature, signed)
    if request.time_ms > now_ms + skew_ms:
        raise GroupRefused(Code.INVITATION_REFUSED, "made ahead of time")
    if max(now_ms, request.time_ms) > link.expires_ms:
        raise GroupRefused(Code.INVITATION_EXPIRED, "the group's link")
    if request.time_ms <= answered_ms:
        raise GroupRefused(Code.INVITATION_USED, "answered already")


def _signed(
    link: GroupLink, account: AccountId, device: DeviceId, time_ms: int, mac: bytes
) -> bytes:
    return tagged(
        _TAG_REQUEST,
        link.deployment,
        link.inviter,
        link.device,
        account,
        device,
        u64(time_ms),
        mac,
    )
