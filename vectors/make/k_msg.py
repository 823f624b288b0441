"""k_msg.json: a message's key and nonce (spec V-6)."""

from doublelock.protocol.envelope import derive_message_key
from doublelock.protocol.header import Form
from vectors.make.world import envelope, send_keys


def build() -> dict[str, object]:
    """Return the file."""
    cases = []
    for form in Form:
        header_hash = envelope(form).header_hash
        key = send_keys(form).day_key
        derived = derive_message_key(key, header_hash)
        cases.append(
            {
                "k_day": key.hex(),
                "header_hash": header_hash.hex(),
                "key": derived[:32].hex(),
                "nonce": derived[32:].hex(),
            }
        )
    return {
        "about": "K_msg: key (32) || nonce (12) = HKDF-SHA-256(K_day, no salt, tag || hash).",
        "rules": ["V-6"],
        "good": cases,
    }
