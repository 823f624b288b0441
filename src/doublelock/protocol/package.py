"""The evidence package: its files, and how anybody verifies it offline (spec R-26 to R-39).

One pure function decides, for the agency before it signs and for everybody after. It trusts the
deployment id alone: charter, logs, warrant, requests, inventory and every message prove themselves.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from doublelock.protocol import limits
from doublelock.protocol.attachment import CHUNK, count_chunks, seal_chunk
from doublelock.protocol.case import read_warrant
from doublelock.protocol.charter import Charter, charter_at, verify_genesis
from doublelock.protocol.charter_terms import WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import (
    Document,
    Name,
    decode,
    decode_base64url,
    encode,
    encode_base64url,
)
from doublelock.protocol.errors import EvidenceRefused, Refusal
from doublelock.protocol.evidence import (
    EvidenceContext,
    ProvenKeyLog,
    VerifiedManifest,
    VerifiedMessage,
    prove_key_log,
    verify_line,
    verify_manifest,
)
from doublelock.protocol.identifiers import DeploymentId, name_account
from doublelock.protocol.inventory import Inventory, verify_inventory
from doublelock.protocol.label import Label
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.record import Attachment
from doublelock.protocol.release import LawProof, prove_law
from doublelock.protocol.release_request import (
    LabelRequest,
    check_order,
    decode_request,
    labels_root,
)
from doublelock.protocol.unreadable import Unreadable, verify_unreadable
from doublelock.protocol.warrant import Warrant

MANIFEST: Final = "manifest.json"
CHARTER: Final = "proofs/charter.json"
AMENDMENTS: Final = "proofs/amendments.txt"
LAW_LOG: Final = "proofs/law-log.txt"
LAW_CHECKPOINT: Final = "proofs/law-checkpoint.txt"
KEY_LOG: Final = "proofs/key-log.txt"
KEY_CHECKPOINT: Final = "proofs/key-checkpoint.txt"
INVENTORY: Final = "proofs/inventory.json"
WARRANT: Final = "warrant.jws"
MESSAGES: Final = "messages.jsonl"
PEOPLE: Final = "people.json"
REPORT: Final = "report.html"
CUSTODY: Final = "custody.jsonl"
READABLE: Final = "readable.jsonl"
UNREADABLE: Final = "unreadable.jsonl"
_REQUEST: Final = "proofs/request-"
_RELEASE: Final = re.compile(r"proofs/release-[1-9][0-9]{0,5}-[0-9]{1,5}\.bin")
_NAMES: Final = frozenset(
    {
        MANIFEST,
        CHARTER,
        AMENDMENTS,
        LAW_LOG,
        LAW_CHECKPOINT,
        KEY_LOG,
        KEY_CHECKPOINT,
        INVENTORY,
        WARRANT,
        MESSAGES,
        PEOPLE,
        REPORT,
        CUSTODY,
        READABLE,
        UNREADABLE,
    }
)
_LOG_MAX: Final = 1024 * 1024 * 1024


class Files(Protocol):
    """A package's files by name; `read` refuses what is larger than a limit."""

    def names(self) -> Sequence[str]:
        """Return every file's name."""

    def read(self, name: str, limit: int) -> bytes:
        """Return a file. Raises EvidenceRefused(evidence-manifest) when it is missing or larger."""

    def pieces(self, name: str, size: int) -> Iterator[bytes]:
        """Yield a file in pieces of `size` bytes, the last one less."""


class People(Document, frozen=True):
    """The handles that the agency knows; each proves itself by its account id."""

    handles: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class PackageMessage:
    """A message of the package, its place in it, and its attachment's file if it has one."""

    message: VerifiedMessage
    attachment: str | None


@dataclass(frozen=True, slots=True)
class VerifiedContent:
    """Everything in a package but its manifest, verified; `checks` says in words what was."""

    charter: Charter
    warrant: Warrant
    law: LawProof
    requests: tuple[LabelRequest, ...]
    messages: tuple[PackageMessage, ...]
    unreadable: tuple[Unreadable, ...]
    handles: dict[bytes, str]
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifiedPackage:
    """A package that holds together from the deployment id to the last message."""

    content: VerifiedContent
    manifest: VerifiedManifest

    @property
    def checks(self) -> tuple[str, ...]:
        """Return what was checked, in words, in its order."""
        count = len(self.manifest.manifest.files)
        return (
            *self.content.checks,
            f"The manifest is signed by the agency; all {count} files are as it lists them.",
            f"The chain of custody is unbroken: {len(self.manifest.manifest.custody)} acts.",
        )


