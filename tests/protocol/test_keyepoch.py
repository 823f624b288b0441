"""Key epochs: proven, summed, signed by all; and their destruction (spec K-13 to K-15)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from ceremony_people import DEPLOYMENT, GROUP, Committee, random_bytes, reshare, scalar, secret_of
from hypothesis import given, settings
from hypothesis import strategies as st

from doublelock.protocol import curve, destruction, keyepoch
from doublelock.protocol.ceremony import Kind
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G1, G2, G2_GENERATOR
from doublelock.protocol.destruction import Destruction
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import CeremonyRefused, CharterRefused, Malformed, Refusal
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.keyepoch import (
    EpochId,
    HalfKey,
    KeyEpochStatement,
    Role,
    SignedKeyEpoch,
    VerifiedKeyEpoch,
)
from doublelock.protocol.transcript import SecretShare, SharedKey

EPOCH = EpochId(DEPLOYMENT, 2, 681)
HOLDERS = Committee(4, 2)
DONE = HOLDERS.generate()
COURT = SigningKey(random_bytes("court identity", 32))
COURT_SECRET = scalar("court")


def _custodians(key: SharedKey, shares: list[SecretShare], epoch: EpochId = EPOCH) -> HalfKey:
    public = G2.decode(key.public_key)
    parts = [
        (one.index, keyepoch.prove_possession(epoch, Role.CUSTODIANS, public, one.secret))
        for one in shares[-key.threshold :]
    ]
    return keyepoch.custodians_half(epoch, key, parts)


def _court(secret: int = COURT_SECRET, epoch: EpochId = EPOCH) -> HalfKey:
    return keyepoch.court_half(epoch, secret)


CUSTODIANS = _custodians(DONE[0].key, [one.share for one in DONE])
STATEMENT = keyepoch.make_statement(EPOCH, 1, DONE[0].key.transcript_hash, CUSTODIANS, _court())


def _sign(statement: KeyEpochStatement) -> SignedKeyEpoch:
    data = statement.encode()
    return SignedKeyEpoch(
        data, tuple(one.sign(data) for one in HOLDERS.identities), COURT.sign(data)
    )


def _verify(signed: SignedKeyEpoch, epoch: EpochId = EPOCH, threshold: int = 2) -> VerifiedKeyEpoch:
    return keyepoch.verify_key_epoch(signed, HOLDERS.public, COURT.public, epoch, threshold)


def _refused(signed: SignedKeyEpoch) -> Code:
    with pytest.raises(CharterRefused) as refused:
        _verify(signed)
    return refused.value.code


def test_a_key_epoch_that_all_signed_is_verified() -> None:
    signed = _sign(STATEMENT)
    again = keyepoch.decode_signed(signed.encode())
    assert again == signed
    assert keyepoch.decode_statement(again.statement) == STATEMENT
    verified = _verify(again)
    joint = (_secret() + COURT_SECRET) % GROUP.order
    assert verified.master_key == curve.g2_secret_multiple(G2_GENERATOR, joint)
    assert verified.custodians.shares == CUSTODIANS.shares


def test_a_verified_epoch_gives_the_key_that_a_resharing_starts_from() -> None:
    assert keyepoch.shared_key_of(_verify(_sign(STATEMENT))) == DONE[0].key


def test_too_few_parts_of_the_proof_are_refused() -> None:
    with pytest.raises(CeremonyRefused) as refused:
        keyepoch.custodians_half(EPOCH, DONE[0].key, [(1, CUSTODIANS.possession)])
    assert refused.value.code is Code.CEREMONY_MISMATCH


def _secret() -> int:
    return secret_of([one.share for one in DONE[:2]])


@pytest.mark.parametrize(
    "epoch",
    [
        replace(EPOCH, committee=3),
        replace(EPOCH, key_epoch=682),
        replace(EPOCH, deployment=DeploymentId(b"\x12" * 32)),
    ],
)
def test_an_epoch_of_elsewhere_is_refused(epoch: EpochId) -> None:
    with pytest.raises(CharterRefused) as refused:
        _verify(_sign(STATEMENT), epoch)
    assert refused.value.code is Code.KEY_EPOCH_STATEMENT


def test_a_proof_of_another_epoch_is_refused() -> None:
    """Signed by all, yet the proof of possession was made for another month, or role."""
    later = replace(EPOCH, key_epoch=682)
    for court in (_court(epoch=later), replace(_court(), possession=CUSTODIANS.possession)):
        statement = keyepoch.make_statement(EPOCH, 1, bytes(32), CUSTODIANS, court)
        assert _refused(_sign(statement)) is Code.PROOF_OF_POSSESSION
    swapped = replace(CUSTODIANS, possession=_court().possession)
    statement = keyepoch.make_statement(EPOCH, 1, bytes(32), swapped, _court())
    assert _refused(_sign(statement)) is Code.PROOF_OF_POSSESSION


@pytest.mark.parametrize(
    ("epoch", "role"),
    [
        (EPOCH, Role.CUSTODIANS),
        (replace(EPOCH, committee=3), Role.COURT),
        (replace(EPOCH, key_epoch=682), Role.COURT),
        (replace(EPOCH, deployment=DeploymentId(b"\x12" * 32)), Role.COURT),
    ],
)
def test_a_proof_is_bound_to_its_place_and_role(epoch: EpochId, role: Role) -> None:
    court = _court()
    elsewhere = keyepoch.prove_possession(epoch, role, court.public_key, COURT_SECRET)
    assert elsewhere != court.possession
    statement = keyepoch.make_statement(
        EPOCH, 1, bytes(32), CUSTODIANS, replace(court, possession=elsewhere)
    )
    assert _refused(_sign(statement)) is Code.PROOF_OF_POSSESSION


def test_a_court_cannot_choose_its_key_after_the_custodians() -> None:
    """The rogue key: court = s·P2 - custodians would make the MPK the court's alone."""
    public = curve.g2_sum([G2_GENERATOR, CUSTODIANS.public_key], [77, -1])
    proof = keyepoch.prove_possession(EPOCH, Role.COURT, public, 77)
    statement = keyepoch.make_statement(
        EPOCH, 1, bytes(32), CUSTODIANS, HalfKey(public, proof, 1, (public,))
    )
    assert statement.master_key == curve.g2_secret_multiple(G2_GENERATOR, 77)
    assert _refused(_sign(statement)) is Code.PROOF_OF_POSSESSION


