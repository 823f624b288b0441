"""Signed notes and the keys that sign them (C2SP signed-note v1.0.0; spec L-5 to L-7).

A note is a text, a blank line and signature lines. Of the signature types we know three: Ed25519
(0x01), and the timestamped cosignatures by Ed25519 (0x04) and ML-DSA-44 (0x06). Signatures by keys
that we do not know are ignored, whatever they are; one by a known key must hold.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed

KEY_ID_SIZE: Final = 4
_DASH: Final = "— "


class SignatureType(IntEnum):
    """The signature type byte of a key (signed-note, Signature types)."""

    ED25519 = 0x01
    COSIGNATURE_ED25519 = 0x04
    COSIGNATURE_MLDSA44 = 0x06


_PUBLIC_SIZE: Final = {
    SignatureType.ED25519: 32,
    SignatureType.COSIGNATURE_ED25519: 32,
    SignatureType.COSIGNATURE_MLDSA44: 1312,
}


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name: what a vkey encodes. `public` is 32 or 1,312 bytes."""

    name: str
    type: SignatureType
    public: bytes

    def __post_init__(self) -> None:
        """Raise Malformed for a bad name or a key of a wrong size."""
        check_name(self.name)
        if len(self.public) != _PUBLIC_SIZE[self.type]:
            raise Malformed(Code.SIZE, f"public key of {len(self.public)} bytes")

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that mark this key's signatures."""
        data = self.name.encode() + b"\n" + bytes([self.type]) + self.public
        return hashlib.sha256(data).digest()[:KEY_ID_SIZE]

    def encode(self) -> str:
        """Return the vkey: name+hex(key id)+base64(type ‖ public)."""
        material = encode_base64(bytes([self.type]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{material}"


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line, not verified: `key_id` 4 bytes, `signature` as the type has it."""

    name: str
    key_id: bytes
    signature: bytes

    def encode(self) -> str:
        """Return the signature line with its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note as parsed: nothing is verified, and its text is not to be relied on (spec L-5)."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """Return the note's bytes."""
        return format_note(self.text, self.signatures)

    def by(self, key: VerifierKey) -> tuple[NoteSignature, ...]:
        """Return the signatures that say they are by a key."""
        key_id = key.key_id
        return tuple(s for s in self.signatures if s.name == key.name and s.key_id == key_id)


def check_name(name: str) -> None:
    """Raise Malformed unless `name` may name a key: 1 to 255 bytes, no space, no plus sign."""
    if any(c.isspace() or c < " " or c == "+" for c in name):
        raise Malformed(Code.FORM, "key name with a space, a plus sign or a control character")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise Malformed(Code.FORM, "key name is not UTF-8") from None
    if not 1 <= size <= limits.KEY_NAME:
        raise Malformed(Code.SIZE, f"key name of {size} bytes")


def parse_vkey(vkey: str) -> VerifierKey:
    """Return the key that a vkey encodes. Raises Malformed (spec L-6).

    The key id must be the hash that signed-note recommends, so that it says nothing new.
    """
    parts = vkey.split("+", 2)
    if len(parts) != 3 or len(vkey) > limits.VKEY:
        raise Malformed(Code.FORM, "not a verifier key")
    name, key_id, material = parts
    data = decode_base64(material)
    try:
        kind = SignatureType(data[0]) if data else None
    except ValueError:
        kind = None
    if kind is None:
        raise Malformed(Code.FORM, "verifier key of a type that is not supported")
    key = VerifierKey(name, kind, data[1:])
    if key.key_id.hex() != key_id:
        raise Malformed(Code.FORM, "verifier key whose id is not its hash")
    return key


def parse_note(data: bytes) -> Note:
    """Return a note from its bytes, nothing verified. Raises Malformed (spec L-5)."""
    if len(data) > limits.NOTE:
        raise Malformed(Code.SIZE, f"note of {len(data)} bytes")
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise Malformed(Code.FORM, "note is not UTF-8") from None
    _check_text(whole)
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or not lines:
        raise Malformed(Code.FORM, "note without signatures")
    return Note(text + "\n", parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[NoteSignature, ...]:
    """Return the signatures of signature lines, nothing verified. Raises Malformed."""
    if not lines.endswith("\n"):
        raise Malformed(Code.FORM, "signature line without its end")
    found = lines[:-1].split("\n")
    if len(found) > limits.NOTE_SIGNATURES:
        raise Malformed(Code.SIZE, f"{len(found)} signatures")
    return tuple(map(_parse_signature, found))


def format_note(text: str, signatures: Iterable[NoteSignature]) -> bytes:
    """Return the bytes of a note. Raises Malformed for a text that no note may hold."""
    _check_text(text)
    lines = "".join(s.encode() for s in signatures)
    if not text.endswith("\n") or not lines:
        raise Malformed(Code.FORM, "note without the end of its text, or without signatures")
    return f"{text}\n{lines}".encode()


def encode_base64(data: bytes) -> str:
    """Return the standard base64 of some bytes (RFC 4648 §4)."""
    return base64.b64encode(data).decode()


def decode_base64(text: str, size: int | None = None) -> bytes:
    """Return the bytes of standard base64, in its one encoding, of a size if given.

    Raises Malformed.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Malformed(Code.FORM, "not base64") from None
    if encode_base64(data) != text:
        raise Malformed(Code.NOT_CANONICAL, "base64")
    if size is not None and len(data) != size:
        raise Malformed(Code.SIZE, f"{len(data)} bytes where {size} are due")
    return data


def decode_decimal(text: str, limit: int = limits.TREE_SIZE) -> int:
    """Return a number from ASCII decimal without leading zeroes, at most `limit`.

    Raises Malformed.
    """
    if not (text.isascii() and text.isdigit()) or (text[0] == "0" and text != "0"):
        raise Malformed(Code.FORM, "not a decimal number")
    if len(text) > 20 or int(text) > limit:
        raise Malformed(Code.SIZE, "number too large")
    return int(text)


def _check_text(text: str) -> None:
    if any(c < " " and c != "\n" for c in text):
        raise Malformed(Code.FORM, "note with a control character")


def _parse_signature(line: str) -> NoteSignature:
    if not line.startswith(_DASH):
        raise Malformed(Code.FORM, "signature line without its dash")
    name, space, material = line[len(_DASH) :].partition(" ")
    if not space:
        raise Malformed(Code.FORM, "signature line without a signature")
    check_name(name)
    data = decode_base64(material)
    if len(data) <= KEY_ID_SIZE:
        raise Malformed(Code.SIZE, "signature too short")
    return NoteSignature(name, data[:KEY_ID_SIZE], data[KEY_ID_SIZE:])
