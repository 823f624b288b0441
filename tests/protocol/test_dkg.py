"""Key generation on our group: results, culprits, resuming, hostile bytes (spec K-4 to K-10)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import combinations

import pytest
from ceremony_people import GROUP, Committee, random_bytes, scalar, secret_of
from hypothesis import given, settings
from hypothesis import strategies as st

from doublelock.protocol import (
    ceremony,
    ceremony_board,
    dealing,
    dkg,
    polynomial,
    schnorr,
    transcript,
)
from doublelock.protocol.ceremony import Kind, Round
from doublelock.protocol.codes import Code
from doublelock.protocol.dealing import Dealing, DealingRoom
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.protocol.prime_group import Element
from doublelock.protocol.transcript import Certificate

ONE = Committee(4, 2)
DEALT = ONE.deal()
MESSAGES = [one.message for one in DEALT]
COMPUTED = [dkg.receive(one, MESSAGES) for one in DEALT]
SIGNED = [one.message for one in COMPUTED]


@settings(max_examples=12)
@given(st.integers(1, 5).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))))
def test_any_quorum_holds_the_same_key_and_fewer_hold_nothing(shape: tuple[int, int]) -> None:
    threshold, size = shape
    done = Committee(size, threshold, f"{threshold} of {size}").generate()
    assert len({one.key.public_key for one in done}) == 1
    key = done[0].key
    for one in done:
        assert GROUP.base_multiple(one.share.secret) == key.verification_shares[one.share.index - 1]
        assert one.certificate == done[0].certificate
    shares = [one.share for one in done]
    for quorum in combinations(shares, threshold):
        assert GROUP.base_multiple(secret_of(list(quorum))) == key.public_key
    for few in combinations(shares, threshold - 1):
        if few:
            assert GROUP.base_multiple(secret_of(list(few))) != key.public_key


def test_the_ceremony_of_another_session_gives_another_key() -> None:
    one, other = (Committee(3, 2, label).generate()[0].key for label in ("this", "that"))
    assert one.public_key != other.public_key
    assert one.transcript_hash != other.transcript_hash


def _altered(room: DealingRoom, who: int, change: Callable[[Dealing], Dealing]) -> list[bytes]:
    changed = list(MESSAGES)
    changed[who - 1] = change(dealing.decode_dealing(room, MESSAGES[who - 1])).encode()
    return changed


def _refused(messages: list[bytes], reader: int = 1) -> CeremonyRefused:
    with pytest.raises(CeremonyRefused) as refused:
        dkg.receive(DEALT[reader - 1], messages)
    return refused.value


def test_a_wrong_proof_of_possession_names_its_dealer() -> None:
    def forge(one: Dealing) -> Dealing:
        proof = one.proof[:-1] + bytes([one.proof[-1] ^ 1])
        return Dealing(one.commitment, proof, one.ephemeral, one.sealed_shares)

    refusal = _refused(_altered(ONE.room(), 3, forge))
    assert (refusal.code, refusal.culprits) == (Code.PROOF_OF_POSSESSION, (3,))


def test_a_rogue_key_without_its_secret_names_its_dealer() -> None:
    """Dealer 4 subtracts the others' keys from its own: it cannot prove the difference."""
    room = ONE.room()
    others = [dealing.decode_dealing(room, one).commitment[0] for one in MESSAGES[:3]]
    mine = GROUP.base_multiple(scalar("rogue"))
    rogue = GROUP.combine([mine, *others], [1, -1, -1, -1])

    def replace(one: Dealing) -> Dealing:
        commitment = (rogue, *one.commitment[1:])
        message = dealing.proof_message(room, commitment, one.ephemeral)
        proof = schnorr.sign(GROUP, scalar("rogue"), message)
        return Dealing(commitment, proof, one.ephemeral, one.sealed_shares)

    refusal = _refused(_altered(room, 4, replace))
    assert (refusal.code, refusal.culprits) == (Code.PROOF_OF_POSSESSION, (4,))


def test_an_unreadable_share_names_its_dealer() -> None:
    def spoil(one: Dealing) -> Dealing:
        first = one.sealed_shares[0]
        sealed = (first[:-1] + bytes([first[-1] ^ 1]), *one.sealed_shares[1:])
        return Dealing(one.commitment, one.proof, one.ephemeral, sealed)

    refusal = _refused(_altered(ONE.room(), 2, spoil))
    assert (refusal.code, refusal.culprits) == (Code.SHARE_UNREADABLE, (2,))


