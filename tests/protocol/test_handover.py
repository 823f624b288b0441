"""One set of witnesses gives way to another: neither can speak for the other's part (spec R-40)."""

import hashlib
from collections.abc import Callable, Sequence

import msgspec
import pytest
from law_world import (
    HOUR,
    NOW,
    World,
    charter_terms,
    key,
    note_signer,
    public,
    sign_charter,
)

from doublelock.protocol.charter import hash_terms, write_terms
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32, Opaque
from doublelock.protocol.errors import EvidenceRefused, LogRefused, Refusal
from doublelock.protocol.evidence import prove_key_log
from doublelock.protocol.handover import LogName, needed_charters, verify_checkpoint
from doublelock.protocol.lawlog import (
    AmendmentLogged,
    BundleLogged,
    HandoverLogged,
    sign_entry,
    stamp,
)
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.merkle import EMPTY_ROOT
from doublelock.protocol.note import format_note
from doublelock.protocol.release import prove_law

OLD = ("w1", "w2", "w3")
NEW = ("n1", "n2", "n3")
EFFECTIVE = NOW + 15 * DAY_MS


class Changing(World):
    """A log whose charter names other witnesses from `EFFECTIVE` on; the genesis ones are `OLD`."""

    def __init__(self) -> None:
        super().__init__(epochs=())
        terms = msgspec.structs.replace(
            charter_terms(),
            sequence=1,
            deployment=Bytes32(self.deployment),
            previous=Bytes32(self.charter.hash),
            issued_ms=NOW,
            effective_ms=EFFECTIVE,
            witnesses=tuple(note_signer(name).key.encode() for name in NEW),
        )
        names = ["operator"]
        names += [f"{n}-{who}" for n in (1, 2) for who in ("court", "custodian1", "custodian2")]
        document = sign_charter(terms, names)
        digest = hashlib.sha256(document).digest()
        self.documents = {digest: document}
        entry = AmendmentLogged(Bytes32(hash_terms(write_terms(terms))), Bytes32(digest))
        self.log("operator", entry, NOW, self.documents)

    def handover(self, *law: str, keys: Sequence[str] = OLD, size: int = 0) -> HandoverLogged:
        """A handover of the lines so far, with these witnesses' names on the two checkpoints."""
        return HandoverLogged(
            law=Opaque(self.note(EFFECTIVE + HOUR, law or OLD)),
            key=Opaque(key_note(EFFECTIVE + HOUR, keys, size)),
        )

    def refused(self, time_ms: int, *witnesses: str, now_ms: int | None = None) -> Code | None:
        """Return by which code a checkpoint of the lines so far is refused, if it is."""
        note = self.note(time_ms, witnesses)
        return refusal(lambda: verify_checkpoint(LogName.LAW, self.state, note, now_ms))


