"""Partials: a quorum and the court open, nobody less does, and who cheats is named."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from vectors.make import world

from doublelock.protocol.codes import Code
from doublelock.protocol.curve import ORDER, g1_secret_multiple
from doublelock.protocol.errors import Refusal, ReleaseRefused
from doublelock.protocol.label import Label
from doublelock.protocol.partial import (
    COURT,
    PartialSet,
    combine_batch,
    make_partials,
    verify_partial,
    verify_partials,
)

LABELS = [structs.replace(world.LABEL, day=world.DAY - day) for day in range(3)]
KEYS = world.holder_keys(1)
RANDOM = world.bytes_of("fresh for this test")
MASTER = (world.share(1, 0) + world.court(1)) % ORDER
SETS = {i: make_partials(i, world.share(1, i), LABELS) for i in world.CUSTODIANS}
FROM_COURT = make_partials(COURT, world.court(1), LABELS)


@pytest.mark.parametrize("quorum", list(combinations(world.CUSTODIANS, 3)))
def test_any_quorum_with_the_court_makes_the_keys(quorum: tuple[int, ...]) -> None:
    made = combine_batch(LABELS, [SETS[i] for i in quorum], FROM_COURT, KEYS, RANDOM)
    assert [key.label for key in made] == LABELS
    assert [key.point for key in made] == [
        g1_secret_multiple(label.point(), MASTER) for label in LABELS
    ]


def refusal_of(
    custodians: list[PartialSet], court: PartialSet = FROM_COURT, labels: list[Label] = LABELS
) -> ReleaseRefused:
    with pytest.raises(ReleaseRefused) as refusal:
        combine_batch(labels, custodians, court, KEYS, RANDOM)
    return refusal.value


def test_too_few_custodians() -> None:
    assert refusal_of([SETS[1], SETS[2]]).code == Code.PARTIALS_MISSING


def test_one_custodian_twice() -> None:
    assert refusal_of([SETS[1], SETS[2], SETS[2]]).code == Code.PARTIALS_MISSING


def test_a_custodian_in_the_courts_place() -> None:
    quorum = [SETS[1], SETS[2], SETS[3]]
    assert refusal_of(quorum, SETS[4]).code == Code.PARTIALS_MISSING
    posing = replace(SETS[4], index=COURT)
    refused = refusal_of(quorum, posing)
    assert (refused.code, refused.culprits) == (Code.PARTIAL_WRONG, (COURT,))


def wrong(index: int, at: int) -> PartialSet:
    points = list(SETS[index].points)
    points[at] = SETS[index % 5 + 1].points[at]
    return PartialSet(index, tuple(points))


@pytest.mark.parametrize("at", range(3))
def test_one_wrong_partial_names_its_holder(at: int) -> None:
    refused = refusal_of([SETS[1], wrong(4, at), SETS[5]])
    assert (refused.code, refused.culprits) == (Code.PARTIAL_WRONG, (4,))


def test_all_culprits_are_named_at_once() -> None:
    assert refusal_of([wrong(1, 0), SETS[2], wrong(3, 2)]).culprits == (1, 3)


def test_two_wrong_partials_that_would_cancel_out_are_still_caught() -> None:
    swapped = PartialSet(2, (SETS[2].points[1], SETS[2].points[0], SETS[2].points[2]))
    assert refusal_of([SETS[1], swapped, SETS[3]]).culprits == (2,)


def test_an_old_share_does_not_mix_with_refreshed_ones() -> None:
    old = make_partials(2, (world.share(1, 2) + 5 * 2) % ORDER, LABELS)
    assert refusal_of([SETS[1], old, SETS[3]]).culprits == (2,)


def test_another_count_of_labels() -> None:
    short = PartialSet(2, SETS[2].points[:2])
    refused = refusal_of([SETS[1], short, SETS[3]])
    assert (refused.code, refused.culprits) == (Code.PARTIALS_MISSING, (2,))


@pytest.mark.parametrize(
    "label",
    [world.OTHER_COMMITTEE, structs.replace(world.LABEL, key_epoch=world.LABEL.key_epoch + 1)],
)
def test_labels_of_another_key(label: Label) -> None:
    quorum = [SETS[1], SETS[2], SETS[3]]
    assert refusal_of(quorum, labels=[label, *LABELS[1:]]).code == Code.LABEL_MISMATCH


def test_single_partials_and_sets_verify_against_their_holders() -> None:
    verify_partial(SETS[3].points[0], LABELS[0], KEYS.custodians[3], 3)
    verify_partials(SETS[3], LABELS, KEYS.custodians[3], RANDOM)
    with pytest.raises(ReleaseRefused) as single:
        verify_partial(SETS[3].points[0], LABELS[1], KEYS.custodians[3], 3)
    with pytest.raises(ReleaseRefused) as whole:
        verify_partials(wrong(3, 1), LABELS, KEYS.custodians[3], RANDOM)
    assert single.value.culprits == whole.value.culprits == (3,)


def test_sets_survive_their_bytes() -> None:
    for given_set in (*SETS.values(), FROM_COURT):
        assert PartialSet.decode(given_set.encode()) == given_set


def test_a_bad_point_names_its_holder() -> None:
    data = SETS[2].encode()
    for point in (b"\xc0" + bytes(47), b"\x80" + bytes(46) + b"\x01", bytes(48)):
        with pytest.raises(ReleaseRefused) as refusal:
            PartialSet.decode(data[:-48] + point)
        assert (refusal.value.code, refusal.value.culprits) == (Code.PARTIAL_WRONG, (2,))


@settings(max_examples=100)
@given(st.binary(max_size=200) | st.integers(0, 8 * 150 - 1))
def test_noise_and_flipped_bits_are_refused_or_another_set(data: bytes | int) -> None:
    honest = SETS[1].encode()
    if isinstance(data, int):
        data = world.flip(honest, data // 8, 1 << data % 8)
    try:
        decoded = PartialSet.decode(data)
    except Refusal:
        return
    assert decoded.encode() == data
    assert data != honest


def test_no_secret_in_a_representation() -> None:
    key = combine_batch(LABELS, [SETS[1], SETS[2], SETS[3]], FROM_COURT, KEYS, RANDOM)[0]
    shown = repr(key) + repr(SETS[1])
    assert key.point.encoded.hex() not in shown
    assert "point" not in repr(SETS[1])