def _dealer_with(coefficients: list[int], plaintext: Callable[[int], bytes]) -> bytes:
    """What dealer 2 sends when it seals `plaintext(receiver)` in place of the true shares."""
    room = ONE.room()
    secret, ephemeral_secret = ONE.secrets[1], scalar("ephemeral")
    made = dealing.deal(room, secret, coefficients, ephemeral_secret)
    sealed = []
    for index, receiver in enumerate(room.receivers, start=1):
        shared = GROUP.multiple(receiver, ephemeral_secret) + GROUP.multiple(receiver, secret)
        keys = made.ephemeral + ONE.keys[1] + receiver
        key, nonce = dealing.key_and_nonce(GROUP, shared, keys, room.context)
        sealed.append(GROUP.seal(key, nonce, plaintext(index)))
    return Dealing(made.commitment, made.proof, made.ephemeral, tuple(sealed)).encode()


@pytest.mark.parametrize(
    "plaintext",
    [
        pytest.param(lambda _: GROUP.encode_scalar(5), id="another share"),
        pytest.param(lambda _: bytes(32), id="zero"),
        pytest.param(lambda _: GROUP.order.to_bytes(32, "big"), id="no scalar"),
    ],
)
def test_a_wrong_share_names_its_dealer(plaintext: Callable[[int], bytes]) -> None:
    coefficients = [scalar("a0"), scalar("a1")]
    messages = list(MESSAGES)
    messages[1] = _dealer_with(coefficients, plaintext)
    refusal = _refused(messages)
    assert (refusal.code, refusal.culprits) == (Code.SHARE_MISMATCH, (2,))
    with pytest.raises(CeremonyRefused) as judged:
        dkg.judge_complaint(ONE.room(), messages, 1, ONE.secrets[0])
    assert (judged.value.code, judged.value.culprits) == (Code.SHARE_MISMATCH, (2,))


def test_an_unfounded_complaint_names_the_accuser() -> None:
    with pytest.raises(CeremonyRefused) as judged:
        dkg.judge_complaint(ONE.room(), MESSAGES, 3, ONE.secrets[2])
    assert judged.value.culprits == (3,)
    with pytest.raises(CeremonyRefused) as judged:
        dkg.judge_complaint(ONE.room(), MESSAGES, 3, ONE.secrets[0])
    assert judged.value.culprits == (3,)


def test_a_raised_threshold_names_its_dealer() -> None:
    """One commitment more than agreed: the threshold elevation attack."""
    room = ONE.room()
    higher = DealingRoom(GROUP, room.context, 3, room.receivers)
    coefficients = [scalar(f"a{k}") for k in range(3)]
    messages = list(MESSAGES)
    messages[2] = dealing.deal(higher, ONE.secrets[2], coefficients, scalar("e")).encode()
    refusal = _refused(messages)
    assert (refusal.code, refusal.culprits) == (Code.FORM, (3,))


@pytest.mark.parametrize("where", [0, 96], ids=["first commitment", "second commitment"])
@pytest.mark.parametrize(
    "point", [b"\xc0" + bytes(95), bytes(96), b"\xff" * 96], ids=["identity", "zeros", "ones"]
)
def test_a_bad_point_names_its_dealer(where: int, point: bytes) -> None:
    messages = list(MESSAGES)
    messages[3] = MESSAGES[3][:where] + point + MESSAGES[3][where + 96 :]
    refusal = _refused(messages)
    assert (refusal.code, refusal.culprits) == (Code.FORM, (4,))


def test_all_culprits_are_named() -> None:
    messages = [MESSAGES[0], b"", MESSAGES[2], MESSAGES[3] + b"\0"]
    assert _refused(messages).culprits == (2, 4)


def test_a_replayed_dealing_of_another_session_names_its_dealer() -> None:
    messages = list(MESSAGES)
    messages[1] = Committee(4, 2, "earlier").deal()[1].message
    refusal = _refused(messages)
    assert (refusal.code, refusal.culprits) == (Code.PROOF_OF_POSSESSION, (2,))


