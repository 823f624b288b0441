"""Commits: races, refusals, growth, leaving."""

import threading

import pytest
from doublelock_mls import CommitView, Group, MlsError, Proposal
from mls_people import (
    NOW,
    GhostError,
    KeyLog,
    RuleError,
    Vault,
    grow,
    moved,
    same_epoch,
    told,
    watch,
    welcome_for,
)

YEAR = 31_557_600


def fingerprint(group: Group) -> tuple[bytes, bytes, int, bool, bool]:
    """All that a refused commit must not change, the whole stored state included."""
    change = group.take_changes()
    return (
        change.state,
        group.epoch_authenticator,
        group.epoch,
        group.has_pending_commit,
        group.commit_required,
    )


def test_the_loser_of_a_race_rebases() -> None:
    log = KeyLog()
    names = ("alice", "bob", "carol", "dave", "erin")
    alice, bob, carol, dave, erin = (log.device(name) for name in names)
    at_alice, at_bob, at_carol = grow(alice, [bob, carol])
    for_dave, for_erin = dave.generate_key_package(NOW), erin.generate_key_package(NOW)
    first = at_alice.commit(add=[for_dave.message], now=NOW)
    second = at_bob.commit(add=[for_erin.message], now=NOW)
    moved(at_carol, first.message)
    at_alice.apply_pending_commit()
    moved(at_bob, first.message)
    assert not at_bob.has_pending_commit
    with pytest.raises(MlsError) as caught:
        at_carol.process(second.message, NOW)
    assert caught.value.code == "wrong-epoch"
    again = at_bob.commit(add=[for_erin.message], now=NOW)
    at_bob.apply_pending_commit()
    moved(at_alice, again.message)
    moved(at_carol, again.message)
    at_dave, _ = dave.join(welcome_for(first, for_dave), first.tree, for_dave.private)
    moved(at_dave, again.message)
    at_erin, _ = erin.join(welcome_for(again, for_erin), again.tree, for_erin.private)
    assert same_epoch(at_alice, at_bob, at_carol, at_dave, at_erin)


def test_a_pending_commit_can_be_cleared_and_only_one_is_open() -> None:
    log = KeyLog()
    at_alice, _ = grow(log.device("alice"), [log.device("bob")])
    at_alice.commit(now=NOW)
    with pytest.raises(MlsError) as caught:
        at_alice.commit(now=NOW)
    assert caught.value.code == "commit-pending"
    at_alice.clear_pending_commit()
    at_alice.commit(now=NOW)
    at_alice.apply_pending_commit()
    with pytest.raises(MlsError) as caught:
        at_alice.apply_pending_commit()
    assert caught.value.code == "no-pending-commit"


def test_a_ghost_is_refused_by_its_adder_and_by_everybody() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob")
    at_alice, at_bob = grow(alice, [bob])
    ghost = KeyLog().device("ghost")
    package = ghost.generate_key_package(NOW)
    before = fingerprint(at_alice)
    with pytest.raises(GhostError):
        at_alice.commit(add=[package.message], now=NOW)
    assert fingerprint(at_alice) == before
    # A modified client adds it all the same.
    log.keys[ghost.credential] = ghost.signature_key
    commit = at_alice.commit(add=[package.message], now=NOW)
    del log.keys[ghost.credential]
    at_bob.commit(now=NOW)
    before = fingerprint(at_bob)
    with pytest.raises(GhostError):
        at_bob.process(commit.message, NOW)
    assert fingerprint(at_bob) == before
    assert told(at_bob, at_alice.encrypt(b"still here").ciphertext).plaintext == b"still here"


def test_a_ghost_in_the_room_is_refused_by_a_newcomer() -> None:
    log = KeyLog()
    alice, bob, carol = log.device("alice"), log.device("bob"), log.device("carol")
    at_alice, _ = grow(alice, [bob])
    package = carol.generate_key_package(NOW)
    pending = at_alice.commit(add=[package.message], now=NOW)
    del log.keys[bob.credential]
    with pytest.raises(GhostError):
        carol.join(welcome_for(pending, package), pending.tree, package.private)


