"""Nobody can be framed: every key but the people's own makes no message of theirs (spec R-27).

The attacker has the seeds of the operator, both logs, the witnesses, all custodians, the court and
the agency, and a real package; each forgery is consistent in everything that these can sign.
"""

import hashlib
import html
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from law_path import NOON, TODAY

from doublelock.audit import verify_logs
from doublelock.protocol import package
from doublelock.protocol.capsule import LabelKey
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, key_epoch_of
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.encoding import tagged
from doublelock.protocol.envelope import commit_record
from doublelock.protocol.identifiers import DeploymentId, MessageId, make_message_id, name_device
from doublelock.protocol.keylog_entry import (
    decode_entry,
    draft_update,
    make_invitation,
    make_invited_entry,
    sign_update,
)
from doublelock.protocol.record import Text, encode_record

from .framing import LOST, SECOND, Forger, Message, Stage, set_the_stage

MALLORY = SigningKey(b"\x66" * 32)
CONFESSION = encode_record(Text(b"I did it"))
SIGNATURE = 64
FRANKING = 96


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return set_the_stage(tmp_path_factory.mktemp("framing"))


@pytest.fixture
def forger(stage: Stage, tmp_path: Path) -> Forger:
    return Forger(stage, tmp_path)


def signed(key: SigningKey, deployment: bytes) -> Callable[[bytes], bytes]:
    """Return what signs a header's hash as an envelope of that deployment."""
    return lambda digest: key.sign(tagged(b"doublelock/v1/envelope", deployment, digest))


def test_what_the_forger_writes_would_convince_if_it_were_true(forger: Forger) -> None:
    """The control: real messages under receipts, inventory and pages that are all made anew."""
    messages = forger.stage.messages()
    assert forger.try_on(forger.receive(messages)) is None
    assert forger.verdict(forger.stage.mirror) is None


# --- words that nobody wrote -------------------------------------------------------------------


def test_new_words_need_the_devices_signature(forger: Forger) -> None:
    real = forger.stage.of(forger.stage.ada)[0]
    key = os.urandom(32)
    for signature in (
        signed(MALLORY, forger.stage.deployment),
        signed(SigningKey(forger.stage.founded.operator), forger.stage.deployment),
        lambda _: forger.open(real)[:SIGNATURE],
        lambda _: bytes(SIGNATURE),
        # a point of small order, which lax verifiers take for any message
        lambda _: b"\x01" + bytes(SIGNATURE - 1),
    ):
        forged = forger.seal(
            real,
            lambda digest, sign=signature: sign(digest) + key + CONFESSION,  # type: ignore[misc]
            commitment=commit_record(key, CONFESSION),
        )
        assert forger.with_forged(forged, real) is Code.BAD_SIGNATURE


def test_a_changed_record_with_its_commitment_made_anew(forger: Forger) -> None:
    real = forger.stage.of(forger.stage.ada)[0]
    plain = forger.open(real)
    key = plain[SIGNATURE:FRANKING]
    changed = forger.seal(real, lambda _: plain[:FRANKING] + CONFESSION)
    assert forger.with_forged(changed, real) is Code.COMMITMENT_MISMATCH
    anew = forger.seal(
        real,
        lambda _: plain[:FRANKING] + CONFESSION,
        commitment=commit_record(key, CONFESSION),
    )
    assert forger.with_forged(anew, real) is Code.BAD_SIGNATURE


def test_no_second_record_under_one_commitment(forger: Forger) -> None:
    """HMAC pads its key: shorter and longer keys that mean the same must not come to it."""
    real = forger.stage.of(forger.stage.ada)[0]
    plain = forger.open(real)
    signature, key, record = plain[:SIGNATURE], plain[SIGNATURE:FRANKING], plain[FRANKING:]
    assert commit_record(key, record) == commit_record(key + bytes(32), record)
    for body in (
        signature + key + bytes(32) + record,  # the padded key, if its size were not fixed
        signature + key[:-1] + record,
        signature + hashlib.sha256(key).digest() + record,
        signature + bytes(32) + record,
    ):
        forged = forger.seal(real, lambda _, whole=body: whole)  # type: ignore[misc]
        assert forger.with_forged(forged, real) in (Code.COMMITMENT_MISMATCH, Code.FORM)


