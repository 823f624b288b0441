"""envelope.json: whole envelopes, and such as must be refused (spec V-5 to V-7)."""

from doublelock.protocol.envelope import (
    commit_record,
    derive_message_key,
    seal_envelope,
)
from doublelock.protocol.header import Form, Header, hash_header
from doublelock.protocol.record import Text, Typing, encode_record
from vectors.make.envelope_forged import forge
from vectors.make.world import (
    DEPLOYMENT,
    DEVICE,
    DEVICE_KEY,
    FRANKING_KEY,
    LABEL,
    MESSAGE_ID,
    OTHER_DAY,
    bytes_of,
    envelope,
    flip,
    record_for,
    send_keys,
)


def build() -> dict[str, object]:
    """Return the file."""
    good = []
    for form in Form:
        made = envelope(form)
        good.append(
            {
                "form": int(form),
                "header": made.header.hex(),
                "body": made.body.hex(),
                "mls_payload": made.payload.hex(),
                "k_day": send_keys(form).day_key.hex(),
                "record": encode_record(record_for(form)).hex(),
                "franking_key": FRANKING_KEY.hex(),
            }
        )
    honest = envelope()
    keys = send_keys(Form.SEALED)
    text = encode_record(Text(b"never said"))
    other_key = bytes_of("another device key")
    moved = envelope(Form.SEALED, OTHER_DAY)
    ephemeral_text = seal_envelope(
        send_keys(Form.EPHEMERAL), MESSAGE_ID, DEVICE, DEVICE_KEY, FRANKING_KEY, text
    )
    stored_typing = seal_envelope(
        keys, MESSAGE_ID, DEVICE, DEVICE_KEY, FRANKING_KEY, encode_record(Typing(True))
    )
    day = keys.day_key
    bad = [
        (
            "one bit of the body changed",
            honest.header,
            flip(honest.body, 70),
            day,
            "body-unreadable",
        ),
        ("cut", honest.header, honest.body[:-1], day, "body-unreadable"),
        ("shorter than any", honest.header, honest.body[:112], day, "size"),
        (
            "one bit of the header changed",
            flip(honest.header, 35),
            honest.body,
            day,
            "body-unreadable",
        ),
        ("under another day's header", moved.header, honest.body, day, "body-unreadable"),
        ("another K_day", honest.header, honest.body, flip(day, 0), "body-unreadable"),
        ("signed by another key", *forge(signing_seed=other_key), day, "bad-signature"),
        ("signed for another deployment", *forge(deployment=bytes(32)), day, "bad-signature"),
        (
            "a signature moved from another header",
            *forge(moved_signature=True),
            day,
            "bad-signature",
        ),
        ("another record than committed to", *forge(record=text), day, "commitment-mismatch"),
        ("another franking key", *forge(franking_key=bytes(32)), day, "commitment-mismatch"),
        ("no record", *forge(record=b"", commit=True), day, "size"),
        ("a record without form", *forge(record=b"\xc1", commit=True), day, "form"),
        (
            "text in an ephemeral message",
            ephemeral_text.header,
            ephemeral_text.body,
            send_keys(Form.EPHEMERAL).day_key,
            "ephemeral-content",
        ),
        (
            "typing in a stored message",
            stored_typing.header,
            stored_typing.body,
            day,
            "ephemeral-content",
        ),
    ]
    header_hash = hash_header(honest.header)
    return {
        "about": "Envelopes: open the body under K_day and its header, then verify the device's "
        "signature and the commitment.",
        "rules": ["V-5", "V-6", "V-7"],
        "deployment": DEPLOYMENT.hex(),
        "device_key": DEVICE_KEY.public.encoded.hex(),
        "device_seed": bytes_of("device key").hex(),
        "account": LABEL.account.hex(),
        "good": good,
        "bad": [
            {
                "why": why,
                "header": header.hex(),
                "body": body.hex(),
                "k_day": key.hex(),
                "code": code,
            }
            for why, header, body, key, code in bad
        ],
        "first_steps": {
            "header_hash": header_hash.hex(),
            "key_and_nonce": derive_message_key(day, header_hash).hex(),
            "commitment": commit_record(FRANKING_KEY, encode_record(record_for(Form.SEALED))).hex(),
            "commitment_in_header": Header.decode(honest.header).commitment.hex(),
        },
    }
