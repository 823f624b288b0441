"""From a request to a release: fetch, verify everything oneself, decide by `release`, seal, post.

Nothing is taken from the server's word: the law log was replayed by `watch`, the warrant and the
request are verified here, and the same request is answered with the same release again. A later
generation of the shares is another release: two of them never mix (K-11, K-21).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from doublelock.holder.desk import DeskReader, file_document
from doublelock.holder.identity import HolderIdentity
from doublelock.holder.vault import Vault
from doublelock.holder.watch import LawWatch
from doublelock.keep import StateFolder
from doublelock.keep.atomic import write_whole
from doublelock.protocol.api import LawDocument
from doublelock.protocol.case import merge_warrant
from doublelock.protocol.charter import Charter, Role
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.encoding import u16, u32
from doublelock.protocol.errors import (
    LogRefused,
    Malformed,
    Refusal,
    ReleaseRefused,
    VaultRefused,
    WarrantRefused,
    WireRefused,
)
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.lawlog import (
    Cancellation,
    Ground,
    Preservation,
    VerifiedEntry,
    sign_entry,
    verify_entry,
)
from doublelock.protocol.lawrecords import EpochRecord
from doublelock.protocol.release import ReleasePermit, release
from doublelock.protocol.release_request import LabelRequest, decode_request
from doublelock.protocol.releases import (
    SEAL_PURPOSE,
    SealedRelease,
    Versions,
    describe_release,
    make_body,
    seal_context,
    sign_release,
)
from doublelock.protocol.warrant import Warrant
from doublelock.seal import SealPublicKey
from doublelock.transport.http import HttpClient

_CANCELLATIONS: Final = "cancellations"
_WAITS = frozenset(
    {
        # What a later checkpoint, a later approval or a later hour can still change.
        Code.WARRANT_UNLOGGED,
        Code.WARRANT_UNAPPROVED,
        Code.WARRANT_EARLY,
        Code.REQUEST_UNLOGGED,
        Code.CHECKPOINT_STALE,
        Code.NOTICE_OVERDUE,
        Code.EPOCH_UNKNOWN,
        Code.SHARE_GENERATION,
    }
)


@dataclass(frozen=True, slots=True)
class Answered:
    """What a holder did with a request (its hash, 32 bytes): released, or refused and why."""

    request: bytes
    warrant: bytes
    labels: int
    refusal: Code | None
    detail: str = ""

    @property
    def waits(self) -> bool:
        """Whether the request is looked at again: a later line or hour can still change it."""
        return self.refusal in _WAITS


@dataclass(slots=True)
class _Case:
    warrants: list[bytes] = field(default_factory=list)
    requests: dict[bytes, LabelRequest] = field(default_factory=dict)
    cancellations: list[VerifiedEntry] = field(default_factory=list)


class Serving:
    """One holder's answers to release requests; `step` looks once."""

    def __init__(
        self,
        folder: StateFolder,
        http: HttpClient,
        me: HolderIdentity,
        vault: Vault,
        watch: LawWatch,
    ) -> None:
        self._folder = folder
        self._http = http
        self._me = me
        self._vault = vault
        self._watch = watch
        self._desk = DeskReader(http)
        self._cases: dict[bytes, _Case] = {}
        self._waiting: dict[bytes, bytes] = {}
        self._cancellations: set[str] = set()
        self._documents: dict[bytes, bytes] = {}
        self._generations: Versions = ()
        self.refused: dict[bytes, Answered] = {}

    def cancel(self, signed: bytes) -> None:
        """Take a cancellation from anyone, logged or not: it stops this holder at once (R-13).

        Raises what `leave_cancellation` raises.
        """
        leave_cancellation(self._folder.path, signed, self._watch.state.charters[-1])
        self._take_cancellations()

    def _take_cancellations(self) -> None:
        """Take in what lies in the folder, also what was left there while this process runs."""
        deployment = self._watch.state.deployment
        for name in self._folder.names(_CANCELLATIONS):
            if name in self._cancellations:
                continue
            entry = read_cancellation(deployment, self._folder.read_open(name))
            self._cancellations.add(name)
            self._case(bytes(entry.warrant)).cancellations.append(entry.signed)

    async def step(self, now_ms: int) -> list[Answered]:
        """Fetch what is new and answer what can be answered; call after `LawWatch.update`.

        Raises WireRefused, VaultRefused. A request that waits for the log is looked at again.
        """
        await self._fetch()
        self._ask_again()
        answers = []
        for name, document in list(self._waiting.items()):
            answer = await self._answer(document, now_ms)
            known = self.refused.get(name)
            if not answer.waits:
                del self._waiting[name]
            if answer.refusal is not None:
                self.refused[name] = answer
            if known is None or known.refusal is not answer.refusal:
                answers.append(answer)
        return answers

    async def _fetch(self) -> None:
        self._take_cancellations()
        for document in await self._desk.news():
            self._take(document)

    def _take(self, document: LawDocument) -> None:
        """Sort a document in; one without form is passed over, for nothing relies on it."""
        deployment = self._watch.state.deployment
        try:
            match document.kind:
                case "warrant":
                    self._case(document.case).warrants.append(document.document)
                case "request":
                    request = decode_request(deployment, document.document)
                    name = request.signed.hash
                    self._case(bytes(request.entry.warrant)).requests[name] = request
                    self._documents[name] = document.document
                    # The operator's own requests are of metadata: they ask no holder.
                    charters = self._watch.state.charters
                    operators = {bytes(one.terms.operator.key) for one in charters}
                    theirs = request.signed.author in operators
                    if not theirs and not self._is_answered(request):
                        self._waiting[name] = document.document
                case "entry":
                    entry = verify_entry(deployment, document.document)
                    if isinstance(entry.entry, Cancellation):
                        self._case(bytes(entry.entry.warrant)).cancellations.append(entry)
        except Refusal:
            return

    def _ask_again(self) -> None:
        """Once shares were passed on, look again at what was answered with the old ones."""
        generations = self._versions(number for _, number in self._watch.state.epochs)
        if generations == self._generations:
            return
        self._generations = generations
        for case in self._cases.values():
            for name, request in case.requests.items():
                if self._folder.has(_answered(name)) and not self._is_answered(request):
                    self._waiting[name] = self._documents[name]

    def _versions(self, months: Iterable[int]) -> Versions:
        """Return the share versions of some months, as the log has them for this committee."""
        epochs, committee = self._watch.state.epochs, self._me.committee
        known = ((month, epochs.get((committee, month))) for month in sorted(set(months)))
        return tuple((month, one.keys.share_version) for month, one in known if one is not None)

    def _is_answered(self, request: LabelRequest) -> bool:
        """Say whether this request was answered with the shares that count now."""
        at = _answered(request.signed.hash)
        if not self._folder.has(at):
            return False
        versions = self._versions(label.key_epoch for label in request.labels)
        return self._folder.read_open(at) == _encode(versions)

    def _case(self, warrant: bytes) -> _Case:
        return self._cases.setdefault(warrant, _Case())

    async def _answer(self, document: bytes, now_ms: int) -> Answered:
        request = decode_request(self._watch.state.deployment, document)
        name, case = request.signed.hash, bytes(request.entry.warrant)
        count = len(request.labels)
        try:
            permit = self._permit(request, now_ms)
            await self._give(permit)
        except (ReleaseRefused, LogRefused) as refusal:
            return Answered(name, case, count, refusal.code, refusal.detail)
        except VaultRefused as refusal:
            # A holder that lost one month's share still serves the others.
            if refusal.code is not Code.VAULT_MISSING:
                raise
            return Answered(name, case, count, refusal.code, "the share is not here")
        return Answered(name, case, count, None)

    def _permit(self, request: LabelRequest, now_ms: int) -> ReleasePermit:
        charter = self._watch.state.charter(now_ms)
        case = self._case(bytes(request.entry.warrant))
        warrant = self.warrant(bytes(request.entry.warrant), now_ms)
        if warrant.terms.committee != self._me.committee:
            raise ReleaseRefused(Code.WARRANT_COMMITTEE, f"committee {warrant.terms.committee}")
        proof = self._watch.prove(now_ms)
        permit = release(
            warrant,
            warrant.approvals,
            charter,
            request,
            proof,
            self._watch.last_head,
            now_ms,
            case.cancellations,
        )
        if not all(self._vault.holds(record.keys) for record in self._records(permit)):
            raise ReleaseRefused(Code.SHARE_GENERATION, "no share of the logged generation here")
        return permit

    def _records(self, permit: ReleasePermit) -> list[EpochRecord]:
        epochs = self._watch.state.epochs
        return [epochs[permit.committee, month] for month in permit.key_epochs]

    def warrant(self, commitment: bytes, now_ms: int) -> Warrant:
        """Return a case's warrant with every good signature that came. Raises ReleaseRefused."""
        documents = self._case(commitment).warrants
        try:
            return merge_warrant(documents, commitment, self._watch.state, now_ms)
        except Refusal as refusal:
            raise ReleaseRefused(refusal.code, refusal.detail) from None

    def requests(self, commitment: bytes) -> tuple[LabelRequest, ...]:
        """Return a case's requests as they came; the law log says which of them count."""
        return tuple(self._case(commitment).requests.values())

    async def preserve(self, key_epoch: int, now_ms: int) -> int:
        """Make every release still permitted that needs a month's share, before it is destroyed.

        Each stands in the law log as a preservation. Returns how many were made. Raises
        WireRefused, VaultRefused.
        """
        await self._fetch()
        count = 0
        for case in list(self._cases.values()):
            for request in list(case.requests.values()):
                if all(label.key_epoch != key_epoch for label in request.labels):
                    continue
                if self._is_answered(request):
                    continue
                try:
                    permit = self._permit(request, now_ms)
                except (ReleaseRefused, LogRefused):
                    continue
                if not self._folder.has(self._release(permit)):
                    self._folder.write(self._release(permit), self._make(permit))
                entry = Preservation(
                    committee=permit.committee,
                    key_epoch=key_epoch,
                    warrant=Bytes32(permit.warrant),
                    labels_root=request.entry.labels_root,
                    labels=len(permit.labels),
                )
                signer = self._me.signer
                signed = sign_entry(permit.deployment, entry, self._me.key, signer.sign)
                await file_document(self._http, "entry", signed)
                await self._give(permit)
                self._waiting.pop(permit.request, None)
                count += 1
        return count

    async def _give(self, permit: ReleasePermit) -> None:
        """Make, seal, keep and post a release; what was made before is posted again, unchanged."""
        kept = self._folder.find(self._release(permit))
        if kept is None:
            kept = self._make(permit)
            self._folder.write(self._release(permit), kept)
        size = int.from_bytes(kept[:4], "big")
        sealed, entry = kept[4 : 4 + size], kept[4 + size :]
        await file_document(self._http, "release", sealed, permit.warrant)
        versions = self._versions(permit.key_epochs)
        holder = SealedRelease.decode(sealed).holder
        if (permit.request, holder, versions) not in self._watch.state.releases:
            try:
                await file_document(self._http, "entry", entry)
            except WireRefused as refusal:
                if refusal.code is not Code.ENTRY_VOID:  # logged before a crash
                    raise
        self._folder.write_open(_answered(permit.request), _encode(versions))

    def _release(self, permit: ReleasePermit) -> str:
        """Return the name of a release's file: another one for each generation of the shares."""
        name = hashlib.sha256(permit.digest + _encode(self._versions(permit.key_epochs)))
        return f"releases/{name.hexdigest()}"

    def _make(self, permit: ReleasePermit) -> bytes:
        partials = self._vault.release(permit, self._records(permit))
        versions = self._versions(permit.key_epochs)
        holder = partials.index
        body = make_body(permit, versions, partials).encode()
        context = seal_context(permit.deployment, permit.digest, holder)
        ciphertext = SealPublicKey.decode(permit.release_key).seal(SEAL_PURPOSE, context, body)
        sealed: SealedRelease = sign_release(permit, holder, ciphertext, self._me.signer.sign)
        entry = sign_entry(
            permit.deployment,
            describe_release(permit, sealed, versions),
            self._me.key,
            self._me.signer.sign,
        )
        encoded = sealed.encode()
        return len(encoded).to_bytes(4, "big") + encoded + entry


