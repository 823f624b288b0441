"""Decoders of what a message is made of and handed over in, and of bytes on their own."""

import hashlib
from typing import cast

from law_world import NOW, public
from test_evidence import ALICE
from vectors.make import group_link as links
from vectors.make import letter as letters

from doublelock.protocol import (
    attachment,
    capsule,
    curve,
    documents,
    ed25519,
    envelope,
    evidence,
    evidence_line,
    group_link,
    history,
    letter,
    opened,
    receipt,
    record,
    safety_code,
    unreadable,
)
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.header import Header
from doublelock.protocol.label import Label
from doublelock.protocol.record import Attachment, Text

from .decoder_target import Target, chunks_of, from_text, scene


def envelopes() -> dict[str, Target]:
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
            lambda data: b"".join(attachment.open_attachment(reference, chunks_of(data, size))),
            (b"".join(chunks),),
        ),
    }


def handed_over() -> dict[str, Target]:
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
            from_text(safety_code.read_safety_line),
            (b"doublelock-safety:" + b"01" * 65,),
        ),
        "group_link.decode_group_link": Target(
            from_text(group_link.decode_group_link),
            tuple(str(one["line"]).encode() for one in join["good"]),
            lambda one: one.encode().encode(),
        ),
        "group_link.decode_join_request": Target(
            group_link.decode_join_request,
            (bytes.fromhex(str(join["requests"][0]["request"])),),
            group_link.JoinRequest.encode,
        ),
    }


def plain() -> dict[str, Target]:
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