def test_our_rules_see_a_commit_before_it_takes_effect() -> None:
    log = KeyLog()
    alice, bob, carol = log.device("alice"), log.device("bob"), log.device("carol")
    at_alice, at_bob = grow(alice, [bob])
    package = carol.generate_key_package(NOW)
    pending = at_alice.commit(add=[package.message], context_data=b"new law", now=NOW)
    log.forbidden.add(carol.credential)
    vault = Vault()
    vault.save(at_bob)
    before = fingerprint(at_bob)
    log.commits.clear()
    with pytest.raises(RuleError):
        at_bob.process(pending.message, NOW)
    assert fingerprint(at_bob) == before
    [view] = log.commits
    assert (view.direction, view.external, view.committer) == ("receive", False, 0)
    assert view.committer_credential == alice.credential
    assert view.committer_signature_key == alice.signature_key
    assert view.context_data == b"law"
    assert (view.epoch, view.group_id) == (1, at_bob.group_id)
    assert [member.credential for member in view.roster()] == [alice.credential, bob.credential]
    by_kind = {proposal.kind: proposal for proposal in view.proposals}
    assert by_kind["add"].credential == carol.credential
    assert by_kind["add"].signature_key == carol.signature_key
    assert by_kind["context"].context_data == b"new law"
    assert not by_kind["add"].by_reference
    log.forbidden.clear()
    commit = moved(at_bob, pending.message)
    assert commit.context_changed
    assert at_bob.context_data == commit.context_data == b"new law"


def test_the_rules_also_bind_the_committer() -> None:
    log = KeyLog()
    alice, carol = log.device("alice"), log.device("carol")
    group = alice.create_group(b"g", NOW)
    log.forbidden.add(carol.credential)
    before = fingerprint(group)
    with pytest.raises(RuleError):
        group.commit(add=[carol.generate_key_package(NOW).message], now=NOW)
    assert fingerprint(group) == before


def test_a_hook_that_calls_back_is_told_so_and_nothing_hangs() -> None:
    log = KeyLog()
    alice = log.device("alice")
    group = alice.create_group(b"g", NOW)
    codes: list[str] = []

    def nosy(commit: CommitView) -> None:
        try:
            _ = group.epoch
        except MlsError as error:
            codes.append(error.code)

    log.check_commit = nosy  # type: ignore[method-assign]
    group = log.device("alice").create_group(b"g", NOW)
    group.commit(now=NOW)
    assert codes == ["group-busy"]


def test_another_thread_is_told_that_the_group_is_busy_and_other_groups_go_on() -> None:
    log = KeyLog()
    alice = log.device("alice")
    inside, done = threading.Event(), threading.Event()
    codes: list[str] = []

    def slow(commit: CommitView) -> None:
        inside.set()
        assert done.wait(30)

    slow_log = KeyLog(keys=log.keys)
    slow_log.check_commit = slow  # type: ignore[method-assign]
    busy = slow_log.device("alice").create_group(b"busy", NOW)
    free = alice.create_group(b"free", NOW)

    def meanwhile() -> None:
        assert inside.wait(30)
        try:
            busy.encrypt(b"not now")
        except MlsError as error:
            codes.append(error.code)
        free.commit(now=NOW)
        free.apply_pending_commit()
        done.set()

    other = threading.Thread(target=meanwhile)
    other.start()
    busy.commit(now=NOW)
    other.join(30)
    assert codes == ["group-busy"]
    assert free.epoch == 1
    assert busy.has_pending_commit


def test_a_device_is_in_a_group_once() -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob")
    at_alice, _ = grow(alice, [bob])
    with pytest.raises(MlsError) as caught:
        at_alice.commit(add=[bob.generate_key_package(NOW).message], now=NOW)
    assert caught.value.code == "duplicate-leaf-data"


@pytest.mark.parametrize("now", [NOW + YEAR, NOW - 7200])
def test_a_key_package_is_alive_by_the_deployment_clock_alone(now: int) -> None:
    log = KeyLog()
    alice, bob = log.device("alice"), log.device("bob")
    package = bob.generate_key_package(NOW)
    assert NOW < package.not_after < NOW + YEAR
    group = alice.create_group(b"g", now)
    with pytest.raises(MlsError) as caught:
        group.commit(add=[package.message], now=now)
    assert caught.value.code == "invalid-lifetime"
    pending = group.commit(add=[package.message], now=NOW)
    at_bob, _ = bob.join(welcome_for(pending, package), pending.tree, package.private)
    assert at_bob.epoch == 1


def test_a_received_add_is_judged_by_the_time_that_the_server_took_it() -> None:
    log = KeyLog()
    at_alice, at_bob = grow(log.device("alice"), [log.device("bob")])
    package = log.device("carol").generate_key_package(NOW)
    pending = at_alice.commit(add=[package.message], now=NOW)
    with pytest.raises(MlsError) as caught:
        at_bob.process(pending.message, NOW + YEAR)
    assert caught.value.code == "invalid-lifetime"
    assert at_bob.process(pending.message, NOW + 60)


