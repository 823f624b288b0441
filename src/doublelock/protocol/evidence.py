"""Evidence: what one line says of one message, and how anybody verifies it (spec R-26 to R-29).

Keys released by custodians and court open messages; they cannot make any. Each line must hold by
its device's signature over the header, which binds conversation, day and sender, under a key that
the cosigned key log lists for that account at the receipt's time. So nobody can be framed.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Final, Literal, final

import msgspec

from doublelock.protocol import jws, limits, merkle
from doublelock.protocol.capsule import VerifiedCapsule, day_key, verify_capsule
from doublelock.protocol.charter import Charter, receipt_key_at, skew_at
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G2
from doublelock.protocol.documents import (
    Bytes32,
    Count,
    Document,
    Millis,
    Name,
    decode,
    encode,
)
from doublelock.protocol.ed25519 import verify_key
from doublelock.protocol.encoding import tagged
from doublelock.protocol.envelope import VerifiedBody, open_body, verify_body
from doublelock.protocol.errors import EvidenceRefused, LogRefused, Refusal
from doublelock.protocol.evidence_line import EvidenceReceipt, read_line
from doublelock.protocol.handover import LogName, verify_checkpoint
from doublelock.protocol.header import Form, Header, hash_header
from doublelock.protocol.inventory import name_envelope
from doublelock.protocol.keylog import KeyLog
from doublelock.protocol.label import Label
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.receipt import (
    Receipt,
    ReceiptFields,
    SeenRoots,
    VerifiedReceipt,
    verify_receipt,
)
from doublelock.protocol.receive import check_day
from doublelock.protocol.release import LawProof, ReleasePermit

_CUSTODY_TAG: Final = b"doublelock/v1/custody"
_PROVEN: Final = object()
_PIECE: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_FILE_NAME: Final = rf"\A{_PIECE}(/{_PIECE})?\Z"


class StoredMessage(msgspec.Struct, frozen=True, gc=False):
    """An envelope as the server has it, its header decoded and its hashes (32 each) taken once."""

    header_bytes: bytes
    body: bytes
    header: Header
    header_hash: bytes
    body_hash: bytes

    @classmethod
    def decode(cls, header: bytes, body: bytes) -> "StoredMessage":
        """Return the envelope of a header's and a body's bytes. Raises Malformed(SIZE, FORM)."""
        decoded = Header.decode(header)
        return cls(header, body, decoded, hash_header(header), hashlib.sha256(body).digest())

    def name(self, sequence: int) -> bytes:
        """Return the 32 bytes by which an inventory lists the envelope at its place."""
        return name_envelope(sequence, self.header_hash, self.body_hash)

    def receipt_fields(
        self, sequence: int, previous: bytes, time_ms: int, mls_hash: bytes
    ) -> ReceiptFields:
        """Return what its receipt must say: all that the header says is taken from it."""
        header = self.header
        return ReceiptFields(
            header.conversation,
            sequence,
            previous,
            time_ms,
            header.account,
            header.device,
            self.header_hash,
            self.body_hash,
            mls_hash,
        )


class VerifiedMessage(msgspec.Struct, frozen=True, gc=False):
    """A message that its device sent, in this conversation, on this day, and nowhere else.

    `receipt` and `previous` are its receipt's hash and the one before; each of the hashes is 32.
    """

    label: Label
    sequence: int
    time_ms: int
    body: VerifiedBody
    receipt: bytes
    previous: bytes
    body_hash: bytes

    def name(self) -> bytes:
        """Return the 32 bytes by which an inventory lists the message's envelope."""
        return name_envelope(self.sequence, self.body.header_hash, self.body_hash)


@final
class ProvenKeyLog:
    """A key log replayed from exactly the lines of a cosigned checkpoint; see `prove_key_log`."""

    __slots__ = ("key_log", "time_s")

    def __init__(self, token: object, key_log: KeyLog, time_s: int | None) -> None:
        if token is not _PROVEN:
            raise TypeError("a ProvenKeyLog comes from prove_key_log")
        self.key_log = key_log
        self.time_s = time_s


