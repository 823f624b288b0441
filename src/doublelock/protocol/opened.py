"""Opening stored envelopes by a label's key, as a warrant allows it (spec V-14).

One capsule serves all messages of a sender's (MLS epoch, day): it is opened once, then each
message costs its decryption, its device signature and its commitment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from doublelock.protocol.capsule import LabelKey, VerifiedCapsule, day_key, open_capsule
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G2
from doublelock.protocol.ed25519 import VerifyKey
from doublelock.protocol.envelope import VerifiedBody, open_body, verify_body
from doublelock.protocol.errors import EnvelopeRefused, Refusal
from doublelock.protocol.header import Form, Header, hash_header


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """A stored envelope that did not open or did not verify: the code, never its text."""

    code: Code
    detail: str


@dataclass(frozen=True, slots=True)
class OpenedLabel:
    """What a label's key opened: one entry per envelope, in their order, and the capsules met."""

    messages: tuple[VerifiedBody | RefusedMessage, ...]
    capsules: tuple[VerifiedCapsule, ...]


def open_with_label_key(
    key: LabelKey,
    mpk: G2,
    envelopes: Sequence[tuple[bytes, bytes]],
    device_key: Callable[[Header], VerifyKey],
) -> OpenedLabel:
    """Open and verify (header, body) pairs by one label's key; one bad message spoils no other.

    `device_key` answers from the key log as of the message's day, or raises a Refusal. Each
    refusal stands in its message's place: LABEL_MISMATCH for an envelope of another label,
    CAPSULE_MISMATCH, BAD_POINT, BODY_UNREADABLE, BAD_SIGNATURE, COMMITMENT_MISMATCH, SIZE, FORM.
    """
    opened: dict[bytes, tuple[VerifiedCapsule, bytes] | RefusedMessage] = {}
    messages: list[VerifiedBody | RefusedMessage] = []
    for header_bytes, body in envelopes:
        try:
            header = Header.decode(header_bytes)
            if header.form != Form.SEALED or header.label(key.label.deployment) != key.label:
                raise EnvelopeRefused(Code.LABEL_MISMATCH)
            known = opened.get(header.capsule)
            if known is None:
                known = opened[header.capsule] = _open_once(header.capsule, key, mpk)
            if isinstance(known, RefusedMessage):
                messages.append(known)
                continue
            plain = open_body(known[1], header, hash_header(header_bytes), body)
            messages.append(verify_body(plain, device_key(header), key.label.deployment))
        except Refusal as refusal:
            messages.append(RefusedMessage(refusal.code, refusal.detail))
    capsules = tuple(known[0] for known in opened.values() if not isinstance(known, RefusedMessage))
    return OpenedLabel(tuple(messages), capsules)


def _open_once(
    capsule: bytes, key: LabelKey, mpk: G2
) -> tuple[VerifiedCapsule, bytes] | RefusedMessage:
    try:
        verified = open_capsule(capsule, key, mpk)
    except Refusal as refusal:
        return RefusedMessage(refusal.code, refusal.detail)
    return verified, day_key(verified.seed, capsule, key.label)