def test_a_coordinator_cannot_alter_our_own_dealing() -> None:
    messages = list(MESSAGES)
    messages[0] = MESSAGES[1]
    assert _refused(messages).code is Code.TRANSCRIPT_MISMATCH


def test_a_missing_dealing_is_refused() -> None:
    assert _refused(MESSAGES[:-1]).code is Code.CEREMONY_MISMATCH


def test_a_split_view_is_refused_and_the_equivocator_named() -> None:
    """Dealer 4 sends two dealings, the coordinator shows holders 1 and 2 different ones."""
    size = 3 * polynomial.WIDE
    second = dkg.start(ONE.room(), 4, ONE.secrets[3], random_bytes("second", size)).message
    other = dkg.receive(DEALT[1], [*MESSAGES[:3], second])
    with pytest.raises(CeremonyRefused) as refused:
        dkg.finish(COMPUTED[0], [SIGNED[0], other.message, *SIGNED[2:]])
    assert (refused.value.code, refused.value.culprits) == (Code.TRANSCRIPT_MISMATCH, ())

    shown = [
        ceremony.sign_message(ONE.name, Round.DEALING, 4, payload, ONE.identities[3])
        for payload in (MESSAGES[3], second)
    ]
    with pytest.raises(CeremonyRefused) as refused:
        ceremony.refuse_equivocation(shown[0], shown[1], ONE.name, ONE.public)
    assert (refused.value.code, refused.value.culprits) == (Code.EQUIVOCATION, (4,))


def test_a_wrong_signature_names_its_participant() -> None:
    signed = list(SIGNED)
    signed[1] = SIGNED[1][:-1] + bytes([SIGNED[1][-1] ^ 1])
    with pytest.raises(CeremonyRefused) as refused:
        dkg.finish(COMPUTED[0], signed)
    assert (refused.value.code, refused.value.culprits) == (Code.TRANSCRIPT_MISMATCH, (2,))
    with pytest.raises(CeremonyRefused):
        dkg.finish(COMPUTED[0], SIGNED[:-1])


def test_each_round_resumes_from_its_stored_state() -> None:
    resumed = [dkg.decode_dealt(GROUP, one.encode()) for one in DEALT]
    assert resumed == DEALT
    computed = [dkg.receive(one, MESSAGES) for one in resumed]
    again = [dkg.decode_computed(GROUP, one.encode()) for one in computed]
    assert [one.message for one in again] == SIGNED
    assert dkg.finish(again[0], SIGNED) == dkg.finish(COMPUTED[0], SIGNED)


def test_anybody_can_audit_a_certificate() -> None:
    done = dkg.finish(COMPUTED[0], SIGNED)
    room = ONE.room()
    read = transcript.decode_certificate(room, done.certificate.encode())
    assert dkg.audit(room, read) == done.key
    bent = Certificate(read.transcript[:-1] + b"\x01", read.signatures)
    with pytest.raises(CeremonyRefused):
        dkg.audit(room, bent)
    with pytest.raises(Malformed):
        dkg.audit(Committee(4, 3).room(), read)


def test_payloads_arrive_beside_the_shares() -> None:
    size = 3 * polynomial.WIDE
    payloads = [b"a", b"b", b"c", b"d"]
    first = dkg.start(ONE.room(), 1, ONE.secrets[0], random_bytes("p", size), payloads)
    computed = dkg.receive(DEALT[2], [first.message, *MESSAGES[1:]])
    assert computed.payloads == (b"c", b"", b"", b"")
    assert dkg.decode_computed(GROUP, computed.encode()) == computed


@pytest.mark.parametrize("threshold", [0, 5, 65])
def test_impossible_thresholds_are_refused(threshold: int) -> None:
    with pytest.raises(CeremonyRefused) as refused:
        dkg.open_room(GROUP, b"s", threshold, ONE.keys)
    assert refused.value.code is Code.CEREMONY_SETUP


def test_repeated_static_keys_and_foreign_secrets_are_refused() -> None:
    with pytest.raises(CeremonyRefused):
        dkg.open_room(GROUP, b"s", 2, [*ONE.keys, ONE.keys[0]])
    with pytest.raises(CeremonyRefused):
        dkg.start(ONE.room(), 1, ONE.secrets[1], random_bytes("x", 192))
    with pytest.raises(Malformed):
        dkg.start(ONE.room(), 1, ONE.secrets[0], random_bytes("x", 191))


