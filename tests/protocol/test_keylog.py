"""Spec Y: the key log's replay, its refusals, and the state it must always reach."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from keylog_people import (
    DEPLOYMENT,
    GENESIS,
    NOW,
    SKEW,
    Person,
    first_entry,
    invite,
    new_key,
    update_entry,
)

from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import KeyLogRefused, Malformed, Refusal
from doublelock.protocol.identifiers import AccountId, name_device
from doublelock.protocol.keylog import KeyLog, find_alarm
from doublelock.protocol.keylog_entry import (
    INVITATION_SIZE,
    Kind,
    decode_entry,
    decode_invitation,
    hash_entry,
    make_invited_entry,
)
from doublelock.protocol.safety_code import make_safety_code


def new_log() -> KeyLog:
    return KeyLog(DEPLOYMENT, GENESIS.public.encoded, SKEW)


def person(handle: str) -> Person:
    return Person(handle, new_key())


def refused(log: KeyLog, data: bytes) -> Code:
    with pytest.raises(Refusal) as caught:
        log.check(data)
    size, accounts = log.size, log.accounts()
    with pytest.raises(Refusal) as again:
        log.apply(size, data)
    assert again.value.code is caught.value.code
    assert log.size == size + 1, "Y-9: a refused entry counts as replayed"
    assert log.accounts() == accounts, "Y-9: and has no effect"
    return caught.value.code


def test_first_entry_names_account_device_and_committee() -> None:
    log, ann = new_log(), person("ann")
    data = first_entry(ann, invite(committee=7)).encode()
    applied = log.apply(0, data)
    assert applied.kind is Kind.FIRST
    assert applied.added == (ann.device,)
    assert log.committee(ann.account) == 7
    assert log.current_device(ann.account, ann.device).key == ann.key.public.encoded
    assert log.devices_as_of(ann.account, index=0) == {ann.device: ann.key.public.encoded}


def test_encoding_round_trips_and_has_fixed_sizes() -> None:
    entry = first_entry(person("ann"))
    assert decode_entry(entry.encode()) == entry
    assert entry.invitation is not None
    assert len(entry.invitation.encode()) == INVITATION_SIZE
    assert decode_invitation(entry.invitation.encode()) == entry.invitation


def test_a_member_invites_and_the_invitation_serves_once() -> None:
    log, ann, bob, eve = new_log(), person("ann"), person("bob"), person("eve")
    log.apply(0, first_entry(ann).encode())
    invited = invite(ann)
    log.apply(1, first_entry(bob, invited).encode())
    assert log.account(bob.account).inviter == ann.account
    assert refused(log, first_entry(eve, invited).encode()) is Code.INVITATION_USED


def test_invitation_refusals() -> None:
    log, ann, bob = new_log(), person("ann"), person("bob")
    stranger = person("nobody")
    log.apply(0, first_entry(ann).encode())
    assert refused(log, first_entry(bob, invite(stranger)).encode()) is Code.GHOST_DEVICE
    expired = invite(ann, expires_ms=NOW - 1)
    assert refused(log, first_entry(bob, expired).encode()) is Code.INVITATION_EXPIRED
    for_reset = invite(ann, reset_of=bob.account)
    entry = first_entry(bob, for_reset)
    assert refused(log, replace(entry, kind=Kind.FIRST).encode()) is Code.INVITATION_REFUSED
    key, invitation = invite(ann)
    forged = (key, replace(invitation, expires_ms=invitation.expires_ms + 1))
    assert refused(log, first_entry(bob, forged).encode()) is Code.BAD_SIGNATURE


def test_a_member_invites_into_its_own_committee_only() -> None:
    log, ann, bob, eve = new_log(), person("ann"), person("bob"), person("eve")
    log.apply(0, first_entry(ann, invite(committee=7)).encode())
    log.apply(1, first_entry(eve, invite(committee=8)).encode())
    elsewhere = first_entry(bob, invite(ann, committee=8)).encode()
    assert refused(log, elsewhere) is Code.INVITATION_COMMITTEE
    assert refused(log, first_entry(bob, invite(eve)).encode()) is Code.INVITATION_COMMITTEE
    log.apply(log.size, first_entry(bob, invite(ann, committee=7)).encode())
    assert log.committee(bob.account) == 7
    # What a guest brings in is bound as its host was.
    carol = person("carol")
    moved = first_entry(carol, invite(bob, committee=8)).encode()
    assert refused(log, moved) is Code.INVITATION_COMMITTEE


def test_a_reset_keeps_the_committee() -> None:
    log, ann, bob = new_log(), person("ann"), person("bob")
    log.apply(0, first_entry(ann).encode())
    log.apply(1, first_entry(bob, invite(ann)).encode())
    fresh = Person("bob", new_key())
    moved = _reset(bob.account, fresh, ann, 1, committee=2)
    assert refused(log, moved) is Code.COMMITTEE_CHANGED
    assert log.apply(log.size, _reset(bob.account, fresh, ann, 1)).version.committee == 1


def test_server_cannot_add_a_ghost_device() -> None:
    """No ghost: neither without a proof, nor signed by a key that is not the account's."""
    log, ann, ghost = new_log(), person("ann"), new_key()
    log.apply(0, first_entry(ann).encode())
    keys = [ann.key, ghost]
    by_ghost = update_entry(ann.account, 2, 0, keys, ghost, [ghost])
    assert refused(log, by_ghost.encode()) is Code.GHOST_DEVICE
    unproved = replace(update_entry(ann.account, 2, 0, keys, ann.key, [ghost]), proofs=())
    assert refused(log, unproved.encode()) is Code.GHOST_DEVICE
    wrong = update_entry(ann.account, 2, 0, keys, ann.key, [ghost])
    wrong = replace(wrong, proofs=(ann.key.sign(b"?"),))
    assert refused(log, wrong.encode()) is Code.BAD_SIGNATURE
    forged = replace(wrong, author_signature=bytes(64))
    assert refused(log, forged.encode()) is Code.BAD_SIGNATURE


