"""context.json: credentials, group contexts, and which changes the group rules allow (spec G)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from doublelock.protocol.group_rules import (
    AddPolicy,
    Change,
    Context,
    ConversationKind,
    Leaf,
    Rules,
    encode_credential,
    make_context,
    speaks_for,
)
from vectors.make.keylog import replay
from vectors.make.keylog_people import SKEW_MS, account_of, device_of, key_of
from vectors.make.world import DEPLOYMENT, TIME_MS, bytes_of, refusal_of

_NOW = TIME_MS + 100_000
_NONCE = bytes_of("nonce")


def leaf(handle: str, name: str) -> Leaf:
    """Return a device's leaf."""
    return Leaf(account_of(handle), device_of(name), key_of(name).public.encoded)


ALICE = leaf("alice", "alice 2")
OLD_ALICE = leaf("alice", "alice 1")
BOB = leaf("bob", "bob 3")
CAROL = leaf("carol", "carol 1")
GHOST = leaf("alice", "ghost")


def _context(kind: ConversationKind, *admins: str, policy: AddPolicy = AddPolicy.ADMINS) -> Context:
    return make_context(
        kind,
        DEPLOYMENT,
        ALICE.device,
        _NONCE,
        escrow=True,
        admins=[account_of(handle) for handle in admins],
        add_policy=policy,
    )


GROUP = _context(ConversationKind.GROUP, "alice")
OPEN = _context(ConversationKind.GROUP, "alice", policy=AddPolicy.MEMBERS)
DIRECT = _context(ConversationKind.DIRECT, "alice", "bob")
TWO_ADMINS = _context(ConversationKind.GROUP, "alice", "bob")
CAROL_TOO = _context(ConversationKind.GROUP, "alice", "carol")


@dataclass(frozen=True, slots=True)
class Case:
    """A change, and why it is refused (None: it is not)."""

    why: str
    context: Context
    committer: Leaf
    roster: tuple[Leaf, ...]
    code: str | None = None
    external: bool = False
    added: tuple[Leaf, ...] = ()
    removed: tuple[Leaf, ...] = ()
    left: tuple[Leaf, ...] = ()
    after: Context | None = None
    time_ms: int = _NOW


_BOTH = (ALICE, BOB)
_ALL = (ALICE, BOB, CAROL)
CASES: Sequence[Case] = (
    Case("an admin adds", GROUP, ALICE, _BOTH, added=(CAROL,)),
    Case("a member does not", GROUP, BOB, _BOTH, "not-allowed", added=(CAROL,)),
    Case("a member does where all may", OPEN, BOB, _BOTH, added=(CAROL,)),
    Case("a ghost", GROUP, ALICE, _BOTH, "ghost-member", added=(GHOST,)),
    Case("a dropped device", GROUP, ALICE, _BOTH, "ghost-member", added=(OLD_ALICE,)),
    Case(
        "a device under another's account",
        GROUP,
        ALICE,
        _BOTH,
        "ghost-member",
        added=(replace(CAROL, account=BOB.account),),
    ),
    Case("an admin removes", GROUP, ALICE, _ALL, removed=(CAROL,)),
    Case("a member does not remove others", GROUP, BOB, _ALL, "not-allowed", removed=(CAROL,)),
    Case("a member removes what is stale", GROUP, BOB, (*_BOTH, OLD_ALICE), removed=(OLD_ALICE,)),
    Case("who wishes to leave goes", GROUP, BOB, _ALL, left=(CAROL,)),
    Case("a third person in a direct one", DIRECT, ALICE, _BOTH, "not-allowed", added=(CAROL,)),
    Case("a resync", GROUP, BOB, _BOTH, external=True, removed=(BOB,)),
    Case("a ghost's entry", GROUP, CAROL, _BOTH, "external-join", external=True),
    Case(
        "a resync over another's leaf",
        GROUP,
        CAROL,
        _BOTH,
        "external-join",
        external=True,
        removed=(BOB,),
    ),
    Case("a new admin", GROUP, ALICE, _BOTH, after=TWO_ADMINS),
    Case("by a member", GROUP, BOB, _BOTH, "not-allowed", after=TWO_ADMINS),
    Case("an admin who is no member", GROUP, ALICE, _BOTH, "group-context", after=CAROL_TOO),
    Case("an admin who is added", GROUP, ALICE, _BOTH, added=(CAROL,), after=CAROL_TOO),
    Case(
        "without escrow", GROUP, ALICE, _BOTH, "group-context", after=replace(GROUP, escrow=False)
    ),
    Case("a direct one changes", DIRECT, ALICE, _BOTH, "group-context", after=DIRECT),
    Case("another's conversation", replace(GROUP, nonce=bytes(32)), ALICE, _BOTH, "group-id"),
    Case(
        "another deployment's",
        replace(GROUP, deployment=bytes(32)),  # type: ignore[arg-type]
        ALICE,
        _BOTH,
        "group-context",
    ),
    Case("before its committer was listed", GROUP, BOB, _BOTH, "ghost-member", time_ms=0),
)


