"""How a device or a party of the law proves its key to the server (spec W-20, W-21)."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from doublelock.protocol import ed25519
from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import tagged, u8, u64
from doublelock.protocol.errors import Malformed
from doublelock.protocol.identifiers import (
    ACCOUNT_SIZE,
    DEVICE_SIZE,
    AccountId,
    DeploymentId,
    DeviceId,
)

TOKEN_SIZE: Final = 32
CHALLENGE_SIZE: Final = 32
PARTY_SIZE: Final = 32
_TAG: Final = b"doublelock/v1/session"


class SubjectKind(IntEnum):
    """Who asks for a session."""

    DEVICE = 1
    PARTY = 2


@dataclass(frozen=True, slots=True)
class DeviceSubject:
    """A device of an account, as the key log lists it."""

    account: AccountId
    device: DeviceId


@dataclass(frozen=True, slots=True)
class PartySubject:
    """A party of the law, by its Ed25519 key (32 bytes) in the charter."""

    key: bytes


Subject = DeviceSubject | PartySubject


def encode_subject(subject: Subject) -> bytes:
    """Return kind (1 byte) and name: account 32 and device 16, or the party's key 32."""
    match subject:
        case DeviceSubject(account, device):
            return u8(SubjectKind.DEVICE) + account + device
        case PartySubject(key):
            return u8(SubjectKind.PARTY) + key


def decode_subject(data: bytes) -> Subject:
    """Return the subject of 33 or 49 bytes. Raises Malformed."""
    match data[:1]:
        case b"\x01" if len(data) == 1 + ACCOUNT_SIZE + DEVICE_SIZE:
            return DeviceSubject(
                AccountId(data[1 : 1 + ACCOUNT_SIZE]), DeviceId(data[1 + ACCOUNT_SIZE :])
            )
        case b"\x02" if len(data) == 1 + PARTY_SIZE:
            return PartySubject(data[1:])
        case _:
            raise Malformed(Code.FORM, "session subject")


def session_bytes(
    deployment: DeploymentId, challenge: bytes, subject: Subject, expires_ms: int
) -> bytes:
    """Return what the subject's Ed25519 key signs to open a session (spec W-20).

    The challenge is the server's 32 random bytes; `expires_ms` is the challenge's end as it said.
    """
    return tagged(_TAG, deployment, challenge, encode_subject(subject), u64(expires_ms))


def verify_session(
    deployment: DeploymentId,
    challenge: bytes,
    subject: Subject,
    expires_ms: int,
    key: bytes,
    signature: bytes,
) -> None:
    """Check a session signature by the subject's key. Raises Malformed(BAD_SIGNATURE)."""
    ed25519.verify(key, signature, session_bytes(deployment, challenge, subject, expires_ms))
