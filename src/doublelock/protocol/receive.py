"""The receive rule: every check between an arrived message and its text, in one place (spec V-11).

Pure: what the rule needs to know is an argument. Every failure is a refusal by name, and a refused
message's text is never returned.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from doublelock.protocol import limits
from doublelock.protocol.capsule import day_key, verify_capsule
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G2
from doublelock.protocol.days import day_of
from doublelock.protocol.ed25519 import VerifyKey
from doublelock.protocol.encoding import tagged
from doublelock.protocol.envelope import Payload, VerifiedBody, open_body, verify_body
from doublelock.protocol.errors import CharterRefused, EnvelopeRefused, Malformed
from doublelock.protocol.header import Form, Header, hash_header
from doublelock.protocol.identifiers import AccountId, ConversationId, DeploymentId, DeviceId
from doublelock.protocol.label import Label
from doublelock.protocol.receipt import AcceptedReceipt, ReceiptFields

_SEEN_TAG = b"doublelock/v1/seen-capsule"


@dataclass(frozen=True, slots=True)
class EpochKey:
    """A key epoch that this party verified: its MPK, and the days for which it is in force.

    `last_day` lies beyond the month's end where a missing epoch extended it (spec E-10).
    """

    committee: int
    key_epoch: int
    mpk: G2
    first_day: int
    last_day: int


@dataclass(frozen=True, slots=True)
class SenderEntry:
    """What the key log says of a sending device: its account's committee and its own key."""

    committee: int
    key: VerifyKey


