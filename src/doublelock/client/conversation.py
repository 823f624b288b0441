"""Changing conversations: make, add, remove, leave, and rebase (spec G); coming in is `joining`.

The vault has a commit before the server gets it. The first valid commit of an epoch wins; whoever
lost takes the winner's and makes its own again on top.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from doublelock_mls import Group, MlsError, PendingCommit, inspect_message

from doublelock.client.core import BROKEN, MEMBER, Core, Room
from doublelock.client.events import Joined
from doublelock.client.groups import find_leaves, name_failure, read_member, roster_of
from doublelock.client.joining import LOST, TRIES, CatchUp, post_commit
from doublelock.protocol import limits
from doublelock.protocol.api import (
    ClaimedKeyPackages,
    ClaimKeyPackages,
    ConversationState,
    CreateConversation,
    DeviceName,
    PostCommit,
    PostedCommit,
    WelcomeFor,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import u64
from doublelock.protocol.errors import GroupRefused, WireRefused
from doublelock.protocol.group_rules import (
    NONCE_SIZE,
    AddPolicy,
    Context,
    ConversationKind,
    make_context,
)
from doublelock.protocol.identifiers import AccountId, DeviceId

_WAIT_S: Final = 30.0

Name = tuple[AccountId, DeviceId]


@dataclass(frozen=True, slots=True)
class Planned:
    """A commit of one's own, and whose each key package reference in it is."""

    commit: PendingCommit
    names: dict[bytes, Name] = field(default_factory=dict)


def _ready(room: Room) -> bool:
    return room.status == MEMBER and room.live and not room.catching


Step = Callable[[Group], Awaitable[Planned | None]]
"""Makes a commit for the group as it is now, or None when there is nothing to do."""


