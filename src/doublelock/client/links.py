"""Links into groups: those that this device made, who asks by them, and asking oneself (G-20).

A link and its wishes lie in the vault of the device that made it; nobody else can answer for it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from msgspec import Struct, msgpack

from doublelock.client.conversation import Conversations
from doublelock.client.core import LEFT, MEMBER, Core
from doublelock.client.events import JoinAsked
from doublelock.client.groups import roster_of
from doublelock.protocol import limits
from doublelock.protocol.api import CONTENT_TYPE, SendMail, encode_body
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import GroupRefused, KeyLogRefused, Refusal, WireRefused
from doublelock.protocol.frames import Mail
from doublelock.protocol.group_link import (
    SECRET_SIZE,
    GroupLink,
    check_join_request,
    decode_join_request,
    make_join_request,
)
from doublelock.protocol.group_rules import ConversationKind
from doublelock.protocol.identifiers import AccountId, ConversationId, DeviceId
from doublelock.protocol.mail import decode_relayed

LINK_MS: Final = 30 * 86_400_000
_LINKS: Final = "group-link/"
_REQUESTS: Final = "join-request/"
Admitted = Callable[[ConversationId], Awaitable[None]]
"""Told of a group that somebody was let into: newcomers learn what it is called."""


class _Kept(Struct, frozen=True):
    """A link of this device's; `at_once` admits without a person's word."""

    conversation: bytes
    secret: bytes
    name: bytes
    made_ms: int
    expires_ms: int
    at_once: bool


class _Asked(Struct, frozen=True):
    """An account's last request for a group, and whether it was answered."""

    conversation: bytes
    account: bytes
    time_ms: int
    answered: bool


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody who waits to be let in, since when."""

    conversation: ConversationId
    account: AccountId
    time_ms: int


class Links:
    """The links and join requests of one device."""

    def __init__(self, core: Core, conversations: Conversations, admitted: Admitted) -> None:
        self._core = core
        self._conversations = conversations
        self._admitted = admitted
        self._admitting: set[asyncio.Task[None]] = set()

    # --- one's own links -------------------------------------------------------------------

    def find(self, conversation: ConversationId) -> GroupLink | None:
        """Return the link of a group that this device made and that is still good."""
        data = self._core.vault.fact(_LINKS + conversation.hex())
        if data is None:
            return None
        kept = msgpack.decode(data, type=_Kept)
        return None if kept.expires_ms < self._core.clock() else self._link(kept)

    def make(
        self, conversation: ConversationId, name: bytes, *, at_once: bool = False
    ) -> GroupLink:
        """Make a link in place of an older one. Raises GroupRefused(not-allowed)."""
        core = self._core
        if not self._rules(conversation):
            raise GroupRefused(Code.NOT_ALLOWED, "admins of a group make links into it")
        now = core.clock()
        secret = core.random(SECRET_SIZE)
        whole = name.decode("utf-8", "replace").encode()
        shown = whole[: limits.GROUP_LINK_NAME].decode("utf-8", "ignore")
        kept = _Kept(conversation, secret, shown.encode(), now, now + LINK_MS, at_once)
        with core.vault.transaction():
            core.vault.write_fact(_LINKS + conversation.hex(), msgpack.encode(kept))
        return self._link(kept)

    def revoke(self, conversation: ConversationId) -> None:
        """Forget a group's link: what is asked by it counts no more."""
        with self._core.vault.transaction():
            self._core.vault.drop_fact(_LINKS + conversation.hex())

    def _link(self, kept: _Kept) -> GroupLink:
        core = self._core
        return GroupLink(
            core.identity.address,
            core.deployment,
            ConversationId(kept.conversation),
            core.account,
            core.device,
            kept.expires_ms,
            kept.secret,
            kept.name,
        )

    # --- asking ----------------------------------------------------------------------------

    async def ask(self, link: GroupLink) -> None:
        """Ask to be let into a link's group. Raises GroupRefused, WireRefused."""
        core = self._core
        now = core.clock()
        if link.deployment != core.deployment:
            raise WireRefused(Code.NOT_FOUND, "a group of another deployment")
        if link.expires_ms < now:
            raise GroupRefused(Code.INVITATION_EXPIRED, "the group's link")
        room = core.rooms.get(link.conversation)
        if room is not None and room.status != LEFT:
            raise GroupRefused(Code.GROUP_DUPLICATE, "already in this group")
        request = make_join_request(link, core.account, core.device, core.signing_key.sign, now)
        body = SendMail(account=link.inviter, device=link.device, sealed=request.encode())
        await core.http.send("POST", "/v1/mail", encode_body(body), kind=CONTENT_TYPE)

    # --- being asked -----------------------------------------------------------------------

    def requests(self) -> list[Request]:
        """Return who waits to be let into a group that this person rules, oldest first."""
        found, blocked = [], self._core.blocked
        for data in self._core.vault.facts(_REQUESTS):
            asked = msgpack.decode(data, type=_Asked)
            conversation = ConversationId(asked.conversation)
            if asked.answered or not self._rules(conversation):
                continue
            account = AccountId(asked.account)
            if account not in self._members(conversation) and account not in blocked:
                found.append(Request(conversation, account, asked.time_ms))
        return sorted(found, key=lambda each: each.time_ms)

    async def take(self, mail: Mail) -> None:
        """Take what another account's device sent; what does not count is dropped (spec G-22).

        The caller flushes. Raises WireRefused without the server: then it comes again.
        """
        try:
            await self._take(mail.payload)
        except WireRefused:
            raise
        except Refusal:
            return

    async def _take(self, payload: bytes) -> None:
        core = self._core
        letter = decode_relayed(payload)
        request = decode_join_request(letter.sealed)
        for data in core.vault.facts(_LINKS):
            kept = msgpack.decode(data, type=_Kept)
            link = self._link(kept)
            if not request.opens(link, letter.account, letter.device):
                continue
            before = self._asked(link.conversation, letter.account)
            check_join_request(
                request,
                link,
                letter.account,
                letter.device,
                await self._key_of(letter.account, letter.device),
                before.time_ms if before is not None and before.answered else 0,
                core.clock(),
                core.monitor.charter.terms.skew_ms,
            )
            if not self._rules(link.conversation) or letter.account in core.blocked:
                return
            asked = _Asked(link.conversation, letter.account, request.time_ms, answered=False)
            core.write(partial(self._keep, asked))
            core.tell(JoinAsked(link.conversation, letter.account, request.time_ms))
            if kept.at_once:
                self._admit_soon(link.conversation, letter.account)
            return

    async def answer(
        self, conversation: ConversationId, account: AccountId, *, accept: bool
    ) -> None:
        """Let somebody in who asked, or do not. Raises GroupRefused, WireRefused."""
        asked = self._asked(conversation, account)
        if asked is None or asked.answered:
            raise GroupRefused(Code.NOT_FOUND, "nobody of this name asks to join")
        if accept:
            await self._conversations.add(self._core.room(conversation), [account])
        with self._core.vault.transaction():
            self._keep(_Asked(conversation, account, asked.time_ms, answered=True))
        if accept:
            await self._admitted(conversation)

    @property
    def busy(self) -> bool:
        """Whether somebody is being let in."""
        return bool(self._admitting)

    async def stop(self) -> None:
        """Admit nobody more; who was being let in still waits."""
        for task in [*self._admitting]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Refusal):
                await task

    def _admit_soon(self, conversation: ConversationId, account: AccountId) -> None:
        async def admit() -> None:
            self._core.flush()
            with contextlib.suppress(Refusal):  # it stays a request, for a person to answer
                await self.answer(conversation, account, accept=True)

        task = asyncio.create_task(admit())
        self._admitting.add(task)
        task.add_done_callback(self._admitting.discard)

    async def _key_of(self, account: AccountId, device: DeviceId) -> bytes:
        monitor = self._core.monitor
        try:
            return monitor.key_log.current_device(account, device).key
        except KeyLogRefused:
            await monitor.sync_keys()
            return monitor.key_log.current_device(account, device).key

    def _asked(self, conversation: ConversationId, account: AccountId) -> _Asked | None:
        data = self._core.vault.fact(_name(conversation, account))
        return None if data is None else msgpack.decode(data, type=_Asked)

    def _keep(self, asked: _Asked) -> None:
        name = _name(asked.conversation, asked.account)
        self._core.vault.write_fact(name, msgpack.encode(asked))

    def _rules(self, conversation: ConversationId) -> bool:
        core = self._core
        room = core.rooms.get(conversation)
        if room is None or room.status != MEMBER or not core.is_usable(room):
            return False
        context = core.context(room)
        return context.kind is ConversationKind.GROUP and core.account in context.admins

    def _members(self, conversation: ConversationId) -> set[AccountId]:
        core = self._core
        return {leaf.account for leaf in roster_of(core.group(core.room(conversation)))}


def _name(conversation: bytes, account: bytes) -> str:
    return f"{_REQUESTS}{conversation.hex()}/{account.hex()}"