def test_one_capsule_has_one_seed_and_so_one_text(forger: Forger) -> None:
    """AES-GCM alone commits to no key; a second one would need a second seed of the capsule."""
    real = forger.stage.of(forger.stage.ada)[0]
    other = replace(real, seed=bytes(32))
    swapped = forger.seal(other, lambda _: forger.open(real))
    assert swapped.header_bytes == real.header_bytes
    assert forger.with_forged(swapped, real) is Code.CAPSULE_MISMATCH
    again = forger.seal(other, lambda _: forger.open(real), fresh_capsule=True)
    assert forger.with_forged(again, real) is Code.BAD_SIGNATURE


# --- true words in another place ---------------------------------------------------------------


def moved(forger: Forger, real: Message, **changes: Any) -> Message:
    """A real message under another header, its own signature, key and record kept."""
    return forger.seal(real, lambda _: forger.open(real), **changes)


def test_to_another_conversation(forger: Forger) -> None:
    here, there = forger.stage.of(forger.stage.ada)[0], forger.stage.of(forger.stage.ada, 1)[0]
    forged = moved(forger, here, conversation=there.header.conversation)
    assert forger.with_forged(forged, there) is Code.BAD_SIGNATURE


def test_to_another_day(forger: Forger) -> None:
    day = TODAY + 1
    here = forger.stage.of(forger.stage.ada)[0]
    there = forger.stage.of(forger.stage.ada, 0, day)[0]
    forged = moved(forger, here, day=day, key_epoch=key_epoch_of(day))
    forged = replace(forged, time_ms=there.time_ms, sequence=there.sequence)
    assert forger.with_forged(forged, there) is Code.BAD_SIGNATURE


def test_to_another_day_by_its_receipt_alone(forger: Forger) -> None:
    real = forger.stage.of(forger.stage.ada)[0]
    late = replace(real, time_ms=real.time_ms + DAY_MS, sequence=100)
    lines = forger.receive([one for one in forger.stage.messages() if one != real] + [late])
    assert forger.try_on(lines) is Code.DAY_MISMATCH


def test_to_another_sender(forger: Forger) -> None:
    stage = forger.stage
    bobs, adas = stage.of(stage.bob)[0], stage.of(stage.ada)[0]
    forged = moved(forger, bobs, account=stage.ada, device=adas.header.device)
    forged = replace(forged, device_key=adas.device_key)
    assert forger.with_forged(forged, bobs) is Code.BAD_SIGNATURE
    half = replace(moved(forger, bobs, account=stage.ada), device_key=bobs.device_key)
    assert forger.with_forged(half, bobs) is Code.EVIDENCE_DEVICE


def test_to_another_device_of_its_sender(forger: Forger) -> None:
    real = forger.stage.of(forger.stage.ada)[0]
    second = name_device(SECOND.public.encoded)
    forged = moved(forger, real, device=second)
    named = replace(forged, device_key=SECOND.public.encoded)
    assert forger.with_forged(named, real) is Code.BAD_SIGNATURE
    assert forger.with_forged(forged, real) is Code.EVIDENCE_DEVICE
    true_header = replace(real, device_key=SECOND.public.encoded)
    assert forger.with_forged(true_header, real) is Code.EVIDENCE_DEVICE


def test_from_another_deployment(forger: Forger) -> None:
    """The same device wrote the same header there, in truth; here it did not."""
    stage = forger.stage
    real = stage.of(stage.ada)[0]
    elsewhere = signed(stage.ada_key, DeploymentId(b"\x77" * 32))
    key = os.urandom(32)
    forged = forger.seal(
        real,
        lambda digest: elsewhere(digest) + key + CONFESSION,
        commitment=commit_record(key, CONFESSION),
    )
    assert forger.with_forged(forged, real) is Code.BAD_SIGNATURE
    forged = forger.seal(
        real,
        lambda digest: signed(stage.ada_key, stage.deployment)(digest) + key + CONFESSION,
        commitment=commit_record(key, CONFESSION),
    )
    assert forger.with_forged(forged, real) is None  # the tag's deployment alone made it false


def test_said_twice(forger: Forger) -> None:
    """A true message again at another place of its own conversation: "yes" to other words."""
    real = forger.stage.of(forger.stage.ada)[0]
    again = replace(real, sequence=50)
    lines = forger.receive([*forger.stage.messages(), again])
    assert forger.try_on(lines) is Code.RECEIPT_CHAIN


# --- receipts and inventories ------------------------------------------------------------------


def test_receipts_by_any_other_key(forger: Forger) -> None:
    founded = forger.stage.founded
    for seed in (founded.operator, founded.committees[0].court, founded.key_log_seed[1]):
        lines = forger.receive(forger.stage.messages(), SigningKey(seed))
        assert forger.try_on(lines) is Code.RECEIPT_SIGNATURE