def request_name(number: int) -> str:
    """Return the file name of a release request, counted from 1."""
    return f"{_REQUEST}{number}.bin"


def attachment_name(reference: Attachment) -> str:
    """Return the file name of an attachment's plaintext: by its digest, never by its own name."""
    return f"attachments/{reference.digest.hex()}"


def write_lines(lines: Iterable[bytes]) -> bytes:
    """Return JSON documents as JSON Lines."""
    return b"".join(line + b"\n" for line in lines)


def write_entries(entries: Iterable[bytes]) -> bytes:
    """Return a log's entries as lines of base64url: an entry may hold any byte."""
    return "".join(encode_base64url(entry) + "\n" for entry in entries).encode()


def read_entries(files: Files, name: str) -> list[bytes]:
    """Return the entries of `write_entries`. Raises EvidenceRefused(FORM)."""
    try:
        return [
            decode_base64url(line.decode("ascii")) for line in _lines(files.read(name, _LOG_MAX))
        ]
    except ValueError:
        raise EvidenceRefused(Code.FORM, name) from None


def write_people(handles: Iterable[str]) -> bytes:
    """Return the handles that the agency knows."""
    return encode(People(tuple(sorted(set(handles)))))


def verify_package(files: Files, deployment: DeploymentId) -> VerifiedPackage:
    """Return the package once everything in it holds, from the deployment id alone (R-29, R-38).

    Raises EvidenceRefused by the name of the rule that broke; nothing is returned in part.
    """
    try:
        return complete_package(files, verify_content(files, deployment))
    except EvidenceRefused:
        raise
    except Refusal as refusal:
        raise EvidenceRefused(refusal.code, refusal.detail) from None


def complete_package(files: Files, content: VerifiedContent) -> VerifiedPackage:
    """Return the package of a content that was verified, by its manifest and every file's hash.

    Raises Malformed, EvidenceRefused(evidence-manifest, evidence-custody).
    """
    agency = [content.warrant.agency.key]
    manifest = verify_manifest(files.read(MANIFEST, limits.INVENTORY), content.charter, agency)
    stated = manifest.manifest
    if bytes(stated.warrant) != content.warrant.commitment or [
        bytes(name) for name in stated.requests
    ] != [request.signed.hash for request in content.requests]:
        raise EvidenceRefused(Code.EVIDENCE_MANIFEST, "of another warrant")
    found = {name: measure(files, name) for name in files.names() if name != MANIFEST}
    manifest.check_files(found)
    return VerifiedPackage(content, manifest)


def verify_content(files: Files, deployment: DeploymentId) -> VerifiedContent:
    """Return a package's content once all of it holds, manifest and report aside.

    Raises EvidenceRefused and the other refusals of the rules that broke.
    """
    law = _prove_law(files, deployment)
    charter, state = law.charter, law.state
    key_log = _prove_keys(files, state)
    warrant = read_warrant(files.read(WARRANT, limits.WARRANT * 3), state, state.time_ms)
    requests = _read_requests(files, warrant, state)
    labels = {label for request in requests for label in request.labels}
    context = EvidenceContext(charter, key_log, law, frozenset(labels))
    inventory = verify_inventory(
        files.read(INVENTORY, limits.INVENTORY * 2), state.charters, warrant
    )
    messages = _verify_messages(files, context)
    unreadable = _verify_unreadable(files, context)
    _check_complete(messages, unreadable, inventory, labels)
    attached = tuple(_check_attachment(files, message) for message in messages)
    _check_names(files, len(requests), attached)
    handles = _read_people(files, charter)
    senders = len({message.label.account for message in messages})
    referred = sum(isinstance(message.body.record, Attachment) for message in messages)
    checkpoint = law.checkpoint.checkpoint
    checks = (
        f"The charter is that of deployment {deployment.hex()[:16]}…",
        f"The law log's {checkpoint.size} lines are those of a checkpoint that "
        f"{len(law.checkpoint.cosignatures)} witnesses cosigned.",
        f"The key log's {key_log.key_log.size} entries are those of a cosigned checkpoint.",
        f"The warrant {warrant.commitment.hex()[:16]}… is signed by agency, minister and judge, "
        "as its profile demands, and was logged and in force when release was asked.",
        f"{len(requests)} release requests are in the law log; their {len(labels)} labels are "
        "the logged ones, and all within the warrant.",
        f"{len(messages)} messages of {senders} senders: each is sealed to an opened label, "
        "signed by a device that the key log lists for its sender at that time, fits its "
        "commitment, and has the server's signed receipt for this conversation and day.",
        "Nothing is missing, added or reordered: the messages are exactly those of the "
        "server's signed inventory, and neighbouring receipts follow each other.",
        f"{sum(one.attachment is not None for one in attached)} of {referred} attachments are in "
        "the package, each what its message refers to.",
        *_describe_unreadable(unreadable),
    )
    return VerifiedContent(charter, warrant, law, requests, attached, unreadable, handles, checks)


