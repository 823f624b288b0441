"""Opening: releases in, label keys combined and checked against the MPK, messages out (spec R-22).

A holder whose release is wrong is named and passed over, as long as a quorum and the court are
left. Every message is then verified as evidence before anybody reads it.
"""

import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from doublelock.agency.combining import Combining, Culprit
from doublelock.agency.party import LawParty
from doublelock.holder.watch import LogCopy, copy_keys
from doublelock.protocol import limits
from doublelock.protocol.api import AskEnvelopes, LabelName, encode_body
from doublelock.protocol.capsule import LabelKey, open_capsule
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import EvidenceRefused, Malformed, Refusal, ReleaseRefused
from doublelock.protocol.evidence import (
    EvidenceContext,
    StoredMessage,
    VerifiedMessage,
    prove_key_log,
    verify_message,
)
from doublelock.protocol.evidence_line import write_line
from doublelock.protocol.frames import Item, frames_from_server
from doublelock.protocol.header import Header
from doublelock.protocol.inventory import Inventory, verify_inventory
from doublelock.protocol.label import Label
from doublelock.protocol.receipt import Receipt
from doublelock.protocol.release import LawProof
from doublelock.protocol.release_request import LabelRequest, decode_request
from doublelock.protocol.unreadable import verify_unreadable, write_unreadable
from doublelock.protocol.warrant import Warrant
from doublelock.seal import SealKey

_ITEM_ROOM: Final = limits.BODY + limits.MLS_APPLICATION + 4096
_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Fault:
    """A message or label that did not hold: where, and by which rule."""

    where: str
    code: Code


class Opened(msgspec.Struct, frozen=True, gc=False):
    """A message with its evidence line, verified."""

    line: bytes
    message: VerifiedMessage


@dataclass(frozen=True, slots=True)
class Opening:
    """All that one case gave so far; `releases` are (request number, holder, sealed bytes)."""

    warrant: Warrant
    law: LawProof
    keys: LogCopy
    inventory: bytes
    requests: tuple[bytes, ...]
    request_hashes: tuple[bytes, ...]
    releases: tuple[tuple[int, int, bytes], ...]
    messages: tuple[Opened, ...]
    culprits: tuple[Culprit, ...]
    faults: tuple[Fault, ...]
    unreadable: tuple[bytes, ...]
    label_keys: Mapping[Label, LabelKey] = field(repr=False)
    """What the releases gave: the key of each label that the log's requests name; secret."""


def logged_requests(party: LawParty, case: bytes) -> list[tuple[LabelRequest, bytes]]:
    """Return the case's requests that the law log has, within its caps, with their bytes."""
    state = party.watch.state
    found = []
    for document in party.documents(case, "request"):
        try:
            request = decode_request(party.deployment, document.document)
        except Refusal:
            continue
        logged = state.requests.get(request.signed.hash)
        if logged is not None and logged.warrant == case and not logged.over_cap:
            found.append((request, document.document))
    return found


