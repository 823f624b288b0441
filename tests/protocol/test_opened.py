"""Opening by a label's key: exactly the label's messages, and nobody can be framed."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import structs
from vectors.make import world

from doublelock.protocol.capsule import LabelKey, day_key, seal
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import ORDER, g1_secret_multiple
from doublelock.protocol.ed25519 import SigningKey, VerifyKey
from doublelock.protocol.envelope import (
    SealedEnvelope,
    VerifiedBody,
    commit_record,
    derive_message_key,
    make_send_keys,
    seal_envelope,
    verify_disclosure,
)
from doublelock.protocol.errors import KeyLogRefused, Refusal
from doublelock.protocol.header import Form, Header, hash_header
from doublelock.protocol.identifiers import AccountId, ConversationId, make_message_id
from doublelock.protocol.label import Label
from doublelock.protocol.opened import OpenedLabel, RefusedMessage, open_with_label_key
from doublelock.protocol.record import Text, encode_record

MPK = world.master_key(1)
MASTER = (world.share(1, 0) + world.court(1)) % ORDER


def key_for(label: Label) -> LabelKey:
    return LabelKey(label, g1_secret_multiple(label.point(), MASTER))


def device_key(header: Header) -> VerifyKey:
    if (header.account, header.device) != (world.ACCOUNT, world.DEVICE):
        raise KeyLogRefused(Code.GHOST_DEVICE)
    return world.DEVICE_KEY.public


def open_under(label: Label, *made: SealedEnvelope) -> OpenedLabel:
    return open_with_label_key(
        key_for(label), MPK, [(one.header, one.body) for one in made], device_key
    )


def say(text: bytes, label: Label = world.LABEL, seed: bytes = world.SEED) -> SealedEnvelope:
    keys = make_send_keys(seed, seal(seed, label, MPK).capsule, label, Form.SEALED)
    return seal_envelope(
        keys,
        world.MESSAGE_ID,
        world.DEVICE,
        world.DEVICE_KEY,
        world.FRANKING_KEY,
        encode_record(Text(text)),
    )


def code_of(message: VerifiedBody | RefusedMessage) -> Code:
    assert isinstance(message, RefusedMessage)
    return message.code


def test_the_labels_messages_open_in_order_and_byte_for_byte() -> None:
    texts = [b"one", b"tw\xff", b"\x00\x02three"]
    seeds = [world.SEED, world.bytes_of("later"), world.SEED]
    made = [say(text, seed=seed) for text, seed in zip(texts, seeds, strict=True)]
    opened = open_under(world.LABEL, *made)
    records = [message.record for message in opened.messages if isinstance(message, VerifiedBody)]
    assert records == [Text(text) for text in texts]
    assert [capsule.seed for capsule in opened.capsules] == seeds[:2]


@pytest.mark.parametrize("label", [world.OTHER_DAY, world.OTHER_COMMITTEE])
def test_a_foreign_label_stays_shut(label: Label) -> None:
    opened = open_under(world.LABEL, world.envelope(Form.SEALED, label), say(b"mine"))
    assert code_of(opened.messages[0]) == Code.LABEL_MISMATCH
    assert isinstance(opened.messages[1], VerifiedBody)


def test_a_foreign_capsule_stays_shut_even_under_a_relabelled_header() -> None:
    other = world.envelope(Form.SEALED, world.OTHER_DAY)
    relabelled = structs.replace(Header.decode(other.header), day=world.DAY).encode()
    opened = open_under(world.LABEL, replace(other, header=relabelled))
    assert code_of(opened.messages[0]) == Code.CAPSULE_MISMATCH


def frame(header: Header, seed: bytes, signature: bytes, franking: bytes, record: bytes) -> bytes:
    """The body that who holds every escrow key can make: all but the device's signature."""
    header_hash = hash_header(header.encode())
    label = header.label(world.DEPLOYMENT)
    derived = derive_message_key(day_key(seed, header.capsule, label), header_hash)
    return AESGCM(derived[:32]).encrypt(derived[32:], signature + franking + record, header_hash)


