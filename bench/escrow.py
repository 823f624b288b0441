"""The escrow's costs: per label and per message, each beside its bare ceiling of the same run."""

import os
import time
from collections.abc import Callable

from bench.client_floor import bare_crypto
from bench.figure import Figure
from doublelock.protocol.capsule import day_key, open_capsule, seal, verify_capsule
from doublelock.protocol.curve import (
    G1_GENERATOR,
    ORDER,
    g1_secret_multiple,
    g2_secret_multiple,
    pairing,
)
from doublelock.protocol.curve import G2_GENERATOR as P2
from doublelock.protocol.days import key_epoch_of
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.envelope import SealedEnvelope, make_send_keys, seal_envelope
from doublelock.protocol.frames import Send, encode
from doublelock.protocol.header import Form, Header
from doublelock.protocol.identifiers import (
    AccountId,
    ConversationId,
    DeploymentId,
    make_message_id,
    name_device,
)
from doublelock.protocol.label import Label
from doublelock.protocol.opened import RefusedMessage, open_with_label_key
from doublelock.protocol.partial import COURT, HolderKeys, PartialSet, combine_batch, make_partials
from doublelock.protocol.receipt import (
    AcceptedReceipt,
    Receipt,
    begin_chain,
    describe_item,
    join_chain,
    sign_receipts,
    verify_receipt,
)
from doublelock.protocol.receive import (
    Arrival,
    EpochKey,
    ReceiveContext,
    SeenCapsules,
    SenderEntry,
    receive,
)
from doublelock.protocol.record import Text, encode_record

DAY = 14_613
LABELS = 1_000
_MLS = 232
"""Bytes of an application message of a 65-byte payload and a 32-byte hash."""
MESSAGES = 5_000


def seconds_each(work: Callable[[], object], times: int) -> float:
    """Return the seconds of one run, the best of three rounds."""
    work()
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(times):
            work()
        best = min(best, (time.perf_counter() - start) / times)
    return best


def paired(
    work: Callable[[], object], other: Callable[[], object], times: int
) -> tuple[float, float]:
    """Return the seconds of one run of each, the best of rounds that take turns."""
    best = [float("inf")] * 2
    for _ in range(7):
        for which, one in enumerate((work, other)):
            start = time.perf_counter()
            for _ in range(times):
                one()
            best[which] = min(best[which], (time.perf_counter() - start) / times)
    return best[0], best[1]