def _describe_unreadable(unreadable: Sequence[Unreadable]) -> list[str]:
    if not unreadable:
        return []
    codes = ", ".join(sorted({one.code.value for one in unreadable}))
    return [
        f"{len(unreadable)} stored messages do not open or do not verify ({codes}): each is in the "
        "package with its label's key, by which anybody finds the same."
    ]


def _verify_unreadable(files: Files, context: EvidenceContext) -> tuple[Unreadable, ...]:
    if UNREADABLE not in files.names():
        return ()
    lines = _lines(files.read(UNREADABLE, _LOG_MAX))
    return tuple(verify_unreadable(line, context) for line in lines)


def _prove_law(files: Files, deployment: DeploymentId) -> LawProof:
    genesis = verify_genesis(files.read(CHARTER, limits.CHARTER * 3), deployment)
    amendments = read_entries(files, AMENDMENTS)
    documents = {hashlib.sha256(document).digest(): document for document in amendments}
    state = LawState.begin(genesis)
    for index, line in enumerate(read_entries(files, LAW_LOG)):
        state = state.apply(index, line, documents)
    note = files.read(LAW_CHECKPOINT, limits.NOTE)
    return prove_law(charter_at(state.charters, state.time_ms), state, note)


def _prove_keys(files: Files, law: LawState) -> ProvenKeyLog:
    entries = read_entries(files, KEY_LOG)
    return prove_key_log(law, entries, files.read(KEY_CHECKPOINT, limits.NOTE))


def _read_requests(files: Files, warrant: Warrant, state: LawState) -> tuple[LabelRequest, ...]:
    names = [name for name in files.names() if name.startswith(_REQUEST)]
    if not names or sorted(names) != sorted(map(request_name, range(1, len(names) + 1))):
        raise EvidenceRefused(Code.EVIDENCE_SCOPE, "no release request")
    requests = []
    for number in range(1, len(names) + 1):
        request = decode_request(
            warrant.deployment, files.read(request_name(number), limits.LAW_DOCUMENT)
        )
        _check_request(request, warrant, state)
        requests.append(request)
    return tuple(requests)


def _check_request(request: LabelRequest, warrant: Warrant, state: LawState) -> None:
    """The log took the request while the warrant was in force, and had these very labels."""
    if warrant.terms.kind is not WarrantKind.CONTENT_STORED:
        raise EvidenceRefused(Code.WARRANT_KIND, f"{warrant.terms.kind.value} opens no message")
    logged = state.requests.get(request.signed.hash)
    record = state.warrants.get(warrant.commitment)
    if logged is None or record is None or logged.warrant != warrant.commitment:
        raise EvidenceRefused(Code.REQUEST_UNLOGGED)
    if logged.over_cap:
        raise EvidenceRefused(Code.CAP_EXCEEDED)
    approved = {(one.role, one.key) for one in record.approvals}
    signed = {(one.role, one.key) for one in warrant.approvals}
    roles = {role for role, _ in approved & signed}
    needed = set(warrant.profile.urgent if warrant.terms.urgent else warrant.profile.approvals)
    if not roles >= needed:
        raise EvidenceRefused(Code.WARRANT_UNAPPROVED)
    check_order(request.labels)
    if (
        len(request.labels) != request.entry.labels
        or labels_root(request.labels) != logged.labels_root
    ):
        raise EvidenceRefused(Code.LABELS_ROOT)
    for label in request.labels:
        if label.committee != warrant.terms.committee or not warrant.scope.covers(
            label.conversation, label.account, label.day
        ):
            raise EvidenceRefused(Code.EVIDENCE_SCOPE, "a label beyond the warrant")


