"""Refresh and resharing: the key stays, shares of two generations never mix (spec K-11)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import combinations

import pytest
from ceremony_people import (
    GROUP,
    Committee,
    random_bytes,
    reshare,
    reshare_deal,
    reshare_room,
    scalar,
    secret_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from doublelock.protocol import dealing, polynomial, resharing, transcript
from doublelock.protocol.ceremony import Kind
from doublelock.protocol.codes import Code
from doublelock.protocol.dealing import Dealing
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.protocol.transcript import Certificate, SecretShare

OLD = Committee(4, 3)
DONE = OLD.generate()
KEY = DONE[0].key
SHARES = [one.share for one in DONE]
NEXT = Committee(4, 3, "refresh", Kind.RESHARING, 2)
EVERYONE = dict(enumerate(NEXT.secrets, start=1))
ROOM = reshare_room(KEY, NEXT, EVERYONE)
MESSAGES = reshare_deal(ROOM, SHARES, EVERYONE, "refresh")


def _fresh(indices: list[int]) -> dict[int, int]:
    return {index: scalar(f"dealer {index}") for index in indices}


def test_a_refresh_keeps_the_key_and_changes_every_share() -> None:
    done = reshare(KEY, SHARES, NEXT, EVERYONE)
    assert len({one.key for one in done}) == 1
    new = done[0].key
    assert (new.public_key, new.share_version) == (KEY.public_key, 2)
    assert new.transcript_hash != KEY.transcript_hash
    for old, one in zip(DONE, done, strict=True):
        assert one.share.secret != old.share.secret
        assert GROUP.base_multiple(one.share.secret) == new.verification_shares[one.share.index - 1]
    for quorum in combinations([one.share for one in done], 3):
        assert GROUP.base_multiple(secret_of(list(quorum))) == KEY.public_key


@settings(max_examples=10)
@given(
    st.integers(1, 5).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))),
    st.sets(st.integers(1, 4), min_size=3),
)
def test_another_committee_holds_the_same_key(shape: tuple[int, int], dealers: set[int]) -> None:
    threshold, size = shape
    label = f"new {threshold} of {size}"
    committee = Committee(size, threshold, label, Kind.RESHARING, 2)
    done = reshare(KEY, SHARES, committee, _fresh(sorted(dealers)))
    assert {one.key.public_key for one in done} == {KEY.public_key}
    shares = [one.share for one in done]
    assert GROUP.base_multiple(secret_of(shares[-threshold:])) == KEY.public_key
    again = reshare(
        done[0].key,
        shares,
        Committee(2, 2, "third", Kind.RESHARING, 3),
        _fresh(list(range(1, size + 1))),
    )
    assert again[0].key.public_key == KEY.public_key
    assert again[0].key.share_version == 3


def test_old_and_new_shares_never_mix() -> None:
    new = [one.share for one in reshare(KEY, SHARES, NEXT, EVERYONE)]
    mixed = [SHARES[0], *new[1:3]]
    with pytest.raises(CeremonyRefused) as refused:
        resharing.refuse_mixed(mixed)
    assert refused.value.code is Code.SHARE_GENERATION
    # And were somebody to mix them all the same, they would get nothing:
    factors = polynomial.lagrange([one.index for one in mixed], GROUP.order)
    value = sum(one.secret * by for one, by in zip(mixed, factors, strict=True)) % GROUP.order
    assert GROUP.base_multiple(value) != KEY.public_key


def test_two_refreshes_of_one_version_do_not_mix_either() -> None:
    other = Committee(4, 3, "another refresh", Kind.RESHARING, 2)
    twin = reshare(KEY, SHARES, other, dict(enumerate(other.secrets, start=1)))
    mixed = [twin[0].share, *(one.share for one in reshare(KEY, SHARES, NEXT, EVERYONE)[1:])]
    with pytest.raises(CeremonyRefused):
        resharing.refuse_mixed(mixed)


def test_a_share_of_another_generation_is_not_dealt() -> None:
    new = reshare(KEY, SHARES, NEXT, EVERYONE)
    room = reshare_room(new[0].key, Committee(2, 1, "later", Kind.RESHARING, 3), _fresh([1, 2, 3]))
    with pytest.raises(CeremonyRefused) as refused:
        resharing.deal(room, SHARES[0], scalar("dealer 1"), random_bytes("x", 64))
    assert refused.value.code is Code.SHARE_GENERATION


def _refused(messages: list[bytes]) -> CeremonyRefused:
    with pytest.raises(CeremonyRefused) as refused:
        resharing.receive(ROOM, 1, NEXT.secrets[0], messages)
    return refused.value


def test_a_dealer_that_deals_another_secret_is_named() -> None:
    coefficients = [scalar("not my share"), *(scalar(f"a{k}") for k in range(2))]
    messages = list(MESSAGES)
    messages[1] = dealing.deal(ROOM.room, NEXT.secrets[1], coefficients, scalar("e")).encode()
    refusal = _refused(messages)
    assert (refusal.code, refusal.culprits) == (Code.DEALER_MISMATCH, (2,))


def test_a_dealer_with_an_old_share_is_named() -> None:
    """A holder that kept version 1 cannot deal it in the resharing of version 2."""
    new = reshare(KEY, SHARES, NEXT, EVERYONE)
    committee = Committee(4, 2, "later", Kind.RESHARING, 3)
    dealers = dict(enumerate(committee.secrets, start=1))
    room = reshare_room(new[0].key, committee, dealers)
    messages = reshare_deal(room, [one.share for one in new], dealers, "later")
    coefficients = [SHARES[2].secret, scalar("a1")]
    messages[2] = dealing.deal(room.room, committee.secrets[2], coefficients, scalar("e")).encode()
    with pytest.raises(CeremonyRefused) as refused:
        resharing.receive(room, 1, committee.secrets[0], messages)
    assert (refused.value.code, refused.value.culprits) == (Code.DEALER_MISMATCH, (3,))


def _altered(who: int, change: Callable[[Dealing], Dealing]) -> list[bytes]:
    messages = list(MESSAGES)
    messages[who - 1] = change(dealing.decode_dealing(ROOM.room, MESSAGES[who - 1])).encode()
    return messages


def test_wrong_shares_proofs_and_forms_name_their_dealer() -> None:
    def unproven(one: Dealing) -> Dealing:
        return Dealing(one.commitment, MESSAGES[0][288:416], one.ephemeral, one.sealed_shares)

    def unreadable(one: Dealing) -> Dealing:
        return Dealing(one.commitment, one.proof, one.ephemeral, one.sealed_shares[::-1])

    for messages, code in (
        (_altered(4, unproven), Code.PROOF_OF_POSSESSION),
        (_altered(4, unreadable), Code.SHARE_UNREADABLE),
        ([*MESSAGES[:3], MESSAGES[3][:-1]], Code.FORM),
    ):
        refusal = _refused(messages)
        assert (refusal.code, refusal.culprits) == (code, (4,))


def test_a_room_is_entered_under_the_right_name_alone() -> None:
    keys = [(index, GROUP.base_multiple(secret)) for index, secret in EVERYONE.items()]
    assert resharing.enter(NEXT.name, GROUP, NEXT.keys, KEY, keys) == ROOM
    for wrong in (
        replace(NEXT.name, kind=Kind.KEY_GENERATION),
        replace(NEXT.name, share_version=3),
    ):
        with pytest.raises(CeremonyRefused) as refused:
            resharing.enter(wrong, GROUP, NEXT.keys, KEY, keys)
        assert refused.value.code is Code.CEREMONY_SETUP


def test_culprits_carry_their_old_index() -> None:
    """Dealers 1, 3 and 4 deal: the third message is dealer 4's."""
    dealers = _fresh([1, 3, 4])
    room = reshare_room(KEY, NEXT, dealers)
    messages = reshare_deal(room, SHARES, dealers, "three")
    with pytest.raises(CeremonyRefused) as refused:
        resharing.receive(room, 1, NEXT.secrets[0], [*messages[:2], b"no dealing"])
    assert refused.value.culprits == (4,)