def prove_key_log(
    law: LawState, entries: Sequence[bytes], note: bytes, now_ms: int | None = None
) -> ProvenKeyLog:
    """Return the key log replayed from its entries, which are those of a cosigned checkpoint.

    Who must have cosigned it, and what it was when witnesses changed, the law log says (R-40);
    entries that break a rule have no effect (spec Y-9). Raises Malformed, LogRefused, or
    EvidenceRefused(evidence-device) when the entries are not the checkpoint's.
    """
    checkpoint = verify_checkpoint(LogName.KEY, law, note, now_ms)
    leaves = [merkle.leaf_hash(entry) for entry in entries]

    def node(level: int, index: int) -> bytes:
        return merkle.reduce_perfect(leaves[index << level : (index + 1) << level])

    root = merkle.range_root(0, len(leaves), node)
    if (len(leaves), root) != (checkpoint.checkpoint.size, checkpoint.checkpoint.root):
        raise EvidenceRefused(Code.EVIDENCE_DEVICE, "entries are not the checkpoint's")
    for handover in law.handovers:
        size = handover.key_size
        if size > len(leaves) or merkle.range_root(0, size, node) != handover.key_root:
            raise LogRefused(Code.LOG_FORK, f"key log at size {size}, handed over in the law log")
    genesis = bytes(law.charters[0].terms.genesis_key)
    key_log = KeyLog(law.deployment, genesis, partial(skew_at, law.charters))
    for index, entry in enumerate(entries):
        try:
            key_log.apply(index, entry)
        except Refusal:
            continue
    return ProvenKeyLog(_PROVEN, key_log, checkpoint.quorum_time_s)


@dataclass(frozen=True, slots=True)
class EvidenceContext:
    """What lines are held against: the charter, the logs as proven, and the opened labels."""

    charter: Charter
    key_log: ProvenKeyLog
    law: LawProof
    labels: frozenset[Label]
    roots: SeenRoots = field(default_factory=SeenRoots)
    days: dict[tuple[Label, bytes, bytes], bytes] = field(default_factory=dict, repr=False)
    places: dict[tuple[int, int, bytes, bytes, int], Label] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        deployment = self.charter.deployment
        places = {
            (
                one.committee,
                one.key_epoch,
                bytes(one.conversation),
                bytes(one.account),
                one.day,
            ): one
            for one in self.labels
            if one.deployment == deployment
        }
        object.__setattr__(self, "places", places)

    def find_label(self, header: Header) -> Label | None:
        """Return the opened label that a header names, None when it is not one."""
        return self.places.get(
            (header.committee, header.key_epoch, header.conversation, header.account, header.day)
        )

    def opened_label(self, header: Header) -> Label:
        """Return the label of a sealed header. Raises EvidenceRefused(evidence-scope)."""
        label = self.find_label(header) if header.form is Form.SEALED else None
        if label is None:
            raise EvidenceRefused(Code.EVIDENCE_SCOPE, "label that was not opened")
        return label

    def day_key(self, capsule: bytes, seed: bytes, label: Label) -> bytes:
        """Return K_day (32), the capsule verified once for all messages that share it (E-6).

        Raises EnvelopeRefused(CAPSULE_MISMATCH), EvidenceRefused(epoch-unknown).
        """
        known = (label, capsule, seed)
        key = self.days.get(known)
        if key is None:
            mpk = self.master_key(label.committee, label.key_epoch)
            key = self.learn(verify_capsule(capsule, seed, label, mpk))
        return key

    def learn(self, capsule: VerifiedCapsule) -> bytes:
        """Return K_day (32) of a capsule verified elsewhere, and remember it."""
        key = day_key(capsule.seed, capsule.capsule, capsule.label)
        self.days[(capsule.label, capsule.capsule, capsule.seed)] = key
        return key

    def master_key(self, committee: int, key_epoch: int) -> G2:
        """Return the MPK of a key epoch in the law log. Raises EvidenceRefused(epoch-unknown)."""
        record = self.law.state.epochs.get((committee, key_epoch))
        if record is None:
            raise EvidenceRefused(Code.EPOCH_UNKNOWN, f"key epoch {key_epoch}")
        return record.keys.master_key