@dataclass(frozen=True, slots=True)
class ReceiveContext:
    """What a receiver knows: deployment, the charter's skew, the clock, look-ups.

    `escrows` says whether a committee escrows on a day (C-6), or raises CharterRefused. `sender`
    answers from the key log for (account, device), `epoch_key` for (committee, key epoch); each
    returns None for what it does not know, or raises a Refusal of its own.
    """

    deployment: DeploymentId
    escrows: Callable[[int, int], bool]
    now_ms: int
    skew_ms: int
    sender: Callable[[AccountId, DeviceId], SenderEntry | None]
    epoch_key: Callable[[int, int], EpochKey | None]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came: the server's bytes, and what the MLS layer authenticated.

    `conversation` is the MLS group's id, `account` and `device` its authenticated sender's
    credential, `plaintext` and `authenticated_data` the decrypted application message's.
    """

    conversation: ConversationId
    account: AccountId
    device: DeviceId
    header: bytes
    body: bytes
    authenticated_data: bytes
    plaintext: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SeenCapsule:
    """That a capsule was re-encapsulated: a hash over it, its label and its seed; not the seed."""

    capsule: bytes
    seed_hash: bytes
    day: int


class SeenCapsules:
    """The capsules that were verified already, so that each costs its pairing once (spec V-12)."""

    __slots__ = ("_days",)

    def __init__(self) -> None:
        self._days: dict[int, dict[bytes, bytes]] = {}

    def holds(self, seen: SeenCapsule) -> bool:
        """Say whether this very capsule, label and seed were added before."""
        known = self._days.get(seen.day, {}).get(seen.capsule)
        return known is not None and hmac.compare_digest(known, seen.seed_hash)

    def add(self, seen: SeenCapsule) -> None:
        """Remember a capsule that `receive` verified, or that was kept from an earlier run."""
        self._days.setdefault(seen.day, {})[seen.capsule] = seen.seed_hash

    def forget_before(self, day: int) -> None:
        """Forget the capsules of earlier days."""
        for old in [known for known in self._days if known < day]:
            del self._days[old]


@dataclass(frozen=True, slots=True)
class Received:
    """A message that passed the whole rule.

    `newly_seen` is to be added to the `SeenCapsules` (and may be kept with the message); None
    when the capsule was known. `receipt` is None for an ephemeral message.
    """

    message: VerifiedBody
    receipt: AcceptedReceipt | None
    newly_seen: SeenCapsule | None


def receive(
    arrival: Arrival,
    mls: bytes,
    receipt: AcceptedReceipt,
    context: ReceiveContext,
    seen: SeenCapsules,
) -> Received:
    """Return a stored message that passed the receive rule; `mls` is its ciphertext (spec V-11).

    Raises EnvelopeRefused, or Malformed for bytes without form: SIZE, FORM, NOT_CANONICAL,
    HEADER_MISMATCH, SENDER_MISMATCH, RECEIPT_MISMATCH, CAPSULE_MISSING, EPHEMERAL_CONTENT,
    EPOCH_MISMATCH, DAY_MISMATCH, CAPSULE_MISMATCH, BODY_UNREADABLE, BAD_SIGNATURE,
    COMMITMENT_MISMATCH. The receipt's own faults were named when it was accepted.
    """
    header = Header.decode(arrival.header)
    header_hash = hash_header(arrival.header)
    payload = _check_binding(arrival, header, header_hash)
    _check_receipt(receipt.fields, header, header_hash, arrival.body, mls)
    _check_form(header, context)
    entry = _find_sender(header, context)
    check_day(header.day, receipt.fields.time_ms, context.skew_ms)
    label = header.label(context.deployment)
    newly_seen = None
    if header.form == Form.SEALED:
        epoch = _find_epoch(header, context)
        newly_seen = _check_capsule(header, payload.seed, label, epoch.mpk, seen)
    key = day_key(payload.seed, header.capsule, label, header.form)
    opened = open_body(key, header, header_hash, arrival.body)
    return Received(verify_body(opened, entry.key, context.deployment), receipt, newly_seen)


def receive_ephemeral(arrival: Arrival, context: ReceiveContext) -> Received:
    """Return an ephemeral message that passed the receive rule (spec V-13).

    It has no capsule and no receipt, its day is held against the own clock, and it may hold only
    the bounded, textless kinds. Raises what `receive` raises.
    """
    if len(arrival.body) > limits.EPHEMERAL_BODY:
        raise Malformed(Code.SIZE, f"ephemeral body of {len(arrival.body)} bytes")
    header = Header.decode(arrival.header)
    header_hash = hash_header(arrival.header)
    payload = _check_binding(arrival, header, header_hash)
    if header.form != Form.EPHEMERAL:
        raise EnvelopeRefused(Code.EPHEMERAL_CONTENT, "a message came without being stored")
    entry = _find_sender(header, context)
    check_day(header.day, context.now_ms, context.skew_ms)
    key = day_key(payload.seed, b"", header.label(context.deployment), header.form)
    opened = open_body(key, header, header_hash, arrival.body)
    return Received(verify_body(opened, entry.key, context.deployment), None, None)


def check_receipt(fields: ReceiptFields, header: bytes, body: bytes, mls: bytes) -> None:
    """Check that a receipt is for these bytes and this sender; also for one's own messages.

    Raises EnvelopeRefused(RECEIPT_MISMATCH), and what `Header.decode` raises.
    """
    _check_receipt(fields, Header.decode(header), hash_header(header), body, mls)


def _check_receipt(
    fields: ReceiptFields, header: Header, header_hash: bytes, body: bytes, mls: bytes
) -> None:
    if (
        fields.conversation != header.conversation
        or fields.account != header.account
        or fields.device != header.device
        or fields.header_hash != header_hash
        or fields.body_hash != hashlib.sha256(body).digest()
        or fields.mls_hash != hashlib.sha256(mls).digest()
    ):
        raise EnvelopeRefused(Code.RECEIPT_MISMATCH)


def check_day(day: int, time_ms: int, skew_ms: int) -> None:
    """Check that a day is that of a time, within the skew: server, receiver and evidence alike.

    Raises EnvelopeRefused(DAY_MISMATCH).
    """
    if not day_of(time_ms - skew_ms) <= day <= day_of(time_ms + skew_ms):
        raise EnvelopeRefused(Code.DAY_MISMATCH)


def _check_binding(arrival: Arrival, header: Header, header_hash: bytes) -> Payload:
    """Tie the MLS message to the header: group, sender, authenticated data and payload."""
    if header.conversation != arrival.conversation:
        raise EnvelopeRefused(Code.HEADER_MISMATCH, "another conversation")
    if header.account != arrival.account or header.device != arrival.device:
        raise EnvelopeRefused(Code.SENDER_MISMATCH)
    payload = Payload.decode(arrival.plaintext)
    if not (
        hmac.compare_digest(arrival.authenticated_data, header_hash)
        and hmac.compare_digest(payload.header_hash, header_hash)
    ):
        raise EnvelopeRefused(Code.HEADER_MISMATCH)
    return payload


def _check_form(header: Header, context: ReceiveContext) -> None:
    """Hold the form against the committee; `_find_sender` holds that against the account."""
    if header.form == Form.EPHEMERAL:
        raise EnvelopeRefused(Code.EPHEMERAL_CONTENT, "an ephemeral message was stored")
    try:
        escrows = context.escrows(header.committee, header.day)
    except CharterRefused:
        raise EnvelopeRefused(Code.EPOCH_MISMATCH, "no committee of the charter") from None
    if escrows and header.form != Form.SEALED:
        raise EnvelopeRefused(Code.CAPSULE_MISSING)
    if not escrows and header.form != Form.UNESCROWED:
        raise EnvelopeRefused(Code.EPOCH_MISMATCH, "the sender's committee has no escrow")


def _find_sender(header: Header, context: ReceiveContext) -> SenderEntry:
    entry = context.sender(header.account, header.device)
    if entry is None:
        raise EnvelopeRefused(Code.SENDER_MISMATCH, "device is not in the key log")
    if entry.committee != header.committee:
        raise EnvelopeRefused(Code.EPOCH_MISMATCH, "not the sender's committee")
    return entry


def _find_epoch(header: Header, context: ReceiveContext) -> EpochKey:
    epoch = context.epoch_key(header.committee, header.key_epoch)
    if (
        epoch is None
        or (epoch.committee, epoch.key_epoch) != (header.committee, header.key_epoch)
        or not epoch.first_day <= header.day <= epoch.last_day
    ):
        raise EnvelopeRefused(Code.EPOCH_MISMATCH, f"key epoch {header.key_epoch}")
    return epoch


def _check_capsule(
    header: Header, seed: bytes, label: Label, mpk: G2, seen: SeenCapsules
) -> SeenCapsule | None:
    """Re-encapsulate once a capsule; what was seen is bound to its label, MPK and seed."""
    digest = hashlib.sha256(
        tagged(_SEEN_TAG, label.encode(), mpk.encoded, header.capsule, seed)
    ).digest()
    candidate = SeenCapsule(header.capsule, digest, header.day)
    if seen.holds(candidate):
        return None
    verify_capsule(header.capsule, seed, label, mpk)
    return candidate
