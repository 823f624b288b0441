"""Who may add, remove, join and change a group: pure rules over small descriptions (spec G).

Server and clients run these same functions on what the MLS layer shows them, so that a commit which
the server lets through is one that every member accepts, and a ghost is refused by both.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise
from typing import Final

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import Reader, u8, u16
from doublelock.protocol.errors import GroupRefused, KeyLogRefused, Malformed
from doublelock.protocol.identifiers import (
    ACCOUNT_SIZE,
    CONVERSATION_SIZE,
    DEPLOYMENT_SIZE,
    DEVICE_SIZE,
    AccountId,
    ConversationId,
    DeploymentId,
    DeviceId,
    name_conversation,
    name_device,
)
from doublelock.protocol.keylog import DeviceRecord, KeyLog, Skew, skew_of

CREDENTIAL_SIZE: Final = 1 + ACCOUNT_SIZE + DEVICE_SIZE
NONCE_SIZE: Final = 32
_VERSION: Final = 1
_SIGNED: Final = 4 + 2 + 64


class ConversationKind(IntEnum):
    """What a conversation is between."""

    DIRECT = 1
    GROUP = 2


class AddPolicy(IntEnum):
    """Whose role permits to add other people."""

    ADMINS = 1
    MEMBERS = 2


@dataclass(frozen=True, slots=True)
class Leaf:
    """One MLS leaf: an account's device and its Ed25519 key (32 bytes)."""

    account: AccountId
    device: DeviceId
    key: bytes


@dataclass(frozen=True, slots=True)
class Context:
    """The group-context bytes: what a conversation is, who rules it, and if escrow applies (G-2).

    `admins` is strictly ascending; in a direct conversation it is its two accounts.
    """

    kind: ConversationKind
    deployment: DeploymentId
    creator: DeviceId
    nonce: bytes
    escrow: bool
    add_policy: AddPolicy
    admins: tuple[AccountId, ...]

    def encode(self) -> bytes:
        """Return the bytes of the MLS group-context extension."""
        head = (
            u8(_VERSION),
            u8(self.kind),
            self.deployment,
            self.creator,
            self.nonce,
            u8(self.escrow),
            u8(self.add_policy),
            u16(len(self.admins)),
        )
        return b"".join((*head, *self.admins))

    @property
    def conversation(self) -> ConversationId:
        """Return the conversation id that these bytes prove (spec G-1)."""
        return name_conversation(self.creator, self.nonce, self.deployment)


@dataclass(frozen=True, slots=True)
class Change:
    """A commit as the MLS layer shows it, before it takes effect.

    `left` are leaves that go by their own signed wish, `removed` those that the committer removes.
    `context_after` is None where the context stays. `roster` gives the leaves before the commit and
    is only called where a rule needs it.
    """

    committer: Leaf
    external: bool
    added: tuple[Leaf, ...]
    removed: tuple[Leaf, ...]
    left: tuple[Leaf, ...]
    context_before: bytes | None
    context_after: bytes | None
    roster: Callable[[], Sequence[Leaf]]
    time_ms: int


@dataclass(frozen=True, slots=True)
class AcceptedChange:
    """A commit that every rule accepts; `context` holds after it."""

    change: Change
    context: Context


@dataclass(frozen=True, slots=True)
class JoinedGroup:
    """A group whose welcome every rule accepts; `stale` leaves should be removed by an admin."""

    context: Context
    stale: tuple[Leaf, ...]


def encode_credential(account: AccountId, device: DeviceId) -> bytes:
    """Return the 49 bytes of a device's MLS basic credential (spec G-3)."""
    return u8(_VERSION) + account + device


def decode_credential(data: bytes) -> tuple[AccountId, DeviceId]:
    """Return account and device of a credential. Raises Malformed on any other size or form."""
    if len(data) != CREDENTIAL_SIZE or data[0] != _VERSION:
        raise Malformed(Code.FORM, "credential")
    return AccountId(data[1 : 1 + ACCOUNT_SIZE]), DeviceId(data[1 + ACCOUNT_SIZE :])


def read_leaf(credential: bytes, key: bytes) -> Leaf:
    """Return the leaf of a credential and signature key, which must name each other.

    Raises Malformed; GroupRefused(ghost-member) when the device id is not the key's name.
    """
    account, device = decode_credential(credential)
    if name_device(key) != device:
        raise GroupRefused(Code.GHOST_MEMBER, "the device id is not that of the key")
    return Leaf(account, device, key)


