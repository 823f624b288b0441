"""handover.json: whose cosignatures a checkpoint needs while witnesses change (spec R-40)."""

import hashlib
from collections.abc import Sequence
from typing import Final

from doublelock.protocol.charter import hash_terms, write_terms
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32, Opaque
from doublelock.protocol.lawlog import AmendmentLogged, BundleLogged, CharterLogged, HandoverLogged
from doublelock.protocol.note import format_note
from vectors.make.law import EVERYONE, WITNESSES, amended, genesis, note_signer, sign
from vectors.make.lawlog import Log
from vectors.make.world import TIME_MS, bytes_of

_NEW: Final = ("n1", "n2")
_EFFECTIVE: Final = TIME_MS + 15 * DAY_MS
_HOUR: Final = 3_600_000
_KEYS: Final = (7, bytes_of("root of seven key-log entries"))


def _note(log: str, head: tuple[int, bytes], time_ms: int, names: Sequence[str]) -> bytes:
    checkpoint = Checkpoint(f"{log}-log.example", *head)
    signers = [note_signer(name) for name in (f"{log}-log", *names)]
    lines = [signer.sign(checkpoint, time_ms // 1000) for signer in signers]
    return format_note(checkpoint.encode(), lines)


def _head(log: Log) -> tuple[int, bytes]:
    return log.state.size, log.state.root


def _handover(
    log: Log,
    law: Sequence[str] = WITNESSES,
    key: Sequence[str] = WITNESSES,
    key_seen_ms: int = _EFFECTIVE + _HOUR,
) -> HandoverLogged:
    seen_ms = _EFFECTIVE + _HOUR
    return HandoverLogged(
        law=Opaque(_note("law", _head(log), seen_ms, law)),
        key=Opaque(_note("key", _KEYS, key_seen_ms, key)),
    )


def build() -> dict[str, object]:
    """Return the file."""
    log, charter = Log(), genesis()
    checkpoints: list[dict[str, object]] = []

    def seen(
        why: str,
        names: Sequence[str],
        time_ms: int,
        code: str | None = None,
        *,
        now_ms: int | None = None,
        of: str = "law",
    ) -> None:
        note = _note(of, _head(log) if of == "law" else _KEYS, time_ms, names)
        told = {"why": why, "lines": log.state.size, "log": of, "note": note.decode()}
        checkpoints.append({**told, "now_ms": now_ms, "code": code})

    digest = Bytes32(hashlib.sha256(charter.document).digest())
    log.add("the genesis charter", "operator", CharterLogged(Bytes32(charter.hash), digest))
    witnesses = tuple(note_signer(name).key.encode() for name in _NEW)
    terms = amended(witnesses=witnesses)
    document = sign(terms, EVERYONE)
    entry = AmendmentLogged(
        Bytes32(hash_terms(write_terms(terms))), Bytes32(hashlib.sha256(document).digest())
    )
    log.add("an amendment", "operator", entry, document=document)
    late = _EFFECTIVE + _HOUR
    both = (*WITNESSES, *_NEW)
    seen("the old ones before it is in force", WITNESSES, _EFFECTIVE - _HOUR)
    seen("within the skew", WITNESSES, _EFFECTIVE + 30_000)
    seen("the new ones before it is in force", _NEW, _EFFECTIVE - _HOUR, "log-quorum")
    seen("the old ones alone afterwards", WITNESSES, late, "log-quorum")
    seen("the new ones alone afterwards", _NEW, late, "log-quorum")
    seen("both", both, late)
    seen("both, the key log's", both, late, of="key")
    seen("the old ones alone, the key log's", WITNESSES, late, "log-quorum", of="key")
    seen(
        "dated back, for who has a clock",
        WITNESSES,
        _EFFECTIVE - _HOUR,
        "log-quorum",
        now_ms=_EFFECTIVE + 2 * _HOUR,
    )
    log.add("before it is in force", "operator", _handover(log), "entry-void", at=_EFFECTIVE - 1)
    log.add("by the new ones", "operator", _handover(log, _NEW), "log-quorum", at=_EFFECTIVE)
    log.add("key log by the new ones", "operator", _handover(log, key=_NEW), "log-quorum")
    old = _handover(log, key_seen_ms=_EFFECTIVE - 1000)
    log.add("with an old head of the key log", "operator", old, "entry-void")
    stale = _handover(log)
    log.add("by a court", "1-court", _handover(log), "entry-author")
    log.add("of fewer lines than there are", "operator", stale, "entry-void")
    seen("a void line's stamp counts for nothing", WITNESSES, _EFFECTIVE + 30_000)
    bundle = BundleLogged(bundle=Bytes32(bytes_of("bundle")), version="1")
    log.add("a line under the new charter", "operator", bundle, at=late)
    seen("a line that they saw too late", WITNESSES, _EFFECTIVE - _HOUR, "log-quorum")
    log.add("the handover", "operator", _handover(log))
    log.add("once is enough", "operator", _handover(log), "entry-void")
    later = late + _HOUR
    seen("the new ones", _NEW, later)
    seen("one of them", _NEW[:1], later, "log-quorum")
    seen("the old ones", WITNESSES, later, "log-quorum")
    seen("the new ones, the key log's", _NEW, later, of="key", now_ms=later + 9 * _HOUR)
    seen("the old ones, the key log's", WITNESSES, later, "log-quorum", of="key")
    return {
        "about": "A law log whose witnesses change, and checkpoints of both logs after so many"
        " lines. `now_ms` is the reader's clock, null for who reads offline.",
        "rules": ["R-40"],
        "deployment": charter.deployment.hex(),
        "charter": charter.document.decode(),
        "lines": log.lines,
        "checkpoints": checkpoints,
        "handovers": [
            {
                "index": one.index,
                "charter": one.charter.hash.hex(),
                "key_size": one.key_size,
                "key_root": one.key_root.hex(),
            }
            for one in log.state.handovers
        ],
    }
