"""A forger with every seed but the people's own, and one real evidence package to start from."""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import msgspec
from law_path import NOON, TODAY, Town, town

from doublelock.audit import copy_deployment, verify_evidence
from doublelock.demo.founding import Founded, Plan
from doublelock.keep.package import FolderFiles
from doublelock.protocol import jws, merkle, package
from doublelock.protocol.capsule import LabelKey, day_key, seal
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G2
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32, Bytes48, decode, encode
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.envelope import _message_cipher
from doublelock.protocol.errors import Refusal
from doublelock.protocol.evidence import EvidenceFile, Manifest
from doublelock.protocol.evidence_line import EvidenceLine, write_line
from doublelock.protocol.header import Header, hash_header
from doublelock.protocol.identifiers import (
    AccountId,
    ConversationId,
    DeploymentId,
    DeviceId,
    name_device,
)
from doublelock.protocol.inventory import (
    InventoryHead,
    StoredEnvelope,
    hash_envelope,
    list_label,
    write_inventory,
)
from doublelock.protocol.keylog_entry import draft_update, sign_update
from doublelock.protocol.label import Label
from doublelock.protocol.merkle import leaf_hash
from doublelock.protocol.note import format_note
from doublelock.protocol.package import VerifiedContent
from doublelock.protocol.partial import combine_batch, make_partials, read_holder_keys
from doublelock.protocol.receipt import FIRST, Receipt, describe_item, sign_receipts
from doublelock.protocol.report import readable_line, render_report
from doublelock.protocol.scope import InventoryRow, ScopeItem
from doublelock.protocol.unreadable import UnreadableLine

PLAN = Plan(now_ms=NOON - DAY_MS, custodians=3, threshold=2, witnesses=2, quorum=2)
SECOND = SigningKey(b"\x22" * 32)
"""Ada's second device."""
LOST = SigningKey(b"\x33" * 32)
"""A device that Ada had, and removed."""


@dataclass(frozen=True)
class Message:
    """A message of the package with what opens it; changed by `replace`, written by `Forger`."""

    header: Header
    header_bytes: bytes
    body: bytes
    seed: bytes
    device_key: bytes
    sequence: int
    time_ms: int

    @classmethod
    def read(cls, line: bytes) -> "Message":
        found = decode(line, EvidenceLine, 1 << 20)
        header = bytes(found.header)
        receipt = found.receipt
        return cls(
            Header.decode(header),
            header,
            bytes(found.body),
            bytes(found.seed),
            bytes(found.device_key),
            receipt.sequence,
            receipt.time_ms,
        )


@dataclass(frozen=True)
class Stage:
    """What an honest opening left, and the secrets that the attacker has: all but the people's."""

    founded: Founded
    source: Path
    mirror: Path
    content: VerifiedContent
    rooms: tuple[ConversationId, ConversationId]
    ada: AccountId
    ada_key: SigningKey
    bob: AccountId
    bob_key: SigningKey
    lost_until_ms: int
    label_keys: dict[Label, LabelKey]

    @property
    def deployment(self) -> DeploymentId:
        return self.founded.deployment

    def lines(self) -> list[bytes]:
        return (self.source / package.MESSAGES).read_bytes().splitlines()

    def messages(self) -> list[Message]:
        return [Message.read(line) for line in self.lines()]

    def of(self, account: AccountId, room: int = 0, day: int = TODAY) -> list[Message]:
        return [
            one
            for one in self.messages()
            if one.header.account == account
            and one.header.conversation == self.rooms[room]
            and one.header.day == day
        ]

    def mpk(self, label: Label) -> G2:
        return self.content.law.state.epochs[1, label.key_epoch].keys.master_key


def set_the_stage(folder: Path) -> Stage:
    return asyncio.run(_set_the_stage(folder))


async def _set_the_stage(folder: Path) -> Stage:
    """Ada and Bob talk in two rooms on two days; a warrant names both, and is opened honestly."""
    async with town(folder / "world", PLAN) as here:
        world = here.world
        rooms = (await here.room("ada", "bob"), await here.room("ada", "bob"))
        ada, bob = world.people["ada"], world.people["bob"]
        await _list_devices(here, SECOND, LOST)
        await _list_devices(here, SECOND)
        removed = ada.monitor.key_log.device(_name(LOST)).removed_ms
        assert removed is not None
        for room in rooms:
            await here.say(room, ada, [b"yes", b"no"])
            await here.say(room, bob, [b"did you do it?"])
        cast(Any, world.clock).advance_to(NOON + DAY_MS)
        await here.say(rooms[0], ada, [b"the next day"])
        senders = tuple(sorted(map(Bytes32, (ada.account, bob.account))))
        warrant = await here.warrant((ScopeItem(senders, (), TODAY, TODAY + 1),))
        await here.agency.request(warrant.commitment)
        await here.seen()
        await world.look()
        await here.seen()
        opening = await here.agency.open_case(warrant.commitment)
        assert (opening.faults, len(opening.messages)) == ((), 7)
        await here.agency.write(opening, folder / "evidence", ("ada", "bob"))
        await copy_deployment(world.server.http, world.deployment, folder / "mirror")
        content = verify_evidence(folder / "evidence", world.deployment).content
        return Stage(
            world.founded,
            folder / "evidence",
            folder / "mirror",
            content,
            rooms,
            ada.account,
            ada._core.signing_key,
            bob.account,
            bob._core.signing_key,
            removed,
            _combine(here, content),
        )


