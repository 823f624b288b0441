"""The fixed key log that the vectors replay: who is invited, adds, drops, resets and cheats."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.identifiers import AccountId, DeviceId, name_account, name_device
from doublelock.protocol.keylog_entry import (
    NO_DEVICE,
    NOBODY,
    Entry,
    Invitation,
    draft_update,
    make_invitation,
    make_invited_entry,
    sign_update,
)
from vectors.make.world import DEPLOYMENT, TIME_MS, bytes_of

SALT = bytes_of("account salt")
GENESIS = SigningKey(bytes_of("genesis invites"))
SKEW_MS = 60_000
_EXPIRES = TIME_MS + 10**9


def key_of(name: str) -> SigningKey:
    """Return a device's key by a name."""
    return SigningKey(bytes_of(f"device {name}"))


def account_of(handle: str) -> AccountId:
    """Return a person's account id."""
    return name_account(SALT, handle)


def device_of(name: str) -> DeviceId:
    """Return a device's id."""
    return name_device(key_of(name).public.encoded)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the log: its bytes, and why it is refused (None: it counts)."""

    why: str
    entry: bytes
    code: str | None


def invited(
    name: str,
    by: tuple[str, str] | None = None,
    *,
    reset_of: AccountId | None = None,
    expires_ms: int = _EXPIRES,
    committee: int = 1,
) -> tuple[SigningKey, Invitation]:
    """Return an invitation with its key, by (handle, device) or the operator."""
    key = SigningKey(bytes_of(f"invite {name}"))
    handle, device = by or ("", "")
    made = make_invitation(
        DEPLOYMENT,
        key_of(device).sign if by else GENESIS.sign,
        key.public.encoded,
        committee,
        expires_ms,
        inviter=account_of(handle) if by else NOBODY,
        inviter_device=device_of(device) if by else NO_DEVICE,
        reset_of=reset_of,
    )
    return key, made


def first(
    handle: str,
    devices: Sequence[str],
    invitation: tuple[SigningKey, Invitation],
    time_ms: int = TIME_MS,
) -> Entry:
    """Return a first entry."""
    key, made = invitation
    signers = [(key_of(name).public.encoded, key_of(name).sign) for name in devices]
    return make_invited_entry(DEPLOYMENT, account_of(handle), made, key.sign, signers, time_ms)


def update(
    handle: str,
    number: int,
    previous: int,
    keys: Sequence[str],
    author: str,
    new: Sequence[str] = (),
    *,
    time_ms: int = TIME_MS + 1000,
    lineage: int = 1,
    committee: int = 1,
) -> Entry:
    """Return an update."""
    draft = draft_update(
        account_of(handle),
        number,
        lineage,
        previous,
        committee,
        [key_of(name).public.encoded for name in keys],
        key_of(author).public.encoded,
        time_ms,
    )
    signers = [(key_of(name).public.encoded, key_of(name).sign) for name in new]
    return sign_update(DEPLOYMENT, draft, key_of(author).sign, signers)


def reset(
    handle: str,
    number: int,
    previous: int,
    device: str,
    by: tuple[str, str],
    committee: int = 1,
) -> Entry:
    """Return a reset to one new device, on an inviter's word."""
    name = f"reset {handle} {number}"
    key, made = invited(name, by, reset_of=account_of(handle), committee=committee)
    signer = (key_of(device).public.encoded, key_of(device).sign)
    return make_invited_entry(
        DEPLOYMENT,
        account_of(handle),
        made,
        key.sign,
        [signer],
        TIME_MS + 5000,
        number=number,
        lineage=2,
        previous=previous,
    )


