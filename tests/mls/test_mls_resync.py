"""External commits: a resync of one's own device, and nothing else."""

import hashlib

import pytest
from doublelock_mls import Client, MlsError
from mls_people import NOW, GhostError, KeyLog, RuleError, grow, moved, same_epoch, told, watch


def test_a_broken_device_comes_back_in_place_of_its_old_leaf() -> None:
    log = KeyLog()
    alice, bob, carol = log.device("alice"), log.device("bob"), log.device("carol")
    at_alice, at_bob, _ = grow(alice, [bob, carol])
    observer = watch(log, at_alice)
    log.commits.clear()
    back, commit = carol.rejoin(at_alice.group_info(), at_alice.ratchet_tree(), b"why")
    staged = observer.stage(commit, NOW)
    event = staged.event
    assert event.external  # type: ignore[union-attr]
    observer.accept(staged)
    for group in (at_alice, at_bob):
        seen = moved(group, commit)
        assert seen.external
        assert [member.credential for member in seen.removed] == [carol.credential]
        assert [member.credential for member in seen.added] == [carol.credential]
        assert seen.authenticated_data == b"why"
    view = log.commits[-1]
    assert view.external
    assert view.committer is None
    assert view.committer_credential == carol.credential
    assert sorted(p.kind for p in view.proposals) == ["external-init", "remove"]
    assert same_epoch(at_alice, at_bob, back)
    assert observer.members()[2].credential == carol.credential
    assert told(at_bob, back.encrypt(b"back").ciphertext).credential == carol.credential
    assert told(back, at_bob.encrypt(b"welcome back").ciphertext).credential == bob.credential


def test_a_newcomer_does_not_enter_by_itself() -> None:
    log = KeyLog()
    at_alice, _ = grow(log.device("alice"), [log.device("bob")])
    eve = log.device("eve")
    with pytest.raises(MlsError) as caught:
        eve.rejoin(at_alice.group_info(), at_alice.ratchet_tree())
    assert caught.value.code == "not-a-member"


def test_a_modified_client_that_enters_by_itself_is_refused_by_all() -> None:
    """The published-vectors mode has none of our rules: what it makes is an attacker's commit."""
    log = KeyLog()
    alice, bob, eve = log.device("alice"), log.device("bob"), log.device("eve")
    at_alice, at_bob, at_eve = grow(alice, [bob, eve])
    observer = watch(log, at_alice)
    # Eve, whose key Bob's entry does not hold, takes Bob's credential.
    impostor = Client(bob.credential, bytes(32), lambda *_: None, lambda _: None, interop_psks={})
    _, commit = impostor.rejoin(at_eve.group_info(), at_eve.ratchet_tree())
    for refuses in (
        lambda: observer.stage(commit, NOW),
        lambda: at_alice.process(commit, NOW),
        lambda: at_bob.process(commit, NOW),
    ):
        with pytest.raises((MlsError, GhostError)):
            refuses()
    assert same_epoch(at_alice, at_bob, at_eve)
    assert observer.epoch == at_alice.epoch


def test_a_known_device_that_is_no_member_is_refused_by_all() -> None:
    log = KeyLog()
    alice, bob, eve = log.device("alice"), log.device("bob"), log.device("eve")
    at_alice, at_bob = grow(alice, [bob])
    observer = watch(log, at_alice)
    modified = Client(
        eve.credential,
        hashlib.sha256(b"eve").digest(),
        lambda *_: None,
        lambda _: None,
        interop_psks={},
    )
    assert modified.signature_key == eve.signature_key
    _, commit = modified.rejoin(at_alice.group_info(), at_alice.ratchet_tree())
    for refuses in (
        lambda: observer.stage(commit, NOW),
        lambda: at_alice.process(commit, NOW),
        lambda: at_bob.process(commit, NOW),
    ):
        with pytest.raises(MlsError) as caught:
            refuses()
        assert caught.value.code == "external-refused"
    assert observer.member_count() == 2
    assert told(at_bob, at_alice.encrypt(b"among us").ciphertext).plaintext == b"among us"


def test_a_resync_of_a_former_epoch_is_refused() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob")
    at_alice, at_bob = grow(alice, [bob])
    _, commit = bob.rejoin(at_alice.group_info(), at_alice.ratchet_tree())
    moved(at_bob, at_alice.commit(now=NOW).message)
    at_alice.apply_pending_commit()
    with pytest.raises(MlsError) as caught:
        at_alice.process(commit, NOW)
    assert caught.value.code == "wrong-epoch"


def test_a_group_info_with_another_tree_is_refused() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob")
    at_alice, _ = grow(alice, [bob])
    other = alice.create_group(b"other", NOW)
    with pytest.raises(MlsError) as caught:
        bob.rejoin(at_alice.group_info(), other.ratchet_tree())
    assert caught.value.code in {"not-a-member", "tree-mismatch"}


def test_the_commit_check_can_refuse_a_resync() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob")
    at_alice, _ = grow(alice, [bob])
    _, commit = bob.rejoin(at_alice.group_info(), at_alice.ratchet_tree())

    def never(commit: object) -> None:
        raise RuleError

    log2 = KeyLog(keys=log.keys)
    log2.check_commit = never  # type: ignore[method-assign]
    observer = log2.observers().observe(at_alice.group_info(), at_alice.ratchet_tree())
    with pytest.raises(RuleError):
        observer.stage(commit, NOW)