def _combine(here: Town, content: VerifiedContent) -> dict[Label, LabelKey]:
    """Return every opened label's key, as the custodians and the court make it between them."""
    labels = sorted(
        {one for request in content.requests for one in request.labels}, key=Label.encode
    )
    record = content.law.state.epochs[1, labels[0].key_epoch]
    shares = [holder.vault._current(record.keys) for holder in here.world.holders]
    *custodians, court = [make_partials(one.index, one.secret, labels) for one in shares]
    keys = combine_batch(labels, custodians, court, read_holder_keys(record.keys), bytes(32))
    return dict(zip(labels, keys, strict=True))


async def _list_devices(here: Town, *more: SigningKey) -> None:
    """Have Ada's device list other devices of hers, as it would when she links one."""
    ada = here.world.people["ada"]
    key = ada._core.signing_key
    now = ada.monitor.key_log.account(ada.account)
    keys = [key.public.encoded, *(one.public.encoded for one in more)]
    draft = draft_update(
        ada.account,
        now.number + 1,
        now.lineage,
        now.index,
        now.committee,
        keys,
        key.public.encoded,
        here.world.clock(),
    )
    new = [(one.public.encoded, one.sign) for one in more if one.public.encoded not in now.keys]
    entry = sign_update(here.world.deployment, draft, key.sign, new).encode()
    size = await here.world.server.parts.identities.append(entry) + 1
    await here.seen()
    while await ada.monitor.sync_keys(size) < size:  # noqa: ASYNC110 - asks the server
        await asyncio.sleep(0.01)


def _name(key: SigningKey) -> DeviceId:
    return name_device(key.public.encoded)


