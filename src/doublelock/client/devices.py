"""The devices of one account, seen from one of them: approve, revoke, keep groups in step (Y-13).

The key log says which devices an account has. Its groups follow: an own device that the log lists
is brought in, a device that the log dropped is taken out.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from doublelock.client.conversation import Conversations
from doublelock.client.core import BROKEN, MEMBER, Core, Room
from doublelock.client.enrolment import Enrolment
from doublelock.client.groups import roster_of
from doublelock.client.letters import ALL, HEADS, NOTHING, Letters
from doublelock.client.linking import ALARMS_SEEN
from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import u64
from doublelock.protocol.errors import GroupRefused, KeyLogRefused
from doublelock.protocol.group_rules import ConversationKind
from doublelock.protocol.identifiers import ConversationId, DeviceId
from doublelock.protocol.keylog import DeviceRecord
from doublelock.protocol.keylog_entry import Kind, draft_update, sign_update
from doublelock.protocol.link_request import LinkRequest, sign_link_request

_TIDIED: Final = "tidied"
_LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device that the key log lists or listed for this account, and who vouched for it.

    `author` is the sibling that signed it in; none for a device that came with an invite.
    """

    record: DeviceRecord
    author: DeviceId | None
    own: bool


class Devices:
    """What one device does about its account's others."""

    def __init__(
        self, core: Core, enrolment: Enrolment, conversations: Conversations, letters: Letters
    ) -> None:
        self._core = core
        self._letters = letters
        self._enrolment = enrolment
        self._conversations = conversations
        self.tidied = core.vault.number(_TIDIED)
        """Key-log entries up to which no group holds a device that the log dropped."""

    def listed(self) -> list[ListedDevice]:
        """Return every device that this account ever had, in the log's order."""
        core = self._core
        return [
            ListedDevice(
                core.monitor.key_log.device(device),
                applied.author if applied.kind is Kind.UPDATE else None,
                device == core.device,
            )
            for applied in core.monitor.applied
            if applied.account == core.account
            for device in applied.added
        ]

    def acknowledge(self) -> None:
        """Remember that the person has seen every entry about this account up to now."""
        core = self._core
        core.vault.write_fact(ALARMS_SEEN, u64(core.monitor.key_log.size))

    # --- approving and revoking --------------------------------------------------------------

    async def approve(self, request: LinkRequest, *, history: bool = True) -> None:
        """List a new device by this one's word, after the person has compared the codes.

        With `history` it is given what this device has, as soon as it has told a key (spec D-5).

        Raises KeyLogRefused: unknown-account, entry-order, entry-time (the request is too old or
        from a wrong clock: ask again), ghost-device, device-taken; BadSignature; WireRefused.
        """
        core = self._core
        await core.monitor.sync_keys()
        skew_ms = int(core.monitor.charter.terms.skew_ms)
        if request.time_ms > core.clock() + skew_ms:
            raise KeyLogRefused(Code.ENTRY_TIME, "a request from the future")
        entry = sign_link_request(
            request,
            core.deployment,
            core.monitor.key_log.account(core.account),
            core.signing_key.public.encoded,
            core.signing_key.sign,
        )
        await self._enrolment.append(entry)
        self._letters.owe(request.device, ALL if history else HEADS)

    async def handed(self, device: DeviceId, patience_s: float) -> bool:
        """Wait until a device that this one approved has been sent what it was to be given.

        False when time is over: a later connection goes on with it.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while self._letters.owes(device) != NOTHING:  # noqa: ASYNC110 - the vault says it
                    await asyncio.sleep(_LOOK_S)
        return self._letters.owes(device) == NOTHING

    def name_of(self, device: DeviceId) -> str:
        """Return what a sibling calls itself, or nothing."""
        return self._letters.name_of(device)

    async def revoke(self, device: DeviceId) -> None:
        """Take a device of this account out of the key log, then out of this device's groups.

        From the entry on the server serves it nothing, and from the commit on no message of a
        group can be read with its keys. Raises KeyLogRefused(ghost-device, not-allowed),
        WireRefused.
        """
        core = self._core
        await core.monitor.sync_keys()
        now = core.monitor.key_log.account(core.account)
        if device not in now.devices:
            raise KeyLogRefused(Code.GHOST_DEVICE, "the account has no such device")
        if device == core.device:
            raise KeyLogRefused(Code.NOT_ALLOWED, "a device is revoked from another one")
        draft = draft_update(
            core.account,
            now.number + 1,
            now.lineage,
            now.index,
            now.committee,
            [key for name, key in now.devices.items() if name != device],
            core.signing_key.public.encoded,
            core.clock(),
        )
        entry = sign_update(core.deployment, draft, core.signing_key.sign, [])
        await self._enrolment.append(entry)
        await asyncio.gather(*(self.take_out(room, {device}) for room in self._rooms()))

    # --- groups in step ----------------------------------------------------------------------

    def missing(self, room: Room) -> list[DeviceId]:
        """Return the devices that the log lists for this account and a group lacks."""
        core = self._core
        own = core.monitor.key_log.account(core.account).devices
        if len(own) < 2:
            return []
        present = {leaf.device for leaf in roster_of(core.group(room))}
        return [device for device in own if device not in present]

    async def bring_in(self, room: Room) -> None:
        """Add this account's missing devices, those that have key packages, to a group."""
        core = self._core
        missing = [(core.account, device) for device in self.missing(room)]
        if missing:
            await self._conversations.add(room, [], also=missing)

    async def bring_everywhere(self, device: DeviceId, patience_s: float) -> list[ConversationId]:
        """Bring a new device into every conversation, as soon as it can be reached.

        Returns those where it is still missing after that time: a later connection of any device
        of this account goes on.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while rooms := [room for room in self._rooms() if device in self.missing(room)]:
                    # One first: without a key package there is none for the others either.
                    await self.bring_in(rooms[0])
                    if device in self.missing(rooms[0]):
                        await asyncio.sleep(_LOOK_S)
                    else:
                        await asyncio.gather(*(self.bring_in(room) for room in rooms[1:]))
        return [room.conversation for room in self._rooms() if device in self.missing(room)]

    def stale(self, room: Room, gone: Iterable[DeviceId]) -> list[DeviceId]:
        """Return the devices of a group that the log dropped and that this account may remove."""
        core = self._core
        dropped = set(gone)
        skew_ms = int(core.monitor.charter.terms.skew_ms)
        context = core.context(room)
        # In a group its owner and the admins go first, or all its members would commit at once.
        first = context.kind is ConversationKind.DIRECT or core.account in context.admins
        found = []
        for leaf in roster_of(core.group(room)):
            if leaf.device not in dropped:
                continue
            record = core.monitor.key_log.device(leaf.device)
            if first or leaf.account == core.account or not record.valid_at(core.clock(), skew_ms):
                found.append(leaf.device)
        return found

    async def take_out(self, room: Room, gone: Iterable[DeviceId]) -> None:
        """Remove from a group what `stale` finds of these devices."""
        devices = self.stale(room, gone)
        if devices:
            await self._conversations.remove_devices(room, devices)

    def is_untidy(self, room: Room) -> bool:
        """Say whether a group differs from what the key log says of devices."""
        return bool(self.missing(room)) or bool(self.stale(room, self._core.gone))

    def forget_gone(self) -> None:
        """Look for dropped devices no more once no group holds one; the caller flushes."""
        core = self._core
        size = core.monitor.key_log.size
        if size == self.tidied:
            return
        for room in core.rooms.values():
            if room.status == BROKEN or (room.status == MEMBER and not room.live):
                return
            if room.status == MEMBER and core.gone & {
                leaf.device for leaf in roster_of(core.group(room))
            }:
                return
        core.gone.clear()
        self.tidied = size
        core.write(lambda: core.vault.write_fact(_TIDIED, u64(size)))

    async def withdraw(self, room: Room) -> None:
        """Take this account's other devices out of a group that this one is about to leave."""
        core = self._core
        others = [
            leaf.device
            for leaf in roster_of(core.group(room))
            if leaf.account == core.account and leaf.device != core.device
        ]
        if others:
            await self._conversations.remove_devices(room, others)

    def _rooms(self) -> list[Room]:
        rooms = []
        for room in self._core.rooms.values():
            if room.status == MEMBER:
                with contextlib.suppress(GroupRefused):
                    self._core.group(room)
                    rooms.append(room)
        return rooms
