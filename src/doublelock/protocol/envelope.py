"""Envelopes: seal a record into header and body, and open it again (spec V-2, V-5 to V-7).

body = AES-256-GCM of: device signature 64 || franking key 32 || record. Key and nonce come from
K_day and the header's hash, so a body fits its own header only.
"""

import hmac
from dataclasses import dataclass, field
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from doublelock.protocol import limits
from doublelock.protocol.capsule import SEED_SIZE, day_key
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SIGNATURE_SIZE, SigningKey, VerifyKey
from doublelock.protocol.encoding import tagged
from doublelock.protocol.errors import EnvelopeRefused, Malformed, Refusal
from doublelock.protocol.header import HASH_SIZE, Form, Header, hash_header
from doublelock.protocol.identifiers import DeploymentId, DeviceId, MessageId
from doublelock.protocol.label import Label
from doublelock.protocol.record import EPHEMERAL_KINDS, AnyRecord, decode_record

FRANKING_KEY_SIZE: Final = 32
_TAG_SIZE: Final = 16
_OVERHEAD: Final = SIGNATURE_SIZE + FRANKING_KEY_SIZE + _TAG_SIZE
_SIGNATURE_TAG: Final = b"doublelock/v1/envelope"
_KEY_TAG: Final = b"doublelock/v1/k-msg"
_PAYLOAD_VERSION: Final = b"\x01"
_SHA256: Final = SHA256()


@dataclass(frozen=True, slots=True)
class SealedEnvelope:
    """What goes out: header and body, and for the MLS layer its authenticated data and plaintext.

    `payload` (65 bytes, secret) is encrypted by MLS; `header_hash` (32) is its authenticated data.
    """

    header: bytes
    body: bytes
    header_hash: bytes
    payload: bytes = field(repr=False)


class OpenedBody(msgspec.Struct, frozen=True, gc=False):
    """A body that was decrypted under its header, signature and commitment still unchecked."""

    header: Header
    header_hash: bytes
    signature: bytes
    franking_key: bytes
    record: bytes


class VerifiedBody(msgspec.Struct, frozen=True, gc=False):
    """A record that its device signed and its header commits to.

    `signature` (64), `franking_key` (32) and `record_bytes` prove it to anybody else.
    """

    header: Header
    header_hash: bytes
    signature: bytes
    franking_key: bytes
    record_bytes: bytes
    record: AnyRecord


@dataclass(frozen=True, slots=True)
class Payload:
    """What MLS carries: the seed (32 bytes, secret) and the header's hash (32)."""

    seed: bytes = field(repr=False)
    header_hash: bytes

    def encode(self) -> bytes:
        """Return the 65 bytes (spec V-7)."""
        return _PAYLOAD_VERSION + self.seed + self.header_hash

    @classmethod
    def decode(cls, data: bytes) -> "Payload":
        """Return the payload of 65 bytes. Raises Malformed(SIZE, FORM)."""
        if len(data) != 1 + SEED_SIZE + HASH_SIZE:
            raise Malformed(Code.SIZE, f"MLS payload of {len(data)} bytes")
        if data[:1] != _PAYLOAD_VERSION:
            raise Malformed(Code.FORM, "MLS payload of an unknown version")
        return cls(data[1 : 1 + SEED_SIZE], data[1 + SEED_SIZE :])


@dataclass(frozen=True, slots=True)
class SendKeys:
    """What a sender keeps for one (MLS epoch, day): label, capsule, seed and K_day.

    `capsule` is empty unless `form` is SEALED. A new one is drawn for each MLS epoch and each day.
    """

    label: Label
    form: Form
    capsule: bytes
    seed: bytes = field(repr=False)
    day_key: bytes = field(repr=False)


def make_send_keys(seed: bytes, capsule: bytes, label: Label, form: Form) -> SendKeys:
    """Return the keys for sending under a label; `capsule` from `capsule.seal`, else empty."""
    return SendKeys(label, form, capsule, seed, day_key(seed, capsule, label, form))


def commit_record(franking_key: bytes, record: bytes) -> bytes:
    """Return the commitment: HMAC-SHA-256(franking key, record), 32 bytes (spec V-5)."""
    return hmac.digest(franking_key, record, "sha256")


