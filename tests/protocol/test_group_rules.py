"""Spec G: who may add, remove, join and change a group; every ghost refused by name."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from keylog_people import (
    DEPLOYMENT,
    GENESIS,
    NOW,
    SKEW,
    Person,
    first_entry,
    new_key,
    update_entry,
)

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import GroupRefused, Malformed, Refusal
from doublelock.protocol.group_rules import (
    AddPolicy,
    Change,
    Context,
    ConversationKind,
    Leaf,
    Rules,
    decode_context,
    decode_credential,
    encode_credential,
    make_context,
    read_leaf,
)
from doublelock.protocol.keylog import KeyLog

NONCE = b"N" * 32


def leaf(person: Person) -> Leaf:
    return Leaf(person.account, person.device, person.key.public.encoded)


class World:
    """Ann (creator and admin), Bob (member), Cid (outside), each with one device."""

    def __init__(self) -> None:
        self.log = KeyLog(DEPLOYMENT, GENESIS.public.encoded, SKEW)
        self.rules = Rules(DEPLOYMENT, escrow=True, key_log=self.log, skew_ms=SKEW)
        self.ann, self.bob, self.cid = (Person(name, new_key()) for name in ("ann", "bob", "cid"))
        for index, person in enumerate((self.ann, self.bob, self.cid)):
            self.log.apply(index, first_entry(person).encode())
        self.context = self.group()

    def group(self, **changes: object) -> Context:
        made = make_context(
            ConversationKind.GROUP,
            DEPLOYMENT,
            self.ann.device,
            NONCE,
            escrow=True,
            admins=[self.ann.account],
        )
        return replace(made, **changes)  # type: ignore[arg-type]

    def change(
        self,
        by: Person,
        *,
        added: Sequence[Leaf] = (),
        removed: Sequence[Leaf] = (),
        left: Sequence[Leaf] = (),
        external: bool = False,
        before: Context | None = None,
        after: bytes | None = None,
        time_ms: int = NOW,
    ) -> Context:
        before = before or self.context
        change = Change(
            committer=leaf(by),
            external=external,
            added=tuple(added),
            removed=tuple(removed),
            left=tuple(left),
            context_before=before.encode(),
            context_after=after,
            roster=lambda: (leaf(self.ann), leaf(self.bob)),
            time_ms=time_ms,
        )
        return self.rules.check_change(before.conversation, change).context

    def refused(self, by: Person, **kwargs: object) -> Code:
        with pytest.raises(Refusal) as caught:
            self.change(by, **kwargs)  # type: ignore[arg-type]
        return caught.value.code


@pytest.fixture
def world() -> World:
    return World()


def test_credential_round_trip_and_forms() -> None:
    ann = Person("ann", new_key())
    data = encode_credential(ann.account, ann.device)
    assert decode_credential(data) == (ann.account, ann.device)
    assert read_leaf(data, ann.key.public.encoded) == leaf(ann)
    with pytest.raises(GroupRefused, match="ghost-member"):
        read_leaf(data, new_key().public.encoded)
    with pytest.raises(Malformed):
        decode_credential(data + b"\0")


def test_admin_adds_and_removes(world: World) -> None:
    world.change(world.ann, added=[leaf(world.cid)])
    world.change(world.ann, removed=[leaf(world.bob)])


def test_member_adds_nobody_unless_the_policy_says_so(world: World) -> None:
    cid = [leaf(world.cid)]
    assert world.refused(world.bob, added=cid) is Code.NOT_ALLOWED
    world.change(world.bob, added=cid, before=world.group(add_policy=AddPolicy.MEMBERS))


def test_member_removes_nobody_but_own_and_stale_devices(world: World) -> None:
    assert world.refused(world.bob, removed=[leaf(world.ann)]) is Code.NOT_ALLOWED
    phone = new_key()
    entry = update_entry(
        world.ann.account, 2, 0, [phone], world.ann.key, [phone], time_ms=NOW + 10 * SKEW
    )
    world.log.apply(3, entry.encode())
    world.change(world.bob, removed=[leaf(world.ann)], time_ms=NOW + 12 * SKEW)


def test_own_second_device_comes_in_by_its_account(world: World) -> None:
    phone = Person("bob", new_key())
    entry = update_entry(
        world.bob.account, 2, 1, [world.bob.key, phone.key], world.bob.key, [phone.key]
    )
    world.log.apply(3, entry.encode())
    world.change(world.bob, added=[leaf(phone)])
    world.change(world.bob, removed=[leaf(phone)])


def test_ghost_leaves_are_refused(world: World) -> None:
    unlisted = Person("bob", new_key())
    assert world.refused(world.ann, added=[leaf(unlisted)]) is Code.GHOST_MEMBER
    claimed = Leaf(world.ann.account, world.cid.device, world.cid.key.public.encoded)
    assert world.refused(world.ann, added=[claimed]) is Code.GHOST_MEMBER
    assert world.refused(unlisted) is Code.GHOST_MEMBER


def test_late_reader_judges_by_the_commits_time(world: World) -> None:
    phone = new_key()
    entry = update_entry(
        world.cid.account, 2, 2, [phone], world.cid.key, [phone], time_ms=NOW + 10 * SKEW
    )
    world.log.apply(3, entry.encode())
    world.change(world.ann, added=[leaf(world.cid)], time_ms=NOW)
    late = world.refused(world.ann, added=[leaf(world.cid)], time_ms=NOW + 12 * SKEW)
    assert late is Code.GHOST_MEMBER


def test_external_commit_only_as_own_resync(world: World) -> None:
    world.change(world.bob, external=True, removed=[leaf(world.bob)])
    cases: list[dict[str, object]] = [
        {},
        {"removed": [leaf(world.ann)]},
        {"removed": [leaf(world.bob), leaf(world.ann)]},
        {"removed": [leaf(world.bob)], "added": [leaf(world.cid)]},
        {"removed": [leaf(world.bob)], "after": world.context.encode()},
    ]
    for case in cases:
        assert world.refused(world.bob, external=True, **case) is Code.EXTERNAL_JOIN
    assert world.refused(world.cid, external=True) is Code.EXTERNAL_JOIN


def test_only_admins_change_only_settings(world: World) -> None:
    both = tuple(sorted((world.ann.account, world.bob.account)))
    after = world.group(admins=both)
    assert world.change(world.ann, after=after.encode()).admins == both
    assert world.refused(world.bob, after=after.encode()) is Code.NOT_ALLOWED
    for other in (
        world.group(nonce=b"M" * 32),
        world.group(escrow=False),
        world.group(admins=(world.cid.account,)),
    ):
        assert world.refused(world.ann, after=other.encode()) is Code.GROUP_CONTEXT
    direct = world.group(kind=ConversationKind.DIRECT, admins=both)
    changed = replace(direct, add_policy=AddPolicy.MEMBERS)
    assert world.refused(world.ann, before=direct, after=changed.encode()) is Code.GROUP_CONTEXT


def test_direct_conversation_never_has_a_third(world: World) -> None:
    both = tuple(sorted((world.ann.account, world.bob.account)))
    direct = world.group(kind=ConversationKind.DIRECT, admins=both)
    world.change(world.ann, before=direct, added=[leaf(world.bob)])
    assert world.refused(world.ann, before=direct, added=[leaf(world.cid)]) is Code.NOT_ALLOWED
    assert world.refused(world.ann, before=direct, removed=[leaf(world.bob)]) is Code.NOT_ALLOWED


def test_group_has_at_most_its_limit(world: World) -> None:
    many = [leaf(world.cid)] * (limits.GROUP_MEMBERS - 1)
    assert world.refused(world.ann, added=many) is Code.GROUP_FULL


def test_created_group_is_its_creators(world: World) -> None:
    context, rules = world.context, world.rules
    rules.check_created(context.conversation, context.encode(), [leaf(world.ann)])
    with pytest.raises(GroupRefused, match="group-id"):
        rules.check_created(context.conversation, context.encode(), [leaf(world.bob)])
    with pytest.raises(GroupRefused, match="group-id"):
        rules.check_created(b"x" * 32, context.encode(), [leaf(world.ann)])


def join(world: World, roster: list[Leaf], adder: Person, *, known: bool = False) -> object:
    return world.rules.check_joined(
        world.context.conversation,
        world.context.encode(),
        roster,
        adder=leaf(adder),
        me=leaf(world.bob),
        known=known,
        time_ms=NOW,
    )


def test_welcome_is_judged_whole(world: World) -> None:
    pair = [leaf(world.ann), leaf(world.bob)]
    join(world, pair, world.ann)
    with pytest.raises(GroupRefused, match="group-duplicate"):
        join(world, pair, world.ann, known=True)
    with pytest.raises(GroupRefused, match="not-allowed"):
        join(world, [*pair, leaf(world.cid)], world.cid)
    ghost = Person("cid", new_key())
    with pytest.raises(GroupRefused, match="ghost-member"):
        join(world, [*pair, leaf(ghost)], world.ann)
    with pytest.raises(GroupRefused, match="not-a-member"):
        join(world, [leaf(world.bob)], world.ann)


@given(st.binary(max_size=200))
def test_noise_is_no_context(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode_context(data)