# static keys and signed messages


def _certified() -> list[ceremony.CertifiedStaticKey]:
    return [
        ceremony.certify_static_key(ONE.name, GROUP, n, secret, identity)
        for n, (secret, identity) in enumerate(
            zip(ONE.secrets, ONE.identities, strict=True), start=1
        )
    ]


def test_static_keys_are_bound_to_ceremony_holder_and_identity() -> None:
    good = _certified()
    assert ceremony.accept_static_keys(ONE.name, GROUP, good, ONE.public) == ONE.keys
    for one in good:
        assert ceremony.decode_static_key(GROUP, one.encode()) == one

    elsewhere = ceremony.certify_static_key(
        Committee(4, 2, "other").name, GROUP, 2, ONE.secrets[1], ONE.identities[1]
    )
    stranger = ceremony.certify_static_key(
        ONE.name, GROUP, 2, ONE.secrets[1], SigningKey(b"\x09" * 32)
    )
    repeated = ceremony.certify_static_key(ONE.name, GROUP, 2, ONE.secrets[0], ONE.identities[1])
    for bad, code, culprits in (
        (elsewhere, Code.BAD_SIGNATURE, (2,)),
        (stranger, Code.BAD_SIGNATURE, (2,)),
        (repeated, Code.CEREMONY_SETUP, (1, 2)),
    ):
        with pytest.raises(CeremonyRefused) as refused:
            ceremony.accept_static_keys(ONE.name, GROUP, [good[0], bad, *good[2:]], ONE.public)
        assert (refused.value.code, refused.value.culprits) == (code, culprits)
    with pytest.raises(CeremonyRefused):
        ceremony.accept_static_keys(ONE.name, GROUP, good[:3], ONE.public[:3])
    with pytest.raises(CeremonyRefused):
        ceremony.accept_static_keys(ONE.name, GROUP, good[::-1], ONE.public)


def test_only_named_holders_need_static_keys() -> None:
    good = _certified()
    keys = ceremony.accept_static_keys(ONE.name, GROUP, good[1:3], ONE.public, [2, 3])
    assert keys == ONE.keys[1:3]
    for holders in ([2, 5], [2], [0, 1]):
        with pytest.raises(CeremonyRefused):
            ceremony.accept_static_keys(ONE.name, GROUP, good[1:3], ONE.public, holders)


def test_a_room_is_entered_under_the_right_name_alone() -> None:
    assert dkg.enter(ONE.name, GROUP, ONE.keys) == ONE.room()
    for wrong in (replace(ONE.name, kind=Kind.RESHARING), replace(ONE.name, share_version=2)):
        with pytest.raises(CeremonyRefused) as refused:
            dkg.enter(wrong, GROUP, ONE.keys)
        assert refused.value.code is Code.CEREMONY_SETUP


def test_the_board_relays_one_message_of_each_holder() -> None:
    board: ceremony_board.Board = {}
    signed = [
        ceremony.sign_message(ONE.name, Round.DEALING, n, payload, identity)
        for n, (payload, identity) in enumerate(zip(MESSAGES, ONE.identities, strict=True), start=1)
    ]
    everyone = range(1, 5)
    for message in [*signed[1:], signed[2]]:
        encoded = message.encode()
        board = ceremony_board.post(ONE.name, Round.DEALING, board, encoded, ONE.public)
    assert ceremony_board.missing(board, everyone) == (1,)
    with pytest.raises(CeremonyRefused):
        ceremony_board.relay(board, everyone)
    board = ceremony_board.post(ONE.name, Round.DEALING, board, signed[0].encode(), ONE.public)
    relayed = ceremony_board.relay(board, everyone)
    payloads = ceremony.accept_round(ONE.name, Round.DEALING, relayed, ONE.public)
    assert list(payloads) == MESSAGES
    with pytest.raises(CeremonyRefused):
        ceremony.accept_round(ONE.name, Round.DEALING, relayed[:3], ONE.public)

    second = ceremony.sign_message(ONE.name, Round.DEALING, 3, b"other", ONE.identities[2])
    with pytest.raises(CeremonyRefused) as refused:
        ceremony_board.post(ONE.name, Round.DEALING, board, second.encode(), ONE.public)
    assert (refused.value.code, refused.value.culprits) == (Code.EQUIVOCATION, (3,))


