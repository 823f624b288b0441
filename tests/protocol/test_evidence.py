"""Evidence, releases, inventories and notices: nobody can be framed, nothing held back (spec R)."""

import hashlib
import itertools
import json
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from law_world import (
    EPOCH,
    HOUR,
    NOW,
    TODAY,
    World,
    key,
    note_signer,
    public,
    scalar,
    sign_charter,
)
from msgspec import structs

from doublelock.protocol import jws
from doublelock.protocol.capsule import seal
from doublelock.protocol.charter import verify_amendment
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32, decode, encode
from doublelock.protocol.ed25519 import SigningKey, verify_key
from doublelock.protocol.encoding import u64
from doublelock.protocol.envelope import SealedEnvelope, make_send_keys, seal_envelope
from doublelock.protocol.errors import EvidenceRefused, Malformed, Refusal
from doublelock.protocol.evidence import (
    EvidenceContext,
    EvidenceFile,
    Manifest,
    ProvenKeyLog,
    StoredMessage,
    VerifiedMessage,
    add_custody,
    prove_key_log,
    verify_line,
    verify_manifest,
    verify_message,
)
from doublelock.protocol.evidence_line import EvidenceLine, read_line, write_line
from doublelock.protocol.header import Form
from doublelock.protocol.identifiers import make_message_id, name_account, name_device
from doublelock.protocol.inventory import (
    InventoryHead,
    StoredEnvelope,
    hash_envelope,
    list_label,
    verify_inventory,
    write_inventory,
)
from doublelock.protocol.keylog_entry import make_invitation, make_invited_entry
from doublelock.protocol.label import Label
from doublelock.protocol.lawlog import NoticeDelivered
from doublelock.protocol.merkle import leaf_hash, prove_inclusion, reduce_perfect
from doublelock.protocol.note import format_note, parse_note
from doublelock.protocol.notice import make_notice, verify_notice
from doublelock.protocol.partial import make_partials
from doublelock.protocol.receipt import FIRST, Receipt, describe_item, sign_receipts
from doublelock.protocol.record import Text, encode_record
from doublelock.protocol.release import ReleasePermit
from doublelock.protocol.releases import (
    SealedRelease,
    decode_body,
    describe_release,
    make_body,
    sign_release,
    verify_release,
)
from doublelock.protocol.scope import InventoryRow, ScopeItem
from doublelock.protocol.tlog_proof import TlogProof
from doublelock.protocol.warrant import Warrant

ALICE, MALLORY = (SigningKey(bytes([n]) * 32) for n in (1, 2))


