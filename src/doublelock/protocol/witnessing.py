"""What a log asks of a witness, and the rule by which it cosigns (C2SP tlog-witness; spec L-17)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from doublelock.protocol import limits, merkle
from doublelock.protocol.checkpoint import Checkpoint, VerifiedCheckpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import verify_log
from doublelock.protocol.errors import LogRefused, Malformed
from doublelock.protocol.note import (
    Note,
    VerifierKey,
    decode_base64,
    decode_decimal,
    encode_base64,
    parse_note,
)

REQUEST_MAX: Final = limits.NOTE + 4 * 1024


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request to cosign: the size that the log thinks the witness has, a proof, the note."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    def encode(self) -> bytes:
        """Return the request's body."""
        lines = [f"old {self.old}", *map(encode_base64, self.proof), "", ""]
        return "\n".join(lines).encode() + self.note.encode()


def parse_request(data: bytes) -> AddCheckpoint:
    """Return an add-checkpoint request, nothing verified. Raises Malformed."""
    if len(data) > REQUEST_MAX:
        raise Malformed(Code.SIZE, f"request of {len(data)} bytes")
    head, blank, note = data.partition(b"\n\n")
    try:
        old, *hashes = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed(Code.FORM, "request is not ASCII") from None
    if not blank or not old.startswith("old ") or len(hashes) > limits.PROOF_HASHES:
        raise Malformed(Code.FORM, "not an add-checkpoint request")
    proof = tuple(decode_base64(h, merkle.HASH_SIZE) for h in hashes)
    return AddCheckpoint(decode_decimal(old.removeprefix("old ")), proof, parse_note(note))


def permit_cosignature(
    request: AddCheckpoint, last: Checkpoint | None, keys: Sequence[VerifierKey]
) -> VerifiedCheckpoint:
    """Return the checkpoint that a witness may cosign after `last`, the one it cosigned before.

    Raises Malformed (the old size is above the new), or LogRefused: LOG_UNKNOWN and BAD_SIGNATURE
    (not signed by `keys`, those of its origin), LOG_STALE (the old size is not that of `last`),
    LOG_PROOF (the tree does not grow from `last`) (spec L-17).
    """
    verified = verify_log(request.note, tuple(keys))
    new = verified.checkpoint
    if request.old > new.size:
        raise Malformed(Code.FORM, "the old size is above the new")
    known, root = (last.size, last.root) if last else (0, merkle.EMPTY_ROOT)
    if request.old != known:
        raise LogRefused(Code.LOG_STALE, str(known))
    merkle.verify_growth(known, new.size, request.proof, root, new.root)
    return verified