def test_second_device_then_revocation_and_history() -> None:
    log, ann, phone = new_log(), person("ann"), new_key()
    log.apply(0, first_entry(ann).encode())
    added = update_entry(ann.account, 2, 0, [ann.key, phone], ann.key, [phone], time_ms=NOW + 1000)
    log.apply(1, added.encode())
    gone = update_entry(ann.account, 3, 1, [phone], phone, [], time_ms=NOW + 2000)
    applied = log.apply(2, gone.encode())
    assert applied.removed == (ann.device,)
    with pytest.raises(KeyLogRefused, match="device-removed"):
        log.current_device(ann.account, ann.device)
    phone_id = name_device(phone.public.encoded)
    assert set(log.devices_as_of(ann.account, index=1)) == {ann.device, phone_id}
    assert set(log.devices_as_of(ann.account, time_ms=NOW + 1500)) == {ann.device, phone_id}
    assert set(log.devices_as_of(ann.account, time_ms=NOW + 2000)) == {phone_id}
    record = log.device(ann.device)
    assert record.valid_at(NOW)
    assert not record.valid_at(NOW + 2000)
    back = update_entry(ann.account, 4, 2, [ann.key, phone], phone, [ann.key], time_ms=NOW + 3000)
    assert refused(log, back.encode()) is Code.DEVICE_TAKEN


def test_device_of_one_account_cannot_be_listed_by_another() -> None:
    log, ann, bob = new_log(), person("ann"), person("bob")
    log.apply(0, first_entry(ann).encode())
    log.apply(1, first_entry(bob).encode())
    entry = update_entry(bob.account, 2, 1, [bob.key, ann.key], bob.key, [ann.key])
    assert refused(log, entry.encode()) is Code.DEVICE_TAKEN