def permit_context(
    charter: Charter, key_log: ProvenKeyLog, law: LawProof, permit: ReleasePermit
) -> EvidenceContext:
    """Return the context for the messages of one permit."""
    return EvidenceContext(charter, key_log, law, frozenset(permit.labels))


def verify_line(data: bytes, context: EvidenceContext) -> VerifiedMessage:
    """Return the message that a line proves, or refuse it naming the reason (spec R-27).

    Raises EvidenceRefused, whatever fails: the envelope's own codes, evidence-scope,
    evidence-device, receipt-signature, day-mismatch and the rest.
    """
    try:
        line = read_line(data)
        stored = StoredMessage.decode(bytes(line.header), bytes(line.body))
        receipt = stated_receipt(line.receipt, stored)
        return _verify(stored, bytes(line.seed), bytes(line.device_key), receipt, context)
    except EvidenceRefused:
        raise
    except Refusal as refusal:
        raise EvidenceRefused(refusal.code, refusal.detail) from None


def verify_message(
    stored: StoredMessage,
    seed: bytes,
    device_key: bytes,
    receipt: Receipt,
    context: EvidenceContext,
) -> VerifiedMessage:
    """Return the message that a line of these parts proves; as `verify_line`, unparsed.

    The receipt's fields are those of `stored.receipt_fields`.
    """
    try:
        if receipt.fields.sequence >= 2**53:  # the one field whose source allows more than a line
            raise EvidenceRefused(Code.FORM, "sequence")
        return _verify(stored, seed, device_key, receipt, context)
    except EvidenceRefused:
        raise
    except Refusal as refusal:
        raise EvidenceRefused(refusal.code, refusal.detail) from None


def _verify(
    stored: StoredMessage,
    seed: bytes,
    device_key: bytes,
    receipt: Receipt,
    context: EvidenceContext,
) -> VerifiedMessage:
    header = stored.header
    label = context.opened_label(header)
    verified = check_receipt(stored, receipt, context)
    fields = verified.fields
    key = find_device(header, fields.time_ms, context)
    if key != device_key:
        raise EvidenceRefused(Code.EVIDENCE_DEVICE, "another key than the key log's")
    opened = open_body(
        context.day_key(header.capsule, seed, label), header, stored.header_hash, stored.body
    )
    body = verify_body(opened, verify_key(key), context.charter.deployment)
    return VerifiedMessage(
        label,
        fields.sequence,
        fields.time_ms,
        body,
        verified.hash,
        fields.previous,
        stored.body_hash,
    )


def stated_receipt(given: EvidenceReceipt, stored: StoredMessage) -> Receipt:
    """Return the receipt that a line states of its message; nothing of it is verified yet."""
    fields = stored.receipt_fields(
        given.sequence, bytes(given.previous), given.time_ms, bytes(given.mls_hash)
    )
    return Receipt(fields, given.index, given.size, bytes(given.path), bytes(given.signature))


def check_receipt(
    stored: StoredMessage, receipt: Receipt, context: EvidenceContext
) -> VerifiedReceipt:
    """Return the receipt of exactly this message, of its header's day.

    Raises EnvelopeRefused(RECEIPT_SIGNATURE, DAY_MISMATCH).
    """
    charter = context.charter
    key = verify_key(receipt_key_at(context.law.state.charters, receipt.fields.time_ms))
    verified = verify_receipt(receipt, charter.deployment, key, context.roots)
    check_day(stored.header.day, receipt.fields.time_ms, charter.terms.skew_ms)
    return verified


