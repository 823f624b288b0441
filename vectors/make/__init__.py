"""Makes the vectors, deterministically: one module a file, each with `build() -> dict`."""

import importlib
import json
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent.parent
NAMES: Final = (
    "label",
    "capsule",
    "k_day",
    "k_msg",
    "header",
    "record",
    "commitment",
    "envelope",
    "receipt",
    "partial",
    "attachment",
    "curve",
    "ed25519",
    "key_epoch",
    "bundle",
    "frames",
    "keylog",
    "context",
    "safety_code",
    "link_request",
    "letter",
    "session",
    "invite",
    "group_link",
    "tlog",
    "charter",
    "lawlog",
    "handover",
    "codes",
)


def make(name: str) -> str:
    """Return the text of one vector file."""
    built = importlib.import_module(f"vectors.make.{name}").build()
    return json.dumps(built, indent=1, ensure_ascii=True) + "\n"
