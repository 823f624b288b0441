"""The fixed people, keys and labels that the vectors speak of; every secret here is public."""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Final

from doublelock.protocol.capsule import VerifiedCapsule, seal
from doublelock.protocol.curve import G2, G2_GENERATOR, ORDER, g2_secret_multiple, g2_sum
from doublelock.protocol.days import day_of, key_epoch_of
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.envelope import SealedEnvelope, SendKeys, make_send_keys, seal_envelope
from doublelock.protocol.errors import Refusal
from doublelock.protocol.header import Form
from doublelock.protocol.identifiers import (
    AccountId,
    ConversationId,
    DeploymentId,
    make_message_id,
    name_device,
)
from doublelock.protocol.label import Label
from doublelock.protocol.partial import HolderKeys
from doublelock.protocol.record import AnyRecord, Text, Typing, encode_record


def bytes_of(name: str, size: int = 32) -> bytes:
    """Return fixed bytes by a name: SHA-512 of it, cut."""
    return hashlib.sha512(name.encode()).digest()[:size]


def scalar_of(name: str) -> int:
    """Return a fixed scalar by a name."""
    return int.from_bytes(bytes_of(name, 64), "big") % ORDER


def public(secret: int) -> G2:
    """Return a scalar's public key in G2."""
    return g2_secret_multiple(G2_GENERATOR, secret)


TIME_MS: Final = 1_262_606_400_000  # 2010-01-04 12:00 UTC
DAY: Final = day_of(TIME_MS)
DEPLOYMENT: Final = DeploymentId(bytes_of("deployment"))
COMMITTEES: Final = (1, 2)
CONVERSATION: Final = ConversationId(bytes_of("conversation"))
ACCOUNT: Final = AccountId(bytes_of("account"))
DEVICE_KEY: Final = SigningKey(bytes_of("device key"))
DEVICE: Final = name_device(DEVICE_KEY.public.encoded)
SEED: Final = bytes_of("seed")
FRANKING_KEY: Final = bytes_of("franking key")
RECEIPT_KEY: Final = SigningKey(bytes_of("receipt key"))
MESSAGE_ID: Final = make_message_id(TIME_MS, bytes_of("message id", 10))
THRESHOLD: Final = 3
CUSTODIANS: Final = range(1, 6)
LABEL: Final = Label(DEPLOYMENT, 1, key_epoch_of(DAY), CONVERSATION, ACCOUNT, DAY)
OTHER_COMMITTEE: Final = Label(DEPLOYMENT, 2, key_epoch_of(DAY), CONVERSATION, ACCOUNT, DAY)
OTHER_DAY: Final = Label(DEPLOYMENT, 1, key_epoch_of(DAY), CONVERSATION, ACCOUNT, DAY + 1)


def share(committee: int, index: int) -> int:
    """Return a custodian's share: the value at `index` of the committee's secret polynomial."""
    total = 0
    for power in range(THRESHOLD):
        total += scalar_of(f"committee {committee} coefficient {power}") * int(index**power)
    return total % ORDER


def court(committee: int) -> int:
    """Return a committee's court's secret."""
    return scalar_of(f"committee {committee} court")


@cache
def holder_keys(committee: int) -> HolderKeys:
    """Return a committee's public keys."""
    court_key = public(court(committee))
    return HolderKeys(
        DEPLOYMENT,
        committee,
        LABEL.key_epoch,
        THRESHOLD,
        {index: public(share(committee, index)) for index in CUSTODIANS},
        court_key,
        g2_sum([public(share(committee, 0)), court_key]),
    )


@cache
def master_key(committee: int) -> G2:
    """Return a committee's MPK."""
    return public((share(committee, 0) + court(committee)) % ORDER)


def sealed(label: Label = LABEL, seed: bytes = SEED) -> VerifiedCapsule:
    """Return the capsule of the fixed seed under a label."""
    return seal(seed, label, master_key(label.committee))


def send_keys(form: Form, label: Label = LABEL) -> SendKeys:
    """Return what a sender keeps, in each form."""
    capsule = sealed(label).capsule if form == Form.SEALED else b""
    return make_send_keys(SEED, capsule, label, form)


def record_for(form: Form) -> AnyRecord:
    """Return a record that suits a form; the text is no UTF-8, as old chat is not."""
    return (
        Typing(True) if form == Form.EPHEMERAL else Text(b"caf\xe9 \x02bold\x02 \xf0\x9f\x94\x92")
    )


def envelope(form: Form = Form.SEALED, label: Label = LABEL) -> SealedEnvelope:
    """Return the fixed message in a form."""
    return seal_envelope(
        send_keys(form, label),
        MESSAGE_ID,
        DEVICE,
        DEVICE_KEY,
        FRANKING_KEY,
        encode_record(record_for(form)),
    )


def label_fields(label: Label) -> dict[str, object]:
    """Return a label's fields as JSON has them."""
    return {
        "deployment": label.deployment.hex(),
        "committee": label.committee,
        "key_epoch": label.key_epoch,
        "conversation": label.conversation.hex(),
        "account": label.account.hex(),
        "day": label.day,
    }


def refusal_of(act: Callable[[], object]) -> str | None:
    """Return the code by which something is refused, or None where it is not."""
    try:
        act()
    except Refusal as refusal:
        return refusal.code
    return None


def flip(data: bytes, at: int, bit: int = 0x01) -> bytes:
    """Return data with one bit changed."""
    at %= len(data)
    return data[:at] + bytes((data[at] ^ bit,)) + data[at + 1 :]