def steps() -> list[Step]:
    """Return the log's lines in order; refused ones take an index too."""
    alice = first("alice", ["alice 1"], invited("alice"))
    bob_invite = invited("bob", ("alice", "alice 1"))
    bob = first("bob", ["bob 1"], bob_invite)
    second = update("alice", 2, 0, ["alice 1", "alice 2"], "alice 1", ["alice 2"])
    alice_2, erin_1 = ("alice", "alice 2"), ("erin", "erin 1")
    carol = first("carol", ["carol 1"], invited("carol", ("alice", "alice 2")))
    return [
        Step("the operator invites", alice.encode(), None),
        Step("a member invites", bob.encode(), None),
        Step(
            "an invitation serves once",
            first("bobby", ["bobby 1"], bob_invite).encode(),
            "invitation-used",
        ),
        Step(
            "an account is made once",
            first("bob", ["bob 9"], invited("bob again")).encode(),
            "account-exists",
        ),
        Step(
            "an expired invitation",
            first("dave", ["dave 1"], invited("dave", expires_ms=TIME_MS - 1)).encode(),
            "invitation-expired",
        ),
        Step(
            "an invitation by nobody's device",
            first("dave", ["dave 1"], invited("dave 2", ("alice", "bob 9"))).encode(),
            "ghost-device",
        ),
        Step("a second device", second.encode(), None),
        Step("the same entry again", second.encode(), "entry-order"),
        Step(
            "a ghost without proof",
            replace(
                update("alice", 3, 6, ["alice 1", "alice 2", "ghost"], "alice 1", ["ghost"]),
                proofs=(),
            ).encode(),
            "ghost-device",
        ),
        Step(
            "a ghost whose proof is another's",
            update("alice", 3, 6, ["alice 1", "alice 2", "ghost"], "alice 1", ["bob 1"]).encode(),
            "bad-signature",
        ),
        Step(
            "by another account's device",
            update("alice", 3, 6, ["alice 1", "bob 1"], "bob 1").encode(),
            "ghost-device",
        ),
        Step(
            "a device that another account lists",
            update("alice", 3, 6, ["alice 1", "bob 1"], "alice 1", ["bob 1"]).encode(),
            "device-taken",
        ),
        Step(
            "another committee",
            update("alice", 3, 6, ["alice 1"], "alice 1", committee=2).encode(),
            "committee-changed",
        ),
        Step(
            "too far behind the log",
            update("bob", 2, 1, ["bob 1"], "bob 1", time_ms=TIME_MS - 10**6).encode(),
            "entry-time",
        ),
        Step("invited by a second device", carol.encode(), None),
        Step("a device is dropped", update("alice", 3, 6, ["alice 2"], "alice 2").encode(), None),
        Step(
            "by a device that was dropped",
            update("alice", 4, 15, ["alice 1", "alice 2"], "alice 1", ["alice 1"]).encode(),
            "ghost-device",
        ),
        Step(
            "a dropped device never comes back",
            update("alice", 4, 15, ["alice 1", "alice 2"], "alice 2", ["alice 1"]).encode(),
            "device-taken",
        ),
        Step(
            "a reset by who did not invite",
            reset("bob", 2, 1, "bob 2", ("carol", "carol 1")).encode(),
            "invitation-refused",
        ),
        Step(
            "a reset by the inviter",
            reset("bob", 2, 1, "bob 3", ("alice", "alice 2")).encode(),
            None,
        ),
        Step(
            "a reset into another committee",
            reset("carol", 2, 14, "carol 2", ("alice", "alice 2"), committee=2).encode(),
            "committee-changed",
        ),
        Step(
            "a member invites into another committee",
            first("dave", ["dave 1"], invited("dave 3", alice_2, committee=2)).encode(),
            "invitation-committee",
        ),
        Step(
            "the operator invites into any",
            first("erin", ["erin 1"], invited("erin", committee=2)).encode(),
            None,
        ),
        Step(
            "whom the operator invited there invites there",
            first("frank", ["frank 1"], invited("frank", erin_1, committee=2)).encode(),
            None,
        ),
        Step(
            "and not here",
            first("grace", ["grace 1"], invited("grace", erin_1)).encode(),
            "invitation-committee",
        ),
        Step("cut", alice.encode()[:-1], "size"),
        Step("of another version", b"\x02" + alice.encode()[1:], "form"),
        Step("empty", b"", "size"),
    ]