def key_note(time_ms: int, witnesses: Sequence[str], size: int = 0) -> bytes:
    root = EMPTY_ROOT if size == 0 else hashlib.sha256(b"key log %d" % size).digest()
    head = Checkpoint("key-log.example", size, root)
    lines = [note_signer(name).sign(head, time_ms // 1000) for name in ("key-log", *witnesses)]
    return format_note(head.encode(), lines)


def last_void(world: World) -> Code | None:
    return world.state.last_void


def refusal(act: Callable[[], object]) -> Code | None:
    try:
        act()
    except Refusal as refused:
        return refused.code
    return None


def test_until_it_is_in_force_an_amendment_changes_no_witness() -> None:
    world = Changing()
    assert world.refused(EFFECTIVE - HOUR, *OLD) is None
    assert world.refused(EFFECTIVE - HOUR, *NEW) is Code.LOG_QUORUM
    assert needed_charters(world.state, EFFECTIVE - 1) == (world.charter,)


def test_from_then_on_a_checkpoint_needs_both_until_the_handover() -> None:
    world = Changing()
    later = EFFECTIVE + HOUR
    assert world.refused(later, *OLD) is Code.LOG_QUORUM
    assert world.refused(later, *NEW) is Code.LOG_QUORUM
    assert world.refused(later, *OLD, *NEW[:2]) is None
    assert needed_charters(world.state, later) == tuple(world.state.charters)


def test_old_witnesses_alone_cannot_carry_the_log_on() -> None:
    """Neither openly, nor by dating their cosignature back."""
    world = Changing()
    bundle = BundleLogged(bundle=Bytes32(b"B" * 32), version="1")
    world.log("operator", bundle, EFFECTIVE + HOUR)
    assert world.refused(EFFECTIVE + 2 * HOUR, *OLD) is Code.LOG_QUORUM
    # The line's own stamp shows that they saw it under the new charter.
    assert world.refused(EFFECTIVE - HOUR, *OLD) is Code.LOG_QUORUM
    # With the stamp back-dated too, it counts for nobody who has a clock.
    other = Changing()
    other.log("operator", bundle, EFFECTIVE - 2 * HOUR)
    assert other.refused(EFFECTIVE - HOUR, *OLD) is None
    assert other.refused(EFFECTIVE - HOUR, *OLD, now_ms=EFFECTIVE + 3 * HOUR) is Code.LOG_QUORUM
    with pytest.raises(LogRefused):
        prove_law(
            other.state.charters[1],
            other.state,
            other.note(EFFECTIVE - HOUR, OLD),
            EFFECTIVE + 3 * HOUR,
        )


def test_the_handover_makes_the_new_witnesses_alone() -> None:
    world = Changing()
    world.log("operator", world.handover(), EFFECTIVE + HOUR)
    later = EFFECTIVE + 2 * HOUR
    assert world.refused(later, *NEW) is None
    assert world.refused(later, *NEW[:1]) is Code.LOG_QUORUM
    assert world.refused(later, *OLD) is Code.LOG_QUORUM
    assert needed_charters(world.state, later) == (world.state.charters[1],)
    # The key log's checkpoints go by the same rule.
    assert verify_checkpoint(LogName.KEY, world.state, key_note(later, NEW)).checkpoint.size == 0
    with pytest.raises(LogRefused):
        verify_checkpoint(LogName.KEY, world.state, key_note(later, OLD))


def test_a_handover_that_the_old_ones_did_not_sign_is_void() -> None:
    world = Changing()
    early = world.handover()
    world.log("operator", early, EFFECTIVE - HOUR, void=True)  # not the charter in force yet
    now = EFFECTIVE + HOUR
    world.log("operator", world.handover(*NEW), now, void=True)
    assert last_void(world) is Code.LOG_QUORUM
    world.log("operator", world.handover(keys=NEW), now, void=True)
    world.log("operator", world.handover("w1", *NEW), now, void=True)
    old = HandoverLogged(
        law=Opaque(world.note(EFFECTIVE + HOUR, OLD)), key=Opaque(key_note(EFFECTIVE - HOUR, OLD))
    )
    world.log("operator", old, now, void=True)  # a key log of long before
    # Of other lines than those above it: the void ones count as lines.
    stale = world.handover()
    world.log("1-court", world.handover(), now, void=True)
    assert last_void(world) is Code.ENTRY_AUTHOR
    world.log("operator", stale, now, void=True)
    assert last_void(world) is Code.ENTRY_VOID
    assert world.state.handovers == ()
    world.log("operator", world.handover(), now)
    world.log("operator", world.handover(), now, void=True)  # once is enough
    assert len(world.state.handovers) == 1


def test_new_witnesses_alone_cannot_rewrite_what_was_before() -> None:
    """The lines above the handover are those that the old ones' signatures in it are of."""
    world = Changing()
    handover = world.handover()
    signed = sign_entry(world.deployment, handover, public("operator"), key("operator").sign)
    state = LawState.begin(world.charter)
    lines = list(world.lines)
    # One more line, of the operator's making, slipped in before the amendment.
    extra = sign_entry(
        world.deployment,
        BundleLogged(bundle=Bytes32(b"X" * 32), version="9"),
        public("operator"),
        key("operator").sign,
    )
    lines.insert(1, stamp(extra, NOW - HOUR))
    for line in (*lines, stamp(signed, EFFECTIVE + HOUR)):
        state = state.apply(state.size, line, world.documents)
    assert state.void == 1
    assert state.handovers == ()
    note = world.note(EFFECTIVE + 2 * HOUR, NEW, state)
    with pytest.raises(LogRefused) as refused:
        verify_checkpoint(LogName.LAW, state, note)
    assert refused.value.code is Code.LOG_QUORUM


def test_the_key_log_must_be_the_one_that_was_handed_over() -> None:
    world = Changing()
    entry = world.handover(size=3)
    world.log("operator", entry, EFFECTIVE + HOUR)
    later = EFFECTIVE + 2 * HOUR
    with pytest.raises(LogRefused) as refused:
        prove_key_log(world.state, [], key_note(later, NEW))
    assert refused.value.code is Code.LOG_FORK
    with pytest.raises(EvidenceRefused):
        prove_key_log(world.state, [b"another"] * 3, key_note(later, NEW, 3))