def test_a_member_leaves_by_asking_and_another_commits() -> None:
    log = KeyLog()
    alice, bob, carol = log.device("alice"), log.device("bob"), log.device("carol")
    at_alice, at_bob, at_carol = grow(alice, [bob, carol])
    observer = watch(log, at_alice)
    wish = at_carol.propose_self_remove(b"bye")
    staged = observer.stage(wish, NOW)
    assert isinstance(staged.event, Proposal)
    observer.accept(staged)
    for group in (at_alice, at_bob):
        event = group.process(wish, NOW)
        assert isinstance(event, Proposal)
        assert (event.sender, event.leaf_index, event.authenticated_data) == (2, 2, b"bye")
        assert group.commit_required
    with pytest.raises(MlsError) as caught:
        at_bob.encrypt(b"not now")
    assert caught.value.code == "commit-required"
    pending = at_bob.commit(now=NOW)
    view = log.commits[-1]
    assert [(p.kind, p.by_reference, p.proposer) for p in view.proposals] == [("remove", True, 2)]
    observer.accept(observer.stage(pending.message, NOW))
    at_bob.apply_pending_commit()
    assert [m.credential for m in moved(at_alice, pending.message).removed] == [carol.credential]
    gone = moved(at_carol, pending.message)
    assert gone.self_removed
    assert at_carol.removed
    with pytest.raises(MlsError) as caught:
        at_carol.encrypt(b"ghostly")
    assert caught.value.code == "removed"
    vault = Vault()
    vault.save(at_carol)
    assert vault.load(carol).removed
    assert same_epoch(at_alice, at_bob)
    assert observer.epoch == at_alice.epoch
    assert observer.member_count() == 2


def test_forgotten_wishes_free_the_group() -> None:
    log = KeyLog()
    at_alice, at_bob = grow(log.device("alice"), [log.device("bob")])
    at_alice.process(at_bob.propose_self_remove(), NOW)
    before = at_alice.commit_required
    at_alice.clear_proposals()
    assert (before, at_alice.commit_required) == (True, False)
    assert at_alice.encrypt(b"free").generation == 0


def test_the_context_is_ours_alone_and_bounded() -> None:
    log = KeyLog()
    alice = log.device("alice")
    with pytest.raises(MlsError) as caught:
        alice.create_group(b"g", NOW, bytes(65_537))
    assert caught.value.code == "too-large"
    assert alice.create_group(b"g", NOW).context_data is None
    for group_id in (b"", bytes(256)):
        with pytest.raises(MlsError):
            alice.create_group(group_id, NOW)


def test_two_hundred_come_and_go() -> None:
    log = KeyLog()
    alice = log.device("alice")
    others = [log.device(f"member {n}") for n in range(199)]
    group = alice.create_group(b"large", NOW, b"law")
    packages = [other.generate_key_package(NOW) for other in others]
    pending = group.commit(add=[package.message for package in packages], now=NOW)
    assert len({welcome for _, welcome in pending.welcomes}) == 199
    group.apply_pending_commit()
    joined = [
        others[n].join(welcome_for(pending, packages[n]), pending.tree, packages[n].private)[0]
        for n in (0, 100, 198)
    ]
    assert group.member_count() == 200
    assert same_epoch(group, *joined)
    observer = watch(log, group)
    gone = [member.leaf_index for member in group.members()][50:90]
    pending = joined[0].commit(remove=gone, now=NOW)
    joined[0].apply_pending_commit()
    observer.accept(observer.stage(pending.message, NOW))
    for one in (group, *joined[1:]):
        assert len(moved(one, pending.message).removed) == 40
    assert same_epoch(group, *joined)
    assert group.member_count() == observer.member_count() == 160
    again = [others[n - 1].generate_key_package(NOW) for n in gone[:10]]
    pending = group.commit(add=[p.message for p in again], update_path=True, now=NOW)
    assert [m.leaf_index for m in group.apply_pending_commit().added] == gone[:10]
    for one in joined:
        assert moved(one, pending.message).path
    assert same_epoch(group, *joined)


def test_the_thousand_and_first_is_refused() -> None:
    log = KeyLog()
    alice = log.device("alice")
    group = alice.create_group(b"full", NOW)
    messages = [log.device(f"m{n}").generate_key_package(NOW).message for n in range(1000)]
    with pytest.raises(MlsError) as caught:
        group.commit(add=messages, now=NOW)
    assert caught.value.code == "too-many-members"
    group.commit(add=messages[:999], now=NOW)
    group.apply_pending_commit()
    assert group.member_count() == 1000
    with pytest.raises(MlsError) as caught:
        group.commit(add=messages[999:], now=NOW)
    assert caught.value.code == "too-many-members"
