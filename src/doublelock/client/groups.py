"""The MLS groups of one device, judged by our own rules: the hooks that keep ghosts out (spec G).

Nothing here writes or sends: a step returns the group and what changed of it, and the caller puts
both into one transaction.
"""

from collections.abc import Callable, Sequence

from doublelock_mls import Client, CommitView, Group, Member, MlsError

from doublelock.client.vault import GroupChange, GroupState
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import GroupRefused, Malformed
from doublelock.protocol.group_rules import (
    AcceptedChange,
    Change,
    JoinedGroup,
    Leaf,
    Rules,
    encode_credential,
    read_leaf,
)
from doublelock.protocol.identifiers import AccountId, ConversationId, DeviceId, name_device

_CODES = {
    "wrong-epoch": Code.EPOCH_SUPERSEDED,
    "malformed": Code.FORM,
    "too-large": Code.SIZE,
    "invalid-signature": Code.BAD_SIGNATURE,
    "not-a-member": Code.NOT_A_MEMBER,
    "removed": Code.NOT_A_MEMBER,
    "too-many-members": Code.GROUP_FULL,
}


def name_failure(error: MlsError) -> GroupRefused:
    """Return our refusal for one of the MLS layer; its message holds no secret."""
    return GroupRefused(_CODES.get(error.code, Code.COMMIT_INVALID), error.code)


def read_member(member: Member) -> Leaf:
    """Return the leaf of an MLS member. Raises Malformed, GroupRefused(ghost-member)."""
    return read_leaf(member.credential, member.signature_key)


def describe_commit(view: CommitView, time_ms: int) -> Change:
    """Return a commit in the words of the group rules. Raises Malformed, GroupRefused."""
    added: list[Leaf] = []
    removed: list[Leaf] = []
    left: list[Leaf] = []
    context_after: bytes | None = None
    for proposal in view.proposals:
        if proposal.kind == "external-init":
            continue
        if proposal.kind == "context":
            if proposal.context_data is None:
                raise GroupRefused(Code.GROUP_CONTEXT, "removed")
            context_after = proposal.context_data
            continue
        if proposal.credential is None or proposal.signature_key is None:
            raise Malformed(Code.FORM, f"proposal {proposal.kind}")
        leaf = read_leaf(proposal.credential, proposal.signature_key)
        if proposal.kind == "add":
            added.append(leaf)
        elif proposal.kind == "remove":
            own_wish = proposal.by_reference and proposal.proposer == proposal.leaf_index
            (left if own_wish else removed).append(leaf)
        else:
            raise Malformed(Code.FORM, f"proposal {proposal.kind}")
    return Change(
        committer=read_leaf(view.committer_credential, view.committer_signature_key),
        external=view.external,
        added=tuple(added),
        removed=tuple(removed),
        left=tuple(left),
        context_before=view.context_data,
        context_after=context_after,
        roster=lambda: [read_member(member) for member in view.roster()],
        time_ms=time_ms,
    )


class Groups:
    """One device's MLS client with the group rules as its hooks.

    `judged` is the last commit that the rules accepted; the caller reads it right after a step.
    """

    def __init__(
        self,
        account: AccountId,
        signing_key: SigningKey,
        seed: bytes,
        rules: Callable[[], Rules],
        clock: Callable[[], int],
    ) -> None:
        self.account = account
        self.device: DeviceId = name_device(signing_key.public.encoded)
        self.me = Leaf(account, self.device, signing_key.public.encoded)
        self.judged: AcceptedChange | None = None
        self._rules = rules
        self._clock = clock
        self._time_ms: int | None = None
        self.client = Client(
            encode_credential(account, self.device), seed, self._check_leaf, self._check_commit
        )

    def at(self, time_ms: int | None) -> None:
        """Judge what follows by a receipt's time; None for the clock's."""
        self._time_ms = time_ms

    def _now_ms(self) -> int:
        return self._clock() if self._time_ms is None else self._time_ms

    def _check_leaf(self, credential: bytes, key: bytes, context: str) -> None:
        leaf = read_leaf(credential, key)
        self._rules().check_leaf(leaf, None if context == "new-group" else self._now_ms())

    def _check_commit(self, view: CommitView) -> None:
        change = describe_commit(view, self._now_ms())
        self.judged = self._rules().check_change(view.group_id, change)

    def load(self, state: GroupState) -> Group:
        """Return a group from the vault. Raises GroupRefused when it cannot be used: rejoin."""
        try:
            return self.client.load_group(state.state, state.tree, state.epochs, state.sent)
        except MlsError as error:
            raise name_failure(error) from None

    def check_joined(
        self, group: Group, adder_index: int, *, known: bool, time_ms: int
    ) -> JoinedGroup:
        """Judge a group that a welcome led into, whole (spec G-9). Raises GroupRefused."""
        roster = [read_member(member) for member in group.members()]
        return self._rules().check_joined(
            group.group_id,
            group.context_data,
            roster,
            adder=read_member(group.member(adder_index)),
            me=self.me,
            known=known,
            time_ms=time_ms,
        )


def take_change(group: Group) -> GroupChange:
    """Return what to write of a group now; the next call gives only what came since."""
    change = group.take_changes()
    return GroupChange(change.state, change.tree, tuple(change.epochs), change.drop_epochs_below)


def roster_of(group: Group) -> list[Leaf]:
    """Return the members of a group as leaves."""
    return [read_member(member) for member in group.members()]


def find_leaves(group: Group, devices: Sequence[DeviceId]) -> list[int]:
    """Return the leaf indices of those devices that are in a group."""
    places = {read_member(member).device: member.leaf_index for member in group.members()}
    return [places[device] for device in devices if device in places]


def conversation_of(group: Group) -> ConversationId:
    """Return the conversation that a group is."""
    return ConversationId(group.group_id)
