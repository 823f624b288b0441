"""Key-log entries and invitations, byte for byte; what they mean is in `keylog` (spec Y).

Signed bytes never mix: each signature has its own tag, so a proof of possession cannot pass for an
author's signature, nor an invitation for an entry.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise
from typing import Final

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import Reader, tagged, u8, u16, u32, u64
from doublelock.protocol.errors import Malformed
from doublelock.protocol.identifiers import (
    ACCOUNT_SIZE,
    DEVICE_SIZE,
    AccountId,
    DeploymentId,
    DeviceId,
    name_device,
)

Signer = Callable[[bytes], bytes]
"""Signs bytes with an Ed25519 key that it holds: bytes in, 64 bytes out."""

KEY_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64
INVITATION_SIZE: Final = 188
NO_INDEX: Final = 2**64 - 1
NOBODY: Final = AccountId(bytes(ACCOUNT_SIZE))
NO_DEVICE: Final = DeviceId(bytes(DEVICE_SIZE))
_VERSION: Final = 1

_TAG_AUTHOR: Final = b"doublelock/v1/key-log/author"
_TAG_POSSESSION: Final = b"doublelock/v1/key-log/possession"
_TAG_INVITED: Final = b"doublelock/v1/key-log/invited"
_TAG_INVITATION: Final = b"doublelock/v1/key-log/invitation"
_TAG_HASH: Final = b"doublelock/v1/key-log/entry"


class Kind(IntEnum):
    """What an entry does to its account."""

    FIRST = 1
    UPDATE = 2
    RESET = 3


class Purpose(IntEnum):
    """What an invitation is for."""

    JOIN = 1
    RESET = 2


@dataclass(frozen=True, slots=True)
class Invitation:
    """An inviter's signed word that the holder of `invite_key` may make one entry (spec Y-4).

    `inviter` and `inviter_device` are zeros for the operator's genesis invitations; `subject` is
    zeros when any new account may use it, and names the account when it is for a reset.
    """

    purpose: Purpose
    inviter: AccountId
    inviter_device: DeviceId
    subject: AccountId
    committee: int
    expires_ms: int
    invite_key: bytes
    signature: bytes

    def unsigned(self) -> bytes:
        """Return the 124 bytes in front of the signature."""
        return b"".join(
            (
                u8(_VERSION),
                u8(self.purpose),
                self.inviter,
                self.inviter_device,
                self.subject,
                u16(self.committee),
                u64(self.expires_ms),
                self.invite_key,
            )
        )

    def encode(self) -> bytes:
        """Return the 188 bytes of the invitation."""
        return self.unsigned() + self.signature

    def signed_bytes(self, deployment: DeploymentId) -> bytes:
        """Return what the inviter's device (or the genesis invite key) signs."""
        return tagged(_TAG_INVITATION, deployment, self.unsigned())

    @property
    def by_operator(self) -> bool:
        """Whether the charter's genesis invite key made it."""
        return self.inviter == NOBODY


@dataclass(frozen=True, slots=True)
class Entry:
    """One key-log entry as decoded: its form is right, nothing is verified yet (spec Y-2).

    `author`/`author_signature` are there for an update only; `invitation`/`invite_signature` for a
    first entry or a reset only. `proofs` holds one signature for each newly listed device key, in
    the order of `keys`.
    """

    kind: Kind
    account: AccountId
    number: int
    lineage: int
    previous: int
    time_ms: int
    committee: int
    keys: tuple[bytes, ...]
    author: DeviceId = NO_DEVICE
    author_signature: bytes = b""
    invitation: Invitation | None = None
    invite_signature: bytes = b""
    proofs: tuple[bytes, ...] = ()

    def body(self) -> bytes:
        """Return the part that every signature covers."""
        head = (
            u8(_VERSION),
            u8(self.kind),
            self.account,
            u32(self.number),
            u32(self.lineage),
            u64(self.previous),
            u64(self.time_ms),
            u16(self.committee),
            u8(len(self.keys)),
        )
        invited = self.invitation.encode() if self.invitation else b""
        return b"".join((*head, *self.keys, self.author if not invited else b"", invited))

    def author_bytes(self, deployment: DeploymentId) -> bytes:
        """Return what the existing device that makes an update signs."""
        return tagged(_TAG_AUTHOR, deployment, self.body())

    def possession_bytes(self, deployment: DeploymentId, key: bytes) -> bytes:
        """Return what a newly listed device signs to show that it agrees and holds its key."""
        return tagged(_TAG_POSSESSION, deployment, key, self.body())

    def invited_bytes(self, deployment: DeploymentId) -> bytes:
        """Return what the invite key signs: the countersignature by the inviter's word."""
        return tagged(_TAG_INVITED, deployment, self.body())

    def encode(self) -> bytes:
        """Return the entry's bytes: the leaf of the key log."""
        signature = self.invite_signature if self.invitation else self.author_signature
        return b"".join((self.body(), signature, u8(len(self.proofs)), *self.proofs))


def decode_invitation(data: bytes) -> Invitation:
    """Return the invitation in 188 bytes. Raises Malformed on any other size or form."""
    reader = Reader(data)
    invitation = _read_invitation(reader)
    reader.end()
    return invitation


def _read_invitation(reader: Reader) -> Invitation:
    if reader.u8() != _VERSION:
        raise Malformed(Code.FORM, "invitation version")
    try:
        purpose = Purpose(reader.u8())
    except ValueError:
        raise Malformed(Code.FORM, "invitation purpose") from None
    return Invitation(
        purpose=purpose,
        inviter=AccountId(reader.take(ACCOUNT_SIZE)),
        inviter_device=DeviceId(reader.take(DEVICE_SIZE)),
        subject=AccountId(reader.take(ACCOUNT_SIZE)),
        committee=reader.u16(),
        expires_ms=reader.u64(),
        invite_key=reader.take(KEY_SIZE),
        signature=reader.take(SIGNATURE_SIZE),
    )


