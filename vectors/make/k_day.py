"""k_day.json: K_day in each form (spec E-8)."""

from doublelock.protocol.header import Form
from vectors.make.world import LABEL, OTHER_COMMITTEE, OTHER_DAY, label_fields, send_keys


def build() -> dict[str, object]:
    """Return the file."""
    made = [(form, label) for form in Form for label in (LABEL, OTHER_COMMITTEE, OTHER_DAY)]
    return {
        "about": "K_day (32) = HKDF-SHA-256(seed, salt SHA-256(capsule), info tag || label).",
        "rules": ["E-8"],
        "good": [
            {
                "form": int(form),
                **label_fields(label),
                "seed": keys.seed.hex(),
                "capsule": keys.capsule.hex(),
                "k_day": keys.day_key.hex(),
            }
            for form, label in made
            for keys in (send_keys(form, label),)
        ],
    }
