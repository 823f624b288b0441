"""Proofs that an entry is in a log, verified offline (C2SP tlog-proof; spec L-11)."""

from dataclasses import dataclass
from typing import Final

from doublelock.protocol import limits, merkle
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed
from doublelock.protocol.note import (
    Note,
    decode_base64,
    decode_decimal,
    encode_base64,
    parse_note,
)
from doublelock.protocol.policy import CosignedCheckpoint, Policy

_HEADER: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof as parsed: nothing is verified. `path` has hashes of 32 bytes, leaf's sibling first.

    `extra` is opaque and not authenticated; we write none, and rely on none.
    """

    index: int
    path: tuple[bytes, ...]
    note: Note
    extra: bytes | None = None

    def encode(self) -> bytes:
        """Return the bytes of the proof."""
        lines = [_HEADER]
        if self.extra is not None:
            lines.append(f"extra {encode_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines += map(encode_base64, self.path)
        return "\n".join((*lines, "", "")).encode() + self.note.encode()


@dataclass(frozen=True, slots=True)
class VerifiedEntry:
    """An entry that is in a log at `index`, as a quorum of witnesses has seen (spec L-11, L-12)."""

    index: int
    leaf: bytes
    checkpoint: CosignedCheckpoint


def parse_proof(data: bytes) -> TlogProof:
    """Return a proof from its bytes, nothing verified. Raises Malformed (spec L-11)."""
    if len(data) > limits.TLOG_PROOF:
        raise Malformed(Code.SIZE, f"proof of {len(data)} bytes")
    head, blank, note = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed(Code.FORM, "proof is not ASCII") from None
    if not blank or lines.pop(0) != _HEADER or not lines:
        raise Malformed(Code.FORM, "not a tlog-proof")
    extra = None
    if lines[0].startswith("extra "):
        extra = decode_base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise Malformed(Code.FORM, "proof without an index")
    index = decode_decimal(lines.pop(0).removeprefix("index "))
    if len(lines) > limits.PROOF_HASHES:
        raise Malformed(Code.SIZE, f"proof of {len(lines)} hashes")
    path = tuple(decode_base64(line, merkle.HASH_SIZE) for line in lines)
    return TlogProof(index, path, parse_note(note), extra)


def verify_proof(proof: bytes | TlogProof, entry: bytes, policy: Policy) -> VerifiedEntry:
    """Return the entry as a policy's logs and witnesses vouch for it; nothing is fetched.

    Raises Malformed, or LogRefused: what `Policy.verify` raises, and LOG_PROOF when this entry is
    not at that place (spec L-11).
    """
    parsed = parse_proof(proof) if isinstance(proof, bytes) else proof
    cosigned = policy.verify(parsed.note)
    leaf = merkle.leaf_hash(entry)
    head = cosigned.checkpoint
    merkle.verify_inclusion(leaf, parsed.index, head.size, parsed.path, head.root)
    return VerifiedEntry(parsed.index, leaf, cosigned)
