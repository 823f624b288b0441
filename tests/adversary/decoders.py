"""Every function of the protocol that takes bytes or text from outside, with valid inputs of it."""

import hashlib
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from ceremony_people import GROUP, Committee, reshare_deal, reshare_room
from law_world import EPOCH, NOW, World, key, note_signer, public, scalar
from test_evidence import ALICE, Scene
from vectors.make import group_link as links
from vectors.make import letter as letters

import doublelock.protocol
from doublelock.client.invite import Invite, decode_invite
from doublelock.protocol import (
    amendment,
    api,
    attachment,
    bundle,
    capsule,
    case,
    ceremony,
    ceremony_steps,
    charter,
    checkpoint,
    curve,
    dealing,
    destruction,
    dkg,
    documents,
    ed25519,
    envelope,
    evidence,
    evidence_line,
    frames,
    group_link,
    group_rules,
    handover,
    history,
    inventory,
    jws,
    keyepoch,
    keylog_entry,
    lawlog,
    letter,
    limits,
    link_request,
    mail,
    merkle,
    metadata,
    note,
    notice,
    opened,
    package,
    partial,
    policy,
    prime_group,
    receipt,
    record,
    release_request,
    releases,
    resharing,
    safety_code,
    schnorr,
    session,
    tile,
    tlog_proof,
    transcript,
    unreadable,
    warrant,
    witnessing,
)
from doublelock.protocol.ceremony import Kind, Round
from doublelock.protocol.charter import write_terms
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.group_rules import ConversationKind
from doublelock.protocol.header import Header
from doublelock.protocol.label import Label
from doublelock.protocol.partial import PartialSet, make_partials
from doublelock.protocol.record import Attachment, Text
from doublelock.protocol.scope import InventoryRow

_INPUT = re.compile(r"^(accept_step|(decode|display|frames|merge|open|parse|read|split|verify).*)$")


@dataclass(frozen=True)
class Target:
    """A decoder as a function of the bytes from outside.

    `seeds` are inputs that it accepts; `encode` writes what it returned again, where the encoding
    is canonical, and must give the same bytes.
    """

    call: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    encode: Callable[[Any], bytes] | None = None
    also: tuple[type[Exception], ...] = ()

    @property
    def text(self) -> bool:
        """Whether it takes text: what is no UTF-8 never reaches it."""
        return self.call.__name__ == "of_text"


NOT_FROM_OUTSIDE = {
    "package.Files.read": "a file of a package, read whole under a limit",
    "evidence.verify_message": "verify_line without its reading; held to it in test_evidence",
    "dkg.open_room": "makes a room of keys that were accepted",
    "resharing.open_room": "makes a room of keys that were accepted",
    "prime_group.PrimeGroup.open": "the interface of the two below",
}
"""What the pattern finds and no stranger's bytes reach."""


def find_decoders() -> Iterator[str]:
    """Yield the names of public functions and methods that take in bytes or text."""
    for module in pkgutil.iter_modules(doublelock.protocol.__path__):
        found = importlib.import_module(f"doublelock.protocol.{module.name}")
        for name, value in vars(found).items():
            if name.startswith("_") or getattr(value, "__module__", "") != found.__name__:
                continue
            if inspect.isfunction(value):
                members = {name: value}
            elif inspect.isclass(value):
                members = {
                    f"{name}.{one}": getattr(value, one)
                    for one in vars(value)
                    if not one.startswith("_") and callable(getattr(value, one))
                }
            else:
                continue
            for full, function in members.items():
                if _INPUT.match(full.rpartition(".")[2]) and _takes_input(function):
                    yield f"{module.name}.{full}"