class Scene:
    """A world with two people in the key log and a permit for Alice's labels of today."""

    def __init__(self) -> None:
        self.world = World()
        world = self.world
        self.alice = name_account(b"S" * 32, "alice")
        self.entries = [self._enrol("alice", ALICE), self._enrol("mallory", MALLORY)]
        self.key_log = self._prove_key_log()
        scope = ScopeItem((Bytes32(self.alice),), (), TODAY - 1, TODAY)
        self.warrant: Warrant = world.warrant(scope=(scope,), gag_end_ms=NOW + DAY_MS)
        self.label = world.label("alice", account=self.alice)
        self.request = world.request(self.warrant, (self.label,))
        self.permit: ReleasePermit = world.release(self.warrant, self.request)
        self.context = self._context()

    def _enrol(self, handle: str, device: SigningKey) -> bytes:
        invite = key(f"invite {handle}")
        deployment = self.world.deployment
        made = make_invitation(
            deployment, key("genesis invites").sign, invite.public.encoded, 1, NOW + DAY_MS
        )
        devices = [(device.public.encoded, device.sign)]
        account = name_account(b"S" * 32, handle)
        time_ms = NOW - HOUR
        return make_invited_entry(deployment, account, made, invite.sign, devices, time_ms).encode()

    def _prove_key_log(self) -> ProvenKeyLog:
        leaves = [leaf_hash(entry) for entry in self.entries]
        head = Checkpoint("key-log.example", len(leaves), reduce_perfect(leaves))
        names = ("key-log", "w1", "w2")
        lines = [note_signer(name).sign(head, NOW // 1000) for name in names]
        note = format_note(head.encode(), lines)
        return prove_key_log(self.world.state, self.entries, note)

    def _context(self) -> EvidenceContext:
        labels = frozenset(self.permit.labels)
        return EvidenceContext(self.world.charter, self.key_log, self.world.prove(NOW), labels)

    def seal(
        self, text: bytes, label: Label | None = None, device: SigningKey = ALICE, number: int = 1
    ) -> SealedEnvelope:
        label = label or self.label
        mpk = self.world.state.epochs[(1, label.key_epoch)].keys.master_key
        capsule = seal(b"m" * 32, label, mpk).capsule
        return seal_envelope(
            make_send_keys(b"m" * 32, capsule, label, Form.SEALED),
            make_message_id(NOW, u64(number) + b"xx"),
            name_device(ALICE.public.encoded),
            device,
            b"f" * 32,
            encode_record(Text(text)),
        )

    def receipt(
        self,
        sealed: SealedEnvelope,
        label: Label | None = None,
        time_ms: int = NOW,
        by: str = "receipts",
    ) -> Receipt:
        label = label or self.label
        fields = describe_item(
            label.conversation,
            1,
            FIRST,
            time_ms,
            label.account,
            name_device(ALICE.public.encoded),
            sealed.header,
            sealed.body,
            b"mls",
        )
        hashes = [fields.hash(self.world.deployment)]
        signature, paths = sign_receipts(hashes, self.world.deployment, key(by))
        return Receipt(fields, 0, 1, paths[0], signature)

    def line(
        self,
        sealed: SealedEnvelope,
        receipt: Receipt | None = None,
        device: SigningKey = ALICE,
        seed: bytes = b"m" * 32,
    ) -> bytes:
        receipt = receipt or self.receipt(sealed)
        return write_line(sealed.header, sealed.body, seed, device.public.encoded, receipt)

    def refused(self, line: bytes) -> Code:
        with pytest.raises(EvidenceRefused) as refused:
            verify_line(line, self._context())
        return refused.value.code


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


def test_a_line_proves_its_message(scene: Scene) -> None:
    message = verify_line(scene.line(scene.seal(b"hello")), scene.context)
    assert isinstance(message, VerifiedMessage)
    assert message.label == scene.label
    assert message.body.record == Text(b"hello")


def test_a_line_of_ones_own_making_is_held_to_the_same(scene: Scene) -> None:
    """What the agency verifies before it writes is what anybody verifies who reads it."""
    sealed = scene.seal(b"hello")
    receipt = scene.receipt(sealed)
    outcomes: list[VerifiedMessage | Code] = []
    for body, seed, device, fields in itertools.product(
        (sealed.body, sealed.body[:-1] + b"?"),
        (b"m" * 32, b"n" * 32),
        (ALICE.public.encoded, MALLORY.public.encoded),
        (receipt.fields, structs.replace(receipt.fields, sequence=2**53)),
    ):
        stored = StoredMessage.decode(sealed.header, body)
        stated = structs.replace(
            receipt, fields=structs.replace(fields, body_hash=stored.body_hash)
        )
        line = write_line(sealed.header, body, seed, device, stated)
        for parsed in (True, False):
            context = scene._context()
            try:
                outcomes.append(
                    verify_line(line, context)
                    if parsed
                    else verify_message(stored, seed, device, stated, context)
                )
            except EvidenceRefused as refused:
                outcomes.append(refused.code)
    assert outcomes[::2] == outcomes[1::2]
    assert isinstance(outcomes[0], VerifiedMessage)
    assert sum(isinstance(outcome, VerifiedMessage) for outcome in outcomes) == 2


_BYTES = st.binary(max_size=40)
_B32 = st.binary(min_size=32, max_size=32)
_COUNTS = st.integers(0, 2**53 - 1)


@given(st.tuples(_BYTES, _BYTES, _B32, _B32), st.tuples(_COUNTS, _COUNTS, _COUNTS, _COUNTS))
def test_a_line_is_the_document_that_it_says(
    parts: tuple[bytes, bytes, bytes, bytes], numbers: tuple[int, int, int, int]
) -> None:
    """Written as any document is encoded, byte for byte, and read back the same."""
    header, body, seed, device_key = parts
    sequence, time_ms, index, size = numbers
    signature, path = seed + device_key, header + body
    fields = structs.replace(
        _SHARED.receipt(_SHARED.seal(b"x")).fields, sequence=sequence, time_ms=time_ms
    )
    line = write_line(header, body, seed, device_key, Receipt(fields, index, size, path, signature))
    document = decode(line, EvidenceLine, len(line))
    assert encode(document) == line
    assert read_line(line) == document
    assert (bytes(document.header), bytes(document.body)) == (header, body)
    assert (bytes(document.seed), bytes(document.device_key)) == (seed, device_key)
    given = document.receipt
    assert (given.sequence, given.time_ms, given.index, given.size) == numbers
    assert (bytes(given.path), bytes(given.signature)) == (path, signature)


def _other_writings(line: bytes) -> list[bytes]:
    """The same line in other words: some say the same, some say something twice or wrong."""
    seed = json.loads(line)["seed"].encode()
    return [
        line.replace(b'"seed":', b'"seed": '),
        line.replace(b'"seed":"' + seed, b'"seed":"\\u%04x' % seed[0] + seed[1:]),
        line.replace(b'"seed":', b'"s\\u0065ed":'),
        line.replace(b'"seed":"', b'"seed":"AAAA","seed":"'),
        line.replace(b'"seed":"' + seed, b'"seed":"' + seed + b"="),
        line.replace(b'"seed":"' + seed, b'"seed":"' + seed[:-1]),
        line.replace(b'"sequence":1', b'"sequence":1.0'),
        line.replace(b'"sequence":1', b'"sequence":-1'),
        line.replace(b'"sequence":1', b'"sequence":1e0'),
        line.replace(b'"sequence":1', b'"sequence":9007199254740992'),
        line.replace(b'"sequence":1', b'"sequence":true'),
        line.replace(b'{"sequence"', b'{"sequence":1,"sequence"'),
        line.replace(b'"body":', b'"more":0,"body":'),
        line + b" ",
        line + b"{}",
        line[:-1],
        line.replace(b'"seed":"', b'"seed":"\xff'),
        line.replace(b'"seed":"' + seed, b'"seed":"\\ud800'),
    ]


def test_a_line_in_other_words_is_read_by_the_one_rule(scene: Scene) -> None:
    """The quick reader takes nothing that the strict one refuses, and means the same by it."""
    good = scene.line(scene.seal(b"hello"))
    outcomes = []
    for line in (good, *_other_writings(good)):
        found: list[EvidenceLine | Code] = []
        for read in (read_line, lambda data: decode(data, EvidenceLine, 1 << 20)):
            try:
                found.append(read(line))
            except Malformed as refused:
                found.append(refused.code)
        assert found[0] == found[1], line
        outcomes.append(found[0])
    assert sum(isinstance(one, EvidenceLine) for one in outcomes) in range(4, 7)


@settings(max_examples=300)
@given(at=st.integers(0, 2000), junk=st.binary(min_size=1, max_size=4), drop=st.integers(0, 4))
def test_the_quick_reader_is_no_laxer(at: int, junk: bytes, drop: int) -> None:
    good = _GOOD_LINE
    at %= len(good)
    bad = good[:at] + junk + good[at + drop :]
    found: list[EvidenceLine | Code] = []
    for read in (read_line, lambda data: decode(data, EvidenceLine, 1 << 20)):
        try:
            found.append(read(bad))
        except Malformed as refused:
            found.append(refused.code)
    assert found[0] == found[1]


def test_operator_custodians_and_court_together_cannot_frame_anyone(scene: Scene) -> None:
    """They hold every key but the device's: seed, K_day and the receipt key are theirs."""
    forged = scene.seal(b"I did it", device=MALLORY)
    assert scene.refused(scene.line(forged)) is Code.BAD_SIGNATURE
    assert scene.refused(scene.line(forged, device=MALLORY)) is Code.EVIDENCE_DEVICE


def test_a_message_of_another_conversation_or_day_is_not_moved(scene: Scene) -> None:
    """A true message's body under another header: the signature is over the header's hash."""
    there = scene.world.label("alice", "den", account=scene.alice)
    true, moved = scene.seal(b"yes"), scene.seal(b"no", there)
    assert scene.refused(scene.line(moved, scene.receipt(moved, there))) is Code.EVIDENCE_SCOPE
    spliced = replace(true, body=moved.body)
    assert scene.refused(scene.line(spliced)) is Code.BODY_UNREADABLE


def test_a_message_is_not_moved_to_another_day_by_its_receipt(scene: Scene) -> None:
    sealed = scene.seal(b"hello")
    for time_ms in (NOW - DAY_MS, NOW + DAY_MS):
        line = scene.line(sealed, scene.receipt(sealed, time_ms=time_ms))
        assert scene.refused(line) is Code.DAY_MISMATCH


def test_a_device_that_the_key_log_did_not_list_then_is_refused(scene: Scene) -> None:
    sealed = scene.seal(b"hello")
    early = scene.receipt(sealed, time_ms=NOW - 3 * HOUR)
    assert scene.refused(scene.line(sealed, early)) is Code.EVIDENCE_DEVICE


def test_receipts_seeds_and_commitments_must_hold(scene: Scene) -> None:
    sealed = scene.seal(b"hello")
    other = scene.receipt(scene.seal(b"other", number=2))
    assert scene.refused(scene.line(sealed, other)) is Code.RECEIPT_SIGNATURE
    stranger = scene.receipt(sealed, by="1-court")
    assert scene.refused(scene.line(sealed, stranger)) is Code.RECEIPT_SIGNATURE
    assert scene.refused(scene.line(sealed, seed=b"n" * 32)) is Code.CAPSULE_MISMATCH


def test_a_key_log_that_is_not_the_checkpoints_is_refused(scene: Scene) -> None:
    note = scene.world.note(NOW, log="key-log")
    with pytest.raises(EvidenceRefused):
        prove_key_log(scene.world.state, scene.entries, note)


@settings(max_examples=150)
@given(at=st.integers(0, 2000), junk=st.binary(min_size=1, max_size=4))
def test_hostile_lines_are_refused_and_nothing_else(at: int, junk: bytes) -> None:
    scene = _SHARED
    good = scene.line(scene.seal(b"hello"))
    at %= len(good)
    bad = good[:at] + junk + good[at + len(junk) :]
    try:
        message = verify_line(bad, scene.context)
    except EvidenceRefused:
        return
    assert message.body.record == Text(b"hello")


_SHARED = Scene()
_GOOD_LINE = _SHARED.line(_SHARED.seal(b"hello"))


# --- releases ----------------------------------------------------------------------------------


def test_a_release_is_bound_to_permit_and_holder(scene: Scene) -> None:
    permit, world = scene.permit, scene.world
    partials = make_partials(2, scalar("share"), permit.labels)
    body = make_body(permit, ((EPOCH, 1),), partials)
    sealed = sign_release(permit, 2, body.encode(), key("1-custodian2").sign)
    committee = world.charter.committee(1)
    verified = verify_release(sealed.encode(), world.deployment, permit.digest, committee)
    assert decode_body(verified.ciphertext, verified, 1) == body
    assert describe_release(permit, sealed, body.versions).message == verified.message

    def code(release: SealedRelease, digest: bytes = permit.digest) -> Code:
        with pytest.raises(Refusal) as refused:
            verify_release(release.encode(), world.deployment, digest, committee)
        return refused.value.code

    assert code(sealed, b"0" * 32) is Code.RELEASE_FOREIGN
    assert code(replace(sealed, holder=1)) is Code.BAD_SIGNATURE
    assert code(replace(sealed, holder=9)) is Code.NOT_A_HOLDER
    assert code(replace(sealed, ciphertext=b"x")) is Code.BAD_SIGNATURE
    with pytest.raises(Refusal):
        decode_body(verified.ciphertext, verified, 2)
    with pytest.raises(Refusal):
        make_body(permit, ((EPOCH + 1, 1),), partials)


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_hostile_releases_are_refused_and_nothing_else(data: bytes) -> None:
    world, permit = _SHARED.world, _SHARED.permit
    with pytest.raises(Refusal):
        verify_release(data, world.deployment, permit.digest, world.charter.committee(1))


# --- inventories -------------------------------------------------------------------------------


def test_an_inventory_names_what_is_missing_and_what_is_foreign(scene: Scene) -> None:
    world, label = scene.world, scene.label
    stored = [
        StoredEnvelope(n, sealed.header, sealed.body)
        for n, sealed in ((n, scene.seal(b"text", number=n)) for n in (3, 5, 8))
    ]

    def named(envelopes: list[StoredEnvelope]) -> list[tuple[int, bytes]]:
        return [(one.sequence, hash_envelope(one)) for one in envelopes]

    row = InventoryRow(label.conversation, label.account, label.day, label.key_epoch)
    head = InventoryHead(Bytes32(label.conversation), 9, Bytes32(b"h" * 32))
    payload = write_inventory(
        world.deployment, 1, scene.warrant.commitment, NOW, [list_label(row, named(stored))], [head]
    )

    def sign(by: str) -> bytes:
        return jws.sign(payload, jws.Purpose.INVENTORY, [(public(by), key(by).sign)])

    inventory = verify_inventory(sign("receipts"), (world.charter,), scene.warrant)
    inventory.check_label(label, named(stored))
    assert inventory.rows == (row,)
    foreign = replace(stored[1], sequence=4)
    for delivered, code in (
        (stored[:2], Code.ENVELOPE_MISSING),
        ([*stored, foreign], Code.ENVELOPE_FOREIGN),
        (stored[::-1], Code.INVENTORY_MISMATCH),
    ):
        with pytest.raises(EvidenceRefused) as refused:
            inventory.check_label(label, named(delivered))
        assert refused.value.code is code
    with pytest.raises(Refusal):
        verify_inventory(sign("operator"), (world.charter,), scene.warrant)


def test_an_inventory_counts_by_the_key_of_its_time(scene: Scene) -> None:
    world = scene.world
    later = NOW + 15 * DAY_MS
    terms = msgspec.structs.replace(
        world.charter.terms,
        sequence=1,
        deployment=Bytes32(world.deployment),
        previous=Bytes32(world.charter.hash),
        issued_ms=NOW,
        effective_ms=later,
        receipt_key=Bytes32(public("receipts 2")),
    )
    people = [f"{n}-{who}" for n in (1, 2) for who in ("court", "custodian1", "custodian2")]
    document = sign_charter(terms, ["operator", "receipts 2", *people])
    charters = (world.charter, verify_amendment(world.charter, document))
    for time_ms, by, counts in (
        (later - 1, "receipts", True),
        (later, "receipts", False),
        (later - 1, "receipts 2", False),
        (later, "receipts 2", True),
    ):
        payload = write_inventory(world.deployment, 1, scene.warrant.commitment, time_ms, [], [])
        data = jws.sign(payload, jws.Purpose.INVENTORY, [(public(by), key(by).sign)])
        if counts:
            assert verify_inventory(data, charters, scene.warrant).rows == ()
            continue
        with pytest.raises(EvidenceRefused) as refused:
            verify_inventory(data, charters, scene.warrant)
        assert refused.value.code is Code.INVENTORY_MISMATCH


# --- notices -----------------------------------------------------------------------------------


def test_a_notice_opens_its_own_subject_alone(scene: Scene) -> None:
    world = scene.world
    index = scene.world.state.requests[scene.request.signed.hash].index
    leaves = [leaf_hash(line) for line in world.lines]

    def node(level: int, at: int) -> bytes:
        return reduce_perfect(leaves[at << level : (at + 1) << level])

    path = prove_inclusion(index, 0, len(leaves), node)
    proof = TlogProof(index, path, parse_note(world.note(NOW))).encode()
    line = world.lines[index]

    def notice(account: bytes, by: str) -> bytes:
        signers = [(public(by), key(by).sign)]
        return make_notice(scene.warrant, account, line, proof, signers)  # type: ignore[arg-type]

    later = NOW + 2 * DAY_MS
    told = verify_notice(notice(scene.alice, "1-court"), world.state, scene.alice, later)
    assert told.subject == scene.warrant.subject(scene.alice)
    assert told.log_index == index
    assert isinstance(
        NoticeDelivered(Bytes32(told.terms.warrant), Bytes32(told.subject)), NoticeDelivered
    )
    other = name_account(b"S" * 32, "mallory")
    for data, account, now in (
        (notice(other, "operator"), other, later),
        (notice(scene.alice, "operator"), other, later),
        (notice(scene.alice, "2-court"), scene.alice, later),
        (notice(scene.alice, "operator"), scene.alice, NOW),
    ):
        with pytest.raises(EvidenceRefused):
            verify_notice(data, world.state, account, now)
    with pytest.raises(Refusal):
        verify_notice(notice(scene.alice, "1-judge"), world.state, scene.alice, later)


# --- the package -------------------------------------------------------------------------------


def test_a_manifest_holds_its_files_and_its_custody(scene: Scene) -> None:
    world = scene.world
    digest = hashlib.sha256(b"lines").digest()
    chain = add_custody((), NOW, "agency", "opened", digest)
    chain = add_custody(chain, NOW + 1, "agency", "packed", digest)
    manifest = Manifest(
        version=1,
        deployment=Bytes32(world.deployment),
        warrant=Bytes32(scene.warrant.commitment),
        requests=(Bytes32(scene.permit.request),),
        created_ms=NOW,
        files=(EvidenceFile("messages.jsonl", 5, Bytes32(digest)),),
        custody=chain,
    )

    def sign(value: Manifest) -> bytes:
        signers = [(public("1-agency"), key("1-agency").sign)]
        return jws.sign(encode(value), jws.Purpose.EVIDENCE, signers)

    verified = verify_manifest(sign(manifest), world.charter, [public("1-agency")])
    verified.check_files({"messages.jsonl": (5, digest)})
    for found in (
        {},
        {"messages.jsonl": (5, bytes(32))},
        {"messages.jsonl": (5, digest), "x": (0, digest)},
    ):
        with pytest.raises(EvidenceRefused):
            verified.check_files(found)
    for custody in (chain[1:], chain[::-1]):
        broken = msgspec.structs.replace(manifest, custody=custody)
        with pytest.raises(EvidenceRefused) as refused:
            verify_manifest(sign(broken), world.charter, [public("1-agency")])
        assert refused.value.code is Code.EVIDENCE_CUSTODY
    with pytest.raises(Refusal):
        verify_manifest(sign(manifest), world.charter, [public("1-judge")])


def test_a_line_is_one_line_of_json(scene: Scene) -> None:
    line = scene.line(scene.seal(b"odd\x00\nbytes\xff"))
    assert b"\n" not in line
    assert set(json.loads(line)) == {"header", "body", "seed", "device_key", "receipt"}
    assert verify_key(ALICE.public.encoded).encoded == ALICE.public.encoded
