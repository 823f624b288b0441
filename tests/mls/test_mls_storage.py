"""Crash and restart: nothing is used twice, nothing acknowledged is lost."""

import pytest
from doublelock_mls import MlsError
from mls_people import NOW, KeyLog, Vault, grow, moved, same_epoch, told, welcome_for


def test_a_killed_sender_uses_no_generation_twice_after_storing_the_state() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob")
    at_alice, at_bob = grow(alice, [bob])
    vault, seen = Vault(), set()
    for round_ in range(4):
        vault.save(at_alice)
        for n in range(3):
            sent = at_alice.encrypt(f"{round_}.{n}".encode())
            vault.save(at_alice)
            assert (sent.epoch, sent.generation) not in seen
            seen.add((sent.epoch, sent.generation))
            assert told(at_bob, sent.ciphertext).generation == sent.generation
        at_alice = vault.load(alice)
    assert len(seen) == 12


def test_a_killed_sender_uses_no_generation_twice_with_the_watermark_alone() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob")
    at_alice, at_bob = grow(alice, [bob])
    vault = Vault()
    vault.save(at_alice)
    generations = []
    for _ in range(5):
        for _ in range(4):
            sent = at_alice.encrypt(b"message")
            vault.sent = (sent.epoch, sent.generation + 1)
            generations.append(sent.generation)
            assert told(at_bob, sent.ciphertext).plaintext == b"message"
        at_alice = vault.load(alice)
    assert generations == list(range(20))


def test_a_message_stored_but_never_sent_leaves_a_gap_that_receivers_bear() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob")
    at_alice, at_bob = grow(alice, [bob])
    vault = Vault()
    vault.save(at_alice)
    lost = at_alice.encrypt(b"lost")
    vault.sent = (lost.epoch, lost.generation + 1)
    at_alice = vault.load(alice)
    after = at_alice.encrypt(b"after")
    assert after.generation == lost.generation + 1
    assert told(at_bob, after.ciphertext).plaintext == b"after"
    assert told(at_bob, lost.ciphertext).plaintext == b"lost"


def test_the_watermark_of_an_older_epoch_is_void_and_of_a_later_one_refused() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob")
    at_alice, _ = grow(alice, [bob])
    vault = Vault()
    vault.save(at_alice)
    old = Vault(vault.state, vault.tree, dict(vault.epochs), sent=(2, 0))
    with pytest.raises(MlsError) as caught:
        old.load(alice)
    assert caught.value.code == "state-behind"
    at_alice.commit(now=NOW)
    at_alice.apply_pending_commit()
    vault.save(at_alice)
    vault.sent = (1, 500)
    assert vault.load(alice).encrypt(b"fresh").generation == 0
    vault.sent = (2, 1 << 31)
    with pytest.raises(MlsError) as caught:
        vault.load(alice)
    assert caught.value.code == "state-behind"


def test_a_pending_commit_survives_a_restart_and_is_recognised() -> None:
    log = KeyLog()
    alice, bob, carol = log.device("alice"), log.device("bob"), log.device("carol")
    at_alice, at_bob = grow(alice, [bob])
    package = carol.generate_key_package(NOW)
    pending = at_alice.commit(add=[package.message], now=NOW)
    vault = Vault()
    vault.save(at_alice)
    at_alice = vault.load(alice)
    assert at_alice.has_pending_commit
    mine = moved(at_alice, pending.message)
    moved(at_bob, pending.message)
    assert [member.credential for member in mine.added] == [carol.credential]
    at_carol, _ = carol.join(welcome_for(pending, package), pending.tree, package.private)
    assert same_epoch(at_alice, at_bob, at_carol)


def test_a_receiver_reopens_older_epochs_after_a_restart_and_keeps_no_more_than_it_may() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob", prior_epochs=3)
    at_alice, at_bob = grow(alice, [bob])
    vault, late = Vault(), []
    for _ in range(6):
        late.append(at_alice.encrypt(b"late").ciphertext)
        moved(at_bob, at_alice.commit(now=NOW).message)
        at_alice.apply_pending_commit()
        vault.save(at_bob)
    assert sorted(vault.epochs) == [4, 5, 6]
    at_bob = vault.load(bob)
    assert told(at_bob, late[-1]).plaintext == b"late"
    vault.save(at_bob)
    with pytest.raises(MlsError) as caught:
        vault.load(bob).process(late[-1], NOW)
    assert caught.value.code == "key-used"
    with pytest.raises(MlsError) as caught:
        at_bob.process(late[0], NOW)
    assert caught.value.code == "epoch-gone"


def test_catching_up_on_many_commits_without_saving_keeps_a_bounded_past() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob", prior_epochs=2)
    at_alice, at_bob = grow(alice, [bob])
    for _ in range(12):
        moved(at_bob, at_alice.commit(now=NOW).message)
        at_alice.apply_pending_commit()
    change = at_bob.take_changes()
    assert [number for number, _ in change.epochs] == [11, 12]
    assert change.drop_epochs_below == 11
    assert change.tree is not None
    assert at_bob.take_changes().tree is None


def test_a_state_of_another_device_or_a_broken_one_does_not_load() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob")
    at_alice, _ = grow(alice, [bob])
    vault = Vault()
    vault.save(at_alice)
    with pytest.raises(MlsError):
        vault.load(bob)
    for broken in (b"", vault.state[:-1], b"\x09" + vault.state[1:], vault.state + b"\0"):
        with pytest.raises(MlsError) as caught:
            alice.load_group(broken, vault.tree)
        assert caught.value.code == "malformed"


def test_a_member_who_skips_without_end_does_not_swell_the_state() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob")
    at_alice, at_bob = grow(alice, [bob])
    malicious, honest = Vault(), Vault()
    malicious.save(at_alice)
    codes, generation = set(), 0
    for _ in range(80):
        generation += 1000
        malicious.sent = (1, generation)
        at_alice = malicious.load(alice)
        try:
            at_bob.process(at_alice.encrypt(b"skip").ciphertext, NOW)
        except MlsError as error:
            codes.add(error.code)
            generation -= 1000
        else:
            malicious.save(at_alice)
    assert codes == {"too-many-skipped"}
    honest.save(at_bob)
    assert 1 << 20 < len(honest.state) < 4 << 20
    at_bob = honest.load(bob)
    assert told(at_bob, malicious.load(alice).encrypt(b"x").ciphertext).plaintext == b"x"
    moved(at_bob, at_alice.commit(now=NOW).message)
    at_alice.apply_pending_commit()
    for _ in range(2):
        at_alice.encrypt(b"never arrives")
        assert told(at_bob, at_alice.encrypt(b"arrives").ciphertext).plaintext == b"arrives"


def test_a_key_package_serves_once_when_its_private_part_is_gone() -> None:
    log = KeyLog()
    alice, bob, carol = log.device("alice"), log.device("bob"), log.device("carol")
    package, other = bob.generate_key_package(NOW), bob.generate_key_package(NOW)
    group = alice.create_group(b"g", NOW)
    pending = group.commit(add=[package.message], now=NOW)
    with pytest.raises(MlsError) as caught:
        bob.join(welcome_for(pending, package), pending.tree, other.private)
    assert caught.value.code == "no-key-package"
    with pytest.raises(MlsError):
        carol.join(welcome_for(pending, package), pending.tree, package.private)
    bob.join(welcome_for(pending, package), pending.tree, package.private)