class Conversations:
    """Membership of one device's conversations. `catch_up` is the session's."""

    def __init__(self, core: Core, catch_up: CatchUp) -> None:
        self._core = core
        self._catch_up = catch_up

    # --- making ----------------------------------------------------------------------------

    async def create(
        self, accounts: Sequence[AccountId], kind: ConversationKind, add_policy: AddPolicy
    ) -> Room:
        """Make a conversation of this account and others, and add all of them by one commit.

        Raises GroupRefused, KeyLogRefused(unknown-account), WireRefused.
        """
        core = self._core
        others = [account for account in dict.fromkeys(accounts) if account != core.account]
        if kind is ConversationKind.DIRECT and len(others) != 1:
            raise GroupRefused(Code.GROUP_CONTEXT, "a direct conversation has two accounts")
        await self._know(others)
        admins = [core.account, *(others if kind is ConversationKind.DIRECT else ())]
        nonce = core.random(NONCE_SIZE)
        context = make_context(
            kind,
            core.deployment,
            core.device,
            nonce,
            escrow=core.escrow,
            admins=admins,
            add_policy=add_policy,
        )
        group = core.groups.client.create_group(
            context.conversation, core.clock() // 1000, context.encode()
        )
        await core.http.ask(
            "POST",
            "/v1/conversations",
            CreateConversation(
                conversation=context.conversation,
                random=nonce,
                group_info=group.group_info(),
                tree=group.ratchet_tree(),
            ),
            ConversationState,
        )
        room = Room(context.conversation, group=group)
        core.rooms[room.conversation] = room
        room.dirty = True
        core.tell(Joined(room.conversation, core.account))
        core.flush()
        self._catch_up(room)
        own = [d for d in core.monitor.key_log.account(core.account).devices if d != core.device]
        await self.add(room, others, also=[(core.account, device) for device in own])
        return room

    async def add(
        self,
        room: Room,
        accounts: Sequence[AccountId],
        *,
        also: Iterable[tuple[AccountId, DeviceId]] = (),
    ) -> None:
        """Add every device of accounts by one commit. Raises GroupRefused, WireRefused.

        A device without a key package is left out, unless its account would have none.
        """
        core = self._core
        await self._know(accounts)
        wanted = [*also]
        for account in accounts:
            wanted += [
                (account, device) for device in core.monitor.key_log.account(account).devices
            ]

        async def step(group: Group) -> Planned | None:
            present = {leaf.device for leaf in roster_of(group)}
            missing = [(a, d) for a, d in wanted if d not in present]
            if not missing:
                return None
            packages = await self._claim(missing)
            reached = {account for account, _ in packages}
            unreached = {account for account, _ in missing} - reached
            if unreached - {leaf.account for leaf in roster_of(group)}:
                raise GroupRefused(Code.NOT_A_MEMBER, "somebody has no key package")
            if not packages:
                return None
            pending = self._commit(group, add=list(packages.values()))
            judged = core.groups.judged
            added = set() if judged is None else {leaf.device for leaf in judged.change.added}
            if added != {device for _, device in packages}:
                raise GroupRefused(Code.GHOST_MEMBER, "the server gave another's key package")
            return Planned(
                pending,
                {inspect_message(data).references[0]: name for name, data in packages.items()},
            )

        await self._change(room, step)

    async def remove(self, room: Room, accounts: Sequence[AccountId]) -> None:
        """Remove every device of accounts, and their role. Raises GroupRefused(not-allowed)."""

        async def step(group: Group) -> Planned | None:
            leaves = [
                member.leaf_index
                for member in group.members()
                if read_member(member).account in accounts
            ]
            if not leaves:
                return None
            now = self._core.context(room)
            # Who is added again later must not find an old role waiting.
            kept = tuple(admin for admin in now.admins if admin not in accounts)
            demotes = self._core.account in kept and kept != now.admins
            after = replace(now, admins=kept) if demotes else None
            return Planned(self._commit(group, remove=leaves, context=after))

        await self._change(room, step)

    async def remove_devices(self, room: Room, devices: Sequence[DeviceId]) -> None:
        """Remove single devices, such as those that the key log dropped; gone ones are passed."""

        async def step(group: Group) -> Planned | None:
            leaves = find_leaves(group, devices)
            return Planned(self._commit(group, remove=leaves)) if leaves else None

        await self._change(room, step)

    async def set_admins(
        self, room: Room, admins: Sequence[AccountId], add_policy: AddPolicy | None = None
    ) -> None:
        """Change who rules a group. Raises GroupRefused."""

        async def step(group: Group) -> Planned | None:
            now = self._core.context(room)
            after = replace(
                now,
                admins=tuple(sorted(set(admins))),
                add_policy=now.add_policy if add_policy is None else add_policy,
            )
            return Planned(self._commit(group, context=after)) if after != now else None

        await self._change(room, step)

    async def renew(self, room: Room, epoch: int | None = None) -> None:
        """Renew this device's leaf and commit whatever wishes to leave are waiting.

        With an `epoch` in that one alone: where the group has moved on, nothing is done.
        """

        async def step(group: Group) -> Planned | None:
            return Planned(self._commit(group)) if epoch in (None, group.epoch) else None

        await self._change(room, step)

    async def grant_wishes(self, room: Room) -> None:
        """Commit the wishes to leave that are waiting, unless somebody else was faster."""

        async def step(group: Group) -> Planned | None:
            return Planned(self._commit(group)) if group.commit_required else None

        await self._change(room, step)

    async def leave(self, room: Room) -> None:
        """Lay down one's role and ask to leave; over once another member commits it.

        The last admin of a group names another first: otherwise nobody could rule it. Raises
        GroupRefused(not-allowed).
        """
        core = self._core
        self.check_leave(room)
        context = core.context(room)
        if context.kind is ConversationKind.GROUP and len(context.admins) > 1:
            await self.set_admins(room, [one for one in context.admins if one != core.account])
        async with room.turn:
            group = core.group(room)
            try:
                proposal = group.propose_self_remove()
            except MlsError as error:
                raise name_failure(error) from None
            room.dirty = True
            core.flush()
            await post_commit(self._core, room, PostCommit(commit=proposal))

    def check_leave(self, room: Room) -> None:
        """Refuse that a group's only admin leaves others behind. Raises GroupRefused."""
        core = self._core
        context = core.context(room)
        others = {leaf.account for leaf in roster_of(core.group(room))} - {core.account}
        alone = context.kind is ConversationKind.GROUP and context.admins == (core.account,)
        if others and alone:
            raise GroupRefused(Code.NOT_ALLOWED, "name another admin first")

    # --- committing ------------------------------------------------------------------------

    def _commit(
        self,
        group: Group,
        *,
        add: Sequence[bytes] = (),
        remove: Sequence[int] = (),
        context: Context | None = None,
    ) -> PendingCommit:
        now = self._core.clock()
        data = None if context is None else context.encode()
        try:
            return group.commit(add=add, remove=remove, context_data=data, now=now // 1000)
        except MlsError as error:
            raise name_failure(error) from None

    async def _change(self, room: Room, step: Step) -> None:
        """Commit what `step` makes of the group as it is, again on top of whatever wins (G-13)."""
        for _ in range(TRIES):
            # A room that somebody's commit broke comes back by itself, and needs the turn for it.
            await self._until(room, lambda: _ready(room), broken=True)
            async with room.turn:
                try:
                    if await self._change_once(room, step):
                        return
                except GroupRefused:
                    if room.status != BROKEN:
                        raise
        raise GroupRefused(Code.EPOCH_SUPERSEDED, "others were faster every time")

    async def _change_once(self, room: Room, step: Step) -> bool:
        """Return whether the group is now as `step` wants it; False when another was faster."""
        core = self._core
        await self._until(room, lambda: _ready(room))
        group = core.group(room)
        if group.has_pending_commit:
            group.clear_pending_commit()
        planned = await step(group)
        if planned is None:
            return True
        pending = planned.commit
        room.dirty = True
        core.flush()
        won = True
        try:
            await self._post(room, planned)
        except WireRefused as refusal:
            if refusal.code not in LOST:
                if refusal.code is not Code.SERVER_UNREACHABLE:
                    group.clear_pending_commit()
                    room.dirty = True
                    core.flush()
                raise
            won = False
        await self._reach(room, pending.epoch)
        return won

    async def _post(self, room: Room, planned: Planned) -> PostedCommit:
        pending = planned.commit
        welcomes = []
        for reference, welcome in pending.welcomes:
            account, device = planned.names[reference]
            welcomes.append(
                WelcomeFor(account=account, device=device, welcome=u64(pending.epoch) + welcome)
            )
        body = PostCommit(
            commit=pending.message,
            welcomes=tuple(welcomes),
            group_info=pending.group_info,
        )
        return await post_commit(self._core, room, body)

    async def _reach(self, room: Room, epoch: int) -> None:
        await self._until(room, lambda: room.group is not None and room.group.epoch >= epoch)

    async def _until(
        self, room: Room, reached: Callable[[], bool], *, broken: bool = False
    ) -> None:
        """Wait until the room has come that far, also while it is broken where that is said.

        Raises GroupRefused, WireRefused.
        """
        try:
            async with asyncio.timeout(_WAIT_S):
                while True:
                    if room.status != MEMBER and not (broken and room.status == BROKEN):
                        raise GroupRefused(Code.NOT_A_MEMBER, room.status)
                    if reached():
                        return
                    await room.moved.wait()
        except TimeoutError:
            raise WireRefused(Code.SERVER_UNREACHABLE, "the timeline does not go on") from None

    # --- others' keys ----------------------------------------------------------------------

    async def _know(self, accounts: Sequence[AccountId]) -> None:
        """Read what the key log says now of these accounts' devices. Raises KeyLogRefused."""
        core = self._core
        if accounts:
            await core.monitor.sync_keys()
        for account in accounts:
            core.monitor.key_log.account(account)

    async def _claim(self, names: Sequence[Name]) -> dict[Name, bytes]:
        """Return key packages of devices, without those that have none."""
        asked = tuple(DeviceName(account=account, device=device) for account, device in names)
        answer = await self._core.http.ask(
            "POST",
            "/v1/key-packages/claim",
            ClaimKeyPackages(devices=asked),
            ClaimedKeyPackages,
            limit=limits.CLAIM_DEVICES * (limits.MLS_KEY_PACKAGE + 16),
        )
        if len(answer.packages) != len(names):
            raise WireRefused(Code.SERVER_ANSWER, "claimed key packages")
        claimed = zip(names, answer.packages, strict=True)
        return {name: package for name, package in claimed if package}
