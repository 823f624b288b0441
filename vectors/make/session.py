"""session.json: what a device signs to open a session (spec W-20)."""

from doublelock.protocol.session import (
    DeviceSubject,
    PartySubject,
    Subject,
    encode_subject,
    session_bytes,
)
from vectors.make.world import ACCOUNT, DEPLOYMENT, DEVICE, DEVICE_KEY, TIME_MS, bytes_of


def _case(subject: Subject) -> dict[str, object]:
    signed = session_bytes(DEPLOYMENT, bytes_of("challenge"), subject, TIME_MS)
    return {
        "subject": encode_subject(subject).hex(),
        "signed": signed.hex(),
        "signature": DEVICE_KEY.sign(signed).hex(),
    }


def build() -> dict[str, object]:
    """Return the file."""
    party = DEVICE_KEY.public.encoded
    bad = (b"", b"\x01" + bytes(47), b"\x01" + bytes(49), b"\x02" + bytes(31), b"\x03" + bytes(32))
    return {
        "about": "Session subjects, the bytes that are signed, and the signature by `key`.",
        "rules": ["W-20"],
        "deployment": DEPLOYMENT.hex(),
        "challenge": bytes_of("challenge").hex(),
        "expires_ms": TIME_MS,
        "key": DEVICE_KEY.public.encoded.hex(),
        "good": [_case(DeviceSubject(ACCOUNT, DEVICE)), _case(PartySubject(party))],
        "bad": [{"subject": data.hex(), "code": "form"} for data in bad],
    }
