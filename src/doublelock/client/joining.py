"""Coming into conversations: by a welcome, or back by a resync (spec G-7, G-9, G-11)."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

from doublelock_mls import Group, MlsError, inspect_message

from doublelock.client.core import BROKEN, LEFT, MEMBER, Core, Room
from doublelock.client.events import Joined, Left
from doublelock.client.groups import name_failure, read_member
from doublelock.protocol import limits
from doublelock.protocol.api import PostCommit, PostedCommit
from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import Reader
from doublelock.protocol.errors import GroupRefused, WireRefused
from doublelock.protocol.frames import Mail
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.keylog_entry import NOBODY

TRIES: Final = 12
_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 2.0
LOST: Final = frozenset({Code.EPOCH_SUPERSEDED, Code.CONFLICT})
"""Refusals that say that another commit was first."""

CatchUp = Callable[[Room], None]
"""Asks the stream for what comes after the room's last item."""


async def post_commit(core: Core, room: Room, body: PostCommit) -> PostedCommit:
    """Give the server a handshake. Raises WireRefused, GroupRefused."""
    path = f"/v1/conversations/{room.conversation.hex()}/commits"
    return await core.http.ask("POST", path, body, PostedCommit)


class Joining:
    """How one device comes into conversations. `catch_up` is the session's."""

    def __init__(self, core: Core, catch_up: CatchUp) -> None:
        self._core = core
        self._catch_up = catch_up

    async def take_welcome(self, mail: Mail) -> bool:
        """Join the group that a welcome leads into; False when it must wait for a removal.

        Raises GroupRefused, Malformed for what the rules refuse, WireRefused without the server.
        """
        core = self._core
        conversation = ConversationId(mail.conversation)
        room = core.rooms.get(conversation)
        known = room is not None and room.status != LEFT
        reader = Reader(mail.payload)
        epoch, welcome = reader.u64(), reader.rest()
        try:
            references = inspect_message(welcome).references
        except MlsError as error:
            raise name_failure(error) from None
        reference = next((ref for ref in references if core.vault.key_package(ref)), None)
        if reference is None:
            return True  # used already: a repeated delivery
        if room is not None and room.status == MEMBER and not room.live:
            return False
        private = core.vault.key_package(reference) or b""
        tree = await core.http.get(
            f"/v1/conversations/{conversation.hex()}/tree",
            parameters={"epoch": epoch},
            limit=limits.RATCHET_TREE,
        )
        group, adder = await self._join(welcome, tree, private)
        if group.group_id != conversation:
            raise GroupRefused(Code.GROUP_ID)
        joined = core.groups.check_joined(group, adder, known=known, time_ms=mail.time_ms)
        core.gone.update(leaf.device for leaf in joined.stale)
        room = Room(conversation, sequence=mail.at, group=group, unchecked=True)
        core.rooms[conversation] = room
        room.dirty = True
        if core.vault.fact("last-resort") != reference:
            core.write(lambda: core.vault.drop_key_package(reference))
        core.write(lambda: core.vault.drop_group(conversation))
        core.tell(Joined(conversation, read_member(group.member(adder)).account))
        core.flush()
        self._catch_up(room)
        return True

    async def _join(self, welcome: bytes, tree: bytes, private: bytes) -> tuple[Group, int]:
        core = self._core
        try:
            try:
                return core.groups.client.join(welcome, tree, private)
            except GroupRefused as refusal:
                if refusal.code is not Code.GHOST_MEMBER:
                    raise
                await core.monitor.sync_keys()
                return core.groups.client.join(welcome, tree, private)
        except MlsError as error:
            raise name_failure(error) from None

    async def rejoin(self, room: Room) -> None:
        """Come back with fresh keys after the group's state was lost or broken (spec G-11).

        What was sent between the last item taken and now stays unreadable. Raises GroupRefused,
        WireRefused.
        """
        core = self._core
        name = room.conversation.hex()
        async with room.turn:
            room.status = BROKEN
            for attempt in range(TRIES):
                if attempt:
                    # Everybody comes back at once after a commit that broke everybody.
                    longest = min(_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S)
                    await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - spreads load
                info = await core.http.get(
                    f"/v1/conversations/{name}/group-info", limit=limits.RATCHET_TREE
                )
                tree = await core.http.get(
                    f"/v1/conversations/{name}/tree", limit=limits.RATCHET_TREE
                )
                await core.monitor.sync_keys()
                try:
                    group, commit = core.groups.client.rejoin(info, tree)
                    core.rules().check_context(room.conversation, group.context_data)
                    body = PostCommit(commit=commit, group_info=group.group_info())
                    posted = await post_commit(core, room, body)
                except MlsError as error:
                    if error.code == "not-a-member":
                        raise name_failure(error) from None
                    if error.code != "tree-mismatch":
                        # Of no use, by whose fault ever: a member's next commit brings another.
                        raise WireRefused(Code.SERVER_ANSWER, "group info") from None
                except WireRefused as refusal:
                    if refusal.code not in LOST:
                        raise
                else:
                    self._rejoined(room, group, commit, posted)
                    return
        raise GroupRefused(Code.EPOCH_SUPERSEDED, "others were faster every time")

    def leave_behind(self, room: Room) -> None:
        """Give up a conversation that this device was taken out of while its state was broken."""
        core = self._core
        room.status, room.group, room.keys, room.context = LEFT, None, None, None
        room.dirty = True
        core.write(lambda: core.vault.drop_group(room.conversation))
        core.tell(Left(room.conversation, NOBODY))
        core.flush()
        room.stir()

    def _rejoined(self, room: Room, group: Group, commit: bytes, posted: PostedCommit) -> None:
        core = self._core
        missed = max(0, posted.sequence - 1 - room.sequence)
        room.group, room.keys, room.context = group, None, None
        room.status, room.sequence, room.chain = MEMBER, posted.sequence, None
        room.live = False
        room.dirty = True
        core.write(lambda: core.vault.drop_group(room.conversation))
        core.tell(Joined(room.conversation, core.account, missed))
        core.flush()
        self._catch_up(room)