def test_too_few_dealers_cannot_pass_the_key_on() -> None:
    with pytest.raises(CeremonyRefused) as refused:
        reshare_room(KEY, NEXT, _fresh([1, 2]))
    assert refused.value.code is Code.TOO_FEW_DEALERS


@pytest.mark.parametrize("dealers", [[3, 2, 1], [1, 2, 5], [0, 1, 2]])
def test_dealers_are_old_holders_in_order(dealers: list[int]) -> None:
    with pytest.raises(CeremonyRefused) as refused:
        reshare_room(KEY, NEXT, _fresh(dealers))
    assert refused.value.code is Code.CEREMONY_SETUP


def test_strangers_neither_deal_nor_receive() -> None:
    random = random_bytes("x", 192)
    for share, secret in (
        (SHARES[0], scalar("stranger")),
        (SecretShare(1, scalar("s"), 1, KEY.transcript_hash), NEXT.secrets[0]),
    ):
        with pytest.raises(CeremonyRefused):
            resharing.deal(ROOM, share, secret, random)
    for index, secret in ((1, NEXT.secrets[1]), (0, NEXT.secrets[3]), (5, NEXT.secrets[0])):
        with pytest.raises(CeremonyRefused):
            resharing.receive(ROOM, index, secret, MESSAGES)


def test_receivers_that_saw_different_dealings_do_not_finish() -> None:
    other = reshare_deal(ROOM, SHARES, EVERYONE, "second")
    received = [
        resharing.receive(ROOM, n, secret, other if n == 4 else MESSAGES)
        for n, secret in EVERYONE.items()
    ]
    signed = [one.message(GROUP) for one in received]
    with pytest.raises(CeremonyRefused) as refused:
        resharing.finish(ROOM, received[0], signed)
    assert (refused.value.code, refused.value.culprits) == (Code.TRANSCRIPT_MISMATCH, ())


def test_a_receiver_resumes_and_anybody_can_audit() -> None:
    received = [resharing.receive(ROOM, n, s, MESSAGES) for n, s in EVERYONE.items()]
    resumed = resharing.decode_reshared(GROUP, received[0].encode(GROUP))
    assert resumed == received[0]
    signed = [one.message(GROUP) for one in received]
    done = resharing.finish(ROOM, resumed, signed)
    read = transcript.decode_certificate(ROOM.room, done.certificate.encode())
    assert resharing.audit(ROOM, read) == done.key
    bent = Certificate(read.transcript + b"\0", read.signatures)
    with pytest.raises(CeremonyRefused):
        resharing.audit(ROOM, bent)
    with pytest.raises(CeremonyRefused):
        resharing.finish(ROOM, received[0], [*signed[:2], signed[3], signed[2]])
    assert str(resumed.share) not in repr(resumed)


@settings(max_examples=40)
@given(st.data())
def test_a_stored_receiver_is_decoded_strictly(data: st.DataObject) -> None:
    good = resharing.receive(ROOM, 2, NEXT.secrets[1], MESSAGES).encode(GROUP)
    with pytest.raises(Malformed):
        resharing.decode_reshared(GROUP, good[: data.draw(st.integers(0, len(good) - 1))])
    with pytest.raises(Malformed):
        resharing.decode_reshared(GROUP, good + b"\0")
    with suppress(Malformed):
        resharing.decode_reshared(GROUP, data.draw(st.binary(max_size=200)))
