"""The receive rule, break by break: whatever is changed, a named refusal and never the text."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from vectors.make import world

from doublelock.protocol.capsule import day_key
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.encoding import tagged
from doublelock.protocol.envelope import SealedEnvelope, make_send_keys, seal_envelope
from doublelock.protocol.errors import CharterRefused, Refusal
from doublelock.protocol.header import Form, Header
from doublelock.protocol.identifiers import AccountId, ConversationId, DeviceId
from doublelock.protocol.label import Label
from doublelock.protocol.receipt import (
    AcceptedReceipt,
    Receipt,
    ReceiptChain,
    VerifiedReceipt,
    accept_receipt,
    begin_chain,
    describe_item,
    sign_receipts,
    verify_receipt,
)
from doublelock.protocol.receive import (
    Arrival,
    EpochKey,
    ReceiveContext,
    SeenCapsules,
    SenderEntry,
    check_receipt,
    receive,
    receive_ephemeral,
)
from doublelock.protocol.record import Presence, ReadMark, Text, Typing, encode_record

MLS = b"the MLS ciphertext"
EPOCH = EpochKey(1, world.LABEL.key_epoch, world.master_key(1), world.DAY - 3, world.DAY + 27)
CONTEXT = ReceiveContext(
    deployment=world.DEPLOYMENT,
    escrows=lambda committee, day: (committee, day) == (1, world.DAY),
    now_ms=world.TIME_MS + 1000,
    skew_ms=60_000,
    sender=lambda account, device: (
        SenderEntry(1, world.DEVICE_KEY.public)
        if (account, device) == (world.ACCOUNT, world.DEVICE)
        else None
    ),
    epoch_key=lambda committee, key_epoch: (
        EPOCH if (committee, key_epoch) == (1, EPOCH.key_epoch) else None
    ),
)


@dataclass(frozen=True)
class Delivery:
    arrival: Arrival
    receipt: AcceptedReceipt


def deliver(made: SealedEnvelope, time_ms: int = world.TIME_MS) -> Delivery:
    """As an honest server and an honest MLS layer deliver it."""
    header = Header.decode(made.header)
    fields = describe_item(
        header.conversation,
        1,
        bytes(32),
        time_ms,
        header.account,
        header.device,
        made.header,
        made.body,
        MLS,
    )
    signature, paths = sign_receipts(
        [fields.hash(world.DEPLOYMENT)], world.DEPLOYMENT, world.RECEIPT_KEY
    )
    receipt = verify_receipt(
        Receipt(fields, 0, 1, paths[0], signature), world.DEPLOYMENT, world.RECEIPT_KEY.public
    )
    arrival = Arrival(
        header.conversation,
        header.account,
        header.device,
        made.header,
        made.body,
        made.header_hash,
        made.payload,
    )
    accepted = accept_receipt(begin_chain(header.conversation), receipt, time_ms, 0)
    return Delivery(arrival, accepted)


HONEST = deliver(world.envelope())


def unknown_committee(committee: int, day: int) -> bool:
    raise CharterRefused(Code.UNKNOWN_COMMITTEE, str(committee))


def refusal_of(delivery: Delivery, context: ReceiveContext = CONTEXT, mls: bytes = MLS) -> Code:
    with pytest.raises(Refusal) as refusal:
        receive(delivery.arrival, mls, delivery.receipt, context, SeenCapsules())
    return refusal.value.code


def test_an_honest_message_is_received_byte_for_byte() -> None:
    received = receive(HONEST.arrival, MLS, HONEST.receipt, CONTEXT, SeenCapsules())
    assert received.message.record == world.record_for(Form.SEALED)
    assert received.newly_seen is not None


def test_a_capsule_is_verified_once_per_label_and_seed() -> None:
    seen = SeenCapsules()
    first = receive(HONEST.arrival, MLS, HONEST.receipt, CONTEXT, seen)
    assert first.newly_seen is not None
    seen.add(first.newly_seen)
    assert receive(HONEST.arrival, MLS, HONEST.receipt, CONTEXT, seen).newly_seen is None
    seen.forget_before(world.DAY + 1)
    assert receive(HONEST.arrival, MLS, HONEST.receipt, CONTEXT, seen).newly_seen is not None


def test_a_seen_capsule_does_not_vouch_for_another_seed() -> None:
    seen = SeenCapsules()
    first = receive(HONEST.arrival, MLS, HONEST.receipt, CONTEXT, seen)
    assert first.newly_seen is not None
    seen.add(first.newly_seen)
    capsule = world.sealed().capsule
    seed = world.bytes_of("a seed of the cheat's own")
    keys = make_send_keys(seed, capsule, world.LABEL, Form.SEALED)
    cheat = deliver(
        seal_envelope(
            keys,
            world.MESSAGE_ID,
            world.DEVICE,
            world.DEVICE_KEY,
            world.FRANKING_KEY,
            encode_record(Text(b"hidden from the warrant")),
        )
    )
    with pytest.raises(Refusal) as refusal:
        receive(cheat.arrival, MLS, cheat.receipt, CONTEXT, seen)
    assert refusal.value.code == Code.CAPSULE_MISMATCH


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"conversation": ConversationId(bytes(32))}, Code.HEADER_MISMATCH),
        ({"account": AccountId(bytes(32))}, Code.SENDER_MISMATCH),
        ({"device": DeviceId(bytes(16))}, Code.SENDER_MISMATCH),
        ({"authenticated_data": bytes(32)}, Code.HEADER_MISMATCH),
        ({"authenticated_data": b""}, Code.HEADER_MISMATCH),
        ({"plaintext": HONEST.arrival.plaintext[:-1] + b"\x00"}, Code.HEADER_MISMATCH),
        ({"plaintext": b""}, Code.SIZE),
        ({"plaintext": b"\x02" + HONEST.arrival.plaintext[1:]}, Code.FORM),
        ({"header": b""}, Code.SIZE),
        ({"body": HONEST.arrival.body + b"\x00"}, Code.RECEIPT_MISMATCH),
    ],
)
def test_a_changed_arrival(change: dict[str, bytes], code: Code) -> None:
    changed = replace(HONEST.arrival, **change)  # type: ignore[arg-type]
    assert refusal_of(replace(HONEST, arrival=changed)) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"escrows": lambda c, d: False}, Code.EPOCH_MISMATCH),
        ({"escrows": unknown_committee}, Code.EPOCH_MISMATCH),
        ({"sender": lambda a, d: None}, Code.SENDER_MISMATCH),
        ({"sender": lambda a, d: SenderEntry(2, world.DEVICE_KEY.public)}, Code.EPOCH_MISMATCH),
        (
            {"sender": lambda a, d: SenderEntry(1, SigningKey(bytes(32)).public)},
            Code.BAD_SIGNATURE,
        ),
        ({"epoch_key": lambda c, k: None}, Code.EPOCH_MISMATCH),
        ({"epoch_key": lambda c, k: replace(EPOCH, last_day=world.DAY - 1)}, Code.EPOCH_MISMATCH),
        ({"epoch_key": lambda c, k: replace(EPOCH, first_day=world.DAY + 1)}, Code.EPOCH_MISMATCH),
        ({"epoch_key": lambda c, k: replace(EPOCH, key_epoch=1)}, Code.EPOCH_MISMATCH),
        (
            {"epoch_key": lambda c, k: replace(EPOCH, mpk=world.master_key(2))},
            Code.CAPSULE_MISMATCH,
        ),
        ({"deployment": bytes(32)}, Code.CAPSULE_MISMATCH),
    ],
)
def test_a_receiver_who_knows_otherwise(change: dict[str, object], code: Code) -> None:
    assert refusal_of(HONEST, replace(CONTEXT, **change)) == code  # type: ignore[arg-type]


def test_a_receipt_for_other_ciphertext() -> None:
    assert refusal_of(HONEST, mls=b"other ciphertext") == Code.RECEIPT_MISMATCH


@pytest.mark.parametrize("name", ["account", "device", "conversation", "header_hash", "body_hash"])
def test_a_receipt_for_somebody_or_something_else(name: str) -> None:
    size = len(getattr(HONEST.receipt.fields, name))
    fields = structs.replace(HONEST.receipt.fields, **{name: bytes(size)})
    with pytest.raises(Refusal) as refusal:
        check_receipt(fields, HONEST.arrival.header, HONEST.arrival.body, MLS)
    assert refusal.value.code == Code.RECEIPT_MISMATCH


@pytest.mark.parametrize(
    ("time_ms", "fits"),
    [
        (world.DAY * DAY_MS - 60_001, False),
        (world.DAY * DAY_MS - 60_000, True),
        ((world.DAY + 1) * DAY_MS + 59_999, True),
        ((world.DAY + 1) * DAY_MS + 60_000, False),
    ],
)
def test_the_day_is_the_receipts_within_the_skew(time_ms: int, fits: bool) -> None:
    late = deliver(world.envelope(), time_ms)
    if fits:
        receive(late.arrival, MLS, late.receipt, CONTEXT, SeenCapsules())
    else:
        assert refusal_of(late) == Code.DAY_MISMATCH


def test_no_capsule_where_the_committee_wants_one() -> None:
    assert refusal_of(deliver(world.envelope(Form.UNESCROWED))) == Code.CAPSULE_MISSING


def test_a_committee_without_escrow() -> None:
    made = deliver(world.envelope(Form.UNESCROWED))
    context = replace(
        CONTEXT,
        escrows=lambda committee, day: (committee, day) != (1, world.DAY),
        epoch_key=lambda committee, key_epoch: None,
    )
    received = receive(made.arrival, MLS, made.receipt, context, SeenCapsules())
    assert received.message.record == world.record_for(Form.SEALED)


def test_who_names_a_committee_without_escrow_that_is_not_its_own() -> None:
    """A modified client of an escrowed account leaves its capsule out."""
    ours = world.LABEL
    label = Label(ours.deployment, 2, ours.key_epoch, ours.conversation, ours.account, ours.day)
    made = seal_envelope(
        make_send_keys(world.SEED, b"", label, Form.UNESCROWED),
        world.MESSAGE_ID,
        world.DEVICE,
        world.DEVICE_KEY,
        world.FRANKING_KEY,
        encode_record(world.record_for(Form.SEALED)),
    )
    assert refusal_of(deliver(made)) == Code.EPOCH_MISMATCH


def test_an_ephemeral_message_is_never_stored() -> None:
    assert refusal_of(deliver(world.envelope(Form.EPHEMERAL))) == Code.EPHEMERAL_CONTENT


def ephemeral(record: bytes, form: Form = Form.EPHEMERAL) -> Arrival:
    return deliver(
        seal_envelope(
            world.send_keys(form),
            world.MESSAGE_ID,
            world.DEVICE,
            world.DEVICE_KEY,
            world.FRANKING_KEY,
            record,
        )
    ).arrival


@pytest.mark.parametrize("record", [Typing(False), ReadMark(9), Presence(1)])
def test_ephemeral_kinds(record: Typing | ReadMark | Presence) -> None:
    received = receive_ephemeral(ephemeral(encode_record(record)), CONTEXT)
    assert received.message.record == record
    assert received.receipt is None


def test_ephemeral_text_is_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        receive_ephemeral(ephemeral(encode_record(Text(b"psst"))), CONTEXT)
    assert refusal.value.code == Code.EPHEMERAL_CONTENT


def test_a_stored_form_is_not_whispered() -> None:
    with pytest.raises(Refusal) as refusal:
        receive_ephemeral(HONEST.arrival, CONTEXT)
    assert refusal.value.code == Code.EPHEMERAL_CONTENT


def test_an_ephemeral_message_of_another_day() -> None:
    arrival = ephemeral(encode_record(Typing(True)))
    with pytest.raises(Refusal) as refusal:
        receive_ephemeral(arrival, replace(CONTEXT, now_ms=world.TIME_MS + DAY_MS))
    assert refusal.value.code == Code.DAY_MISMATCH


# --- the timeline ---------------------------------------------------------------------------


def verified(sequence: int, previous: bytes, time_ms: int) -> VerifiedReceipt:
    fields = describe_item(
        world.CONVERSATION, sequence, previous, time_ms, world.ACCOUNT, world.DEVICE, b"", b"", MLS
    )
    return VerifiedReceipt(fields, fields.hash(world.DEPLOYMENT))


def test_a_timeline_is_followed_link_by_link() -> None:
    chain = begin_chain(world.CONVERSATION)
    for sequence in range(1, 5):
        link = verified(sequence, chain.hash, 1000)
        chain = accept_receipt(chain, link, 1000, 0).chain
    assert chain == ReceiptChain(world.CONVERSATION, 4, link.hash, 1000)


@pytest.mark.parametrize(
    ("sequence", "previous", "time_ms", "code"),
    [
        (1, None, 1000, Code.RECEIPT_CHAIN),
        (3, None, 1000, Code.RECEIPT_CHAIN),
        (2, bytes(32), 1000, Code.RECEIPT_CHAIN),
        (2, None, 999, Code.RECEIPT_TIME),
        (2, None, 2061, Code.RECEIPT_TIME),
    ],
)
def test_a_server_that_contradicts_itself(
    sequence: int, previous: bytes | None, time_ms: int, code: Code
) -> None:
    first = verified(1, bytes(32), 1000)
    chain = accept_receipt(begin_chain(world.CONVERSATION), first, 2000, 60).chain
    link = verified(sequence, chain.hash if previous is None else previous, time_ms)
    with pytest.raises(Refusal) as refusal:
        accept_receipt(chain, link, 2000, 60)
    assert refusal.value.code == code


def test_a_receipt_of_another_conversation() -> None:
    chain = begin_chain(ConversationId(bytes(32)))
    with pytest.raises(Refusal) as refusal:
        accept_receipt(chain, verified(1, bytes(32), 5), 10, 0)
    assert refusal.value.code == Code.RECEIPT_CHAIN


# --- bad input ------------------------------------------------------------------------------

FIELDS = ["header", "body", "authenticated_data", "plaintext"]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FIELDS), st.integers(0, 10_000), st.integers(0, 7))
def test_any_bit_changed_after_the_server_signed_is_refused(name: str, at: int, bit: int) -> None:
    data = getattr(HONEST.arrival, name)
    flipped = {name: world.flip(data, at % len(data), 1 << bit)}
    changed = replace(HONEST.arrival, **flipped)  # type: ignore[arg-type]
    refusal_of(replace(HONEST, arrival=changed))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["header", "body"]), st.integers(0, 10_000), st.integers(0, 7))
def test_any_bit_changed_by_the_server_itself_is_refused(name: str, at: int, bit: int) -> None:
    made = world.envelope()
    data = getattr(made, name)
    flipped = {name: world.flip(data, at % len(data), 1 << bit)}
    changed = replace(made, **flipped)
    try:
        delivery = deliver(changed)
    except Refusal:
        return
    refusal_of(delivery)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400), st.binary(max_size=400), st.binary(max_size=80))
def test_noise_is_refused(header: bytes, body: bytes, plaintext: bytes) -> None:
    noise = replace(HONEST.arrival, header=header, body=body, plaintext=plaintext)
    refusal_of(replace(HONEST, arrival=noise))


def test_a_day_key_serves_one_form_only() -> None:
    label: Label = world.LABEL
    keys = {day_key(world.SEED, b"", label, form) for form in Form}
    assert len(keys) == 3
    assert tagged(b"a", b"bc") != tagged(b"ab", b"c")