def decode_entry(data: bytes) -> Entry:
    """Return the entry in `data`; only its form is checked.

    Raises Malformed: wrong size, unknown version or kind, keys that are not strictly ascending (one
    list has one encoding), no device or more than `limits.DEVICES_PER_ACCOUNT`.
    """
    if len(data) > limits.KEY_LOG_ENTRY:
        raise Malformed(Code.SIZE, "key-log entry")
    reader = Reader(data)
    if reader.u8() != _VERSION:
        raise Malformed(Code.FORM, "key-log entry version")
    try:
        kind = Kind(reader.u8())
    except ValueError:
        raise Malformed(Code.FORM, "key-log entry kind") from None
    account = AccountId(reader.take(ACCOUNT_SIZE))
    number, lineage = reader.u32(), reader.u32()
    previous, time_ms = reader.u64(), reader.u64()
    committee = reader.u16()
    count = reader.u8()
    if not 1 <= count <= limits.DEVICES_PER_ACCOUNT:
        raise Malformed(Code.SIZE, f"{count} devices")
    keys = tuple(reader.take(KEY_SIZE) for _ in range(count))
    if any(left >= right for left, right in pairwise(keys)):
        raise Malformed(Code.NOT_CANONICAL, "device keys out of order")
    author, invitation = NO_DEVICE, None
    if kind is Kind.UPDATE:
        author = DeviceId(reader.take(DEVICE_SIZE))
    else:
        invitation = _read_invitation(reader)
    signature = reader.take(SIGNATURE_SIZE)
    proof_count = reader.u8()
    if proof_count > count:
        raise Malformed(Code.SIZE, f"{proof_count} proofs")
    proofs = tuple(reader.take(SIGNATURE_SIZE) for _ in range(proof_count))
    reader.end()
    return Entry(
        kind=kind,
        account=account,
        number=number,
        lineage=lineage,
        previous=previous,
        time_ms=time_ms,
        committee=committee,
        keys=keys,
        author=author,
        author_signature=b"" if invitation else signature,
        invitation=invitation,
        invite_signature=signature if invitation else b"",
        proofs=proofs,
    )


def hash_entry(data: bytes) -> bytes:
    """Return 32 bytes that name an entry, so that a client knows again what it made itself."""
    return hashlib.sha256(tagged(_TAG_HASH, hashlib.sha256(data).digest())).digest()


def make_invitation(
    deployment: DeploymentId,
    sign: Signer,
    invite_key: bytes,
    committee: int,
    expires_ms: int,
    *,
    inviter: AccountId = NOBODY,
    inviter_device: DeviceId = NO_DEVICE,
    reset_of: AccountId | None = None,
) -> Invitation:
    """Return an invitation signed by `sign`: the inviter's device, or the genesis invite key."""
    draft = Invitation(
        purpose=Purpose.JOIN if reset_of is None else Purpose.RESET,
        inviter=inviter,
        inviter_device=inviter_device,
        subject=NOBODY if reset_of is None else reset_of,
        committee=committee,
        expires_ms=expires_ms,
        invite_key=invite_key,
        signature=b"",
    )
    return replace(draft, signature=sign(draft.signed_bytes(deployment)))


def make_invited_entry(
    deployment: DeploymentId,
    account: AccountId,
    invitation: Invitation,
    sign_invite: Signer,
    devices: Sequence[tuple[bytes, Signer]],
    time_ms: int,
    *,
    number: int = 1,
    lineage: int = 1,
    previous: int = NO_INDEX,
) -> Entry:
    """Return a first entry (or, with `number`, `lineage` and `previous`, a reset) fully signed.

    `devices` are (Ed25519 public key, its signer); `sign_invite` holds the invitation's key.
    """
    ordered = sorted(devices, key=lambda device: device[0])
    draft = Entry(
        kind=Kind.FIRST if invitation.purpose is Purpose.JOIN else Kind.RESET,
        account=account,
        number=number,
        lineage=lineage,
        previous=previous,
        time_ms=time_ms,
        committee=invitation.committee,
        keys=tuple(key for key, _ in ordered),
        invitation=invitation,
    )
    return replace(
        draft,
        invite_signature=sign_invite(draft.invited_bytes(deployment)),
        proofs=tuple(sign(draft.possession_bytes(deployment, key)) for key, sign in ordered),
    )


def draft_update(
    account: AccountId,
    number: int,
    lineage: int,
    previous: int,
    committee: int,
    keys: Sequence[bytes],
    author_key: bytes,
    time_ms: int,
) -> Entry:
    """Return an unsigned update that lists `keys`; each new device and the author then sign it."""
    return Entry(
        kind=Kind.UPDATE,
        account=account,
        number=number,
        lineage=lineage,
        previous=previous,
        time_ms=time_ms,
        committee=committee,
        keys=tuple(sorted(keys)),
        author=name_device(author_key),
    )


def sign_update(
    deployment: DeploymentId,
    draft: Entry,
    sign_author: Signer,
    new_devices: Sequence[tuple[bytes, Signer]],
) -> Entry:
    """Return the update with its author's signature and the new devices' proofs."""
    ordered = sorted(new_devices, key=lambda device: device[0])
    return replace(
        draft,
        author_signature=sign_author(draft.author_bytes(deployment)),
        proofs=tuple(sign(draft.possession_bytes(deployment, key)) for key, sign in ordered),
    )
