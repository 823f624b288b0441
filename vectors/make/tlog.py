"""tlog.json: checkpoints, cosignatures, policies and proofs of a small log (spec L-1 to L-12)."""

from pathlib import Path
from typing import Final

from doublelock.protocol import merkle
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.note import Note, NoteSignature, SignatureType, decode_base64
from doublelock.protocol.tlog_proof import TlogProof
from vectors.make.world import bytes_of, flip

_ENTRIES: Final = [b"entry %d" % number for number in range(11)]
_TIME_S: Final = 1_262_606_400
_LOG: Final = NoteSigner("log.example", SignatureType.ED25519, bytes_of("log"))
_ONE: Final = NoteSigner("w1.example", SignatureType.COSIGNATURE_ED25519, bytes_of("w1"))
_TWO: Final = NoteSigner("w2.example", SignatureType.COSIGNATURE_ED25519, bytes_of("w2"))
_THREE: Final = NoteSigner("w3.example", SignatureType.COSIGNATURE_MLDSA44, bytes_of("w3"))
_FOREIGN: Final = NoteSigner("w9.example", SignatureType.COSIGNATURE_ED25519, bytes_of("w9"))
# ML-DSA signatures are drawn anew each time, so one was drawn once and kept.
_KEPT: Final = (Path(__file__).parent / "tlog_mldsa44.txt").read_text().strip()


def _node(level: int, index: int) -> bytes:
    start = index << level
    return merkle.reduce_perfect([merkle.leaf_hash(e) for e in _ENTRIES[start : start + 2**level]])


def _root(size: int) -> bytes:
    return merkle.range_root(0, size, _node)


HEAD: Final = Checkpoint("log.example", len(_ENTRIES), _root(len(_ENTRIES)))


def third() -> NoteSignature:
    """Return the kept cosignature by ML-DSA-44."""
    return NoteSignature(_THREE.key.name, _THREE.key.key_id, decode_base64(_KEPT))


def _note(*lines: NoteSignature, head: Checkpoint = HEAD) -> Note:
    return Note(head.encode(), (_LOG.sign(head, 0), *lines))


def _bent(line: NoteSignature) -> NoteSignature:
    return NoteSignature(line.name, line.key_id, flip(line.signature, -1))


