"""tlog-scales, another implementation in Python, reads our folder and our signatures."""

import asyncio
from pathlib import Path

from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tlog import ConsistencyProof, InclusionProof

from doublelock.log.sequencer import Sequencer
from doublelock.protocol import merkle
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.note import Note, SignatureType
from doublelock.protocol.policy import parse_policy

_LOG = NoteSigner("example.com/log", SignatureType.ED25519, b"L" * 32)
_WITNESSES = [
    NoteSigner("witness.example/w", SignatureType.COSIGNATURE_ED25519, b"W" * 32),
    NoteSigner("witness.example/w", SignatureType.COSIGNATURE_MLDSA44, b"W" * 32),
]
_POLICY = parse_policy(
    (
        f"log {_LOG.key.encode()}\nwitness a {_WITNESSES[0].key.encode()}\n"
        f"witness b {_WITNESSES[1].key.encode()}\ngroup g all a b\nquorum g\n"
    ).encode()
)


async def test_signatures_tiles_and_proofs_agree(tmp_path: Path) -> None:
    log = await Sequencer.open(tmp_path, _LOG, lambda: 1)
    await asyncio.gather(*(log.append(b"entry %d" % i) for i in range(1_000)))
    head = await log.prepare()
    lines = tuple(w.sign(head.checkpoint, 1_700_000_000) for w in _WITNESSES)
    await log.adopt(_POLICY.verify(Note(head.note.text, head.note.signatures + lines)))

    reader = TilesReader(LocalBackend(tmp_path))
    checkpoint = reader.get_checkpoint()
    for signer in (_LOG, *_WITNESSES):
        checkpoint.verify(Vkey.from_string(signer.key.encode()))
    root = head.checkpoint.root
    assert reader.calculate_root_hash() == root
    for index in range(0, 1_000, 83):
        assert reader.get_entry(index) == b"entry %d" % index
        theirs = reader.get_inclusion_proof(index, 1_000)
        ours = await log.proof(index)
        assert theirs.node_hashes == list(ours)
        InclusionProof(index, 1_000, list(ours)).check(merkle.leaf_hash(b"entry %d" % index), root)
    for old in (1, 255, 256, 300, 999):
        proof = await log.consistency(old)
        assert reader.get_consistency_proof(old, 1_000).node_hashes == list(proof)
        ConsistencyProof(old, 1_000, list(proof)).check(reader.mth(0, old), root)
    await log.close()
