"""The law log's entries and the lines that carry them (spec R-20 to R-37); `lawstate` folds them.

An entry is written and signed by the party whose act it is; the operator alone stamps its time and
appends it. An entry never holds a name: warrants and subjects are salted commitments.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec

from doublelock.protocol import ed25519, limits
from doublelock.protocol.bundle import Version
from doublelock.protocol.charter_terms import WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import (
    Bytes32,
    Bytes64,
    CommitteeNumber,
    Count,
    Document,
    KeyEpoch,
    Millis,
    Opaque,
    Word,
    decode,
    encode,
)
from doublelock.protocol.encoding import tagged
from doublelock.protocol.errors import Malformed
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.jws import Signer

_TAG: Final = b"doublelock/v1/law-entry"
_HASH_TAG: Final = b"doublelock/v1/law-entry-hash"
_STAMP_ROOM: Final = 512

Subjects = Annotated[tuple[Bytes32, ...], msgspec.Meta(max_length=limits.SUBJECTS_PER_REQUEST)]
Holder = Annotated[int, msgspec.Meta(ge=0, le=limits.CUSTODIANS)]
"""A custodian's index from 1, or 0 for the court."""


class Ground(StrEnum):
    """Why a warrant was refused or cancelled: coarse, and nothing of the case."""

    FORM = "form"
    AUTHORITY = "authority"
    NECESSITY = "necessity"
    PROPORTIONALITY = "proportionality"
    SCOPE = "scope"
    WITHDRAWN = "withdrawn"
    OTHER = "other"


class Entry(Document, frozen=True, tag_field="type"):
    """The base of every law-log entry; `type` is its tag."""


class CharterLogged(Entry, frozen=True, tag="charter"):
    """The genesis charter: deployment id and SHA-256 of the signed document. By the operator."""

    charter: Bytes32
    document: Bytes32


class AmendmentLogged(Entry, frozen=True, tag="amendment"):
    """An amendment: its payload's hash and SHA-256 of the signed document. By the operator."""

    charter: Bytes32
    document: Bytes32


class HandoverLogged(Entry, frozen=True, tag="handover"):
    """The witnesses' change: both logs' checkpoints by the old ones (R-40). By the operator.

    `law` is of the very lines above this one; `key` is the key log's newest.
    """

    law: Opaque
    key: Opaque


class KeyEpochLogged(Entry, frozen=True, tag="key-epoch"):
    """A key epoch: `statement` is its `keyepoch.SignedKeyEpoch`'s bytes. By the operator."""

    committee: CommitteeNumber
    key_epoch: KeyEpoch
    statement: Opaque


class EpochExtended(Entry, frozen=True, tag="epoch-extension"):
    """A missing key epoch, for which the last one goes on being used. By the operator."""

    committee: CommitteeNumber
    key_epoch: KeyEpoch
    until_day: Annotated[int, msgspec.Meta(ge=0, le=limits.LAST_DAY)]


class Facets(Document, frozen=True):
    """What the public may know of a warrant at once; small deployments leave it out (R-21)."""

    offence: Word
    days: Count
    senders: Count
    conversations: Count


class WarrantFiled(Entry, frozen=True, tag="warrant-filed"):
    """A warrant's commitment with the terms that the log must enforce. By the applying agency.

    `subjects` commits to each named sender, by a salt of each one's own (R-6).
    """

    warrant: Bytes32
    committee: CommitteeNumber
    kind: WarrantKind
    urgent: bool
    valid_from_ms: Millis
    valid_until_ms: Millis
    gag_end_ms: Millis
    renews: Bytes32 | None
    subjects: Subjects
    facets: Facets | None = None


class Approval(Entry, frozen=True, tag="approval"):
    """A minister's or judge's approval of a filed warrant. By them."""

    warrant: Bytes32


class WarrantRefused(Entry, frozen=True, tag="refusal"):
    """A refusal, final and counted. By a minister, a judge or the operator."""

    warrant: Bytes32
    ground: Ground


class Cancellation(Entry, frozen=True, tag="cancellation"):
    """The end of a warrant. By its agency, or a minister or judge of its committee.

    Signed, it stops a holder who gets it from anyone, before it is logged (R-13).
    """

    warrant: Bytes32
    ground: Ground


class ReleaseRequest(Entry, frozen=True, tag="release-request"):
    """What an agency asks to be opened: root and counts of labels and accounts. By the agency.

    `labels_root` is the RFC 6962 tree hash over the label bytes in ascending order; `subjects`
    commits to each account among them, ascending, so that nobody can be left without notice.
    """

    warrant: Bytes32
    labels_root: Bytes32
    labels: Count
    accounts: Count
    subjects: Subjects


class ReleaseLogged(Entry, frozen=True, tag="release"):
    """One holder's release: which request, how many labels, which message. By the holder.

    `versions` are (key epoch, share version) pairs, ascending; `message` is SHA-256 of the release.
    """

    warrant: Bytes32
    request: Bytes32
    holder: Holder
    versions: Annotated[tuple[tuple[KeyEpoch, Count], ...], msgspec.Meta(max_length=512)]
    labels: Count
    message: Bytes32


