"""What the server keeps for a device beside its conversations: welcomes, letters, notices, mail.

Its place in the mailbox passes nothing that waits for something else: a new connection brings that
again.
"""

from collections.abc import Callable

from doublelock.client.core import MEMBER, Core, Room
from doublelock.client.events import RefusedItem
from doublelock.client.joining import CatchUp, Joining
from doublelock.client.links import Links
from doublelock.client.notices import Notices
from doublelock.client.siblings import Siblings
from doublelock.protocol.encoding import u64
from doublelock.protocol.errors import Refusal, WireRefused
from doublelock.protocol.frames import (
    DEPARTURE_MAIL,
    NOTICE_MAIL,
    OTHERS_MAIL,
    OWN_MAIL,
    WELCOME_MAIL,
    Mail,
    MailboxDone,
)
from doublelock.protocol.identifiers import AccountId, ConversationId

Done = Callable[[MailboxDone], object]
"""Tells the server up to where the mailbox is taken."""


class Mailbox:
    """One device's mail. `catch_up` and `done` are the session's."""

    def __init__(
        self,
        core: Core,
        joining: Joining,
        links: Links,
        notices: Notices,
        siblings: Siblings,
        catch_up: CatchUp,
        done: Done,
    ) -> None:
        self._core = core
        self._joining = joining
        self._links = links
        self._notices = notices
        self._siblings = siblings
        self._catch_up = catch_up
        self._done = done
        self._held: list[Mail] = []
        self._seen = 0
        self.place = core.vault.number("mailbox")
        """The last piece of mail that is taken for good."""

    def disconnected(self) -> None:
        """The connection ended: what was held comes again."""
        self._held.clear()

    async def take_held(self, room: Room) -> None:
        """Take what waited for a conversation that has moved."""
        for mail in [held for held in self._held if held.conversation == room.conversation]:
            self._held.remove(mail)
            await self.take(mail)

    async def take(self, mail: Mail) -> None:
        """Take one piece of mail; what is refused is told. Raises WireRefused: connect again."""
        core = self._core
        if mail.kind == WELCOME_MAIL:
            conversation = ConversationId(mail.conversation)
            try:
                if not await self._joining.take_welcome(mail):
                    self._held.append(mail)
                    return
            except WireRefused:
                raise
            except Refusal as refusal:
                core.tell(
                    RefusedItem(conversation, mail.at, mail.time_ms, AccountId(bytes(32)), refusal)
                )
        elif mail.kind == DEPARTURE_MAIL:
            room = core.rooms.get(ConversationId(mail.conversation))
            if room is not None and room.status == MEMBER and room.sequence < mail.at:
                # Only the commit itself says who took this device out: it comes first.
                self._held.append(mail)
                if not room.catching:
                    self._catch_up(room)
                return
        elif mail.sequence > self.place and mail.kind == NOTICE_MAIL:
            self._notices.take(mail)
        elif mail.sequence > self.place and mail.kind == OTHERS_MAIL:
            await self._links.take(mail)
        elif mail.sequence > self.place and mail.kind == OWN_MAIL:
            await self._take_letter(mail)
        self._seen = max(self._seen, mail.sequence)
        # The mark never passes what is held: a new connection brings that again.
        if not self._held and self._seen > self.place:
            place = self.place = self._seen
            core.write(lambda: core.vault.write_fact("mailbox", u64(place)))
        core.flush()
        if not self._held:
            self._done(MailboxDone(self.place))

    async def _take_letter(self, mail: Mail) -> None:
        core = self._core
        try:
            await self._siblings.take(mail)
        except WireRefused:
            raise
        except Refusal as refusal:
            core.tell(
                RefusedItem(
                    ConversationId(bytes(32)), 0, mail.time_ms, AccountId(core.account), refusal
                )
            )