def test_true_receipts_in_another_order(forger: Forger) -> None:
    """Without the receipt key: swapped, cut out, or standing twice."""
    lines = forger.stage.lines()
    swapped = [*lines]
    swapped[0], swapped[1] = swapped[1], swapped[0]
    forger.write(package.MESSAGES, package.write_lines(swapped))
    forger.finish()
    assert forger.verdict() is Code.RECEIPT_CHAIN
    forger.show(lines[:-1], inventory=False)
    forger.finish()
    assert forger.verdict() is Code.ENVELOPE_MISSING
    forger.write(package.MESSAGES, package.write_lines([lines[0], *lines]))
    forger.finish()
    assert forger.verdict() is Code.RECEIPT_CHAIN


def test_a_receipt_that_another_one_was_built_upon(forger: Forger) -> None:
    """Each message's receipt names the one before it: a second truth shows at its neighbour."""
    first, *others = forger.stage.messages()
    earlier = replace(first, time_ms=first.time_ms - 1)
    lines = [*forger.receive([earlier]), *forger.receive([first, *others])[1:]]
    assert forger.try_on(lines) is Code.RECEIPT_CHAIN


# --- keys --------------------------------------------------------------------------------------


def ghost_update(stage: Stage, author: SigningKey) -> bytes:
    """An entry that gives Ada one more device, by an author of the attacker's choice."""
    now = stage_account(stage)
    draft = draft_update(
        stage.ada,
        now[0] + 1,
        1,
        now[1],
        1,
        [*now[2], MALLORY.public.encoded],
        author.public.encoded,
        NOON + DAY_MS,
    )
    new = [(MALLORY.public.encoded, MALLORY.sign)]
    return sign_update(stage.deployment, draft, author.sign, new).encode()


def stage_account(stage: Stage) -> tuple[int, int, tuple[bytes, ...]]:
    account = verify_logs(stage.mirror, stage.deployment).keys.key_log.account(stage.ada)
    return account.number, account.index, account.keys


def as_mallory(forger: Forger, real: Message) -> Message:
    key = os.urandom(32)
    forged = forger.seal(
        real,
        lambda digest: signed(MALLORY, forger.stage.deployment)(digest) + key + CONFESSION,
        device=name_device(MALLORY.public.encoded),
        commitment=commit_record(key, CONFESSION),
    )
    return replace(forged, device_key=MALLORY.public.encoded)


def test_a_device_that_the_operator_lists_for_somebody(forger: Forger) -> None:
    stage = forger.stage
    real = stage.of(stage.ada, 0, TODAY + 1)[0]
    forged = as_mallory(forger, real)
    for author in (SigningKey(stage.founded.operator), SigningKey(stage.founded.genesis), MALLORY):
        forger.fork_key_log([*forger.key_log(), ghost_update(stage, author)])
        assert forger.with_forged(forged, real) is Code.GHOST_DEVICE


def test_a_second_first_entry_or_a_reset_by_the_operator(forger: Forger) -> None:
    stage = forger.stage
    real = stage.of(stage.ada, 0, TODAY + 1)[0]
    number, index, _ = stage_account(stage)
    genesis, invite = SigningKey(stage.founded.genesis), SigningKey(b"\x55" * 32)
    for reset in (False, True):
        invitation = make_invitation(
            stage.deployment,
            genesis.sign,
            invite.public.encoded,
            1,
            NOON + 9 * DAY_MS,
            reset_of=stage.ada if reset else None,
        )
        entry = make_invited_entry(
            stage.deployment,
            stage.ada,
            invitation,
            invite.sign,
            [(MALLORY.public.encoded, MALLORY.sign)],
            NOON + DAY_MS,
            **({"number": number + 1, "lineage": 2, "previous": index} if reset else {}),
        )
        forger.fork_key_log([*forger.key_log(), entry.encode()])
        assert forger.with_forged(as_mallory(forger, real), real) is Code.GHOST_DEVICE