def _takes_input(function: Callable[..., object]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return False
    words = [
        one.annotation.__name__ if isinstance(one.annotation, type) else str(one.annotation)
        for one in parameters
    ]
    return any(re.search(r"\b(bytes|str)\b", word) for word in words)


def _text(call: Callable[[str], object]) -> Callable[[bytes], object]:
    def of_text(data: bytes) -> object:
        return call(data.decode())

    return of_text


def _chunks(data: bytes, size: int = 32) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@cache
def targets() -> dict[str, Target]:
    """Return the table: a decoder's name, and how to feed it."""
    return {
        **_envelopes(),
        **_logs(),
        **_law(),
        **_people(),
        **_ceremonies(),
        **_plain(),
        **_letters(),
    }


@cache
def scene() -> Scene:
    return Scene()


def _envelopes() -> dict[str, Target]:
    one = scene()
    label, sealed = one.label, one.seal(b"hello")
    header = Header.decode(sealed.header)
    mpk = one.world.state.epochs[1, label.key_epoch].keys.master_key
    day_key = capsule.day_key(b"m" * 32, header.capsule, label)
    label_key = capsule.LabelKey(label, curve.g1_secret_multiple(label.point(), 5))
    body = envelope.open_body(day_key, header, sealed.header_hash, sealed.body)
    line = one.line(sealed)
    given = one.receipt(sealed)
    plain = bytes(range(256)) * 300
    chunks = list(attachment.seal_chunks(b"k" * 32, plain))
    digest = hashlib.sha256(b"".join(chunks)).digest()
    reference = Attachment(
        blob=b"b" * 32,
        key=b"k" * 32,
        digest=digest,
        size=len(plain),
        name=b"n",
        media_type=b"image/png",
        caption=b"",
    )
    size = attachment.SEALED_CHUNK

    def mutated_receipt(data: bytes) -> object:
        changed = receipt.Receipt(given.fields, given.index, given.size, data[:-64], data[-64:])
        return receipt.verify_receipt(
            changed, one.world.deployment, ed25519.verify_key(public("receipts"))
        )

    return {
        "header.Header.decode": Target(Header.decode, (sealed.header,), Header.encode),
        "label.Label.decode": Target(Label.decode, (label.encode(),), Label.encode),
        "envelope.Payload.decode": Target(
            envelope.Payload.decode, (sealed.payload,), envelope.Payload.encode
        ),
        "envelope.open_body": Target(
            lambda data: envelope.open_body(day_key, header, sealed.header_hash, data),
            (sealed.body,),
        ),
        "envelope.verify_disclosure": Target(
            lambda data: envelope.verify_disclosure(
                data[:266],
                data[266:330],
                data[330:362],
                data[362:],
                ALICE.public,
                one.world.deployment,
            ),
            (sealed.header + body.signature + body.franking_key + body.record,),
        ),
        "capsule.verify_capsule": Target(
            lambda data: capsule.verify_capsule(data, b"m" * 32, label, mpk), (header.capsule,)
        ),
        "capsule.open_capsule": Target(
            lambda data: capsule.open_capsule(data, label_key, mpk), (header.capsule,)
        ),
        "opened.open_with_label_key": Target(
            lambda data: opened.open_with_label_key(
                label_key, mpk, [(data[:266], data[266:])], lambda _: ALICE.public
            ),
            (sealed.header + sealed.body,),
        ),
        "record.decode_record": Target(
            record.decode_record,
            (record.encode_record(Text(b"hello")), record.encode_record(reference)),
            record.encode_record,
        ),
        "record.display": Target(record.display, ("tekst \u202e".encode(), b"\xff\x00")),
        "receipt.verify_receipt": Target(mutated_receipt, (given.path + given.signature,)),
        "evidence.StoredMessage.decode": Target(
            lambda data: evidence.StoredMessage.decode(data[:266], data[266:]),
            (sealed.header + sealed.body,),
            lambda one: one.header_bytes + one.body,
        ),
        "evidence.verify_message": Target(
            lambda data: evidence.verify_message(
                evidence.StoredMessage.decode(data[64:330], data[330:]),
                data[:32],
                data[32:64],
                given,
                one.context,
            ),
            (b"m" * 32 + ALICE.public.encoded + sealed.header + sealed.body,),
        ),
        "evidence_line.read_line": Target(evidence_line.read_line, (line,), documents.encode),
        "evidence.verify_line": Target(
            lambda data: evidence.verify_line(data, one.context), (line,)
        ),
        "unreadable.verify_unreadable": Target(
            lambda data: unreadable.verify_unreadable(data, one.context),
            (unreadable.write_unreadable(sealed.header, sealed.body, label_key, given),),
        ),
        "attachment.open_chunk": Target(
            lambda data: attachment.open_chunk(reference, 1, data), (chunks[1],)
        ),
        "attachment.open_range": Target(
            lambda data: attachment.open_range(reference, 0, len(plain), data),
            (b"".join(chunks),),
        ),
        "attachment.open_attachment": Target(
            lambda data: b"".join(attachment.open_attachment(reference, _chunks(data, size))),
            (b"".join(chunks),),
        ),
    }


def _logs() -> dict[str, Target]:
    world = scene().world
    leaves = [merkle.leaf_hash(line) for line in world.lines]

    def node(level: int, index: int) -> bytes:
        return merkle.reduce_perfect(leaves[index << level : (index + 1) << level])

    size = len(leaves)
    root = merkle.range_root(0, size, node)
    path = merkle.prove_inclusion(1, 0, size, node)
    growth = merkle.prove_consistency(2, size, node)
    part = merkle.prove_subtree(0, 2, size, node)
    head = world.note(NOW)
    law = world.charter.law_policy()
    parsed = note.parse_note(head)
    proof = tlog_proof.TlogProof(1, path, parsed).encode()
    request = witnessing.AddCheckpoint(2, growth, parsed).encode()
    state = scene()
    vkey = note_signer("w1").key.encode()
    text = Checkpoint("law-log.example", size, root).encode()
    bundle = tile.encode_bundle(world.lines[:3])

    return {
        "note.parse_note": Target(note.parse_note, (head,), note.Note.encode),
        "note.parse_signatures": Target(
            _text(note.parse_signatures), (head.partition(b"\n\n")[2],)
        ),
        "note.parse_vkey": Target(
            _text(note.parse_vkey), (vkey.encode(),), lambda one: one.encode().encode()
        ),
        "note.decode_base64": Target(_text(note.decode_base64), (b"AAEC", b"AA==")),
        "note.decode_decimal": Target(
            _text(note.decode_decimal), (b"0", b"1234567"), lambda one: str(one).encode()
        ),
        "checkpoint.parse_checkpoint": Target(
            _text(checkpoint.parse_checkpoint), (text.encode() if isinstance(text, str) else text,)
        ),
        "policy.parse_policy": Target(policy.parse_policy, (law.encode(),)),
        "policy.Policy.verify": Target(law.verify, (head,)),
        "handover.verify_checkpoint": Target(
            lambda data: handover.verify_checkpoint(handover.LogName.LAW, world.state, data, NOW),
            (head,),
        ),
        "handover.verify_signed": Target(
            lambda data: handover.verify_signed(handover.LogName.LAW, world.charter, data), (head,)
        ),
        "tile.parse_tile_path": Target(
            _text(tile.parse_tile_path),
            (b"tile/0/000", b"tile/entries/x001/234.p/5"),
            lambda one: one.path().encode(),
        ),
        "tile.decode_hashes": Target(
            lambda data: tile.decode_hashes(data, 4), (b"".join(leaves[:4]),), tile.encode_hashes
        ),
        "tile.decode_bundle": Target(
            lambda data: tile.decode_bundle(data, 3), (bundle,), tile.encode_bundle
        ),
        "tlog_proof.parse_proof": Target(
            tlog_proof.parse_proof, (proof,), tlog_proof.TlogProof.encode
        ),
        "tlog_proof.verify_proof": Target(
            lambda data: tlog_proof.verify_proof(data, world.lines[1], law), (proof,)
        ),
        "witnessing.parse_request": Target(
            witnessing.parse_request, (request,), witnessing.AddCheckpoint.encode
        ),
        "merkle.verify_inclusion": Target(
            lambda data: merkle.verify_inclusion(leaves[1], 1, size, _chunks(data), root),
            (b"".join(path),),
        ),
        "merkle.verify_subtree_inclusion": Target(
            lambda data: merkle.verify_subtree_inclusion(
                leaves[1], 1, 0, size, _chunks(data), root
            ),
            (b"".join(path),),
        ),
        "merkle.verify_consistency": Target(
            lambda data: merkle.verify_consistency(
                2, size, _chunks(data), merkle.range_root(0, 2, node), root
            ),
            (b"".join(growth),),
        ),
        "merkle.verify_growth": Target(
            lambda data: merkle.verify_growth(
                2, size, _chunks(data), merkle.range_root(0, 2, node), root
            ),
            (b"".join(growth),),
        ),
        "merkle.verify_subtree": Target(
            lambda data: merkle.verify_subtree(
                0, 2, size, _chunks(data), merkle.range_root(0, 2, node), root
            ),
            (b"".join(part),),
        ),
        "keylog_entry.decode_entry": Target(
            keylog_entry.decode_entry, tuple(state.entries), keylog_entry.Entry.encode
        ),
        "keylog_entry.decode_invitation": Target(
            keylog_entry.decode_invitation,
            (
                keylog_entry.make_invitation(
                    world.deployment, ALICE.sign, ALICE.public.encoded, 1, NOW
                ).encode(),
            ),
            keylog_entry.Invitation.encode,
        ),
        "lawlog.verify_entry": Target(
            lambda data: lawlog.verify_entry(world.deployment, data),
            (scene().request.signed.raw,),
        ),
        "lawlog.verify_line": Target(
            lambda data: lawlog.verify_line(world.deployment, data), tuple(world.lines[:6])
        ),
        "package.read_entries": Target(
            lambda data: package.read_entries(_OneFile(data), "a"),
            (documents.encode_base64url(b"one").encode() + b"\nAAEC\n",),
        ),
    }


@dataclass(frozen=True)
class _OneFile:
    data: bytes

    def names(self) -> list[str]:
        return ["a"]

    def read(self, _name: str, _limit: int) -> bytes:
        return self.data

    def pieces(self, _name: str, _size: int) -> Iterator[bytes]:
        yield self.data


def _law() -> dict[str, Target]:
    one = scene()
    world, permit = one.world, one.permit
    committee = world.charter.committee(1)
    genesis = world.charter.document
    signed_warrant = world.document(world.terms(), "1-agency", "1-minister", "1-judge")
    wanted = release_request.encode_request(one.request.signed.raw, 1, one.request.labels)
    partials = make_partials(2, scalar("share"), permit.labels)
    body = releases.make_body(permit, ((EPOCH, 1),), partials)
    given = releases.sign_release(permit, 2, body.encode(), key("1-custodian2").sign)
    verified = releases.verify_release(given.encode(), world.deployment, permit.digest, committee)
    manifest = evidence.Manifest(
        1,
        Bytes32(world.deployment),
        Bytes32(one.warrant.commitment),
        (),
        NOW,
        (),
        evidence.add_custody((), NOW, "agency", "opened", b"d" * 32),
    )
    signers = [(public("1-agency"), key("1-agency").sign)]
    wrapped = jws.sign(documents.encode(manifest), jws.Purpose.EVIDENCE, signers)
    stored = inventory.StoredEnvelope(3, b"h" * 266, b"b" * 200)
    operator = [(public("operator"), key("operator").sign)]
    drafted = amendment.draft_amendment(world.charter, world.charter.terms, NOW)
    proposed = jws.sign(drafted, jws.Purpose.CHARTER, operator)
    receipts = [(public("receipts"), key("receipts").sign)]
    given_out = jws.sign(
        metadata.write_metadata(one.warrant, NOW, ()), jws.Purpose.METADATA, receipts
    )
    label = one.label
    row = InventoryRow(label.conversation, label.account, label.day, label.key_epoch)
    listing = inventory.write_inventory(
        world.deployment,
        1,
        one.warrant.commitment,
        NOW,
        [inventory.list_label(row, [stored])],
        [inventory.InventoryHead(Bytes32(label.conversation), 9, Bytes32(b"h" * 32))],
    )
    listed = jws.sign(listing, jws.Purpose.INVENTORY, [(public("receipts"), key("receipts").sign)])
    statement = keyepoch.decode_signed(_key_epoch(one))
    destroyed = destruction.sign_destruction(
        destruction.Destruction(
            statement_epoch(one), keyepoch.Role.COURT, public("1-court"), 1, NOW
        ),
        key("1-court"),
    )
    told = notice.make_notice(
        one.warrant,
        one.alice,
        world.lines[-1],
        b"proof",
        [(public("1-court"), key("1-court").sign)],
    )
    return {
        "charter.read_terms": Target(charter.read_terms, (write_terms(world.charter.terms),)),
        "charter.verify_genesis": Target(
            lambda data: charter.verify_genesis(data, world.deployment), (genesis,)
        ),
        "charter.verify_amendment": Target(
            lambda data: charter.verify_amendment(world.charter, data), (genesis,)
        ),
        "charter.read_amendment": Target(
            lambda data: charter.read_amendment(world.charter, data), (proposed,)
        ),
        "amendment.read_editable": Target(
            amendment.read_editable, (amendment.write_editable(world.charter),)
        ),
        "metadata.verify_metadata": Target(
            lambda data: metadata.verify_metadata(data, world.charter, one.warrant, ()),
            (given_out,),
        ),
        "case.read_warrant": Target(
            lambda data: case.read_warrant(data, world.state, NOW), (signed_warrant,)
        ),
        "case.merge_warrant": Target(
            lambda data: case.merge_warrant([data], one.warrant.commitment, world.state, NOW),
            (signed_warrant,),
        ),
        "warrant.verify_warrant": Target(
            lambda data: warrant.verify_warrant(data, world.charter), (signed_warrant,)
        ),
        "jws.read_payload": Target(
            lambda data: jws.read_payload(data, limits.CHARTER), (genesis, signed_warrant)
        ),
        "jws.verify": Target(
            lambda data: jws.verify(
                data, jws.Purpose.CHARTER, [public("operator")], limits.CHARTER
            ),
            (genesis,),
        ),
        "jws.merge": Target(
            lambda data: jws.merge(signed_warrant, data, limits.WARRANT), (signed_warrant,)
        ),
        "documents.decode": Target(
            lambda data: documents.decode(data, evidence.Manifest, limits.INVENTORY),
            (documents.encode(manifest),),
        ),
        "documents.decode_base64url": Target(
            _text(documents.decode_base64url),
            (b"AAEC", b"AA"),
            lambda one: documents.encode_base64url(one).encode(),
            (ValueError,),
        ),
        "release_request.decode_request": Target(
            lambda data: release_request.decode_request(world.deployment, data),
            (wanted,),
        ),
        "releases.verify_release": Target(
            lambda data: releases.verify_release(data, world.deployment, permit.digest, committee),
            (given.encode(),),
        ),
        "releases.SealedRelease.decode": Target(
            releases.SealedRelease.decode, (given.encode(),), releases.SealedRelease.encode
        ),
        "releases.decode_body": Target(
            lambda data: releases.decode_body(data, verified, len(permit.labels)),
            (body.encode(),),
            releases.ReleaseBody.encode,
        ),
        "partial.PartialSet.decode": Target(
            PartialSet.decode, (partials.encode(),), PartialSet.encode
        ),
        "evidence.verify_manifest": Target(
            lambda data: evidence.verify_manifest(data, world.charter, [public("1-agency")]),
            (wrapped,),
        ),
        "inventory.verify_inventory": Target(
            lambda data: inventory.verify_inventory(data, world.charter, one.warrant), (listed,)
        ),
        "notice.verify_notice": Target(
            lambda data: notice.verify_notice(data, world.state, one.alice, 2 * NOW), (told,)
        ),
        "keyepoch.decode_signed": Target(
            keyepoch.decode_signed, (_key_epoch(one),), keyepoch.SignedKeyEpoch.encode
        ),
        "keyepoch.decode_statement": Target(
            keyepoch.decode_statement,
            (statement.statement,),
            keyepoch.KeyEpochStatement.encode,
        ),
        "destruction.decode_destruction": Target(
            destruction.decode_destruction, (destroyed,), lambda one: one[0].encode() + one[1]
        ),
        "destruction.verify_destruction": Target(
            lambda data: destruction.verify_destruction(
                data, ed25519.verify_key(public("1-court"))
            ),
            (destroyed,),
        ),
        "partial.verify_partials": Target(
            lambda data: partial.verify_partials(
                PartialSet.decode(data),
                permit.labels,
                curve.g2_secret_multiple(curve.G2_GENERATOR, scalar("share")),
                b"r" * 32,
            ),
            (partials.encode(),),
        ),
    }


def statement_epoch(one: Scene) -> keyepoch.EpochId:
    return keyepoch.EpochId(one.world.deployment, 1, EPOCH)


def _key_epoch(one: Scene) -> bytes:
    return bytes(one.world.key_epoch(1, EPOCH).statement)


def _letters() -> dict[str, Target]:
    route = letters.ROUTE
    sender = letters.SENDER
    sealed = letter.SealedLetter(b"k" * 32, letters.SEALED)
    asked = letter.KeyLetter(b"k" * 32, NOW, asks=True)
    contents = tuple(letter.encode_content(one) for one in (letters.NAME, letters.PIECE))
    join = cast("dict[str, list[dict[str, object]]]", links.build())
    return {
        "letter.open_letter": Target(
            lambda data: letter.open_letter(route, data, sender.public.encoded),
            tuple(letter.sign_letter(route, one, sender.sign) for one in (asked, sealed)),
        ),
        "letter.decode_content": Target(letter.decode_content, contents, letter.encode_content),
        "history.decode_history": Target(
            history.decode_history,
            (history.encode_history(letters.history()),),
            history.encode_history,
        ),
        "safety_code.read_safety_line": Target(
            _text(safety_code.read_safety_line),
            (b"doublelock-safety:" + b"01" * 65,),
        ),
        "group_link.decode_group_link": Target(
            _text(group_link.decode_group_link),
            tuple(str(one["line"]).encode() for one in join["good"]),
            lambda one: one.encode().encode(),
        ),
        "group_link.decode_join_request": Target(
            group_link.decode_join_request,
            (bytes.fromhex(str(join["requests"][0]["request"])),),
            group_link.JoinRequest.encode,
        ),
    }


def _people() -> dict[str, Target]:
    one = scene()
    subjects = (
        session.encode_subject(session.DeviceSubject(one.alice, b"d" * 16)),  # type: ignore[arg-type]
        session.encode_subject(session.PartySubject(b"k" * 32)),
    )
    context = group_rules.make_context(
        ConversationKind.GROUP,
        one.world.deployment,
        b"d" * 16,  # type: ignore[arg-type]
        b"n" * 32,
        escrow=True,
        admins=[one.alice],
    )
    credential = group_rules.encode_credential(one.alice, b"d" * 16)  # type: ignore[arg-type]
    device = frames.encode(frames.Send(1, b"h" * 138, b"b" * 40, b"m" * 50))[4:]
    server = frames.encode(frames.Live(b"c" * 32, 7))
    item = frames.encode(
        frames.Item(
            b"c" * 32,
            7,
            NOW,
            b"a" * 32,
            b"d" * 16,
            1,
            b"h" * 138,
            b"b" * 40,
            b"m" * 50,
            b"p" * 32,
            0,
            1,
            b"",
            b"s" * 64,
        )
    )
    refused = frames.encode(frames.Refused(1, "too-fast", "later"))[4:]
    question = session.session_bytes(
        one.world.deployment, b"c" * 32, session.PartySubject(ALICE.public.encoded), NOW
    )
    other = SigningKey(b"\x31" * 32)
    linking = link_request.make_link_request(
        one.world.deployment,
        one.context.key_log.key_log.account(one.alice),
        other.public.encoded,
        other.sign,
        NOW,
    )
    bodies = (
        api.encode_body(api.AskChallenge(subject=subjects[0])),
        api.encode_body(api.Register(handle="ann", entry=one.entries[0])),
    )
    return {
        "link_request.decode_link_request": Target(
            _text(link_request.decode_link_request),
            (linking.text().encode(),),
            lambda one: one.text().encode(),
        ),
        "bundle.read_manifest": Target(
            bundle.read_manifest,
            (bundle.write_manifest("1.0", {"index.html": b"<!doctype html>", "a/b-1.js": b"1"}),),
            documents.encode,
        ),
        "mail.decode_relayed": Target(
            mail.decode_relayed, (b"a" * 32 + b"d" * 16 + b"sealed",), mail.Relayed.encode
        ),
        "session.decode_subject": Target(session.decode_subject, subjects, session.encode_subject),
        "session.verify_session": Target(
            lambda data: session.verify_session(
                one.world.deployment,
                b"c" * 32,
                session.PartySubject(ALICE.public.encoded),
                NOW,
                ALICE.public.encoded,
                data,
            ),
            (ALICE.sign(question),),
        ),
        "group_rules.decode_context": Target(
            group_rules.decode_context, (context.encode(),), group_rules.Context.encode
        ),
        "group_rules.decode_credential": Target(
            group_rules.decode_credential,
            (credential,),
            lambda one: group_rules.encode_credential(*one),
        ),
        "group_rules.read_leaf": Target(
            lambda data: group_rules.read_leaf(data[:49], data[49:]), (credential + b"k" * 32,)
        ),
        "frames.decode_from_device": Target(frames.decode_from_device, (device,)),
        "frames.decode_from_server": Target(
            frames.decode_from_server, (server[4:], item[4:], refused)
        ),
        "frames.frames_from_server": Target(frames.frames_from_server, (server + item,)),
        "frames.split": Target(lambda data: list(frames.split(data)), (server + item, item)),
        "api.decode_body": Target(
            lambda data: (
                api.decode_body(data, api.AskChallenge) if len(data) % 2 else _every_body(data)
            ),
            bodies,
        ),
        "api.decode_deployment": Target(
            api.decode_deployment,
            (_deployment(one.world),),
        ),
        "invite": Target(
            _text(decode_invite),
            (
                Invite(
                    "http://127.0.0.1:1",
                    one.world.deployment,
                    keylog_entry.make_invitation(
                        one.world.deployment, ALICE.sign, ALICE.public.encoded, 1, NOW
                    ),
                    b"s" * 32,
                )
                .encode()
                .encode(),
            ),
            lambda one: one.encode().encode(),
        ),
    }


def _deployment(world: World) -> bytes:
    made = api.Deployment(
        deployment=world.deployment.hex(),
        http="http://127.0.0.1:1",
        stream="ws://127.0.0.1:2/v1/stream",
        time_ms=NOW,
    )
    return api.encode_deployment(made)


def _every_body(data: bytes) -> list[object]:
    """Decode as every body that the server reads; the first refusal ends it."""
    kinds = [
        one
        for one in vars(api).values()
        if inspect.isclass(one) and issubclass(one, api.Body) and one is not api.Body
    ]
    return [api.decode_body(data, kind) for kind in kinds]


def _ceremonies() -> dict[str, Target]:
    people = Committee(3, 2)
    room = people.room()
    dealt = people.deal()
    messages = [one.message for one in dealt]
    computed = [dkg.receive(one, messages) for one in dealt]
    done = [dkg.finish(one, [each.message for each in computed]) for one in computed]
    again = Committee(3, 2, "refresh", Kind.RESHARING, 2)
    dealers = dict(enumerate(again.secrets, start=1))
    old_key, shares = done[0].key, [one.share for one in done]
    new_room = reshare_room(old_key, again, dealers)
    passed = reshare_deal(new_room, shares, dealers, "refresh")
    reshared = resharing.receive(new_room, 1, again.secrets[0], passed)
    certified = ceremony.certify_static_key(
        people.name, GROUP, 1, people.secrets[0], people.identities[0]
    ).encode()
    message = ceremony.sign_message(
        people.name, next(iter(Round)), 1, messages[0], people.identities[0]
    ).encode()
    opening = ceremony_steps.Opening(people.name).encode()
    step = next(iter(ceremony_steps.Step))
    signed_step = ceremony_steps.sign_step(people.name, step, b"payload", people.identities[0])
    half = keyepoch.court_half(keyepoch.EpochId(people.name.deployment, 2, 681), 77)
    court = ceremony_steps.encode_court_half(half.public_key, half.possession)
    certificate = done[0].certificate
    ciphertext = prime_group.seal_xchacha20(b"k" * 32, b"n" * 24, b"share")
    signature = schnorr.sign(GROUP, 7, b"message")
    return {
        "ceremony.decode_name": Target(
            ceremony.decode_name, (people.name.encode(),), ceremony.CeremonyName.encode
        ),
        "ceremony.decode_static_key": Target(
            lambda data: ceremony.decode_static_key(GROUP, data),
            (certified,),
            ceremony.CertifiedStaticKey.encode,
        ),
        "ceremony.decode_message": Target(
            ceremony.decode_message, (message,), ceremony.SignedRoundMessage.encode
        ),
        "ceremony_steps.decode_opening": Target(
            ceremony_steps.decode_opening, (opening,), ceremony_steps.Opening.encode
        ),
        "ceremony_steps.accept_step": Target(
            lambda data: ceremony_steps.accept_step(people.name, step, data, people.public[0]),
            (signed_step,),
        ),
        "ceremony_steps.decode_court_half": Target(
            ceremony_steps.decode_court_half,
            (court,),
            lambda one: ceremony_steps.encode_court_half(one.public_key, one.possession),
        ),
        "dealing.decode_dealing": Target(
            lambda data: dealing.decode_dealing(room, data),
            (messages[0],),
            dealing.Dealing.encode,
        ),
        "dealing.check_dealings": Target(
            lambda data: dealing.check_dealings(room, [data, *messages[1:]], [1, 2, 3]),
            (messages[0],),
        ),
        "dkg.decode_dealt": Target(
            lambda data: dkg.decode_dealt(GROUP, data), (dealt[0].encode(),), dkg.Dealt.encode
        ),
        "dkg.decode_computed": Target(
            lambda data: dkg.decode_computed(GROUP, data),
            (computed[0].encode(),),
            dkg.Computed.encode,
        ),
        "resharing.decode_reshared": Target(
            lambda data: resharing.decode_reshared(GROUP, data),
            (reshared.encode(GROUP),),
            lambda one: one.encode(GROUP),
        ),
        "transcript.decode_certificate": Target(
            lambda data: transcript.decode_certificate(room, data),
            (certificate.encode(),),
            transcript.Certificate.encode,
        ),
        "transcript.read_commitments": Target(
            lambda data: transcript.read_commitments(room, data), (certificate.transcript,)
        ),
        "prime_group.open_xchacha20": Target(
            lambda data: prime_group.open_xchacha20(b"k" * 32, b"n" * 24, data), (ciphertext,)
        ),
        "prime_group.Bls12381G2.open": Target(
            lambda data: GROUP.open(b"k" * 32, b"n" * 24, data), (ciphertext,)
        ),
        "schnorr.verify": Target(
            lambda data: schnorr.verify(GROUP, GROUP.base_multiple(7), b"message", data),
            (signature,),
        ),
    }


def _plain() -> dict[str, Target]:
    g1 = curve.g1_secret_multiple(scene().label.point(), 5)
    g2 = curve.g2_secret_multiple(curve.G2_GENERATOR, 5)
    key = SigningKey(b"s" * 32)
    signature = key.sign(b"message")
    return {
        "curve.G1.decode": Target(curve.G1.decode, (g1.encoded,), lambda one: bytes(one.encoded)),
        "curve.G2.decode": Target(curve.G2.decode, (g2.encoded,), lambda one: bytes(one.encoded)),
        "curve.decode_scalar": Target(
            curve.decode_scalar, (curve.encode_scalar(5),), curve.encode_scalar
        ),
        "ed25519.VerifyKey.verify": Target(
            lambda data: key.public.verify(data, b"message"), (signature,)
        ),
        "ed25519.verify": Target(
            lambda data: ed25519.verify(data[:32], data[32:], b"message"),
            (key.public.encoded + signature,),
        ),
        "ed25519.verify_key": Target(
            ed25519.verify_key, (key.public.encoded,), lambda one: bytes(one.encoded)
        ),
    }
