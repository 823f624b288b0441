"""Envelopes that no honest sender makes, each wrong in one thing."""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.encoding import tagged
from doublelock.protocol.envelope import commit_record, derive_message_key
from doublelock.protocol.header import Form, Header, hash_header
from doublelock.protocol.record import encode_record
from vectors.make.world import (
    DEPLOYMENT,
    FRANKING_KEY,
    OTHER_DAY,
    bytes_of,
    envelope,
    record_for,
    send_keys,
)


def forge(
    *,
    signing_seed: bytes | None = None,
    deployment: bytes = DEPLOYMENT,
    moved_signature: bool = False,
    record: bytes | None = None,
    franking_key: bytes = FRANKING_KEY,
    commit: bool = False,
) -> tuple[bytes, bytes]:
    """Return header and body, encrypted by the right K_day as who knows it can.

    With `commit` the header is made anew for the record; else the honest header stands.
    """
    honest = Header.decode(envelope().header)
    said = encode_record(record_for(Form.SEALED)) if record is None else record
    commitment = commit_record(franking_key, said) if commit else honest.commitment
    header = honest.encode()[:-32] + commitment
    header_hash = hash_header(header)
    signed = (
        hash_header(envelope(Form.SEALED, OTHER_DAY).header) if moved_signature else header_hash
    )
    key = SigningKey(signing_seed or bytes_of("device key"))
    signature = key.sign(tagged(b"doublelock/v1/envelope", deployment, signed))
    derived = derive_message_key(send_keys(Form.SEALED).day_key, header_hash)
    plain = signature + franking_key + said
    return header, AESGCM(derived[:32]).encrypt(derived[32:], plain, header_hash)