def test_halves_that_cancel_out_are_refused() -> None:
    opposite = curve.g2_sum([CUSTODIANS.public_key], [-1])
    with pytest.raises(Malformed) as refused:
        keyepoch.make_statement(
            EPOCH, 1, bytes(32), CUSTODIANS, replace(_court(), public_key=opposite)
        )
    assert refused.value.code is Code.BAD_POINT


def test_a_master_key_that_is_not_the_sum_is_refused() -> None:
    statement = replace(STATEMENT, master_key=STATEMENT.court.public_key)
    assert _refused(_sign(statement)) is Code.KEY_EPOCH_STATEMENT


@pytest.mark.parametrize("at", [0, 1, 3])
def test_verification_shares_that_do_not_fit_are_refused(at: int) -> None:
    shares = list(CUSTODIANS.shares)
    shares[at] = G2_GENERATOR
    half = replace(CUSTODIANS, shares=tuple(shares))
    statement = keyepoch.make_statement(EPOCH, 1, bytes(32), half, _court())
    assert _refused(_sign(statement)) is Code.KEY_EPOCH_STATEMENT


def test_another_quorum_than_the_charter_demands_is_refused() -> None:
    with pytest.raises(CharterRefused):
        _verify(_sign(STATEMENT), threshold=3)
    with pytest.raises(CharterRefused):
        keyepoch.verify_key_epoch(_sign(STATEMENT), HOLDERS.public[:3], COURT.public, EPOCH, 2)


def test_every_custodian_and_the_court_must_sign_these_bytes() -> None:
    signed = _sign(STATEMENT)
    other = _sign(replace(STATEMENT, share_version=2))
    for bad in (
        replace(signed, signatures=signed.signatures[:-1]),
        replace(signed, signatures=signed.signatures[::-1]),
        replace(signed, court_signature=signed.signatures[0]),
        replace(signed, court_signature=other.court_signature),
        replace(signed, statement=other.statement),
    ):
        assert _refused(bad) is Code.KEY_EPOCH_SIGNATURES


def test_a_wrong_part_of_the_proof_names_its_holder() -> None:
    public, points = CUSTODIANS.public_key, CUSTODIANS.shares
    parts = [
        (n, keyepoch.prove_possession(EPOCH, Role.CUSTODIANS, public, DONE[n - 1].share.secret))
        for n in (1, 3)
    ]
    wrong = [parts[0], (3, parts[0][1])]
    with pytest.raises(CeremonyRefused) as refused:
        keyepoch.combine_possession(EPOCH, Role.CUSTODIANS, public, points, wrong)
    assert (refused.value.code, refused.value.culprits) == (Code.PROOF_OF_POSSESSION, (3,))
    with pytest.raises(CeremonyRefused):
        keyepoch.combine_possession(EPOCH, Role.CUSTODIANS, public, points, [(9, parts[0][1])])