class Forger:
    """Writes packages that are consistent in all that its secrets can make so."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self.folder = folder / "forged"
        shutil.copytree(stage.source, self.folder)
        holders = stage.founded.committees[0]
        self.agency = SigningKey(holders.agency)
        self.receipt_key = SigningKey(stage.founded.receipt)

    # --- envelopes -------------------------------------------------------------------------

    def seal(
        self,
        like: Message,
        plain: Callable[[bytes], bytes],
        *,
        fresh_capsule: bool = False,
        **changes: Any,
    ) -> Message:
        """Seal a body again under a changed header; `plain` makes it from the header's hash."""
        header = msgspec.structs.replace(like.header, **changes)
        label = header.label(self.stage.deployment)
        if fresh_capsule or label != like.header.label(self.stage.deployment):
            header = msgspec.structs.replace(
                header, capsule=seal(like.seed, label, self.stage.mpk(label)).capsule
            )
        encoded = header.encode()
        digest = hash_header(encoded)
        cipher, nonce = _message_cipher(day_key(like.seed, header.capsule, label), digest)
        body = cipher.encrypt(nonce, plain(digest), digest)
        return replace(like, header=header, header_bytes=encoded, body=body)

    def open(self, one: Message) -> bytes:
        """Return signature, franking key and record: whoever has the seed reads them."""
        label = one.header.label(self.stage.deployment)
        digest = hash_header(one.header_bytes)
        cipher, nonce = _message_cipher(day_key(one.seed, one.header.capsule, label), digest)
        return cipher.decrypt(nonce, one.body, digest)

    def as_unreadable(self, line: bytes, key: LabelKey) -> bytes:
        """Return a line's message as one that does not open, its true receipt kept."""
        found = decode(line, EvidenceLine, 1 << 20)
        point = Bytes48(key.point.encoded)
        return encode(UnreadableLine(found.header, found.body, point, found.receipt))

    # --- the server's word -----------------------------------------------------------------

    def receive(self, messages: Iterable[Message], key: SigningKey | None = None) -> list[bytes]:
        """Return evidence lines whose receipts are new and chained, as the server would sign."""
        lines = []
        heads: dict[bytes, tuple[int, bytes]] = {}
        for one in messages:
            room = one.header.conversation
            sequence, previous = heads.get(room, (0, FIRST))
            fields = describe_item(
                room,
                max(one.sequence, sequence + 1),
                previous,
                one.time_ms,
                one.header.account,
                one.header.device,
                one.header_bytes,
                one.body,
                b"mls",
            )
            own = fields.hash(self.stage.deployment)
            signature, paths = sign_receipts([own], self.stage.deployment, key or self.receipt_key)
            heads[room] = (fields.sequence, own)
            receipt = Receipt(fields, 0, 1, paths[0], signature)
            lines.append(write_line(one.header_bytes, one.body, one.seed, one.device_key, receipt))
        return lines

    def list_all(self, lines: Sequence[bytes]) -> None:
        """Sign an inventory of exactly these lines."""
        labels: dict[Label, list[tuple[int, bytes]]] = {}
        heads: dict[bytes, int] = {}
        for line in lines:
            one = Message.read(line)
            stored = StoredEnvelope(one.sequence, one.header_bytes, one.body)
            labels.setdefault(one.header.label(self.stage.deployment), []).append(
                (one.sequence, hash_envelope(stored))
            )
            heads[one.header.conversation] = one.sequence
        for label in self.opened():
            labels.setdefault(label, [])
        rows = [
            list_label(InventoryRow(one.conversation, one.account, one.day, one.key_epoch), stored)
            for one, stored in labels.items()
            if stored
        ]
        payload = write_inventory(
            self.stage.deployment,
            1,
            self.stage.content.warrant.commitment,
            NOON + DAY_MS,
            rows,
            [
                InventoryHead(Bytes32(room), last, Bytes32(b"h" * 32))
                for room, last in heads.items()
            ],
        )
        self.write(package.INVENTORY, self.sign(payload, jws.Purpose.INVENTORY, self.receipt_key))

    def opened(self) -> set[Label]:
        return {label for one in self.stage.content.requests for label in one.labels}

    # --- logs ------------------------------------------------------------------------------

    def fork_key_log(self, entries: Sequence[bytes]) -> None:
        """Serve other entries, under a checkpoint that the log and every witness signed."""
        leaves = [leaf_hash(entry) for entry in entries]
        root = _root(leaves)
        log = self.stage.founded.logs[0]
        head = Checkpoint(log.key.name, len(leaves), root)
        signers = [log, *self.stage.founded.witnesses]
        seen_s = (NOON + DAY_MS) // 1000
        self.write(package.KEY_LOG, package.write_entries(entries))
        self.write(
            package.KEY_CHECKPOINT,
            format_note(head.encode(), [one.sign(head, seen_s) for one in signers]),
        )

    def key_log(self) -> list[bytes]:
        return package.read_entries(FolderFiles(self.stage.source), package.KEY_LOG)

    # --- the package -----------------------------------------------------------------------

    def write(self, name: str, data: bytes) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_bytes(data)

    def sign(self, payload: bytes, purpose: jws.Purpose, key: SigningKey) -> bytes:
        return jws.sign(payload, purpose, [(key.public.encoded, key.sign)])

    def show(self, lines: Sequence[bytes], *, inventory: bool = True) -> None:
        """Put these lines into the package, in order of conversation and place."""
        ordered = sorted(lines, key=_place)
        self.write(package.MESSAGES, package.write_lines(ordered))
        if inventory:
            self.list_all(ordered)

    def finish(self, *, pages: bool = True) -> None:
        """Make the pages anew where that is possible, and have the agency sign all of it."""
        try:
            content = package.verify_content(FolderFiles(self.folder), self.stage.deployment)
        except Refusal:
            pages = False
        if pages:
            readable = (readable_line(content, one) for one in content.messages)
            self.write(package.READABLE, package.write_lines(readable))
            self.write(package.REPORT, render_report(content))
        old = jws.read_payload((self.folder / package.MANIFEST).read_bytes(), 1 << 30)
        files = FolderFiles(self.folder)
        listed = []
        for name in files.names():
            if name != package.MANIFEST:
                data = files.read(name, 1 << 30)
                digest = Bytes32(hashlib.sha256(data).digest())
                listed.append(EvidenceFile(name, len(data), digest))
        manifest = msgspec.structs.replace(decode(old, Manifest, 1 << 30), files=tuple(listed))
        self.write(package.MANIFEST, self.sign(encode(manifest), jws.Purpose.EVIDENCE, self.agency))

    def verdict(self, against: Path | None = None) -> Code | None:
        """Return the code by which anybody refuses the package, None where it convinces."""
        try:
            verify_evidence(self.folder, self.stage.deployment, against)
        except Refusal as refusal:
            return refusal.code
        return None

    def try_on(self, lines: Sequence[bytes]) -> Code | None:
        """Show these lines in a package that is otherwise in order, and return the verdict."""
        self.show(lines)
        self.finish()
        return self.verdict()

    def with_forged(self, forged: Message, instead_of: Message) -> Code | None:
        """Show a forged message in a real one's place, the whole timeline signed anew."""
        messages = [forged if one == instead_of else one for one in self.stage.messages()]
        messages.sort(key=lambda one: (one.header.conversation, one.sequence))
        return self.try_on(self.receive(messages))


def _place(line: bytes) -> tuple[bytes, int]:
    one = Message.read(line)
    return one.header.conversation, one.sequence


def _root(leaves: Sequence[bytes]) -> bytes:
    def node(level: int, index: int) -> bytes:
        return merkle.reduce_perfect(leaves[index << level : (index + 1) << level])

    return merkle.range_root(0, len(leaves), node)