def check(case: Case, rules: Rules) -> str | None:
    """Return why a case's change is refused, or None."""
    change = Change(
        case.committer,
        case.external,
        case.added,
        case.removed,
        case.left,
        case.context.encode(),
        None if case.after is None else case.after.encode(),
        lambda: case.roster,
        case.time_ms,
    )
    return refusal_of(lambda: rules.check_change(GROUP.conversation, change))


def _leaf(given: Leaf) -> dict[str, str]:
    return {
        "account": given.account.hex(),
        "device": given.device.hex(),
        "key": given.key.hex(),
        "credential": encode_credential(given.account, given.device).hex(),
    }


def _case(case: Case, rules: Rules) -> dict[str, object]:
    assert check(case, rules) == case.code, f"{case.why}: {check(case, rules)}"
    return {
        "why": case.why,
        "code": case.code,
        "context": case.context.encode().hex(),
        "committer": _leaf(case.committer),
        "external": case.external,
        "added": [_leaf(each) for each in case.added],
        "removed": [_leaf(each) for each in case.removed],
        "left": [_leaf(each) for each in case.left],
        "after": None if case.after is None else case.after.encode().hex(),
        "roster": [_leaf(each) for each in case.roster],
        "time_ms": case.time_ms,
    }


def build() -> dict[str, object]:
    """Return the file."""
    log, _ = replay()
    rules = Rules(DEPLOYMENT, escrow=True, key_log=log, skew_ms=SKEW_MS)
    good = GROUP.encode()
    swapped = TWO_ADMINS.encode()
    bad = (
        ("empty", b"", "size"),
        ("of another version", b"\x02" + good[1:], "form"),
        ("of an unknown kind", good[:1] + b"\x03" + good[2:], "form"),
        ("one byte too many", good + b"\x00", "size"),
        ("cut", good[:-1], "size"),
        ("admins out of order", swapped[:-64] + swapped[-32:] + swapped[-64:-32], "not-canonical"),
        ("no admin", good[:-34] + b"\x00\x00", "form"),
        ("escrow 2", good[:82] + b"\x02" + good[83:], "form"),
    )
    return {
        "about": "Group contexts, credentials, and changes judged by the key log of keylog.json.",
        "rules": ["G-1", "G-2", "G-3", "G-4", "G-6", "G-7", "G-8", "G-14"],
        "deployment": DEPLOYMENT.hex(),
        "conversation": GROUP.conversation.hex(),
        "good": [
            {
                "encoded": context.encode().hex(),
                "kind": int(context.kind),
                "creator": context.creator.hex(),
                "nonce": context.nonce.hex(),
                "escrow": context.escrow,
                "add_policy": int(context.add_policy),
                "admins": [admin.hex() for admin in context.admins],
                "conversation": context.conversation.hex(),
                "speaks": [
                    {"account": one.account.hex(), "speaks": speaks_for(context, one.account)}
                    for one in (ALICE, BOB, CAROL)
                ],
            }
            for context in (GROUP, OPEN, DIRECT, TWO_ADMINS)
        ],
        "bad": [{"why": why, "encoded": data.hex(), "code": code} for why, data, code in bad],
        "changes": [_case(case, rules) for case in CASES],
    }