def test_order_committee_time_and_gap() -> None:
    log, ann, phone = new_log(), person("ann"), new_key()
    log.apply(0, first_entry(ann).encode())
    keys = [ann.key, phone]
    for number, previous in ((3, 0), (1, 0), (2, 5)):
        entry = update_entry(ann.account, number, previous, keys, ann.key, [phone])
        assert refused(log, entry.encode()) is Code.ENTRY_ORDER
    moved = update_entry(ann.account, 2, 0, keys, ann.key, [phone], committee=2)
    assert refused(log, moved.encode()) is Code.COMMITTEE_CHANGED
    old = update_entry(ann.account, 2, 0, keys, ann.key, [phone], time_ms=NOW - SKEW - 1)
    assert refused(log, old.encode()) is Code.ENTRY_TIME
    with pytest.raises(KeyLogRefused, match="log-gap"):
        log.apply(log.size + 1, first_entry(person("bob")).encode())
    assert refused(log, first_entry(ann).encode()) is Code.ACCOUNT_EXISTS


def test_times_never_run_backwards_within_the_skew() -> None:
    log = new_log()
    log.apply(0, first_entry(person("ann"), time_ms=NOW).encode())
    applied = log.apply(1, first_entry(person("bob"), time_ms=NOW - SKEW).encode())
    assert applied.time_ms == NOW


def _reset(
    account: AccountId, lost: Person, by: Person, previous: int, *, committee: int = 1
) -> bytes:
    key, invitation = invite(by, reset_of=account, committee=committee)
    return make_invited_entry(
        DEPLOYMENT,
        account,
        invitation,
        key.sign,
        [(lost.key.public.encoded, lost.key.sign)],
        NOW,
        number=2,
        lineage=2,
        previous=previous,
    ).encode()


def test_reset_needs_the_inviter_and_starts_a_new_lineage() -> None:
    log, ann, bob, eve = new_log(), person("ann"), person("bob"), person("eve")
    log.apply(0, first_entry(ann).encode())
    log.apply(1, first_entry(bob, invite(ann)).encode())
    log.apply(2, first_entry(eve).encode())
    fresh = Person("bob", new_key())
    assert refused(log, _reset(bob.account, fresh, eve, 1)) is Code.INVITATION_REFUSED
    before = make_safety_code(DEPLOYMENT, log.account(ann.account), log.account(bob.account))
    applied = log.apply(log.size, _reset(bob.account, fresh, ann, 1))
    assert applied.version.lineage == 2
    assert applied.removed == (bob.device,)
    after = make_safety_code(DEPLOYMENT, log.account(ann.account), log.account(bob.account))
    assert before != after


def test_operator_cannot_reset_an_account() -> None:
    """Nobody can be framed: the genesis key alone never takes a person's name."""
    log, ann = new_log(), person("ann")
    log.apply(0, first_entry(ann).encode())
    fresh = Person("ann", new_key())
    key, invitation = invite(None, reset_of=ann.account)
    entry = make_invited_entry(
        DEPLOYMENT, ann.account, invitation, key.sign,
        [(fresh.key.public.encoded, fresh.key.sign)], NOW, number=2, lineage=2, previous=0,
    )  # fmt: skip
    assert refused(log, entry.encode()) is Code.INVITATION_REFUSED


def test_alarm_on_an_entry_that_this_device_did_not_make() -> None:
    log, ann, phone = new_log(), person("ann"), new_key()
    first = first_entry(ann).encode()
    mine = {hash_entry(first)}
    assert find_alarm(log.apply(0, first), ann.account, mine) is None
    update = update_entry(ann.account, 2, 0, [ann.key, phone], ann.key, [phone]).encode()
    alarm = find_alarm(log.apply(1, update), ann.account, mine)
    assert alarm is not None
    assert alarm.applied.author == ann.device
    other = log.apply(2, first_entry(person("bob")).encode())
    assert find_alarm(other, ann.account, mine) is None


