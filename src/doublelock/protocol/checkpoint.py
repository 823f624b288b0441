"""Checkpoints: what a log signs (C2SP tlog-checkpoint v1.0.0; spec L-8).

`Checkpoint` is what a text says; `VerifiedCheckpoint` is one that a known log key has signed;
`policy.CosignedCheckpoint` is one that enough witnesses have cosigned, and the only kind on which
anything of ours relies (spec L-12).
"""

from dataclasses import dataclass

from doublelock.protocol import limits, merkle
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed
from doublelock.protocol.note import (
    Note,
    VerifierKey,
    decode_base64,
    decode_decimal,
    encode_base64,
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head as a text states it: origin, size in entries, root of 32 bytes; unverified.

    `extensions` are opaque lines; we write none, and rely on none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise Malformed for an origin, size, root or line that no checkpoint may have."""
        if not 0 <= self.size <= limits.TREE_SIZE or len(self.root) != merkle.HASH_SIZE:
            raise Malformed(Code.SIZE, "checkpoint's size or root")
        for line in (self.origin, *self.extensions):
            if not line or "\n" in line:
                raise Malformed(Code.FORM, "checkpoint with an empty line")
        if len(self.origin.encode()) > limits.KEY_NAME:
            raise Malformed(Code.SIZE, "checkpoint's origin")

    def encode(self) -> str:
        """Return the note text."""
        head = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in head)


@dataclass(frozen=True, slots=True)
class VerifiedCheckpoint:
    """A checkpoint that `key`, a known key of its log, has signed; `note` is as it came.

    Made by `cosignature.verify_log` and by policies. No witness need have seen it: publish it,
    send it to witnesses, and rely on it for nothing else (spec L-12).
    """

    checkpoint: Checkpoint
    key: VerifierKey
    note: Note


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint that a note text states. Raises Malformed (spec L-8)."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop():
        raise Malformed(Code.FORM, "checkpoint of under three lines")
    origin, size, root, *extensions = lines
    return Checkpoint(
        origin, decode_decimal(size), decode_base64(root, merkle.HASH_SIZE), tuple(extensions)
    )