@dataclass(frozen=True, slots=True)
class HandedCancellation:
    """A signed cancellation and the warrant (32 bytes) that it ends; who signed is not judged."""

    warrant: bytes
    ground: Ground
    signed: VerifiedEntry


def read_cancellation(deployment: DeploymentId, data: bytes) -> HandedCancellation:
    """Return a cancellation once its signature holds. Raises Malformed."""
    signed = verify_entry(deployment, data)
    if not isinstance(signed.entry, Cancellation):
        raise Malformed(Code.FORM, "not a cancellation")
    return HandedCancellation(bytes(signed.entry.warrant), signed.entry.ground, signed)


def leave_cancellation(folder: Path, data: bytes, charter: Charter) -> HandedCancellation:
    """Put a cancellation into a holder's state folder, for its daemon's next look (R-13).

    It is public and signed: neither the folder's key nor its lock is needed. Raises Malformed,
    WarrantRefused(entry-author) when its author is nobody who could cancel under `charter`,
    VaultRefused(vault-write).
    """
    cancellation = read_cancellation(charter.deployment, data)
    party = charter.party(cancellation.signed.author)
    if party is None or party.role not in (Role.AGENCY, Role.MINISTER, Role.JUDGE):
        raise WarrantRefused(Code.ENTRY_AUTHOR, "cancellation")
    inside = folder / _CANCELLATIONS
    inside.mkdir(mode=0o700, exist_ok=True)
    write_whole(inside / cancellation.signed.hash.hex(), data)
    return cancellation


def _encode(versions: Versions) -> bytes:
    return b"".join(u16(month) + u32(version) for month, version in versions)


def _answered(request: bytes) -> str:
    return f"answered/{request.hex()}"