class Lapse(Entry, frozen=True, tag="lapse"):
    """A warrant that ran out, or an urgent one that nobody confirmed. By the operator."""

    warrant: Bytes32
    ground: Literal["expired", "unconfirmed"]


class NoticeDelivered(Entry, frozen=True, tag="notice-delivered"):
    """A subject was told. By the operator, a custodian or the court."""

    warrant: Bytes32
    subject: Bytes32


class Destruction(Entry, frozen=True, tag="destruction"):
    """A destroyed share: `statement` is from `destruction.sign_destruction`. By the holder."""

    committee: CommitteeNumber
    key_epoch: KeyEpoch
    statement: Opaque


class Preservation(Entry, frozen=True, tag="preservation"):
    """A holder's sealed partials for listed labels, made before destruction. By the holder."""

    committee: CommitteeNumber
    key_epoch: KeyEpoch
    warrant: Bytes32
    labels_root: Bytes32
    labels: Count


class Statistics(Entry, frozen=True, tag="statistics"):
    """The counts of one period, to hold against the log's own. By the operator."""

    committee: CommitteeNumber
    from_ms: Millis
    until_ms: Millis
    filed: Count
    approved: Count
    refused: Count
    cancelled: Count
    requests: Count
    labels: Count
    accounts: Count
    releases: Count
    notices: Count


class BundleLogged(Entry, frozen=True, tag="bundle"):
    """A web client that is served: SHA-256 of its manifest, and its version. By the operator."""

    bundle: Bytes32
    version: Version


class BundleWithdrawn(Entry, frozen=True, tag="bundle-withdrawn"):
    """A logged web client that nobody is to use any more. By the operator."""

    bundle: Bytes32


AnyEntry = (
    CharterLogged
    | AmendmentLogged
    | HandoverLogged
    | KeyEpochLogged
    | EpochExtended
    | WarrantFiled
    | Approval
    | WarrantRefused
    | Cancellation
    | ReleaseRequest
    | ReleaseLogged
    | Lapse
    | NoticeDelivered
    | Destruction
    | Preservation
    | Statistics
    | BundleLogged
    | BundleWithdrawn
)


class SignedEntry(Document, frozen=True):
    """An entry under its author's signature, as it travels before it is logged."""

    author: Bytes32
    signature: Bytes64
    entry: msgspec.Raw


class _Line(Document, frozen=True):
    time_ms: Millis
    author: Bytes32
    signature: Bytes64
    entry: msgspec.Raw


@dataclass(frozen=True, slots=True)
class VerifiedEntry:
    """An entry whose author's signature holds; who the author is, the charter says.

    `hash` (32 bytes) names it; `raw` is its exact bytes. Made by `verify_entry` and `verify_line`.
    """

    entry: AnyEntry
    author: bytes
    signature: bytes
    raw: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class VerifiedLine:
    """A log line: an entry and the time at which the operator stamped it."""

    time_ms: int
    signed: VerifiedEntry


def hash_entry(deployment: DeploymentId, raw: bytes) -> bytes:
    """Return the 32 bytes that name an entry."""
    return hashlib.sha256(tagged(_HASH_TAG, deployment, hashlib.sha256(raw).digest())).digest()


def signing_input(deployment: DeploymentId, raw: bytes) -> bytes:
    """Return what an entry's author signs, from the entry's JSON bytes (R-20)."""
    return tagged(_TAG, deployment, hashlib.sha256(raw).digest())


def sign_entry(deployment: DeploymentId, entry: AnyEntry, author: bytes, sign: Signer) -> bytes:
    """Return the signed entry by the author's key (32 bytes)."""
    raw = encode(entry)
    signature = sign(signing_input(deployment, raw))
    return encode(SignedEntry(Bytes32(author), Bytes64(signature), msgspec.Raw(raw)))


def verify_entry(deployment: DeploymentId, data: bytes) -> VerifiedEntry:
    """Return a signed entry once its author's signature holds. Raises Malformed."""
    signed = decode(data, SignedEntry, limits.LOG_ENTRY)
    return _verify(deployment, bytes(signed.entry), signed.author, signed.signature)


def stamp(data: bytes, time_ms: int) -> bytes:
    """Return the log line of a signed entry at a time; the signature is not checked here.

    Raises Malformed.
    """
    signed = decode(data, SignedEntry, limits.LOG_ENTRY)
    return encode(_Line(time_ms, signed.author, signed.signature, signed.entry))


def verify_line(deployment: DeploymentId, data: bytes) -> VerifiedLine:
    """Return a log line once its author's signature holds. Raises Malformed."""
    line = decode(data, _Line, limits.LOG_ENTRY + _STAMP_ROOM)
    verified = _verify(deployment, bytes(line.entry), line.author, line.signature)
    return VerifiedLine(line.time_ms, verified)


def _verify(deployment: DeploymentId, raw: bytes, author: bytes, signature: bytes) -> VerifiedEntry:
    entry: AnyEntry = decode(raw, AnyEntry, limits.LOG_ENTRY)  # type: ignore[arg-type]
    try:
        ed25519.verify(bytes(author), bytes(signature), signing_input(deployment, raw))
    except Malformed:
        raise Malformed(Code.BAD_SIGNATURE, "law-log entry") from None
    return VerifiedEntry(entry, bytes(author), bytes(signature), raw, hash_entry(deployment, raw))