def test_a_proof_of_possession_is_no_key_of_a_label() -> None:
    """The same bytes hashed for a label give another point: the DSTs differ."""
    message = b"any"
    assert curve.hash_to_g1(message, keyepoch.POSSESSION_DST) != curve.hash_to_g1(message, b"other")


def test_a_resharing_keeps_the_epoch_and_nothing_else_may_change_it() -> None:
    old = _verify(_sign(STATEMENT))
    following = Committee(4, 2, "refresh", Kind.RESHARING, 2)
    dealers = dict(enumerate(following.secrets, start=1))
    done = reshare(DONE[0].key, [one.share for one in DONE], following, dealers)
    half = _custodians(done[0].key, [one.share for one in done])
    assert half.possession == CUSTODIANS.possession
    key = done[0].key
    new = _verify(
        _sign(
            keyepoch.make_statement(EPOCH, key.share_version, key.transcript_hash, half, _court())
        )
    )
    keyepoch.refuse_changed_key(old, new)
    keyepoch.refuse_changed_key(old, old)

    other_court = keyepoch.make_statement(EPOCH, 2, bytes(32), half, _court(5))
    other_shares = replace(new, share_version=1)
    for changed in (_verify(_sign(other_court)), other_shares, replace(new, epoch=None)):  # type: ignore[arg-type]
        with pytest.raises(CharterRefused) as refused:
            keyepoch.refuse_changed_key(old, changed)
        assert refused.value.code is Code.KEY_EPOCH_CHANGED
    with pytest.raises(CharterRefused):
        keyepoch.refuse_changed_key(new, old)


DESTROYED = Destruction(EPOCH, Role.CUSTODIANS, HOLDERS.public[0].encoded, 2, 1_800_000_000_000)


def test_a_destruction_is_signed_by_its_holder() -> None:
    data = destruction.sign_destruction(DESTROYED, HOLDERS.identities[0])
    verified = destruction.verify_destruction(data, HOLDERS.public[0])
    assert verified.destruction == DESTROYED
    with pytest.raises(CeremonyRefused):
        destruction.verify_destruction(data, HOLDERS.public[1])
    with pytest.raises(CeremonyRefused):
        destruction.sign_destruction(DESTROYED, HOLDERS.identities[1])
    later = replace(DESTROYED, time_ms=DESTROYED.time_ms + 1).encode()
    with pytest.raises(Malformed) as refused:
        destruction.verify_destruction(later + data[-64:], HOLDERS.public[0])
    assert refused.value.code is Code.BAD_SIGNATURE


_DECODERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "statement": (STATEMENT.encode(), keyepoch.decode_statement),
    "signed": (_sign(STATEMENT).encode(), keyepoch.decode_signed),
    "destruction": (
        destruction.sign_destruction(DESTROYED, HOLDERS.identities[0]),
        destruction.decode_destruction,
    ),
}


@pytest.mark.parametrize("which", _DECODERS)
@settings(max_examples=40)
@given(data=st.data())
def test_decoders_refuse_what_they_did_not_write(which: str, data: st.DataObject) -> None:
    good, decode = _DECODERS[which]
    decode(good)
    with pytest.raises(Malformed):
        decode(good[: data.draw(st.integers(0, len(good) - 1))])
    with pytest.raises(Malformed):
        decode(good + b"\0")
    with suppress(Malformed):
        decode(data.draw(st.binary(max_size=300)))


@settings(max_examples=60)
@given(st.integers(0, len(_sign(STATEMENT).encode()) - 1), st.integers(1, 255))
def test_any_changed_byte_of_a_key_epoch_is_refused(at: int, mask: int) -> None:
    good = _sign(STATEMENT).encode()
    changed = good[:at] + bytes([good[at] ^ mask]) + good[at + 1 :]
    with pytest.raises(Refusal):
        _verify(keyepoch.decode_signed(changed))


@pytest.mark.parametrize("point", [b"\xc0" + bytes(47), bytes(48)], ids=["identity", "zeros"])
def test_a_statement_with_a_bad_proof_point_is_refused(point: bytes) -> None:
    good = STATEMENT.encode()
    at = good.index(CUSTODIANS.possession.encoded)
    with pytest.raises(Malformed):
        keyepoch.decode_statement(good[:at] + point + good[at + 48 :])
    assert G1.decode(good[at : at + 48]) == CUSTODIANS.possession