def seal_envelope(
    keys: SendKeys,
    message_id: MessageId,
    device: DeviceId,
    signing_key: SigningKey,
    franking_key: bytes,
    record: bytes,
) -> SealedEnvelope:
    """Seal a record's bytes, with 32 fresh random bytes as franking key (spec V-5 to V-7).

    Raises Malformed(SIZE) for a record over 64 KiB or a franking key of another size.
    """
    if len(record) > limits.RECORD or len(franking_key) != FRANKING_KEY_SIZE:
        raise Malformed(Code.SIZE, "record or franking key")
    label = keys.label
    header = Header(
        keys.form,
        label.conversation,
        message_id,
        label.account,
        device,
        label.committee,
        label.key_epoch,
        label.day,
        keys.capsule,
        commit_record(franking_key, record),
    ).encode()
    header_hash = hash_header(header)
    signature = signing_key.sign(tagged(_SIGNATURE_TAG, label.deployment, header_hash))
    cipher, nonce = _message_cipher(keys.day_key, header_hash)
    body = cipher.encrypt(nonce, signature + franking_key + record, header_hash)
    return SealedEnvelope(header, body, header_hash, Payload(keys.seed, header_hash).encode())


def open_body(key: bytes, header: Header, header_hash: bytes, body: bytes) -> OpenedBody:
    """Decrypt a body under K_day and its header's hash (spec V-6).

    Raises Malformed(SIZE), EnvelopeRefused(BODY_UNREADABLE).
    """
    if not _OVERHEAD < len(body) <= limits.BODY:
        raise Malformed(Code.SIZE, f"body of {len(body)} bytes")
    cipher, nonce = _message_cipher(key, header_hash)
    try:
        plain = cipher.decrypt(nonce, body, header_hash)
    except InvalidTag:
        raise EnvelopeRefused(Code.BODY_UNREADABLE) from None
    split = SIGNATURE_SIZE + FRANKING_KEY_SIZE
    return OpenedBody(
        header, header_hash, plain[:SIGNATURE_SIZE], plain[SIGNATURE_SIZE:split], plain[split:]
    )


def verify_body(
    opened: OpenedBody, device_key: VerifyKey, deployment: DeploymentId
) -> VerifiedBody:
    """Return the body as signed by its device, committed to by its header, and well-formed.

    `device_key` is the key log's for the header's account and device. The same check serves who
    was given the disclosed parts alone (spec V-7). Raises EnvelopeRefused(BAD_SIGNATURE,
    COMMITMENT_MISMATCH, EPHEMERAL_CONTENT), Malformed(SIZE, FORM, NOT_CANONICAL) for the record.
    """
    try:
        device_key.verify(opened.signature, tagged(_SIGNATURE_TAG, deployment, opened.header_hash))
    except Refusal:
        raise EnvelopeRefused(Code.BAD_SIGNATURE, "device signature") from None
    commitment = commit_record(opened.franking_key, opened.record)
    if len(opened.franking_key) != FRANKING_KEY_SIZE or not hmac.compare_digest(
        commitment, opened.header.commitment
    ):
        raise EnvelopeRefused(Code.COMMITMENT_MISMATCH)
    record = decode_record(opened.record)
    is_ephemeral = isinstance(record, EPHEMERAL_KINDS)
    if is_ephemeral != (opened.header.form == Form.EPHEMERAL):
        raise EnvelopeRefused(Code.EPHEMERAL_CONTENT)
    return VerifiedBody(
        opened.header,
        opened.header_hash,
        opened.signature,
        opened.franking_key,
        opened.record,
        record,
    )


def verify_disclosure(
    header: bytes,
    signature: bytes,
    franking_key: bytes,
    record: bytes,
    device_key: VerifyKey,
    deployment: DeploymentId,
) -> VerifiedBody:
    """Verify a message from its disclosed parts, without any key: in evidence, and in reports.

    Raises what `Header.decode` and `verify_body` raise.
    """
    opened = OpenedBody(Header.decode(header), hash_header(header), signature, franking_key, record)
    return verify_body(opened, device_key, deployment)


def derive_message_key(key: bytes, header_hash: bytes) -> bytes:
    """Return K_msg: key (32) || nonce (12) = HKDF-SHA-256(K_day, info tag || hash) (spec V-6)."""
    return HKDF(_SHA256, 44, None, tagged(_KEY_TAG, header_hash)).derive(key)


def _message_cipher(key: bytes, header_hash: bytes) -> tuple[AESGCM, bytes]:
    derived = derive_message_key(key, header_hash)
    return AESGCM(derived[:32]), derived[32:]