def test_messages_of_elsewhere_are_refused_and_name_nobody() -> None:
    other = Committee(4, 2, "other").name
    sign = ceremony.sign_message
    identity = ONE.identities[0]
    for message, code in (
        (sign(other, Round.DEALING, 1, b"x", identity), Code.CEREMONY_MISMATCH),
        (sign(ONE.name, Round.CERTIFYING, 1, b"x", identity), Code.CEREMONY_MISMATCH),
        (sign(ONE.name, Round.DEALING, 2, b"x", identity), Code.BAD_SIGNATURE),
        (sign(ONE.name, Round.DEALING, 0, b"x", identity), Code.CEREMONY_MISMATCH),
        (sign(ONE.name, Round.DEALING, 5, b"x", identity), Code.CEREMONY_MISMATCH),
    ):
        with pytest.raises(CeremonyRefused) as refused:
            ceremony_board.post(ONE.name, Round.DEALING, {}, message.encode(), ONE.public)
        assert (refused.value.code, refused.value.culprits) == (code, ())


def test_names_round_trip() -> None:
    assert ceremony.decode_name(ONE.name.encode()) == ONE.name


# hostile bytes

_SIGNED = ceremony.sign_message(ONE.name, Round.DEALING, 1, b"payload", ONE.identities[0])
_DECODERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "name": (ONE.name.encode(), ceremony.decode_name),
    "static key": (_certified()[0].encode(), lambda b: ceremony.decode_static_key(GROUP, b)),
    "message": (_SIGNED.encode(), ceremony.decode_message),
    "dealing": (MESSAGES[0], lambda b: dealing.decode_dealing(ONE.room(), b)),
    "dealt": (DEALT[0].encode(), lambda b: dkg.decode_dealt(GROUP, b)),
    "computed": (COMPUTED[0].encode(), lambda b: dkg.decode_computed(GROUP, b)),
    "certificate": (
        dkg.finish(COMPUTED[0], SIGNED).certificate.encode(),
        lambda b: transcript.decode_certificate(ONE.room(), b),
    ),
}


@pytest.mark.parametrize("which", _DECODERS)
@settings(max_examples=40)
@given(data=st.data())
def test_decoders_refuse_what_they_did_not_write(which: str, data: st.DataObject) -> None:
    good, decode = _DECODERS[which]
    decode(good)
    cut = data.draw(st.integers(0, len(good) - 1))
    with pytest.raises(Malformed):
        decode(good[:cut])
    with pytest.raises(Malformed):
        decode(good + b"\0")
    at, mask = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(1, 255))
    with suppress(Malformed):
        decode(good[:at] + bytes([good[at] ^ mask]) + good[at + 1 :])
    with suppress(Malformed):
        decode(data.draw(st.binary(max_size=300)))


@settings(max_examples=40)
@given(st.integers(0, len(MESSAGES[1]) - 1), st.integers(1, 255))
def test_any_changed_byte_of_a_dealing_is_refused_or_for_another(at: int, mask: int) -> None:
    changed = MESSAGES[1][:at] + bytes([MESSAGES[1][at] ^ mask]) + MESSAGES[1][at + 1 :]
    messages = [MESSAGES[0], changed, *MESSAGES[2:]]
    culprits = set()
    for reader in (1, 3, 4):
        try:
            dkg.receive(DEALT[reader - 1], messages)
        except CeremonyRefused as refused:
            culprits |= set(refused.culprits)
    # The share that dealer 2 sealed to itself is the one thing that nobody else reads.
    own = len(MESSAGES[1]) - 3 * 56 <= at < len(MESSAGES[1]) - 2 * 56
    assert culprits == ({2} if not own or at < len(MESSAGES[1]) - 3 * 56 + 8 else set())


def test_states_and_shares_never_print_secrets() -> None:
    done = dkg.finish(COMPUTED[0], SIGNED)
    for secret, holder in (
        (ONE.secrets[0], DEALT[0]),
        (COMPUTED[0].share, COMPUTED[0]),
        (done.share.secret, done),
    ):
        assert str(secret) not in repr(holder)


def test_elements_are_checked_encodings() -> None:
    with pytest.raises(Malformed):
        GROUP.element(Element(b"\xc0" + bytes(95)))