def decode_context(data: bytes | None) -> Context:
    """Return the context in `data`. Raises Malformed on any other size or form."""
    if data is None:
        raise Malformed(Code.FORM, "no group context")
    reader = Reader(data)
    if reader.u8() != _VERSION:
        raise Malformed(Code.FORM, "group context version")
    try:
        kind = ConversationKind(reader.u8())
        deployment = DeploymentId(reader.take(DEPLOYMENT_SIZE))
        creator = DeviceId(reader.take(DEVICE_SIZE))
        nonce = reader.take(NONCE_SIZE)
        escrow = reader.u8()
        policy = AddPolicy(reader.u8())
    except ValueError:
        raise Malformed(Code.FORM, "group context") from None
    count = reader.u16()
    if escrow > 1 or not 1 <= count <= limits.GROUP_MEMBERS:
        raise Malformed(Code.FORM, "group context")
    admins = tuple(AccountId(reader.take(ACCOUNT_SIZE)) for _ in range(count))
    reader.end()
    if any(left >= right for left, right in pairwise(admins)):
        raise Malformed(Code.NOT_CANONICAL, "admins out of order")
    if kind is ConversationKind.DIRECT and count != 2:
        raise Malformed(Code.FORM, "a direct conversation has two accounts")
    return Context(kind, deployment, creator, nonce, bool(escrow), policy, admins)


def make_context(
    kind: ConversationKind,
    deployment: DeploymentId,
    creator: DeviceId,
    nonce: bytes,
    *,
    escrow: bool,
    admins: Iterable[AccountId],
    add_policy: AddPolicy = AddPolicy.ADMINS,
) -> Context:
    """Return a context with its admins in order. Raises Malformed where its form is not allowed."""
    if len(nonce) != NONCE_SIZE:
        raise Malformed(Code.SIZE, "nonce")
    context = Context(
        kind, deployment, creator, nonce, escrow, add_policy, tuple(sorted(set(admins)))
    )
    return decode_context(context.encode())


def speaks_for(context: Context, account: AccountId) -> bool:
    """Whether what an account says of the conversation itself counts: its admins' word (G-14).

    That is its details and its timer; in a direct conversation both people are admins.
    """
    return account in context.admins


def is_same_group_info(theirs: bytes, own: bytes) -> bool:
    """Say whether two GroupInfos of one epoch say the same: who signed is all that may differ.

    `own` is this member's. At the end of both: signer u32, and a signature of 64 bytes with its
    size (RFC 9420 §12.4.3; spec G-16).
    """
    return len(theirs) == len(own) and theirs[:-_SIGNED] == own[:-_SIGNED]