def run() -> list[Figure]:
    """Measure, in about half a minute."""
    deployment = DeploymentId(os.urandom(32))
    conversation = ConversationId(os.urandom(32))
    account = AccountId(os.urandom(32))
    device_key = SigningKey(os.urandom(32))
    device = name_device(device_key.public.encoded)
    coefficients = [int.from_bytes(os.urandom(40), "big") % ORDER for _ in range(3)]
    court = int.from_bytes(os.urandom(40), "big") % ORDER
    shares = {
        i: sum(c * i**power for power, c in enumerate(coefficients)) % ORDER for i in range(1, 6)
    }
    keys = HolderKeys(
        deployment,
        1,
        key_epoch_of(DAY),
        3,
        {i: g2_secret_multiple(P2, share) for i, share in shares.items()},
        g2_secret_multiple(P2, court),
        g2_secret_multiple(P2, (coefficients[0] + court) % ORDER),
    )
    mpk = keys.mpk
    label = Label(deployment, 1, keys.key_epoch, conversation, account, DAY)
    labels = [
        Label(deployment, 1, keys.key_epoch, conversation, AccountId(i.to_bytes(32, "big")), DAY)
        for i in range(LABELS - 1)
    ]
    labels.append(label)
    raw_pairing = seconds_each(lambda: pairing(G1_GENERATOR, mpk), 50)
    raw_multiple = seconds_each(lambda: g1_secret_multiple(G1_GENERATOR, court), 200)
    seed = os.urandom(32)
    sealed = seal(seed, label, mpk)
    seal_s = seconds_each(lambda: seal(seed, label, mpk), 50)
    verify_s = seconds_each(lambda: verify_capsule(sealed.capsule, seed, label, mpk), 50)
    partial_s = seconds_each(lambda: make_partials(1, shares[1], labels), 1) / LABELS
    sets = [make_partials(i, shares[i], labels) for i in (1, 3, 4)]
    from_court = make_partials(COURT, court, labels)
    arrived = [given.encode() for given in sets]
    arrived_court = from_court.encode()

    def combine_all() -> None:
        decoded = [PartialSet.decode(data) for data in arrived]
        combine_batch(labels, decoded, PartialSet.decode(arrived_court), keys, os.urandom(32))

    combine_s = seconds_each(combine_all, 1) / LABELS
    key = combine_batch(labels, sets, from_court, keys, os.urandom(32))[-1]
    open_s = seconds_each(lambda: open_capsule(sealed.capsule, key, mpk), 50)

    send_keys = make_send_keys(seed, sealed.capsule, label, Form.SEALED)
    record = encode_record(Text(os.urandom(400)))
    now_ms = DAY * 86_400_000 + 43_200_000

    def one_envelope() -> tuple[bytes, bytes]:
        made = seal_envelope(
            send_keys,
            make_message_id(now_ms, os.urandom(10)),
            device,
            device_key,
            os.urandom(32),
            record,
        )
        return made.header, made.body

    envelopes = [one_envelope() for _ in range(MESSAGES)]

    def open_all() -> None:
        opened = open_with_label_key(key, mpk, envelopes, lambda header: device_key.public)
        if any(isinstance(message, RefusedMessage) for message in opened.messages):
            raise AssertionError("a message was refused")

    open_message_s = seconds_each(open_all, 1) / MESSAGES

    bare = bare_crypto()
    bare_s = bare.verify + bare.cipher

    # A message's path without MLS: sealing and the receive rule. The escrow's own part after the
    # first of the day: K_day, and the look-up of a capsule that was seen.
    made = seal_envelope(
        send_keys, make_message_id(now_ms, os.urandom(10)), device, device_key, bytes(32), record
    )
    fields = describe_item(
        conversation, 1, bytes(32), now_ms, account, device, made.header, made.body, b"mls"
    )
    batch_signature, paths = sign_receipts([fields.hash(deployment)], deployment, device_key)
    verified = verify_receipt(
        Receipt(fields, 0, 1, paths[0], batch_signature), deployment, device_key.public
    )
    accepted = AcceptedReceipt(fields, verified.hash, join_chain(verified))
    epoch = EpochKey(1, keys.key_epoch, mpk, DAY - 30, DAY + 30)
    context = ReceiveContext(
        deployment,
        lambda committee, day: True,
        now_ms,
        60_000,
        lambda account, device: SenderEntry(1, device_key.public),
        lambda committee, key_epoch: epoch,
    )
    arrival = Arrival(
        conversation, account, device, made.header, made.body, made.header_hash, made.payload
    )
    seen = SeenCapsules()
    first = receive(arrival, b"mls", accepted, context, seen)
    if first.newly_seen is not None:
        seen.add(first.newly_seen)
    header = Header.decode(made.header)
    bare_keys = make_send_keys(seed, b"", label, Form.UNESCROWED)

    def one_bare() -> SealedEnvelope:
        message_id = make_message_id(now_ms, os.urandom(10))
        return seal_envelope(bare_keys, message_id, device, device_key, os.urandom(32), record)

    bare_made = one_bare()
    bare_fields = describe_item(
        conversation, 1, bytes(32), now_ms, account, device, bare_made.header, bare_made.body, b"m"
    )
    bare_accepted = AcceptedReceipt(bare_fields, bytes(32), begin_chain(conversation))
    bare_arrival = Arrival(
        conversation,
        account,
        device,
        bare_made.header,
        bare_made.body,
        bare_made.header_hash,
        bare_made.payload,
    )
    bare_context = ReceiveContext(
        deployment,
        lambda committee, day: False,
        now_ms,
        60_000,
        context.sender,
        lambda committee, key_epoch: None,
    )
    receive_s, without_s = paired(
        lambda: receive(arrival, b"mls", accepted, context, seen),
        lambda: receive(bare_arrival, b"m", bare_accepted, bare_context, seen),
        300,
    )
    send_s, bare_send_s = paired(one_envelope, one_bare, 300)
    key_s = seconds_each(lambda: day_key(seed, header.capsule, label), 2_000)
    # What sealing and the receive rule cost more than under a charter without escrow, and all of
    # K_day although such a charter derives one too. The whole leaves out MLS, disk and socket,
    # which would make the share smaller.
    more = max(0.0, receive_s - without_s) + max(0.0, send_s - bare_send_s) + key_s
    share = more / (receive_s + send_s) * 100
    wire = len(encode(Send(1, made.header, made.body, bytes(_MLS))))
    return [
        Figure(
            "seal, per capsule", seal_s * 1e3, "ms", raw_pairing * 1e3, "one pairing", None, True
        ),
        Figure("verify, per capsule", verify_s * 1e3, "ms", raw_pairing * 1e3, "one pairing"),
        Figure("partial, per label", partial_s * 1e3, "ms", raw_multiple * 1e3, "one G1 multiple"),
        Figure(
            "10,000 labels, one holder (as 1,000 took)",
            partial_s * 10_000,
            "s",
            raw_multiple * 10_000,
            "10,000 G1 multiples",
            1.5,
            True,
        ),
        Figure(
            "decode, combine and verify, per label (3 of 5 and court)",
            combine_s * 1e3,
            "ms",
            raw_multiple * 4e3,
            "four G1 multiples",
        ),
        Figure("open, per capsule", open_s * 1e3, "ms", raw_pairing * 1e3, "one pairing"),
        Figure(
            "bodies opened and signatures verified by one label's key, alone",
            1 / open_message_s,
            "a second",
            1 / bare_s,
            "bare Ed25519 verify + AES-GCM",
        ),
        Figure(
            "seal an envelope",
            1 / send_s,
            "a second",
            1 / (bare.sign + bare.cipher),
            "bare Ed25519 sign + AES-GCM",
        ),
        Figure(
            "receive rule, capsule seen",
            1 / receive_s,
            "a second",
            1 / bare_s,
            "bare verify + AES-GCM",
        ),
        Figure("K_day", key_s * 1e6, "µs", bare_s * 1e6, "bare verify + AES-GCM"),
        Figure(
            "escrow's share of sealing and receiving, capsule known, no MLS, disk or wire",
            share,
            "%",
            goal=10,
            smaller_is_better=True,
        ),
        Figure("  its bytes of a 400-byte message's frame", len(sealed.capsule), "B", wire, "B"),
    ]
