"""Groups as the server follows them: it validates, orders and remembers (spec W-33, W-34).

The first valid handshake of an epoch wins. Validation runs in a thread on the group's observer; one
handshake per conversation is on its way at a time, so whoever comes later is judged by the epoch
that the earlier one made, and told to rebase.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar, TypeVarTuple

from doublelock_mls import (
    Commit,
    CommitView,
    Member,
    MlsError,
    Observer,
    ObserverClient,
    StagedCommit,
    inspect_message,
)

from doublelock.protocol.api import CreateConversation, PostCommit, WelcomeFor
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import GroupRefused, KeyLogRefused, WireRefused
from doublelock.protocol.frames import DEPARTURE_MAIL, WELCOME_MAIL
from doublelock.protocol.group_rules import Change, Leaf, Rules, read_leaf, speaks_for
from doublelock.protocol.identifiers import (
    AccountId,
    ConversationId,
    DeploymentId,
    DeviceId,
    name_conversation,
)
from doublelock.server.catchup import CatchUps
from doublelock.server.config import Clock
from doublelock.server.conversations import Conversation, Conversations
from doublelock.server.delivery import Delivery, Handshake, Ordered
from doublelock.server.fanout import Fanout
from doublelock.store.interface import Store, Tables
from doublelock.store.rows import (
    ConversationRow,
    GroupRow,
    MailRow,
    MemberRow,
    NewConversation,
)

_Args = TypeVarTuple("_Args")
_Result = TypeVar("_Result")
_OBSERVERS: Final = 128
_SUPERSEDED: Final = frozenset({"wrong-epoch", "epoch-gone"})


class _Judge(threading.local):
    """What the hooks of one validation need to know, and what they saw; one per thread."""

    time_ms: int = 0
    committer: Leaf | None = None


class Ordering:
    """Creates conversations and takes handshakes."""

    def __init__(
        self,
        deployment: DeploymentId,
        rules: Callable[[], Rules],
        store: Store,
        conversations: Conversations,
        delivery: Delivery,
        fanout: Fanout,
        catch_ups: CatchUps,
        clock: Clock,
        mailed: Callable[[DeviceId], None],
    ) -> None:
        self._mailed = mailed
        self._deployment = deployment
        self._rules = rules
        self._store = store
        self._conversations = conversations
        self._delivery = delivery
        self._fanout = fanout
        self._catch_ups = catch_ups
        self._clock = clock
        self._judge = _Judge()
        self._client = ObserverClient(self._check_identity, self._check_commit)
        self._observers: OrderedDict[int, Observer] = OrderedDict()
        self._threads = ThreadPoolExecutor(2, "groups")

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=True)

    # --- the hooks, in a validating thread ---------------------------------------------------

    def _check_identity(self, credential: bytes, key: bytes, _context: str) -> None:
        self._rules().check_leaf(read_leaf(credential, key), self._judge.time_ms)

    def _check_commit(self, view: CommitView) -> None:
        committer = read_leaf(view.committer_credential, view.committer_signature_key)
        added: list[Leaf] = []
        removed: list[Leaf] = []
        left: list[Leaf] = []
        context_after = None
        for proposal in view.proposals:
            if proposal.kind == "context":
                context_after = proposal.context_data or b""
            elif proposal.credential is not None and proposal.signature_key is not None:
                leaf = read_leaf(proposal.credential, proposal.signature_key)
                if proposal.kind == "add":
                    added.append(leaf)
                else:
                    (left if proposal.by_reference else removed).append(leaf)
        self._rules().check_change(
            view.group_id,
            Change(
                committer=committer,
                external=view.external,
                added=tuple(added),
                removed=tuple(removed),
                left=tuple(left),
                context_before=view.context_data,
                context_after=context_after,
                roster=lambda: _leaves(view.roster()),
                time_ms=self._judge.time_ms,
            ),
        )
        self._judge.committer = committer

    # --- creating ----------------------------------------------------------------------------

    async def create(
        self, account: AccountId, device: DeviceId, body: CreateConversation
    ) -> Conversation:
        """Return the new conversation of its creator.

        Raises GroupRefused: group-id, group-duplicate, or what the group rules refuse.
        """
        name = ConversationId(body.conversation)
        if name_conversation(device, body.random, self._deployment) != name:
            raise GroupRefused(Code.GROUP_ID)
        observer = await self._run(self._observe, body, account, device)
        group = GroupRow(0, observer.snapshot(), observer.ratchet_tree(), body.group_info)
        creator = MemberRow(account, device)

        def change(tables: Tables) -> ConversationRow:
            key = tables.groups.create(NewConversation(name, device, body.random, self._clock()))
            if key is None:
                raise GroupRefused(Code.GROUP_DUPLICATE)
            tables.groups.put_group(key, group, keep_tree=False)
            tables.groups.change_members(key, [creator], [])
            return ConversationRow(key, name, device, body.random, 0, 0)

        row = await self._store.write(change)
        conversation = self._conversations.add(row, observer.epoch, [creator])
        self._keep(conversation, observer)
        connection = self._fanout.find(device)
        if connection is not None:
            self._fanout.follow(connection, conversation)
        return conversation

    def _observe(self, body: CreateConversation, account: AccountId, device: DeviceId) -> Observer:
        self._judge.time_ms = self._clock()
        observer = self._client.observe(body.group_info, body.tree)
        roster = _leaves(observer.members())
        self._rules().check_created(body.conversation, observer.context_data, roster)
        if observer.group_id != body.conversation or observer.epoch != 0:
            raise GroupRefused(Code.GROUP_ID)
        if (roster[0].account, roster[0].device) != (account, device):
            raise GroupRefused(Code.GROUP_ID, "not its creator's")
        return observer

    async def check_speaks(self, conversation: Conversation, account: AccountId) -> None:
        """Raise GroupRefused(not-allowed) unless the account speaks for the group (spec G-14)."""
        async with conversation.commit_lock:
            observer = await self._observer(conversation)
            context = self._rules().check_context(conversation.id, observer.context_data)
        if not speaks_for(context, account):
            raise GroupRefused(Code.NOT_ALLOWED, "only admins set the timer")

    # --- handshakes --------------------------------------------------------------------------

    async def post(
        self, conversation: Conversation, account: AccountId, device: DeviceId, body: PostCommit
    ) -> tuple[Ordered, int]:
        """Return where a handshake landed and the epoch after it.

        Raises WireRefused(epoch-superseded, commit-invalid) or what the group rules refuse.
        """
        async with conversation.commit_lock:
            observer = await self._observer(conversation)
            now = self._clock()
            staged, moved = await self._run(self._stage, observer, account, device, body, now)
            try:
                ordered = await self._post(conversation, account, device, body, staged, moved)
            except BaseException:
                self._observers.pop(conversation.key, None)
                raise
            if moved is None:
                observer.accept(staged)
            else:
                self._keep(conversation, moved)
            return ordered, staged.epoch

    def _stage(
        self,
        observer: Observer,
        account: AccountId,
        device: DeviceId,
        body: PostCommit,
        now_ms: int,
    ) -> tuple[StagedCommit, Observer | None]:
        """Validate in a thread; with group info, also return the observer of the epoch after."""
        if inspect_message(body.commit).wire_format != "public-message":
            raise WireRefused(Code.COMMIT_INVALID, "not a public message")
        self._judge.time_ms = now_ms
        self._judge.committer = None
        staged = observer.stage(body.commit, now_ms // 1000)
        event = staged.event
        if isinstance(event, Commit):
            author = self._judge.committer
        else:
            leaves = {member.leaf_index: member for member in observer.members()}
            sender = leaves[event.sender]
            author = read_leaf(sender.credential, sender.signature_key)
        if author is None or (author.account, author.device) != (account, device):
            raise WireRefused(Code.SENDER_MISMATCH)
        _check_welcomes(staged, body.welcomes)
        if not body.group_info:
            if isinstance(event, Commit):
                raise WireRefused(Code.COMMIT_INVALID, "no group info: nobody could come back")
            return staged, None
        moved = self._client.load(staged.snapshot, staged.ratchet_tree)
        moved.check_group_info(body.group_info)
        return staged, moved

    async def _post(
        self,
        conversation: Conversation,
        account: AccountId,
        device: DeviceId,
        body: PostCommit,
        staged: StagedCommit,
        moved: Observer | None,
    ) -> Ordered:
        event = staged.event
        added = _rows(event.added) if isinstance(event, Commit) else []
        removed = _rows(event.removed) if isinstance(event, Commit) else []
        departed = [leaf for leaf in removed if leaf not in added and self._is_listed(leaf)]
        before = (conversation.epoch, dict(conversation.members))
        if isinstance(event, Commit) or moved is not None:
            group_info = body.group_info
        else:
            group_info = await self._store.read(
                lambda tables: (tables.groups.group(conversation.key) or _NO_GROUP).group_info
            )
        group = GroupRow(staged.epoch, staged.snapshot, staged.ratchet_tree, group_info)
        stored: list[MailRow] = []

        def apply() -> None:
            conversation.set_epoch(staged.epoch)
            for leaf in removed:
                conversation.members.pop(DeviceId(leaf.device), None)
            for leaf in added:
                conversation.members[DeviceId(leaf.device)] = AccountId(leaf.account)

        def undo() -> None:
            conversation.set_epoch(before[0])
            conversation.members = before[1]

        def write(tables: Tables, sequence: int, time_ms: int) -> None:
            tables.groups.put_group(conversation.key, group, keep_tree=bool(body.welcomes))
            tables.groups.change_members(conversation.key, added, removed)
            stored.extend(
                tables.devices.put_mail(
                    MailRow(
                        0,
                        welcome.device,
                        time_ms,
                        WELCOME_MAIL,
                        conversation.id,
                        sequence,
                        welcome.welcome,
                    )
                    for welcome in body.welcomes
                )
            )
            # Whoever is away when it is taken out learns it when it comes back.
            stored.extend(
                tables.devices.put_mail(
                    MailRow(0, leaf.device, time_ms, DEPARTURE_MAIL, conversation.id, sequence, b"")
                    for leaf in departed
                )
            )

        def announce(sequence: int, _time_ms: int) -> None:
            mail = {piece.device: piece for piece in stored}
            for leaf in removed:
                gone = self._fanout.find(DeviceId(leaf.device))
                if gone is not None and leaf.device not in conversation.members:
                    self._fanout.unfollow(gone, conversation, sequence)
                    if leaf.device in mail:
                        self._catch_ups.push_mail(gone, [mail[leaf.device]])
            for leaf in added:
                connection = self._fanout.find(DeviceId(leaf.device))
                if connection is not None:
                    self._fanout.follow(connection, conversation)
                    if leaf.device in mail:
                        self._catch_ups.push_mail(connection, [mail[leaf.device]])
                elif leaf.device in mail:
                    self._mailed(DeviceId(leaf.device))

        return await self._delivery.post(
            Handshake(conversation, account, device, body.commit, apply, undo, write, announce)
        )

    def _is_listed(self, leaf: MemberRow) -> bool:
        """Say whether a device can still come and take its mail."""
        try:
            self._rules().key_log.current_device(AccountId(leaf.account), DeviceId(leaf.device))
        except KeyLogRefused:
            return False
        return True

    async def check_key_packages(
        self, account: AccountId, device: DeviceId, packages: Sequence[bytes]
    ) -> None:
        """Refuse key packages that are not this device's own, or not valid (spec W-32)."""
        await self._run(self._check_key_packages, account, device, packages)

    def _check_key_packages(
        self, account: AccountId, device: DeviceId, packages: Sequence[bytes]
    ) -> None:
        self._judge.time_ms = self._clock()
        for package in packages:
            info = self._client.validate_key_package(package, self._judge.time_ms // 1000)
            leaf = read_leaf(info.credential, info.signature_key)
            if (leaf.account, leaf.device) != (account, device):
                raise WireRefused(Code.SENDER_MISMATCH)

    # --- observers ---------------------------------------------------------------------------

    async def _observer(self, conversation: Conversation) -> Observer:
        found = self._observers.get(conversation.key)
        if found is not None:
            self._observers.move_to_end(conversation.key)
            return found
        group = await self._store.read(lambda tables: tables.groups.group(conversation.key))
        if group is None:
            raise WireRefused(Code.NOT_FOUND)
        observer = await self._run(self._client.load, group.snapshot, group.tree)
        self._keep(conversation, observer)
        return observer

    def _keep(self, conversation: Conversation, observer: Observer) -> None:
        self._observers[conversation.key] = observer
        self._observers.move_to_end(conversation.key)
        while len(self._observers) > _OBSERVERS:
            self._observers.popitem(last=False)

    async def _run(self, work: Callable[[*_Args], _Result], *args: *_Args) -> _Result:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, work, *args)
        except MlsError as error:
            code = Code.EPOCH_SUPERSEDED if error.code in _SUPERSEDED else Code.COMMIT_INVALID
            raise WireRefused(code, error.code) from error


_NO_GROUP: Final = GroupRow(0, b"", b"", b"")


def _leaves(members: Sequence[Member]) -> list[Leaf]:
    return [read_leaf(member.credential, member.signature_key) for member in members]


def _rows(members: Sequence[Member]) -> list[MemberRow]:
    return [MemberRow(leaf.account, leaf.device) for leaf in _leaves(members)]


def _check_welcomes(staged: StagedCommit, welcomes: Sequence[WelcomeFor]) -> None:
    """Who is added gets a welcome and nobody else, but for a resync, which needs none."""
    event = staged.event
    added = set()
    if isinstance(event, Commit) and not event.external:
        added = {(leaf.account, leaf.device) for leaf in _leaves(event.added)}
    named = [(welcome.account, welcome.device) for welcome in welcomes]
    if len(set(named)) != len(named) or set(named) != added:
        raise WireRefused(Code.COMMIT_INVALID, "welcomes do not fit the added devices")