def test_safety_code_is_symmetric_and_follows_devices() -> None:
    log, ann, bob, phone = new_log(), person("ann"), person("bob"), new_key()
    log.apply(0, first_entry(ann).encode())
    log.apply(1, first_entry(bob).encode())
    a, b = log.account(ann.account), log.account(bob.account)
    code = make_safety_code(DEPLOYMENT, a, b)
    assert code == make_safety_code(DEPLOYMENT, b, a)
    assert len(code.digits.replace(" ", "")) == 60
    assert len(code.qr) == 65
    log.apply(2, update_entry(ann.account, 2, 0, [ann.key, phone], ann.key, [phone]).encode())
    assert make_safety_code(DEPLOYMENT, log.account(ann.account), b) != code


def test_signatures_hold_for_one_deployment_only() -> None:
    log = KeyLog(type(DEPLOYMENT)(b"E" * 32), GENESIS.public.encoded, SKEW)
    assert refused(log, first_entry(person("ann")).encode()) is Code.BAD_SIGNATURE


@given(st.binary(max_size=700))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode_entry(data)


_ENTRY = first_entry(person("fuzz")).encode()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(_ENTRY) * 8 - 1))
def test_any_changed_bit_is_refused(bit: int) -> None:
    data = bytearray(_ENTRY)
    data[bit // 8] ^= 1 << bit % 8
    refused(new_log(), bytes(data))


@given(st.integers(0, len(_ENTRY) - 1))
def test_any_cut_is_refused(size: int) -> None:
    with pytest.raises(Malformed):
        decode_entry(_ENTRY[:size])


class KeyLogMachine(RuleBasedStateMachine):
    """Random lives of accounts; a model keeps who should be listed after each entry."""

    def __init__(self) -> None:
        super().__init__()
        self.log = new_log()
        self.model: dict[AccountId, tuple[int, int, list[SigningKey]]] = {}
        self.snapshots: list[dict[AccountId, set[bytes]]] = []

    def _done(self) -> None:
        self.snapshots.append(
            {
                account: {key.public.encoded for key in keys}
                for account, (_, _, keys) in self.model.items()
            }
        )

    @rule()
    def join(self) -> None:
        newcomer = person(f"p{self.log.size}")
        self.log.apply(self.log.size, first_entry(newcomer).encode())
        self.model[newcomer.account] = (1, self.log.size - 1, [newcomer.key])
        self._done()

    @precondition(lambda self: self.model)
    @rule(data=st.data(), grow=st.booleans())
    def change(self, data: st.DataObject, grow: bool) -> None:
        account = data.draw(st.sampled_from(list(self.model)))
        number, previous, keys = self.model[account]
        author = data.draw(st.sampled_from(keys))
        fresh = [new_key()] if grow or len(keys) == 1 else []
        kept = keys if grow else [key for key in keys if key is not author]
        listed = (kept + fresh)[-4:]
        fresh = [key for key in fresh if key in listed]
        entry = update_entry(account, number + 1, previous, listed, author, fresh)
        self.log.apply(self.log.size, entry.encode())
        self.model[account] = (number + 1, self.log.size - 1, listed)
        self._done()

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def ghost(self, data: st.DataObject) -> None:
        account = data.draw(st.sampled_from(list(self.model)))
        number, previous, keys = self.model[account]
        intruder = new_key()
        entry = update_entry(account, number + 1, previous, [*keys, intruder], intruder, [intruder])
        assert refused(self.log, entry.encode()) is Code.GHOST_DEVICE
        self._done()

    @invariant()
    def lists_match(self) -> None:
        for index, snapshot in enumerate(self.snapshots):
            for account, keys in snapshot.items():
                assert set(self.log.devices_as_of(account, index=index).values()) == keys


TestKeyLogMachine = KeyLogMachine.TestCase
TestKeyLogMachine.settings = settings(max_examples=25, stateful_step_count=15)