class Rules:
    """The rules of one deployment: its id, whether its charter escrows, and its key log.

    `escrow` is as the charter in force says; `earlier` holds what charters before it said: groups
    that were made under them stay (G-2).
    """

    def __init__(
        self,
        deployment: DeploymentId,
        *,
        escrow: bool,
        key_log: KeyLog,
        skew_ms: Skew,
        earlier: Collection[bool] = (),
    ) -> None:
        self.deployment = deployment
        self.escrow = escrow
        self._escrows = frozenset((escrow, *earlier))
        self.key_log = key_log
        self._skew_ms = skew_ms

    def check_leaf(self, leaf: Leaf, time_ms: int | None) -> DeviceRecord:
        """Return the key log's record of a leaf (spec G-4).

        With a time, the device must have been listed then, give or take the skew, so that members
        who read a commit later judge it alike. Without one, ever having been listed is enough:
        somebody joining cannot help that a device was removed since.

        Raises GroupRefused(ghost-member).
        """
        try:
            record = self.key_log.device(leaf.device)
        except KeyLogRefused:
            raise GroupRefused(Code.GHOST_MEMBER, f"unknown device {leaf.device.hex()}") from None
        if record.account != leaf.account or record.key != leaf.key:
            raise GroupRefused(Code.GHOST_MEMBER, f"another's device {leaf.device.hex()}")
        if time_ms is not None and not self._was_listed(record, time_ms):
            raise GroupRefused(Code.GHOST_MEMBER, f"removed device {leaf.device.hex()}")
        return record

    def check_context(self, conversation: bytes, data: bytes | None) -> Context:
        """Return a group's context, which must prove the id and fit the charter (G-1, G-2)."""
        context = decode_context(data)
        if context.deployment != self.deployment or context.escrow not in self._escrows:
            raise GroupRefused(Code.GROUP_CONTEXT, "made for another deployment")
        if len(conversation) != CONVERSATION_SIZE or context.conversation != conversation:
            raise GroupRefused(Code.GROUP_ID)
        return context

    def check_created(
        self, conversation: bytes, data: bytes | None, roster: Sequence[Leaf]
    ) -> Context:
        """Return the context of a new group, whose one leaf is its creator (spec G-5)."""
        context = self.check_context(conversation, data)
        if context.escrow != self.escrow:
            raise GroupRefused(Code.GROUP_CONTEXT, "made under another charter")
        if len(roster) != 1 or roster[0].device != context.creator:
            raise GroupRefused(Code.GROUP_ID, "not its creator's")
        if roster[0].account not in context.admins:
            raise GroupRefused(Code.GROUP_CONTEXT, "the creator is no admin")
        return context

    def check_joined(
        self,
        conversation: bytes,
        data: bytes | None,
        roster: Sequence[Leaf],
        *,
        adder: Leaf,
        me: Leaf,
        known: bool,
        time_ms: int,
    ) -> JoinedGroup:
        """Return the group that a welcome leads into, or refuse it whole (spec G-9).

        `known` says that this client already is in a conversation of that id.
        """
        if known:
            raise GroupRefused(Code.GROUP_DUPLICATE)
        context = self.check_context(conversation, data)
        if len(roster) > limits.GROUP_MEMBERS:
            raise GroupRefused(Code.GROUP_FULL)
        if me not in roster or adder not in roster:
            raise GroupRefused(Code.NOT_A_MEMBER)
        self._check_may_add(context, adder, (me,))
        stale = []
        for leaf in roster:
            record = self.check_leaf(leaf, None)
            if not self._was_listed(record, time_ms):
                stale.append(leaf)
            if context.kind is ConversationKind.DIRECT and leaf.account not in context.admins:
                raise GroupRefused(Code.GHOST_MEMBER, "a third account")
        return JoinedGroup(context, tuple(stale))

    def check_change(self, conversation: bytes, change: Change) -> AcceptedChange:
        """Return a commit that every rule accepts; raises GroupRefused or Malformed (G-6 to G-8).

        The MLS layer has verified that the committer is a leaf of the group (or is the newcomer of
        an external commit) and that no leaf and no credential is there twice.
        """
        context = self.check_context(conversation, change.context_before)
        self.check_leaf(change.committer, change.time_ms)
        if change.external:
            self._check_resync(change)
            return AcceptedChange(change, context)
        for leaf in change.added:
            self.check_leaf(leaf, change.time_ms)
        if change.added:
            self._check_may_add(context, change.committer, change.added)
            gone = len(change.removed) + len(change.left)
            if len(change.roster()) + len(change.added) - gone > limits.GROUP_MEMBERS:
                raise GroupRefused(Code.GROUP_FULL)
        for leaf in change.removed:
            self._check_may_remove(context, change, leaf)
        if change.context_after is not None:
            context = self._check_new_context(context, change)
        return AcceptedChange(change, context)

    def _was_listed(self, record: DeviceRecord, time_ms: int) -> bool:
        return record.valid_at(time_ms, skew_of(self._skew_ms, time_ms))

    def _was_dropped(self, record: DeviceRecord, time_ms: int) -> bool:
        """Whether the log had dropped a device by a time, in whoever's favour the clocks differ.

        A removal harms nobody whom the log drops a moment later; waiting would leave a lost device
        reading.
        """
        removed_ms, skew_ms = record.removed_ms, skew_of(self._skew_ms, time_ms)
        return removed_ms is not None and removed_ms <= time_ms + skew_ms

    def _check_resync(self, change: Change) -> None:
        """Spec G-7: from outside, only a device that replaces its own leaf, and nothing else."""
        if change.added or change.left or change.context_after is not None:
            raise GroupRefused(Code.EXTERNAL_JOIN)
        if change.removed != (change.committer,):
            raise GroupRefused(Code.EXTERNAL_JOIN)

    def _check_may_add(self, context: Context, adder: Leaf, added: Sequence[Leaf]) -> None:
        """Spec G-6: admins add anybody, members too where the policy says so, all their own."""
        if context.kind is ConversationKind.DIRECT:
            if any(leaf.account not in context.admins for leaf in added):
                raise GroupRefused(Code.NOT_ALLOWED, "a direct conversation has two accounts")
            return
        if adder.account in context.admins or context.add_policy is AddPolicy.MEMBERS:
            return
        if any(leaf.account != adder.account for leaf in added):
            raise GroupRefused(Code.NOT_ALLOWED, "only admins add people")

    def _check_may_remove(self, context: Context, change: Change, leaf: Leaf) -> None:
        """Spec G-6: admins remove anybody; members their own devices and what is stale."""
        own = leaf.account == change.committer.account
        if own:
            return
        if context.kind is ConversationKind.GROUP and change.committer.account in context.admins:
            return
        if not self._was_dropped(self.key_log.device(leaf.device), change.time_ms):
            raise GroupRefused(Code.NOT_ALLOWED, "only admins remove people")

    def _check_new_context(self, before: Context, change: Change) -> Context:
        """Spec G-8: admins change admins and policy; nothing else ever changes."""
        after = decode_context(change.context_after)
        if change.committer.account not in before.admins:
            raise GroupRefused(Code.NOT_ALLOWED, "only admins change the conversation")
        if before.kind is ConversationKind.DIRECT:
            raise GroupRefused(Code.GROUP_CONTEXT, "a direct conversation has no settings")
        if replace(after, admins=before.admins, add_policy=before.add_policy) != before:
            raise GroupRefused(Code.GROUP_CONTEXT, "what a conversation is does not change")
        gone = {leaf.device for leaf in (*change.removed, *change.left)}
        accounts = {leaf.account for leaf in change.roster() if leaf.device not in gone}
        accounts.update(leaf.account for leaf in change.added)
        if not accounts.issuperset(after.admins):
            raise GroupRefused(Code.GROUP_CONTEXT, "an admin must be a member")
        return after
