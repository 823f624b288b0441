"""Decoders of notes, checkpoints, trees, tiles and proofs."""

from collections.abc import Iterator
from dataclasses import dataclass

from law_world import NOW, note_signer
from test_evidence import ALICE

from doublelock.protocol import (
    checkpoint,
    documents,
    handover,
    keylog_entry,
    lawlog,
    merkle,
    note,
    package,
    policy,
    tile,
    tlog_proof,
    witnessing,
)
from doublelock.protocol.checkpoint import Checkpoint

from .decoder_target import Target, chunks_of, from_text, scene


def logs() -> dict[str, Target]:
    world = scene().world
    leaves = [merkle.leaf_hash(line) for line in world.lines]

    def node(level: int, index: int) -> bytes:
        return merkle.reduce_perfect(leaves[index << level : (index + 1) << level])

    size = len(leaves)
    root = merkle.range_root(0, size, node)
    path = merkle.prove_inclusion(1, 0, size, node)
    growth = merkle.prove_consistency(2, size, node)
    part = merkle.prove_subtree(0, 2, size, node)
    head = world.note(NOW)
    law = world.charter.law_policy()
    parsed = note.parse_note(head)
    proof = tlog_proof.TlogProof(1, path, parsed).encode()
    request = witnessing.AddCheckpoint(2, growth, parsed).encode()
    state = scene()
    vkey = note_signer("w1").key.encode()
    text = Checkpoint("law-log.example", size, root).encode()
    bundle = tile.encode_bundle(world.lines[:3])

    return {
        "note.parse_note": Target(note.parse_note, (head,), note.Note.encode),
        "note.parse_signatures": Target(
            from_text(note.parse_signatures), (head.partition(b"\n\n")[2],)
        ),
        "note.parse_vkey": Target(
            from_text(note.parse_vkey), (vkey.encode(),), lambda one: one.encode().encode()
        ),
        "note.decode_base64": Target(from_text(note.decode_base64), (b"AAEC", b"AA==")),
        "note.decode_decimal": Target(
            from_text(note.decode_decimal), (b"0", b"1234567"), lambda one: str(one).encode()
        ),
        "checkpoint.parse_checkpoint": Target(
            from_text(checkpoint.parse_checkpoint),
            (text.encode() if isinstance(text, str) else text,),
        ),
        "policy.parse_policy": Target(policy.parse_policy, (law.encode(),)),
        "policy.Policy.verify": Target(law.verify, (head,)),
        "handover.verify_checkpoint": Target(
            lambda data: handover.verify_checkpoint(handover.LogName.LAW, world.state, data, NOW),
            (head,),
        ),
        "handover.verify_signed": Target(
            lambda data: handover.verify_signed(handover.LogName.LAW, world.charter, data), (head,)
        ),
        "tile.parse_tile_path": Target(
            from_text(tile.parse_tile_path),
            (b"tile/0/000", b"tile/entries/x001/234.p/5"),
            lambda one: one.path().encode(),
        ),
        "tile.decode_hashes": Target(
            lambda data: tile.decode_hashes(data, 4), (b"".join(leaves[:4]),), tile.encode_hashes
        ),
        "tile.decode_bundle": Target(
            lambda data: tile.decode_bundle(data, 3), (bundle,), tile.encode_bundle
        ),
        "tlog_proof.parse_proof": Target(
            tlog_proof.parse_proof, (proof,), tlog_proof.TlogProof.encode
        ),
        "tlog_proof.verify_proof": Target(
            lambda data: tlog_proof.verify_proof(data, world.lines[1], law), (proof,)
        ),
        "witnessing.parse_request": Target(
            witnessing.parse_request, (request,), witnessing.AddCheckpoint.encode
        ),
        "merkle.verify_inclusion": Target(
            lambda data: merkle.verify_inclusion(leaves[1], 1, size, chunks_of(data), root),
            (b"".join(path),),
        ),
        "merkle.verify_subtree_inclusion": Target(
            lambda data: merkle.verify_subtree_inclusion(
                leaves[1], 1, 0, size, chunks_of(data), root
            ),
            (b"".join(path),),
        ),
        "merkle.verify_consistency": Target(
            lambda data: merkle.verify_consistency(
                2, size, chunks_of(data), merkle.range_root(0, 2, node), root
            ),
            (b"".join(growth),),
        ),
        "merkle.verify_growth": Target(
            lambda data: merkle.verify_growth(
                2, size, chunks_of(data), merkle.range_root(0, 2, node), root
            ),
            (b"".join(growth),),
        ),
        "merkle.verify_subtree": Target(
            lambda data: merkle.verify_subtree(
                0, 2, size, chunks_of(data), merkle.range_root(0, 2, node), root
            ),
            (b"".join(part),),
        ),
        "keylog_entry.decode_entry": Target(
            keylog_entry.decode_entry, tuple(state.entries), keylog_entry.Entry.encode
        ),
        "keylog_entry.decode_invitation": Target(
            keylog_entry.decode_invitation,
            (
                keylog_entry.make_invitation(
                    world.deployment, ALICE.sign, ALICE.public.encoded, 1, NOW
                ).encode(),
            ),
            keylog_entry.Invitation.encode,
        ),
        "lawlog.verify_entry": Target(
            lambda data: lawlog.verify_entry(world.deployment, data),
            (scene().request.signed.raw,),
        ),
        "lawlog.verify_line": Target(
            lambda data: lawlog.verify_line(world.deployment, data), tuple(world.lines[:6])
        ),
        "package.read_entries": Target(
            lambda data: package.read_entries(_OneFile(data), "a"),
            (documents.encode_base64url(b"one").encode() + b"\nAAEC\n",),
        ),
    }


@dataclass(frozen=True)
class _OneFile:
    data: bytes

    def names(self) -> list[str]:
        return ["a"]

    def read(self, _name: str, _limit: int) -> bytes:
        return self.data

    def pieces(self, _name: str, _size: int) -> Iterator[bytes]:
        yield self.data