def real_parts() -> VerifiedBody:
    message = open_under(world.LABEL, say(b"said")).messages[0]
    assert isinstance(message, VerifiedBody)
    return message


def forged(**change: object) -> tuple[Header, bytes]:
    """A real message, sealed again by the framers for another place; its signature is kept."""
    real = real_parts()
    moved = structs.replace(real.header, **change)
    seed = world.SEED
    moved = structs.replace(moved, capsule=seal(seed, moved.label(world.DEPLOYMENT), MPK).capsule)
    return moved, frame(moved, seed, real.signature, real.franking_key, real.record_bytes)


@pytest.mark.parametrize(
    "change",
    [
        {"conversation": ConversationId(bytes(32))},
        {"day": world.DAY + 1},
        {"message_id": make_message_id(world.TIME_MS + 1, bytes(10))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_nobody_is_framed_by_a_message_moved(change: dict[str, object]) -> None:
    header, body = forged(**change)
    opened = open_with_label_key(
        key_for(header.label(world.DEPLOYMENT)), MPK, [(header.encode(), body)], device_key
    )
    assert code_of(opened.messages[0]) == Code.BAD_SIGNATURE


def test_nobody_is_framed_as_another_account() -> None:
    header, body = forged(account=AccountId(bytes(32)))
    opened = open_with_label_key(
        key_for(header.label(world.DEPLOYMENT)), MPK, [(header.encode(), body)], device_key
    )
    assert code_of(opened.messages[0]) == Code.GHOST_DEVICE


def test_nobody_is_framed_by_words_put_in() -> None:
    real = real_parts()
    words = encode_record(Text(b"never said"))
    same = frame(real.header, world.SEED, real.signature, real.franking_key, words)
    committed = structs.replace(real.header, commitment=commit_record(real.franking_key, words))
    signed = SigningKey(world.bytes_of("the framers' key")).sign(b"anything")
    for header, body, code in (
        (real.header, same, Code.COMMITMENT_MISMATCH),
        (
            committed,
            frame(committed, world.SEED, real.signature, real.franking_key, words),
            Code.BAD_SIGNATURE,
        ),
        (
            committed,
            frame(committed, world.SEED, signed, real.franking_key, words),
            Code.BAD_SIGNATURE,
        ),
    ):
        opened = open_with_label_key(
            key_for(world.LABEL), MPK, [(header.encode(), body)], device_key
        )
        assert code_of(opened.messages[0]) == code


def test_a_disclosure_verifies_without_any_key_and_not_for_other_words() -> None:
    real = real_parts()
    parts = (real.header.encode(), real.signature, real.franking_key)
    key = world.DEVICE_KEY.public
    shown = verify_disclosure(*parts, real.record_bytes, key, world.DEPLOYMENT)
    assert shown == real
    words = encode_record(Text(b"never said"))
    for record, franking in ((words, parts[2]), (real.record_bytes, parts[2] + b"\x00")):
        with pytest.raises(Refusal) as refusal:
            verify_disclosure(parts[0], parts[1], franking, record, key, world.DEPLOYMENT)
        assert refusal.value.code == Code.COMMITMENT_MISMATCH


def test_one_bad_message_spoils_no_other() -> None:
    good = say(b"good")
    bad_point = structs.replace(Header.decode(good.header), capsule=b"\xc0" + bytes(127)).encode()
    opened = open_with_label_key(
        key_for(world.LABEL),
        MPK,
        [
            (bad_point, good.body),
            (b"", b""),
            (good.header, good.body[:-1] + b"\x00\x00"),
            (good.header, good.body),
        ],
        device_key,
    )
    codes = [one.code for one in opened.messages if isinstance(one, RefusedMessage)]
    assert codes == [Code.BAD_POINT, Code.SIZE, Code.BODY_UNREADABLE]
    assert isinstance(opened.messages[3], VerifiedBody)