def test_another_key_log_altogether_is_seen_by_whoever_has_the_true_one(forger: Forger) -> None:
    """With the genesis key and every witness a whole other log can be signed: the one thing that
    a package cannot disprove from within. Any copy of the true log does (audit, Ada's client)."""
    stage = forger.stage
    invite = SigningKey(b"\x55" * 32)
    invitation = make_invitation(
        stage.deployment,
        SigningKey(stage.founded.genesis).sign,
        invite.public.encoded,
        1,
        NOON + 9 * DAY_MS,
    )
    entry = make_invited_entry(
        stage.deployment,
        stage.ada,
        invitation,
        invite.sign,
        [(MALLORY.public.encoded, MALLORY.sign)],
        NOON - 1000,
    )
    others = [one for one in forger.key_log() if decode_entry(one).account != stage.ada]
    forger.fork_key_log([entry.encode(), *others])
    words = [
        as_mallory(forger, one) if one.header.account == stage.ada else one
        for one in stage.messages()
    ]
    assert forger.try_on(forger.receive(words)) is None
    assert forger.verdict(stage.mirror) is Code.LOG_FORK


def test_a_removed_device(forger: Forger) -> None:
    """Its thief, with the operator's help, writes nothing that is dated after its removal."""
    stage = forger.stage
    real = stage.of(stage.ada)[0]
    key = os.urandom(32)
    forged = forger.seal(
        real,
        lambda digest: signed(LOST, stage.deployment)(digest) + key + CONFESSION,
        device=name_device(LOST.public.encoded),
        commitment=commit_record(key, CONFESSION),
    )
    skew = PLAN_SKEW
    forged = replace(forged, device_key=LOST.public.encoded, time_ms=stage.lost_until_ms + skew + 1)
    rest = [one for one in stage.messages() if one.header.conversation != stage.rooms[0]]
    assert forger.try_on(forger.receive([forged, *rest])) is Code.EVIDENCE_DEVICE


PLAN_SKEW = 5 * 60_000


def test_a_message_dated_before_its_device_was_there(forger: Forger) -> None:
    real = forger.stage.of(forger.stage.ada)[0]
    early = replace(real, time_ms=real.time_ms - 2 * 3_600_000)
    rest = [
        one for one in forger.stage.messages() if one.header.conversation != forger.stage.rooms[0]
    ]
    assert forger.try_on(forger.receive([early, *rest])) is Code.EVIDENCE_DEVICE


# --- what is left out --------------------------------------------------------------------------


def test_a_message_that_speaks_for_somebody_is_not_called_unreadable(forger: Forger) -> None:
    """The agency would rather leave it out: but its label's key opens it for everybody."""
    stage = forger.stage
    awkward = stage.of(stage.ada)[1]
    lines = forger.stage.lines()
    whole = [one for one in lines if Message.read(one).header != awkward.header]
    label = awkward.header.label(stage.deployment)
    given = next(one for one in lines if Message.read(one).header == awkward.header)
    other = next(one for one in stage.label_keys.values() if one.label != label)
    for key, code in (
        (stage.label_keys[label], Code.EVIDENCE_MANIFEST),
        (LabelKey(label, other.point), Code.PARTIAL_WRONG),
    ):
        forger.write(package.UNREADABLE, forger.as_unreadable(given, key) + b"\n")
        forger.show(whole, inventory=False)
        forger.finish()
        assert forger.verdict() is code


# --- the agency's own pages --------------------------------------------------------------------


def test_pages_that_say_other_words_than_the_evidence(forger: Forger) -> None:
    page = (forger.folder / package.REPORT).read_bytes()
    forger.write(package.REPORT, page.replace(html.escape("yes").encode(), b"I did it"))
    forger.finish(pages=False)
    assert forger.verdict() is Code.EVIDENCE_MANIFEST


def test_a_chain_of_custody_that_says_other_acts_than_the_signed_one(forger: Forger) -> None:
    lines = (forger.folder / package.CUSTODY).read_bytes()
    forger.write(package.CUSTODY, lines.replace(b"approved the warrant", b"refused the warrant "))
    forger.finish()
    assert forger.verdict() is Code.EVIDENCE_MANIFEST


@pytest.mark.parametrize(
    "name", ["attachments/" + "ab" * 32, "confession.txt", "proofs/letter.txt"]
)
def test_a_file_that_no_message_refers_to(forger: Forger, name: str) -> None:
    """A picture among somebody's attachments says that they sent it."""
    forger.write(name, b"\x89PNG and so on")
    forger.finish()
    assert forger.verdict() is Code.EVIDENCE_MANIFEST


def test_message_ids_alone_make_no_second_message(forger: Forger) -> None:
    """A new id on true words is a new header, which nobody signed."""
    real = forger.stage.of(forger.stage.ada)[0]
    fresh = MessageId(make_message_id(NOON, b"0123456789"))
    again = replace(moved(forger, real, message_id=fresh), sequence=60)
    assert forger.try_on(forger.receive([*forger.stage.messages(), again])) is Code.BAD_SIGNATURE
