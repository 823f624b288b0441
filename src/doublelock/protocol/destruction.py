"""The signed statement that a holder destroyed its shares of one key epoch (spec K-15)."""

from dataclasses import dataclass
from typing import Final

from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import KEY_SIZE, SIGNATURE_SIZE, SigningKey, VerifyKey
from doublelock.protocol.encoding import Reader, tagged, u8, u16, u32, u64
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.protocol.identifiers import DEPLOYMENT_SIZE, DeploymentId
from doublelock.protocol.keyepoch import EpochId, Role

_TAG: Final = b"doublelock/v1/destruction"


@dataclass(frozen=True, slots=True)
class Destruction:
    """Who destroyed what, and when (milliseconds since 1970 UTC).

    `holder` is the identity key (32); `share_version` the latest one: all older ones go with it.
    """

    epoch: EpochId
    role: Role
    holder: bytes
    share_version: int
    time_ms: int

    def encode(self) -> bytes:
        """Return the tagged fields, which the holder signs."""
        return tagged(
            _TAG,
            self.epoch.deployment,
            u16(self.epoch.committee),
            u16(self.epoch.key_epoch),
            u8(self.role),
            self.holder,
            u32(self.share_version),
            u64(self.time_ms),
        )


@dataclass(frozen=True, slots=True)
class VerifiedDestruction:
    """A destruction that its holder signed."""

    destruction: Destruction


def sign_destruction(destruction: Destruction, identity: SigningKey) -> bytes:
    """Return the statement and its 64-byte signature.

    Raises CeremonyRefused(CEREMONY_MISMATCH) for another holder's identity.
    """
    if identity.public.encoded != destruction.holder:
        raise CeremonyRefused(Code.CEREMONY_MISMATCH, "another holder's statement")
    statement = destruction.encode()
    return statement + identity.sign(statement)


def decode_destruction(data: bytes) -> tuple[Destruction, bytes]:
    """Return the statement and its signature, not yet checked. Raises Malformed."""
    reader = Reader(data)
    if reader.field(len(_TAG)) != _TAG:
        raise Malformed(Code.FORM, "not a destruction")
    fields = [reader.field(64) for _ in range(7)]
    signature = reader.take(SIGNATURE_SIZE)
    reader.end()
    sizes = (DEPLOYMENT_SIZE, 2, 2, 1, KEY_SIZE, 4, 8)
    if tuple(map(len, fields)) != sizes or fields[3][0] not in tuple(Role):
        raise Malformed(Code.FORM, "not a destruction")
    committee, key_epoch, role, version, time_ms = (
        int.from_bytes(fields[at], "big") for at in (1, 2, 3, 5, 6)
    )
    epoch = EpochId(DeploymentId(fields[0]), committee, key_epoch)
    return Destruction(epoch, Role(role), fields[4], version, time_ms), signature


def verify_destruction(data: bytes, identity: VerifyKey) -> VerifiedDestruction:
    """Return the destruction that this holder signed.

    Raises Malformed(BAD_SIGNATURE too), CeremonyRefused(CEREMONY_MISMATCH) for another holder.
    """
    destruction, signature = decode_destruction(data)
    if destruction.holder != identity.encoded:
        raise CeremonyRefused(Code.CEREMONY_MISMATCH, "another holder's statement")
    identity.verify(signature, destruction.encode())
    return VerifiedDestruction(destruction)
