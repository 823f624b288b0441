"""codes.json: every refusal's code with its advice."""

from doublelock.protocol.codes import ADVICE, Code


def build() -> dict[str, object]:
    """Return the file."""
    return {
        "about": "Every refusal's code with its advice to a person.",
        "codes": {code.value: ADVICE[code] for code in Code},
    }
