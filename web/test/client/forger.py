"""A modified client: what it sends goes through the real server, and breaks the receive rule.

Each trick makes one message whose MLS part is that of a present member, as only a member can.
"""

from dataclasses import replace

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from doublelock.client.client import Client
from doublelock.client.core import Room
from doublelock.client.vault import Outgoing
from doublelock.protocol.capsule import day_key, seal
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.encoding import tagged
from doublelock.protocol.envelope import (
    Payload,
    SealedEnvelope,
    SendKeys,
    commit_record,
    derive_message_key,
    make_send_keys,
    seal_envelope,
)
from doublelock.protocol.header import Form, Header, hash_header
from doublelock.protocol.identifiers import ConversationId, MessageId
from doublelock.protocol.label import Label
from doublelock.protocol.record import Text, Typing, encode_record


class Forger:
    """One hostile person's client; `send` forges one message after a trick's name."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._core = client._core

    async def send(self, conversation: ConversationId, trick: str, text: bytes) -> int:
        """Send a forged message; return its sequence once the server has taken it."""
        sending = self._client._session.sending
        forge = getattr(self, f"_{trick.replace('-', '_')}")

        def envelope(room: Room, outgoing: Outgoing, epoch: int, day: int) -> SealedEnvelope:
            label = sending._label(room, day)
            sealed: SealedEnvelope = forge(label, outgoing)
            return sealed

        honest = sending._envelope
        sending._envelope = envelope  # type: ignore[method-assign]
        try:
            return await self._client.send(conversation, Text(text))
        finally:
            sending._envelope = honest  # type: ignore[method-assign]

    # --- tricks, by the code that they are to be refused with ------------------------------

    def _bad_signature(self, label: Label, outgoing: Outgoing) -> SealedEnvelope:
        """Somebody else's signature: what anybody could put under a stolen seed."""
        return self._seal(self._keys(label), outgoing, signer=SigningKey(self._core.random(32)))

    def _capsule_mismatch(self, label: Label, outgoing: Outgoing) -> SealedEnvelope:
        """The capsule is sealed to another conversation: the right warrant would not open it."""
        elsewhere = replace(label, conversation=ConversationId(self._core.random(32)))
        return self._seal(self._keys(label, sealed_to=elsewhere), outgoing)

    def _capsule_garbage(self, label: Label, outgoing: Outgoing) -> SealedEnvelope:
        """The capsule's point is right, its masked seed is not: nothing could be opened."""
        keys = self._keys(label)
        capsule = keys.capsule[:96] + self._core.random(32)
        key = day_key(keys.seed, capsule, label, Form.SEALED)
        return self._seal(replace(keys, capsule=capsule, day_key=key), outgoing)

    def _capsule_missing(self, label: Label, outgoing: Outgoing) -> SealedEnvelope:
        """No capsule at all, in a deployment whose charter demands one."""
        keys = make_send_keys(self._core.random(32), b"", label, Form.UNESCROWED)
        return self._seal(keys, outgoing)

    def _epoch_mismatch(self, label: Label, outgoing: Outgoing) -> SealedEnvelope:
        """Sealed to next month's key, whose shares live longer."""
        later = replace(label, key_epoch=label.key_epoch + 1)
        return self._seal(self._keys(later), outgoing)

    def _commitment_mismatch(self, label: Label, outgoing: Outgoing) -> SealedEnvelope:
        """A commitment to another text: a report of it would prove nothing."""
        return self._build(label, outgoing, commitment=self._core.random(32))

    def _body_unreadable(self, label: Label, outgoing: Outgoing) -> SealedEnvelope:
        """A body under a key of the sender's own, which no capsule gives anybody."""
        return self._build(label, outgoing, spoil=True)

    def _header_mismatch(self, label: Label, outgoing: Outgoing) -> SealedEnvelope:
        """The MLS message names another header than the one that is sent along."""
        sealed = self._seal(self._keys(label), outgoing)
        other = self._core.random(32)
        payload = Payload(sealed.payload[1:33], other).encode()
        return replace(sealed, header_hash=other, payload=payload)

    def _ephemeral_content(self, label: Label, outgoing: Outgoing) -> SealedEnvelope:
        """What belongs into a whisper, stored for good."""
        return self._seal(self._keys(label), outgoing, record=encode_record(Typing(True)))

    def _form(self, label: Label, outgoing: Outgoing) -> SealedEnvelope:
        """A record that is none."""
        return self._seal(self._keys(label), outgoing, record=b"\x92\x01\xc0")

    # --- building --------------------------------------------------------------------------

    def _keys(self, label: Label, *, sealed_to: Label | None = None) -> SendKeys:
        seed = self._core.random(32)
        to = sealed_to or label
        key = self._core.monitor.epoch(to.committee, to.key_epoch)
        capsule = seal(seed, to, key.master_key).capsule
        return make_send_keys(seed, capsule, label, Form.SEALED)

    def _seal(
        self,
        keys: SendKeys,
        outgoing: Outgoing,
        *,
        signer: SigningKey | None = None,
        record: bytes | None = None,
    ) -> SealedEnvelope:
        return seal_envelope(
            keys,
            MessageId(outgoing.message_id),
            self._core.device,
            signer or self._core.signing_key,
            self._core.random(32),
            record or outgoing.record,
        )

    def _build(
        self, label: Label, outgoing: Outgoing, *, commitment: bytes = b"", spoil: bool = False
    ) -> SealedEnvelope:
        """Seal step by step, where `seal_envelope` would not let one lie."""
        keys, franking = self._keys(label), self._core.random(32)
        header = Header(
            keys.form,
            label.conversation,
            MessageId(outgoing.message_id),
            label.account,
            self._core.device,
            label.committee,
            label.key_epoch,
            label.day,
            keys.capsule,
            commitment or commit_record(franking, outgoing.record),
        ).encode()
        digest = hash_header(header)
        tag = tagged(b"doublelock/v1/envelope", label.deployment, digest)
        signature = self._core.signing_key.sign(tag)
        key = derive_message_key(self._core.random(32) if spoil else keys.day_key, digest)
        plain = signature + franking + outgoing.record
        body = AESGCM(key[:32]).encrypt(key[32:], plain, digest)
        return SealedEnvelope(header, body, digest, Payload(keys.seed, digest).encode())
