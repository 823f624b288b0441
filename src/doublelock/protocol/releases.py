"""Releases: a holder's partials on their way to the agency, sealed and signed (spec R-19).

The body is sealed to the warrant's release key by HPKE, outside this module; the holder signs over
the permit and the ciphertext, so that the server relays what it can neither read nor change.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from doublelock.protocol import ed25519, limits
from doublelock.protocol.charter_terms import Committee
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.encoding import Reader, long_field, tagged, u8, u16, u32
from doublelock.protocol.errors import Malformed, Refusal, ReleaseRefused
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.jws import Signer
from doublelock.protocol.lawlog import ReleaseLogged
from doublelock.protocol.partial import PartialSet
from doublelock.protocol.release import ReleasePermit

SEAL_PURPOSE: Final = "release"
"""The purpose under which `seal` seals a body; its context is `seal_context`."""
_VERSION: Final = 1
_TAG: Final = b"doublelock/v1/release"
_EPOCHS_MAX: Final = 512
_BODY_MAX: Final = limits.LABELS_PER_WARRANT * 48 + 8 * 1024

Versions = tuple[tuple[int, int], ...]
"""(key epoch, share version) pairs, ascending by key epoch."""


@dataclass(frozen=True, slots=True)
class ReleaseBody:
    """What is sealed: permit (32), share versions and one holder's partials, 48 bytes a label.

    Secret; the partials are in the request's order.
    """

    permit: bytes
    versions: Versions
    partials: PartialSet = field(repr=False)

    def encode(self) -> bytes:
        """Return the bytes to seal."""
        rows = b"".join(u16(epoch) + u32(version) for epoch, version in self.versions)
        head = u8(_VERSION) + self.permit + u16(len(self.versions)) + rows
        return head + self.partials.encode()


@dataclass(frozen=True, slots=True)
class SealedRelease:
    """A release as relayed: `holder` is 0 for the court; nothing is verified yet."""

    holder: int
    permit: bytes
    ciphertext: bytes
    signature: bytes

    def encode(self) -> bytes:
        """Return the relayed bytes."""
        head = u8(_VERSION) + u16(self.holder) + self.permit
        return head + long_field(self.ciphertext) + self.signature

    @classmethod
    def decode(cls, data: bytes) -> "SealedRelease":
        """Return the parts of a release, not yet verified. Raises Malformed."""
        reader = Reader(data)
        if reader.u8() != _VERSION:
            raise Malformed(Code.FORM, "release version")
        holder, permit = reader.u16(), reader.take(32)
        ciphertext = reader.long_field(_BODY_MAX + 1024)
        signature = reader.take(ed25519.SIGNATURE_SIZE)
        reader.end()
        return cls(holder, permit, ciphertext, signature)


@dataclass(frozen=True, slots=True)
class VerifiedRelease:
    """A release whose holder's signature holds for a permit; `message` (32) is its hash."""

    holder: int
    permit: bytes
    ciphertext: bytes
    message: bytes


def seal_context(deployment: DeploymentId, permit: bytes, holder: int) -> tuple[bytes, ...]:
    """Return what HPKE's info binds a sealed body to."""
    return (deployment, permit, u16(holder))


def make_body(permit: ReleasePermit, versions: Versions, partials: PartialSet) -> ReleaseBody:
    """Return the body of a permit's release. Raises ReleaseRefused(release-foreign)."""
    epochs = tuple(epoch for epoch, _ in versions)
    if len(partials.points) != len(permit.labels) or epochs != permit.key_epochs:
        raise ReleaseRefused(Code.RELEASE_FOREIGN, "partials do not fit the permit")
    return ReleaseBody(permit.digest, versions, partials)


def signing_input(deployment: DeploymentId, holder: int, permit: bytes, ciphertext: bytes) -> bytes:
    """Return what the holder's identity key signs: over permit and ciphertext hash."""
    return tagged(_TAG, deployment, u16(holder), permit, hashlib.sha256(ciphertext).digest())


def sign_release(
    permit: ReleasePermit, holder: int, ciphertext: bytes, sign: Signer
) -> SealedRelease:
    """Return the release of a sealed body under the holder's signature."""
    signature = sign(signing_input(permit.deployment, holder, permit.digest, ciphertext))
    return SealedRelease(holder, permit.digest, ciphertext, signature)


def describe_release(
    permit: ReleasePermit, sealed: SealedRelease, versions: Versions
) -> ReleaseLogged:
    """Return the law-log entry by which the holder says that it released."""
    return ReleaseLogged(
        warrant=Bytes32(permit.warrant),
        request=Bytes32(permit.request),
        holder=sealed.holder,
        versions=versions,
        labels=len(permit.labels),
        message=Bytes32(hash_release(sealed.encode())),
    )


def hash_release(data: bytes) -> bytes:
    """Return the 32 bytes by which the law log names a release: SHA-256 of its bytes."""
    return hashlib.sha256(data).digest()


def verify_release(
    data: bytes, deployment: DeploymentId, permit: bytes, committee: Committee
) -> VerifiedRelease:
    """Return a release that a holder of the committee signed for this permit (32 bytes).

    Raises Malformed, CharterRefused(not-a-holder), ReleaseRefused(release-foreign,
    bad-signature).
    """
    sealed = SealedRelease.decode(data)
    holder, ciphertext = sealed.holder, sealed.ciphertext
    if sealed.permit != permit:
        raise ReleaseRefused(Code.RELEASE_FOREIGN, "another permit")
    key = committee.holder_key(holder)
    signed = signing_input(deployment, holder, permit, ciphertext)
    try:
        ed25519.verify(key, sealed.signature, signed)
    except Refusal:
        raise ReleaseRefused(Code.BAD_SIGNATURE, f"release of holder {holder}") from None
    return VerifiedRelease(holder, permit, ciphertext, hash_release(data))


def decode_body(data: bytes, release: VerifiedRelease, labels: int) -> ReleaseBody:
    """Return the body that was sealed in a verified release, for a number of labels.

    Raises Malformed, or ReleaseRefused: release-foreign, partial-wrong naming the holder.
    """
    if len(data) > _BODY_MAX:
        raise Malformed(Code.SIZE, f"release of {len(data)} bytes")
    reader = Reader(data)
    if reader.u8() != _VERSION:
        raise Malformed(Code.FORM, "release version")
    permit, count = reader.take(32), reader.u16()
    if count > _EPOCHS_MAX:
        raise Malformed(Code.SIZE, f"{count} key epochs")
    versions = tuple((reader.u16(), reader.u32()) for _ in range(count))
    partials = PartialSet.decode(reader.rest())
    if permit != release.permit or partials.index != release.holder:
        raise ReleaseRefused(Code.RELEASE_FOREIGN, "the body is of another permit or holder")
    if len(partials.points) != labels or [e for e, _ in versions] != sorted(
        {e for e, _ in versions}
    ):
        raise ReleaseRefused(Code.RELEASE_FOREIGN, "partials do not fit the labels")
    return ReleaseBody(permit, versions, partials)