def build() -> dict[str, object]:
    """Return the file."""
    one, two = _ONE.sign(HEAD, _TIME_S), _TWO.sign(HEAD, _TIME_S + 5)
    foreign = _FOREIGN.sign(HEAD, _TIME_S)
    longer = Checkpoint("log.example", 11, HEAD.root, ("an extension",))
    good = (
        ("two of three", _note(one, two), _TIME_S),
        ("with one by ML-DSA-44", _note(two, third()), _TIME_S + 2),
        ("all, and one that nobody knows", _note(one, two, third(), foreign), _TIME_S + 2),
        (
            "with an extension line",
            _note(_ONE.sign(longer, 9), _TWO.sign(longer, 8), head=longer),
            8,
        ),
    )
    stranger = Note(HEAD.encode(), (_FOREIGN.sign(HEAD, _TIME_S), one, two))
    bad_notes = (
        ("one of three", _note(one).encode(), "log-quorum"),
        ("one witness twice", _note(one, _ONE.sign(HEAD, 1)).encode(), "log-quorum"),
        ("a bad cosignature", _note(one, _bent(two)).encode(), "bad-signature"),
        ("a bad one by ML-DSA-44", _note(one, two, _bent(third())).encode(), "bad-signature"),
        ("a time of zero", _note(one, _TWO.sign(HEAD, 0)).encode(), "bad-signature"),
        ("not by the log", stranger.encode(), "log-unknown"),
        (
            "the log's signature bent",
            Note(HEAD.encode(), (_bent(_LOG.sign(HEAD, 0)), one, two)).encode(),
            "bad-signature",
        ),
        ("another root", _note(one, two).encode().replace(b"\n11\n", b"\n12\n"), "bad-signature"),
        ("no signatures", HEAD.encode().encode(), "form"),
        ("no text", b"\n\n", "form"),
        ("a control character", b"a\tb\n1\n" + _note(one, two).encode(), "form"),
        ("not UTF-8", b"\xff" + _note(one, two).encode(), "form"),
        ("base64 of another form", _note(one, two).encode().replace(b"=\n\n", b"\n\n"), "form"),
    )
    proofs = []
    for index in (0, 3, 8, 10):
        path = merkle.prove_inclusion(index, 0, len(_ENTRIES), _node)
        proofs.append(
            {
                "entry": _ENTRIES[index].hex(),
                "index": index,
                "proof": TlogProof(index, path, _note(one, two)).encode().decode(),
            }
        )
    path = merkle.prove_inclusion(3, 0, len(_ENTRIES), _node)
    extra = TlogProof(3, path, _note(one, two), b"opaque").encode()
    proofs.append({"entry": _ENTRIES[3].hex(), "index": 3, "proof": extra.decode()})
    entry = _ENTRIES[3]
    bad_proofs = (
        ("another entry", _ENTRIES[4], TlogProof(3, path, _note(one, two)).encode(), "log-proof"),
        ("another place", entry, TlogProof(4, path, _note(one, two)).encode(), "log-proof"),
        ("cut path", entry, TlogProof(3, path[:-1], _note(one, two)).encode(), "log-proof"),
        ("long path", entry, TlogProof(3, (*path, path[0]), _note(one, two)).encode(), "log-proof"),
        ("beyond the tree", entry, TlogProof(11, path, _note(one, two)).encode(), "log-proof"),
        ("uncosigned", entry, TlogProof(3, path, _note(one)).encode(), "log-quorum"),
        ("another header", entry, b"c2sp.org/tlog-proof@v2" + extra[22:], "form"),
        ("no index", entry, extra.replace(b"index 3\n", b""), "form"),
        ("an index with a zero", entry, extra.replace(b"index 3", b"index 03"), "form"),
    )
    consistency = []
    for old, new in ((1, 2), (3, 7), (4, 8), (6, 11), (8, 11), (11, 11)):
        consistency.append(
            {
                "old": old,
                "new": new,
                "old_root": _root(old).hex(),
                "new_root": _root(new).hex(),
                "proof": [h.hex() for h in merkle.prove_consistency(old, new, _node)],
            }
        )
    vkeys = [signer.key.encode() for signer in (_LOG, _ONE, _TWO, _THREE)]
    bad_vkeys = (
        ("no plus sign", "log.example", "form"),
        ("another id", vkeys[0].replace("+", "+0", 1)[: len(vkeys[0])], "form"),
        ("a space in its name", vkeys[0].replace("log.", "log ", 1), "form"),
        ("of an unknown type", "a+00000000+" + "A" * 44, "form"),
        ("no key", "a+00000000+AQ==", "size"),
    )
    return {
        "about": "A log of 11 entries: notes under a policy of 2 of 3 witnesses, and proofs.",
        "rules": ["L-1", "L-2", "L-3", "L-5", "L-6", "L-8", "L-9", "L-10", "L-11", "L-12"],
        "entries": [each.hex() for each in _ENTRIES],
        "roots": [_root(size).hex() for size in range(len(_ENTRIES) + 1)],
        "log": vkeys[0],
        "witnesses": vkeys[1:],
        "quorum": 2,
        "good": [
            {"why": why, "note": note.encode().decode(), "quorum_time_s": time_s}
            for why, note, time_s in good
        ],
        "bad": [{"why": why, "note": data.hex(), "code": code} for why, data, code in bad_notes],
        "proofs": proofs,
        "bad_proofs": [
            {"why": why, "entry": each.hex(), "proof": data.hex(), "code": code}
            for why, each, data, code in bad_proofs
        ],
        "consistency": consistency,
        "bad_vkeys": [{"why": why, "vkey": vkey, "code": code} for why, vkey, code in bad_vkeys],
    }