async def open_case(
    party: LawParty,
    case: bytes,
    key: SealKey,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> Opening:
    """Return everything that the releases so far open under one warrant.

    Raises ReleaseRefused(PARTIALS_MISSING, PARTIAL_WRONG) naming the holders when some request
    lacks a quorum and the court, (REQUEST_UNLOGGED) without a request; WireRefused, LogRefused.
    """
    warrant = party.warrant(case)
    law = party.watch.prove(party.clock())
    requests = logged_requests(party, case)
    if not requests:
        raise ReleaseRefused(Code.REQUEST_UNLOGGED)
    keys = await copy_keys(party.http, law.state, party.clock())
    raw = await party.http.get(f"/v1/law/cases/{case.hex()}/inventory", limit=limits.INVENTORY * 2)
    inventory = verify_inventory(raw, party.watch.state.charters, warrant)
    combining = Combining(party, warrant, law, key)
    work = _Work(party, warrant, inventory)
    label_keys: dict[Label, LabelKey] = {}
    for number, (request, _) in enumerate(requests, start=1):
        label_keys.update(combining.combine(number, request))
    proven = prove_key_log(law.state, keys.entries, keys.note)
    context = EvidenceContext(party.charter, proven, law, frozenset(label_keys))
    opened = await work.open_all(label_keys, context, progress)
    return Opening(
        warrant,
        law,
        keys,
        raw,
        tuple(data for _, data in requests),
        tuple(request.signed.hash for request, _ in requests),
        tuple(combining.releases),
        tuple(opened),
        tuple(combining.culprits),
        tuple(work.faults),
        tuple(work.unreadable),
        label_keys,
    )


class _Work:
    """One opening in progress: what was passed over is remembered beside what was opened."""

    def __init__(self, party: LawParty, warrant: Warrant, inventory: Inventory) -> None:
        self._party = party
        self._warrant = warrant
        self._inventory = inventory
        self._counts = {
            (bytes(row.conversation), bytes(row.account), row.day, row.key_epoch): row.count
            for row in inventory.terms.labels
        }
        self.faults: list[Fault] = []
        self.unreadable: list[bytes] = []

    # --- label keys to messages ------------------------------------------------------------

    async def open_all(
        self,
        label_keys: dict[Label, LabelKey],
        context: EvidenceContext,
        progress: Callable[[int, int], None],
    ) -> list[Opened]:
        """Fetch, open and verify every envelope of the labels, by conversation and sequence."""
        opened: list[Opened] = []
        labels = sorted(label_keys, key=Label.encode)
        for start, end in self._portions(labels):
            portion = labels[start:end]
            items: dict[Label, list[_Delivered]] = {label: [] for label in portion}
            for item in await self._fetch(portion):
                with contextlib.suppress(Refusal):  # what is no envelope, the inventory misses
                    one = _Delivered(item, StoredMessage.decode(item.header, item.body))
                    label = context.find_label(one.stored.header)
                    if label is not None and label in items:
                        items[label].append(one)
            for label, found in items.items():
                self._check_complete(label, found)
                opened += self._open_label(label_keys[label], found, context)
            progress(end, len(labels))
        opened.sort(key=lambda one: (one.message.label.conversation, one.message.sequence))
        return opened

    def _portions(self, labels: Sequence[Label]) -> list[tuple[int, int]]:
        """Cut the labels into runs of some thousand messages, by the inventory's counts."""
        portions, start, size = [], 0, 0
        for at, label in enumerate(labels):
            count = self._counts.get(_key(label), 0)
            if at > start and size + count > _AT_ONCE:
                portions.append((start, at))
                start, size = at, 0
            size += count
        if labels:
            portions.append((start, len(labels)))
        return portions

    async def _fetch(self, labels: Sequence[Label]) -> list[Item]:
        """Return the items that the server has for some labels. Raises WireRefused, Malformed."""
        # Where a month was extended, two labels may differ in nothing but their key epoch.
        names = list(
            dict.fromkeys(
                LabelName(conversation=one.conversation, account=one.account, day=one.day)
                for one in labels
            )
        )
        expected = sum(self._counts.get(_key(label), 0) for label in labels)
        found: list[Item] = []
        first, after = 0, 0
        # More than is listed would be foreign, and no reason to ask without end.
        while len(found) <= expected:
            some = await self._ask(AskEnvelopes(labels=tuple(names[first:]), after=after), expected)
            if not some:
                break
            found += some
            try:
                first += names[first:].index(_name_of(some[-1]))
            except (ValueError, Malformed):
                break  # what was not asked for: the inventory tells what is missing
            after = some[-1].sequence
        return found

    async def _ask(self, asked: AskEnvelopes, expected: int) -> list[Item]:
        data = await self._party.http.send(
            "POST",
            f"/v1/law/cases/{self._warrant.commitment.hex()}/envelopes",
            encode_body(asked),
            kind="application/msgpack",
            limit=(expected + 64) * _ITEM_ROOM,
            again=True,
        )
        frames = frames_from_server(data) if data else []
        return [frame for frame in frames if isinstance(frame, Item)]

    def _check_complete(self, label: Label, delivered: Sequence["_Delivered"]) -> None:
        envelopes = [(one.item.sequence, one.stored.name(one.item.sequence)) for one in delivered]
        try:
            self._inventory.check_label(label, envelopes)
        except EvidenceRefused as refusal:
            where = f"label of {label.account.hex()[:16]} on day {label.day}: {refusal.detail}"
            self.faults.append(Fault(where, refusal.code))

    def _open_label(
        self, key: LabelKey, delivered: Sequence["_Delivered"], context: EvidenceContext
    ) -> list[Opened]:
        opened = []
        seeds: dict[bytes, bytes | Refusal] = {}
        for one in delivered:
            receipt, capsule = one.receipt(), one.stored.header.capsule
            try:
                seed = seeds.get(capsule)
                if seed is None:  # once, however many messages share it
                    seed = seeds[capsule] = _open_seed(key, capsule, context)
                if isinstance(seed, Refusal):
                    raise seed
                opened.append(_open(one.stored, seed, receipt, context))
            except Refusal as refusal:
                where = f"{one.item.conversation.hex()[:16]} sequence {one.item.sequence}"
                self.faults.append(Fault(where, refusal.code))
                self._keep_unreadable(key, one.stored, receipt, context)
        return opened

    def _keep_unreadable(
        self, key: LabelKey, stored: StoredMessage, receipt: Receipt, context: EvidenceContext
    ) -> None:
        """Keep what shows that a message does not hold; what not even shows that stays a fault."""
        line = write_unreadable(stored.header_bytes, stored.body, key, receipt)
        with contextlib.suppress(EvidenceRefused):
            verify_unreadable(line, context)
            self.unreadable.append(line)


class _Delivered(msgspec.Struct, frozen=True, gc=False):
    item: Item
    stored: StoredMessage

    def receipt(self) -> Receipt:
        item = self.item
        mls_hash = hashlib.sha256(item.mls).digest()
        fields = self.stored.receipt_fields(item.sequence, item.previous, item.time_ms, mls_hash)
        return Receipt(fields, item.index, item.size, item.path, item.signature)


def _open_seed(key: LabelKey, capsule: bytes, context: EvidenceContext) -> bytes | Refusal:
    mpk = context.master_key(key.label.committee, key.label.key_epoch)
    try:
        opened = open_capsule(capsule, key, mpk)
    except Refusal as refusal:
        return refusal
    context.learn(opened)
    return opened.seed


def _open(stored: StoredMessage, seed: bytes, receipt: Receipt, context: EvidenceContext) -> Opened:
    device_key = context.key_log.key_log.device(stored.header.device).key
    message = verify_message(stored, seed, device_key, receipt, context)
    line = write_line(stored.header_bytes, stored.body, seed, device_key, receipt)
    return Opened(line, message)


def _name_of(item: Item) -> LabelName:
    day = Header.decode(item.header).day
    return LabelName(conversation=item.conversation, account=item.account, day=day)


def _key(label: Label) -> tuple[bytes, bytes, int, int]:
    return bytes(label.conversation), bytes(label.account), label.day, label.key_epoch
