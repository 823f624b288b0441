"""The server's view: it follows, refuses what is invalid, and holds no secret."""

import pytest
from doublelock_mls import MlsError
from mls_people import NOW, GhostError, KeyLog, grow, moved, same_epoch, watch, welcome_for


def test_it_follows_in_lockstep_and_survives_a_restart() -> None:
    log = KeyLog()
    alice = log.device("alice")
    others = [log.device(f"member {n}") for n in range(5)]
    groups = grow(alice, others)
    observer = watch(log, groups[0])
    for round_ in range(6):
        committer = groups[round_ % len(groups)]
        newcomer = log.device(f"newcomer {round_}")
        package = newcomer.generate_key_package(NOW)
        pending = committer.commit(
            add=[package.message], context_data=f"law {round_}".encode(), now=NOW
        )
        staged = observer.stage(pending.message, NOW)
        assert observer.epoch == staged.epoch - 1
        assert staged.ratchet_tree == pending.tree
        observer = log.observers().load(staged.snapshot, staged.ratchet_tree)
        for group in groups:
            moved(group, pending.message)
        entered, _ = newcomer.join(
            welcome_for(pending, package), observer.ratchet_tree(), package.private
        )
        groups.append(entered)
        observer.check_group_info(pending.group_info)
        assert observer.epoch == entered.epoch
        assert observer.context_data == entered.context_data == f"law {round_}".encode()
        assert same_epoch(*groups)
    seen = [(m.leaf_index, m.credential, m.signature_key) for m in observer.members()]
    known = [(m.leaf_index, m.credential, m.signature_key) for m in groups[3].members()]
    assert seen == known


def test_of_two_commits_for_an_epoch_the_first_wins() -> None:
    log = KeyLog()
    at_alice, at_bob = grow(log.device("alice"), [log.device("bob")])
    observer = watch(log, at_alice)
    first = observer.stage(at_alice.commit(now=NOW).message, NOW)
    second = observer.stage(at_bob.commit(now=NOW).message, NOW)
    observer.accept(first)
    with pytest.raises(MlsError) as caught:
        observer.accept(second)
    assert caught.value.code == "wrong-epoch"
    assert observer.epoch == 2


def test_of_two_wishes_staged_side_by_side_none_is_lost() -> None:
    log = KeyLog()
    at_alice, at_bob, at_carol = grow(log.device("alice"), [log.device("bob"), log.device("carol")])
    observer = watch(log, at_alice)
    wishes = [at_bob.propose_self_remove(), at_carol.propose_self_remove()]
    first, second = (observer.stage(wish, NOW) for wish in wishes)
    observer.accept(first)
    with pytest.raises(MlsError) as caught:
        observer.accept(second)
    assert caught.value.code == "wrong-epoch"
    observer.accept(observer.stage(wishes[1], NOW))
    for wish in wishes:
        at_alice.process(wish, NOW)
    observer.accept(observer.stage(at_alice.commit(now=NOW).message, NOW))
    assert observer.member_count() == 1


def test_staging_changes_nothing() -> None:
    log = KeyLog()
    at_alice, _ = grow(log.device("alice"), [log.device("bob")])
    observer = watch(log, at_alice)
    before = observer.snapshot(), observer.ratchet_tree()
    observer.stage(at_alice.commit(now=NOW).message, NOW)
    assert (observer.snapshot(), observer.ratchet_tree()) == before


def test_a_forged_or_foreign_commit_is_refused() -> None:
    log = KeyLog()
    alice, bob, eve = log.device("alice"), log.device("bob"), log.device("eve")
    at_alice, _ = grow(alice, [bob])
    observer = watch(log, at_alice)
    elsewhere = eve.create_group(at_alice.group_id, NOW, b"law")
    elsewhere.commit(now=NOW)
    elsewhere.apply_pending_commit()
    forged = elsewhere.commit(now=NOW).message
    with pytest.raises(MlsError) as caught:
        observer.stage(forged, NOW)
    assert caught.value.code == "invalid-signature"
    with pytest.raises(MlsError) as caught:
        observer.stage(at_alice.encrypt(b"x").ciphertext, NOW)
    assert caught.value.code == "unexpected-message"


def test_a_ghost_added_by_a_modified_client_is_refused_by_the_server() -> None:
    log = KeyLog()
    at_alice, _ = grow(log.device("alice"), [log.device("bob")])
    observer = watch(log, at_alice)
    ghost = log.device("ghost")
    pending = at_alice.commit(add=[ghost.generate_key_package(NOW).message], now=NOW)
    del log.keys[ghost.credential]
    with pytest.raises(GhostError):
        observer.stage(pending.message, NOW)
    assert observer.epoch == 1


def test_a_group_info_must_be_of_exactly_this_epoch() -> None:
    log = KeyLog()
    at_alice, _ = grow(log.device("alice"), [log.device("bob")])
    observer = watch(log, at_alice)
    old = at_alice.group_info()
    observer.check_group_info(old)
    pending = at_alice.commit(now=NOW)
    with pytest.raises(MlsError):
        observer.check_group_info(pending.group_info)
    observer.accept(observer.stage(pending.message, NOW))
    observer.check_group_info(pending.group_info)
    with pytest.raises(MlsError):
        observer.check_group_info(old)
    with pytest.raises(MlsError) as caught:
        observer.check_group_info(pending.message)
    assert caught.value.code == "unexpected-message"


def test_key_packages_are_judged_before_they_are_stored() -> None:
    log = KeyLog()
    bob = log.device("bob")
    package = bob.generate_key_package(NOW)
    known = log.observers().validate_key_package(package.message, NOW)
    assert known.credential == bob.credential
    assert known.signature_key == bob.signature_key
    assert known.reference == package.reference
    assert known.not_after == package.not_after
    assert log.asked[-1] == (bob.credential, "key-package")
    with pytest.raises(MlsError) as caught:
        log.observers().validate_key_package(package.message, NOW + 400 * 86_400)
    assert caught.value.code == "invalid-lifetime"
    ghost = log.device("ghost", known=False)
    with pytest.raises(GhostError):
        log.observers().validate_key_package(ghost.generate_key_package(NOW).message, NOW)