def _verify_messages(files: Files, context: EvidenceContext) -> list[VerifiedMessage]:
    """Verify every line; they stand in the order of conversation and sequence, none twice."""
    messages: list[VerifiedMessage] = []
    last: tuple[bytes, int] = (b"", 0)
    before: VerifiedMessage | None = None
    seen: set[tuple[bytes, bytes]] = set()
    for data in _lines(files.read(MESSAGES, _LOG_MAX)):
        message = verify_line(data, context)
        place = (bytes(message.label.conversation), message.sequence)
        if place <= last:
            raise EvidenceRefused(Code.RECEIPT_CHAIN, f"order, at sequence {message.sequence}")
        # A receipt is the server's word alone: it could let true words stand at a second place.
        name = (message.body.header.device, message.body.header.message_id)
        if name in seen:
            raise EvidenceRefused(Code.RECEIPT_CHAIN, f"said before, sequence {message.sequence}")
        seen.add(name)
        follows = before is not None and place == (last[0], last[1] + 1)
        if follows and before is not None and message.previous != before.receipt:
            raise EvidenceRefused(Code.RECEIPT_CHAIN, f"sequence {message.sequence}")
        if before is not None and place[0] == last[0] and message.time_ms < before.time_ms:
            raise EvidenceRefused(Code.RECEIPT_TIME, f"sequence {message.sequence}")
        messages.append(message)
        last, before = place, message
    return messages


def _check_complete(
    messages: Sequence[VerifiedMessage],
    unreadable: Sequence[Unreadable],
    inventory: Inventory,
    labels: set[Label],
) -> None:
    envelopes: dict[Label, list[tuple[int, bytes]]] = {label: [] for label in labels}
    for message in messages:
        envelopes[message.label].append((message.sequence, message.name()))
    for one in unreadable:
        envelopes[one.label].append((one.sequence, one.name))
    for label in sorted(labels, key=Label.encode):
        inventory.check_label(label, sorted(envelopes[label]))


def _check_attachment(files: Files, message: VerifiedMessage) -> PackageMessage:
    record = message.body.record
    if not isinstance(record, Attachment):
        return PackageMessage(message, None)
    name = attachment_name(record)
    if name not in files.names():
        return PackageMessage(message, None)
    digest, size, last = hashlib.sha256(), 0, count_chunks(record.size) - 1
    for index, piece in enumerate(files.pieces(name, CHUNK)):
        if index > last:
            raise EvidenceRefused(Code.ATTACHMENT_DAMAGED, name)
        digest.update(seal_chunk(record.key, index, index == last, piece))
        size += len(piece)
    if record.size == 0:
        digest.update(seal_chunk(record.key, 0, True, b""))
    if size != record.size or not hmac.compare_digest(digest.digest(), record.digest):
        raise EvidenceRefused(Code.ATTACHMENT_DAMAGED, name)
    return PackageMessage(message, name)


def _check_names(files: Files, requests: int, attached: Sequence[PackageMessage]) -> None:
    """A file that nothing refers to would be shown beside what people sent, as if they had."""
    known = {one.attachment for one in attached} | _NAMES
    known.update(map(request_name, range(1, requests + 1)))
    for name in files.names():
        if name not in known and not _RELEASE.fullmatch(name):
            raise EvidenceRefused(Code.EVIDENCE_MANIFEST, f"{name} belongs to no message")


def _read_people(files: Files, charter: Charter) -> dict[bytes, str]:
    people = decode(files.read(PEOPLE, limits.LAW_DOCUMENT), People, limits.LAW_DOCUMENT)
    salt = bytes(charter.terms.account_salt)
    return {bytes(name_account(salt, handle)): handle for handle in people.handles}


def measure(files: Files, name: str) -> tuple[int, bytes]:
    """Return a file's size and its SHA-256 (32)."""
    digest, size = hashlib.sha256(), 0
    for piece in files.pieces(name, 1 << 20):
        digest.update(piece)
        size += len(piece)
    return size, digest.digest()


def _lines(data: bytes) -> list[bytes]:
    if not data:
        return []
    if not data.endswith(b"\n"):
        raise EvidenceRefused(Code.FORM, "a file of lines is cut")
    return data[:-1].split(b"\n")
