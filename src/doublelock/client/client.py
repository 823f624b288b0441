"""The client: what an application, the command line or a replay uses of all this."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Self

from doublelock.client.attachments import Attachments
from doublelock.client.blocking import Blocking
from doublelock.client.core import MEMBER, Core, Identity, Room
from doublelock.client.devices import Devices
from doublelock.client.directory import find_handles
from doublelock.client.enrolment import PACKAGES, Enrolment, found_account, read_identity
from doublelock.client.events import Event
from doublelock.client.groups import roster_of
from doublelock.client.invite import Invite, PinnedAddress, make_invite
from doublelock.client.linking import Linking
from doublelock.client.links import Links
from doublelock.client.marks import Marks
from doublelock.client.monitor import Clock, Monitor
from doublelock.client.presence import Presence
from doublelock.client.session import Session
from doublelock.client.vault import Shown, Vault
from doublelock.keep import Unlocking
from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.encoding import u64
from doublelock.protocol.errors import KeyLogRefused, Malformed, VaultRefused
from doublelock.protocol.group_rules import AddPolicy, ConversationKind, Leaf
from doublelock.protocol.identifiers import (
    AccountId,
    ConversationId,
    DeploymentId,
    DeviceId,
    MessageId,
    name_account,
    name_device,
)
from doublelock.protocol.keylog_entry import Purpose
from doublelock.protocol.record import AnyRecord, Details, Ephemeral, Timer
from doublelock.protocol.safety_code import SafetyCode, make_safety_code
from doublelock.protocol.session import DeviceSubject
from doublelock.transport import http as transport
from doublelock.transport.http import HttpClient


class Client:
    """One device of one person. Made by `register`, `link` or `open`.

    `connect` brings it onto the stream. With `decrypt=False` it follows commits and sends, and
    leaves others' messages unread. Errors are Refusals by name; nothing that they say holds a
    secret.
    """

    def __init__(self, core: Core, *, owns_monitor: HttpClient | None) -> None:
        self._core = core
        self._enrolment = Enrolment(core)
        self._session = Session(core, self._enrolment)
        self._owns_monitor = owns_monitor
        self.attachments = Attachments(core)

    # --- coming to be ----------------------------------------------------------------------

    @classmethod
    async def register(
        cls,
        folder: Path,
        unlocking: Unlocking,
        invite: Invite,
        handle: str,
        *,
        clock: Clock,
        monitor: Monitor | None = None,
        decrypt: bool = True,
        packages: int = PACKAGES,
    ) -> Self:
        """Make an account with one device, or reset it, and wait until witnesses have seen it.

        May be repeated with the same folder after a crash, or with another invite or handle after
        a refusal. Raises VaultRefused, KeyLogRefused, WireRefused(account-exists, ...), LogRefused,
        CharterRefused.
        """
        if not 1 <= len(handle.encode()) <= limits.HANDLE:
            raise Malformed(Code.SIZE, "handle")
        vault = Vault.open(folder, unlocking)
        own = HttpClient(invite.address) if monitor is None else None
        try:
            identity = read_identity(vault)
            if monitor is None:
                assert own is not None
                monitor = Monitor(own, invite.deployment, clock)
                await monitor.start()
            if identity is None:
                if invite.invitation.purpose is Purpose.RESET:
                    await monitor.sync_keys()
                identity = found_account(vault, monitor, invite, handle, clock())
            elif identity.handle != handle:
                detail = "this folder is a device of another account: take another one"
                raise VaultRefused(Code.VAULT_EXISTS, detail)
            client = cls(_core(vault, monitor, identity, clock, decrypt), owns_monitor=own)
        except BaseException:
            await _abandon(vault, own)
            raise
        await client._begun(client._enrolment.enter, packages)
        return client

    @classmethod
    async def link(
        cls, linking: Linking, *, clock: Clock, decrypt: bool = True, packages: int = PACKAGES
    ) -> Self:
        """Become the further device that the key log now lists, and be reachable for its siblings.

        Takes over what `linking` holds. Raises KeyLogRefused(device-pending), WireRefused.
        """
        try:
            if not linking.is_listed():
                raise KeyLogRefused(Code.DEVICE_PENDING)
            linking.settle()
            client = cls(
                _core(linking.vault, linking.monitor, linking.identity, clock, decrypt),
                owns_monitor=linking.owns_monitor,
            )
        except BaseException:
            await linking.close()
            raise
        await client._begun(None, packages)
        return client

    @classmethod
    async def open(
        cls,
        folder: Path,
        unlocking: Unlocking,
        *,
        clock: Clock,
        monitor: Monitor | None = None,
        decrypt: bool = True,
    ) -> Self:
        """Open an account's folder. Raises VaultRefused, LogRefused, CharterRefused."""
        vault = Vault.open(folder, unlocking, make=False)
        own = None
        try:
            identity = read_identity(vault)
            if identity is None:
                raise VaultRefused(Code.VAULT_MISSING, "no account in this folder")
            if monitor is None:
                own = HttpClient(identity.address)
                monitor = Monitor(
                    own,
                    DeploymentId(identity.deployment),
                    clock,
                    key_entries=vault.log_entries("key"),
                    law_entries=vault.log_entries("law"),
                )
                await monitor.start()
            core = _core(vault, monitor, identity, clock, decrypt)
            client = cls(core, owns_monitor=own)
            core.load_rooms()
            await monitor.sync_keys()
            monitor.check_heads(_head(vault, "key"), None)
        except BaseException:
            await _abandon(vault, own)
            raise
        return client

    async def _begun(self, enter: Callable[[], Awaitable[None]] | None, packages: int) -> None:
        """Enter the key log where that is still to be done, and be reachable; or close again."""
        try:
            if enter is not None:
                await enter()
            self._keep_logs()
            await self._enrolment.publish_key_packages(packages)
        except BaseException:
            await self._core.http.close()
            await _abandon(self._core.vault, self._owns_monitor)
            raise

    def _keep_logs(self) -> None:
        vault, monitor = self._core.vault, self._core.monitor
        with vault.transaction():
            for log, head in (("key", monitor.key_head), ("law", monitor.law_head)):
                vault.write_fact(f"head/{log}", u64(head[0]) + head[1])
            if self._owns_monitor is not None:
                for log, entries in (("key", monitor.key_entries), ("law", monitor.law_entries)):
                    kept = vault.count_log_entries(log)
                    vault.write_log_entries(log, kept, entries[kept:])

    async def publish_key_packages(self, count: int = PACKAGES) -> None:
        """Put fresh key packages and a last resort where others can claim them."""
        await self._enrolment.publish_key_packages(count)

    async def refill_key_packages(self) -> None:
        """Publish key packages where few are left; once a day or a start is enough."""
        await self._enrolment.refill_key_packages()

    async def connect(self) -> None:
        """Bring the law log up to date and connect; the connection then comes back by itself.

        What the charter's retention or a timer has ended is deleted before.

        Raises KeyLogRefused(device-removed) for a device that its account revoked.
        """
        self._core.monitor.key_log.current_device(self.account, self.device)
        await self._core.monitor.sync_law()
        self._core.monitor.check_heads(None, _head(self._core.vault, "law"))
        self._session.timers.sweep()
        await self._session.start()

    async def close(self) -> None:
        """Disconnect and close the vault; what waits goes out next time."""
        await self._session.close()
        self._core.flush()
        self._keep_logs()
        await self._core.http.close()
        if self._owns_monitor is not None:
            await self._owns_monitor.close()
        self._core.vault.close()

    # --- who and where ---------------------------------------------------------------------

    @property
    def account(self) -> AccountId:
        """Return this person's account id."""
        return self._core.account

    @property
    def device(self) -> DeviceId:
        """Return this device's id."""
        return self._core.device

    @property
    def handle(self) -> str:
        """Return this person's handle."""
        return self._core.handle

    @property
    def address(self) -> PinnedAddress:
        """Return where the deployment is and which one it is."""
        return PinnedAddress(self._core.identity.address, self._core.deployment)

    @property
    def devices(self) -> Devices:
        """Return what this device does about its account's others."""
        return self._session.devices

    @property
    def links(self) -> Links:
        """Return this device's links into groups, and who asks by them."""
        return self._session.links

    @property
    def monitor(self) -> Monitor:
        """Return what this client has verified of the deployment."""
        return self._core.monitor

    def account_of(self, handle: str) -> AccountId:
        """Return the account id of a handle in this deployment."""
        return name_account(bytes(self._core.monitor.charter.terms.account_salt), handle)

    def conversations(self) -> list[ConversationId]:
        """Return the conversations that this device is a member of."""
        return [room.conversation for room in self._core.rooms.values() if room.status == MEMBER]

    def is_member(self, conversation: ConversationId) -> bool:
        """Say whether this device is a member of a conversation."""
        room = self._core.rooms.get(conversation)
        return room is not None and room.status == MEMBER

    def members(self, conversation: ConversationId) -> list[Leaf]:
        """Return the devices in a conversation. Raises GroupRefused."""
        return roster_of(self._core.group(self._core.room(conversation)))

    def admins(self, conversation: ConversationId) -> tuple[AccountId, ...]:
        """Return who rules a conversation. Raises GroupRefused."""
        return self._core.context(self._core.room(conversation)).admins

    async def handles(self, accounts: Iterable[AccountId]) -> dict[AccountId, str]:
        """Return the handles of accounts, each proved by its account id. Raises WireRefused."""
        return await find_handles(self._core, accounts)

    def is_direct(self, conversation: ConversationId) -> bool:
        """Say whether a conversation is one of two people for good. Raises GroupRefused."""
        return self._core.context(self._room(conversation)).kind is ConversationKind.DIRECT

    def notices(self) -> list[bytes]:
        """Return every notice of the law desk that came to this device, as signed, in order."""
        return self._session.notices.kept()

    async def took_history(self, patience_s: float) -> int | None:
        """Wait for what another own device hands over; return how many messages came (spec D-5).

        None when time is over: a later connection goes on with it.
        """
        siblings = self._session.siblings
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(siblings.came.wait(), patience_s)
        return siblings.taken if siblings.came.is_set() else None

    async def settled(self, quiet_s: float = 0.3) -> None:
        """Wait until every conversation has caught up and nothing more comes for a moment."""
        core = self._core
        before: object = None
        while True:
            rooms = core.rooms.values()
            now = (core.events.qsize(), len(rooms), sum(room.sequence for room in rooms))
            if now == before and not self._session.busy:
                return
            before = now
            await asyncio.sleep(quiet_s)

    async def safety_code(self, handle: str) -> SafetyCode:
        """Return the code to compare with a person out of band. Raises KeyLogRefused."""
        log = self._core.monitor.key_log
        await self._core.monitor.sync_keys()
        return make_safety_code(
            self._core.deployment, log.account(self.account), log.account(self.account_of(handle))
        )

    def invite(self, expires_ms: int, *, reset_of: AccountId | None = None) -> Invite:
        """Return an invite by this device, for a newcomer or for an account's reset.

        It is into this account's committee, as every member's is (spec Y-4).
        """
        core = self._core
        return make_invite(
            core.identity.address,
            core.deployment,
            core.signing_key.sign,
            core.random(32),
            core.monitor.key_log.committee(core.account),
            expires_ms,
            inviter=core.account,
            inviter_device=core.device,
            reset_of=reset_of,
        )

    # --- conversations ---------------------------------------------------------------------

    async def create_conversation(
        self,
        handles: Sequence[str],
        *,
        direct: bool = False,
        add_policy: AddPolicy = AddPolicy.ADMINS,
    ) -> ConversationId:
        """Make a conversation with people by their handles, all added by one commit."""
        kind = ConversationKind.DIRECT if direct else ConversationKind.GROUP
        accounts = [self.account_of(handle) for handle in handles]
        room = await self._session.conversations.create(accounts, kind, add_policy)
        return room.conversation

    async def add(self, conversation: ConversationId, handles: Sequence[str]) -> None:
        """Add people by one commit, and tell them what the conversation is called (spec V-16)."""
        accounts = [self.account_of(handle) for handle in handles]
        await self._session.conversations.add(self._room(conversation), accounts)
        await self._session.tell_newcomers(conversation)

    async def remove(self, conversation: ConversationId, handles: Sequence[str]) -> None:
        """Remove people by one commit."""
        accounts = [self.account_of(handle) for handle in handles]
        await self._session.conversations.remove(self._room(conversation), accounts)

    async def leave(self, conversation: ConversationId) -> None:
        """Ask to leave with every device of this account; another member's commit ends it.

        Who is alone is out at once: there is nobody who could end it.
        """
        room, session = self._room(conversation), self._session
        session.conversations.check_leave(room)
        await self.devices.withdraw(room)
        if len(self.members(conversation)) == 1:
            session.joining.leave_behind(room)
        else:
            await session.conversations.leave(room)

    async def set_admins(self, conversation: ConversationId, handles: Sequence[str]) -> None:
        """Name the admins of a group."""
        accounts = [self.account_of(handle) for handle in handles]
        await self._session.conversations.set_admins(self._room(conversation), accounts)

    async def renew(self, conversation: ConversationId) -> None:
        """Renew this device's keys in a conversation, and commit wishes to leave."""
        await self._session.conversations.renew(self._room(conversation))

    async def rejoin(self, conversation: ConversationId) -> None:
        """Come back into a conversation whose state is broken or lost."""
        await self._session.joining.rejoin(self._room(conversation))

    def _room(self, conversation: ConversationId) -> Room:
        return self._core.room(conversation)

    # --- messages --------------------------------------------------------------------------

    async def post(
        self, conversation: ConversationId, record: AnyRecord
    ) -> tuple[MessageId, "asyncio.Future[int]"]:
        """Put a record on its way; the future gives its sequence once the server has it."""
        return await self._session.sending.send(self._room(conversation), record)

    async def send(self, conversation: ConversationId, record: AnyRecord) -> int:
        """Send a record and return its sequence once the server has it. Raises WireRefused."""
        _, done = await self.post(conversation, record)
        return await done

    async def set_timer(self, conversation: ConversationId, seconds: int) -> int:
        """Let later messages disappear after so many seconds (0: never), here and at the server.

        Returns the sequence of the record. Raises GroupRefused(not-allowed) unless this account is
        an admin or the conversation direct (spec G-14), Malformed, WireRefused.
        """
        timers, room = self._session.timers, self._room(conversation)
        timers.check(room)
        sequence = await self.send(conversation, Timer(seconds))
        await timers.tell_server(room, seconds)
        return sequence

    def timer(self, conversation: ConversationId) -> int:
        """Return after how many seconds messages of a conversation disappear; 0 for never."""
        return self._session.timers.seconds(conversation)

    def whisper(self, conversation: ConversationId, record: Ephemeral) -> None:
        """Send an ephemeral record to whoever is online."""
        self._session.sending.whisper(self._room(conversation), record)

    async def receive(self) -> AsyncIterator[Event]:
        """Yield events as they come; each is safe in the vault before."""
        while True:
            yield await self._core.events.get()

    def pending_events(self) -> list[Event]:
        """Return the events that have come since, without waiting."""
        events = []
        while not self._core.events.empty():
            events.append(self._core.events.get_nowait())
        return events

    @property
    def marks(self) -> Marks:
        """Return what others may know of this device's deliveries and its person's reading."""
        return self._session.marks

    @property
    def presence(self) -> Presence:
        """Return who is here, and whether this person tells such things."""
        return self._session.presence

    @property
    def blocked(self) -> Blocking:
        """Return whom this person has blocked on this device."""
        return self._core.blocked

    def is_hidden(self, conversation: ConversationId) -> bool:
        """Say whether a conversation is the direct one with somebody blocked."""
        return self._core.is_hidden(self._room(conversation))

    def mark_read(self, conversation: ConversationId, through: int) -> None:
        """Say that the person has read up to a sequence; told others where `marks` says so."""
        self._session.marks.read(self._room(conversation), through)

    def details(self, conversation: ConversationId) -> Details | None:
        """Return a conversation's name and picture as its admins said last; `send` sets them."""
        return self._session.details.find(conversation)

    def history(self, conversation: ConversationId, after: int = 0, limit: int = -1) -> list[Shown]:
        """Return what a conversation has shown after a sequence, in order.

        What its timer or the charter's retention has ended is deleted before, and not returned.
        """
        self._session.timers.sweep_one(conversation)
        return self._core.vault.history(conversation, after, limit)

    def shown(self, conversation: ConversationId) -> int:
        """Return up to where a person has been shown a conversation, by `mark_shown`."""
        return self._core.vault.number(f"shown/{conversation.hex()}")

    def mark_shown(self, conversation: ConversationId, sequence: int) -> None:
        """Remember up to where a person has been shown a conversation; it never goes back."""
        if sequence > self.shown(conversation):
            self._core.vault.write_fact(f"shown/{conversation.hex()}", u64(sequence))

    def sequence(self, conversation: ConversationId) -> int:
        """Return the last item of a conversation's timeline that this client has taken."""
        return self._room(conversation).sequence

    async def reached(self, conversation: ConversationId, sequence: int) -> None:
        """Wait until this client has taken an item of a conversation's timeline."""
        room = self._room(conversation)
        while room.sequence < sequence:
            await room.moved.wait()


async def _abandon(vault: Vault, own: HttpClient | None) -> None:
    """Give back what was opened: the client did not come to be."""
    if own is not None:
        await own.close()
    vault.close()


def _core(vault: Vault, monitor: Monitor, identity: Identity, clock: Clock, decrypt: bool) -> Core:
    account = AccountId(identity.account)
    key = SigningKey(identity.seed)
    who = transport.Identity(
        monitor.deployment, DeviceSubject(account, name_device(key.public.encoded)), key.sign
    )
    http = HttpClient(identity.address, identity=who)
    return Core(vault, http, monitor, identity, clock, decrypt=decrypt)


def _head(vault: Vault, log: str) -> tuple[int, bytes] | None:
    data = vault.fact(f"head/{log}")
    return None if data is None else (int.from_bytes(data[:8], "big"), data[8:])