def find_device(header: Header, time_ms: int, context: EvidenceContext) -> bytes:
    """Return the key (32 bytes) that the key log listed for a header's device at a time.

    Raises KeyLogRefused, EvidenceRefused(evidence-device, epoch-mismatch).
    """
    key_log, skew = context.key_log.key_log, context.charter.terms.skew_ms
    record = key_log.device(header.device)
    if record.account != header.account or not record.valid_at(time_ms, skew):
        raise EvidenceRefused(Code.EVIDENCE_DEVICE, header.device.hex())
    version = key_log.account_as_of(header.account, time_ms=time_ms + skew)
    if version.committee != header.committee:
        raise EvidenceRefused(Code.EPOCH_MISMATCH, "the account's committee")
    return record.key


# --- the package ----------------------------------------------------------------------------


class EvidenceFile(Document, frozen=True):
    """A file of the package by its name, size and SHA-256."""

    name: Annotated[str, msgspec.Meta(pattern=_FILE_NAME)]
    size: Count
    digest: Bytes32


class CustodyEntry(Document, frozen=True):
    """One act upon the evidence: who did what when, with what; chained to the one before."""

    time_ms: Millis
    actor: Name
    act: Name
    digest: Bytes32
    previous: Bytes32


class Manifest(Document, frozen=True):
    """What the package holds, under which warrant; signed by the agency."""

    version: Literal[1]
    deployment: Bytes32
    warrant: Bytes32
    requests: tuple[Bytes32, ...]
    created_ms: Millis
    files: Annotated[tuple[EvidenceFile, ...], msgspec.Meta(max_length=100_000)]
    custody: Annotated[tuple[CustodyEntry, ...], msgspec.Meta(min_length=1, max_length=10_000)]


@dataclass(frozen=True, slots=True)
class VerifiedManifest:
    """A manifest that the agency signed, its chain of custody unbroken."""

    manifest: Manifest
    agency: bytes

    def check_files(self, found: Mapping[str, tuple[int, bytes]]) -> None:
        """Check every file's (size, SHA-256) by name, no fewer and no more.

        Raises EvidenceRefused(evidence-manifest) naming the file.
        """
        listed = {file.name: (file.size, bytes(file.digest)) for file in self.manifest.files}
        for name in sorted(listed.keys() | found.keys()):
            if listed.get(name) != found.get(name):
                raise EvidenceRefused(Code.EVIDENCE_MANIFEST, name)


def add_custody(
    chain: Sequence[CustodyEntry], time_ms: int, actor: str, act: str, digest: bytes
) -> tuple[CustodyEntry, ...]:
    """Return the chain of custody with one more act, bound to all before."""
    previous = hash_custody(chain[-1]) if chain else bytes(32)
    entry = CustodyEntry(time_ms, actor, act, Bytes32(digest), Bytes32(previous))
    return (*chain, entry)


def hash_custody(entry: CustodyEntry) -> bytes:
    """Return the 32 bytes that the next entry names."""
    return hashlib.sha256(tagged(_CUSTODY_TAG, encode(entry))).digest()


def verify_manifest(data: bytes, charter: Charter, agencies: Collection[bytes]) -> VerifiedManifest:
    """Return the manifest that one of these agency keys signed.

    Raises Malformed, EvidenceRefused(evidence-manifest, evidence-custody).
    """
    document = jws.verify(data, jws.Purpose.EVIDENCE, agencies, limits.INVENTORY)
    manifest = decode(document.payload, Manifest, limits.INVENTORY)
    if bytes(manifest.deployment) != charter.deployment or len(document.signers) != 1:
        raise EvidenceRefused(Code.EVIDENCE_MANIFEST, "of another deployment")
    if len({file.name for file in manifest.files}) != len(manifest.files):
        raise EvidenceRefused(Code.EVIDENCE_MANIFEST, "a file twice")
    previous, time_ms = bytes(32), 0
    for entry in manifest.custody:
        if bytes(entry.previous) != previous or entry.time_ms < time_ms:
            raise EvidenceRefused(Code.EVIDENCE_CUSTODY)
        previous, time_ms = hash_custody(entry), entry.time_ms
    return VerifiedManifest(manifest, document.signers[0])
