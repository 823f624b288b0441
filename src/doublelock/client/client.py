"""The client: what an application, the command line or a replay uses of all this."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Final, Self

from msgspec import DecodeError, msgpack

from doublelock.client.attachments import Attachments
from doublelock.client.core import MEMBER, Core, Identity, Room
from doublelock.client.directory import find_handles
from doublelock.client.events import Event
from doublelock.client.groups import roster_of
from doublelock.client.invite import Invite, make_invite
from doublelock.client.monitor import Clock, Monitor
from doublelock.client.session import Session
from doublelock.client.vault import Shown, Vault
from doublelock.keep import Unlocking
from doublelock.protocol import limits
from doublelock.protocol.api import (
    Appended,
    AppendEntry,
    KeyPackageCount,
    PublishKeyPackages,
    Register,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.encoding import u64
from doublelock.protocol.errors import KeyLogRefused, Malformed, VaultRefused, WireRefused
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
from doublelock.protocol.keylog_entry import (
    draft_update,
    hash_entry,
    make_invited_entry,
    sign_update,
)
from doublelock.protocol.record import AnyRecord, Ephemeral
from doublelock.protocol.safety_code import SafetyCode, make_safety_code
from doublelock.protocol.session import DeviceSubject
from doublelock.transport import http as transport
from doublelock.transport.http import HttpClient

_IDENTITY: Final = "identity"
_FIRST_ENTRY: Final = "first-entry"
_PACKAGES: Final = 20
_COSIGN_WAIT_S: Final = 60.0
_POLL_S: Final = 0.05


class Client:
    """One device of one person. Made by `register` or `open`; `connect` brings it onto the stream.

    With `decrypt=False` it follows commits and sends, and leaves others' messages unread. Errors
    are Refusals by name; nothing that they say holds a secret.
    """

    def __init__(self, core: Core, *, owns_monitor: HttpClient | None) -> None:
        self._core = core
        self._session = Session(core)
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
        packages: int = _PACKAGES,
    ) -> Self:
        """Make an account with one device, and wait until witnesses have seen it.

        May be repeated with the same folder after a crash. Raises VaultRefused, KeyLogRefused,
        WireRefused(account-exists, ...), LogRefused, CharterRefused.
        """
        if not 1 <= len(handle.encode()) <= limits.HANDLE:
            raise Malformed(Code.SIZE, "handle")
        vault = Vault.open(folder, unlocking)
        try:
            identity = _identity(vault)
            own = None
            if monitor is None:
                own = HttpClient(invite.address)
                monitor = Monitor(own, invite.deployment, clock)
                await monitor.start()
            if identity is None:
                identity = _found_account(vault, monitor, invite, handle, clock())
            elif identity.handle != handle:
                raise VaultRefused(Code.VAULT_EXISTS, "another account's folder")
            client = cls(_core(vault, monitor, identity, clock, decrypt), owns_monitor=own)
            await client._enter(packages)
        except BaseException:
            vault.close()
            raise
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
        vault = Vault.open(folder, unlocking)
        try:
            identity = _identity(vault)
            if identity is None:
                raise VaultRefused(Code.VAULT_MISSING, "no account in this folder")
            own = None
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
            await monitor.sync_keys()
            monitor.check_heads(_head(vault, "key"), None)
            core.load_rooms()
        except BaseException:
            vault.close()
            raise
        return client

    async def _enter(self, packages: int) -> None:
        """Bring the first entry into the log, wait for the witnesses, publish key packages."""
        core = self._core
        monitor = core.monitor
        entry = core.vault.fact(_FIRST_ENTRY) or b""
        index = None
        if not monitor.key_log.has_account(core.account):
            body = Register(handle=core.handle, entry=entry)
            try:
                answer = await core.http.ask("POST", "/v1/register", body, Appended, anyone=True)
                index = answer.index
            except WireRefused as refusal:
                if refusal.code is not Code.ACCOUNT_EXISTS:
                    raise
        await self._cosigned(0 if index is None else index + 1)
        monitor.key_log.current_device(core.account, core.device)
        self._keep_logs()
        await self.publish_key_packages(packages)

    async def _cosigned(self, size: int) -> None:
        """Wait until a cosigned checkpoint holds that many key-log entries."""
        monitor = self._core.monitor
        try:
            async with asyncio.timeout(_COSIGN_WAIT_S):
                while await monitor.sync_keys(size) < size:  # noqa: ASYNC110 - asks the server
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise KeyLogRefused(Code.LOG_QUORUM, "the witnesses do not cosign") from None

    def _keep_logs(self) -> None:
        vault, monitor = self._core.vault, self._core.monitor
        with vault.transaction():
            for log, head in (("key", monitor.key_head), ("law", monitor.law_head)):
                vault.write_fact(f"head/{log}", u64(head[0]) + head[1])
            if self._owns_monitor is not None:
                for log, entries in (("key", monitor.key_entries), ("law", monitor.law_entries)):
                    kept = vault.count_log_entries(log)
                    vault.write_log_entries(log, kept, entries[kept:])

    async def publish_key_packages(self, count: int = _PACKAGES) -> None:
        """Put fresh key packages and a last resort where others can claim them."""
        core = self._core
        mls, now = core.groups.client, core.clock() // 1000
        made = [mls.generate_key_package(now) for _ in range(count)]
        last = mls.generate_key_package(now)
        with core.vault.transaction():
            core.vault.write_key_packages((one.reference, one.private) for one in (*made, last))
            core.vault.write_fact("last-resort", last.reference)
        await core.http.ask(
            "POST",
            "/v1/key-packages",
            PublishKeyPackages(
                packages=tuple(one.message for one in made), last_resort=last.message
            ),
            KeyPackageCount,
        )

    async def connect(self) -> None:
        """Bring the law log up to date and connect; the connection then comes back by itself."""
        await self._core.monitor.sync_law()
        self._core.monitor.check_heads(None, _head(self._core.vault, "law"))
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
    def monitor(self) -> Monitor:
        """Return what this client has verified of the deployment."""
        return self._core.monitor

    def account_of(self, handle: str) -> AccountId:
        """Return the account id of a handle in this deployment."""
        return name_account(bytes(self._core.monitor.charter.terms.account_salt), handle)

    def conversations(self) -> list[ConversationId]:
        """Return the conversations that this device is a member of."""
        return [room.conversation for room in self._core.rooms.values() if room.status == MEMBER]

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

    async def settled(self, quiet_s: float = 0.3) -> None:
        """Wait until every conversation has caught up and nothing more comes for a moment."""
        core = self._core
        before: object = None
        while True:
            rooms = core.rooms.values()
            now = (core.events.qsize(), len(rooms), sum(room.sequence for room in rooms))
            if now == before and not any(room.catching for room in rooms):
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

    def invite(
        self, committee: int, expires_ms: int, *, reset_of: AccountId | None = None
    ) -> Invite:
        """Return an invite by this device, for a newcomer or for an account's reset."""
        core = self._core
        return make_invite(
            core.identity.address,
            core.deployment,
            core.signing_key.sign,
            core.random(32),
            committee,
            expires_ms,
            inviter=core.account,
            inviter_device=core.device,
            reset_of=reset_of,
        )

    async def revoke_device(self, device: DeviceId) -> None:
        """Take a device of this account out of the key log; admins then remove its leaves."""
        core = self._core
        now = core.monitor.key_log.account(core.account)
        entry = sign_update(
            core.deployment,
            draft_update(
                core.account,
                now.number + 1,
                now.lineage,
                now.index,
                now.committee,
                [key for name, key in now.devices.items() if name != device],
                core.signing_key.public.encoded,
                core.clock(),
            ),
            core.signing_key.sign,
            [],
        ).encode()
        core.identity = _with_entry(core.identity, entry)
        core.vault.write_fact(_IDENTITY, msgpack.encode(core.identity))
        answer = await core.http.ask(
            "POST", "/v1/key-log/entries", AppendEntry(entry=entry), Appended
        )
        await self._cosigned(answer.index + 1)

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
        """Add people by one commit."""
        accounts = [self.account_of(handle) for handle in handles]
        await self._session.conversations.add(self._room(conversation), accounts)

    async def remove(self, conversation: ConversationId, handles: Sequence[str]) -> None:
        """Remove people by one commit."""
        accounts = [self.account_of(handle) for handle in handles]
        await self._session.conversations.remove(self._room(conversation), accounts)

    async def leave(self, conversation: ConversationId) -> None:
        """Ask to leave; another member's commit ends it."""
        await self._session.conversations.leave(self._room(conversation))

    async def set_admins(self, conversation: ConversationId, handles: Sequence[str]) -> None:
        """Name the admins of a group."""
        accounts = [self.account_of(handle) for handle in handles]
        await self._session.conversations.set_admins(self._room(conversation), accounts)

    async def renew(self, conversation: ConversationId) -> None:
        """Renew this device's keys in a conversation, and commit wishes to leave."""
        await self._session.conversations.renew(self._room(conversation))

    async def rejoin(self, conversation: ConversationId) -> None:
        """Come back into a conversation whose state is broken or lost."""
        await self._session.conversations.rejoin(self._room(conversation))

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

    def history(self, conversation: ConversationId, after: int = 0, limit: int = -1) -> list[Shown]:
        """Return what a conversation has shown after a sequence, in order."""
        return self._core.vault.history(conversation, after, limit)

    def sequence(self, conversation: ConversationId) -> int:
        """Return the last item of a conversation's timeline that this client has taken."""
        return self._room(conversation).sequence

    async def reached(self, conversation: ConversationId, sequence: int) -> None:
        """Wait until this client has taken an item of a conversation's timeline."""
        room = self._room(conversation)
        while room.sequence < sequence:
            await room.moved.wait()


def _identity(vault: Vault) -> Identity | None:
    data = vault.fact(_IDENTITY)
    if data is None:
        return None
    try:
        return msgpack.decode(data, type=Identity)
    except DecodeError:
        raise VaultRefused(Code.VAULT_DAMAGED, "identity") from None


def _with_entry(identity: Identity, entry: bytes) -> Identity:
    return Identity(
        identity.address,
        identity.deployment,
        identity.handle,
        identity.account,
        identity.seed,
        (*identity.made, hash_entry(entry)),
    )


def _found_account(
    vault: Vault, monitor: Monitor, invite: Invite, handle: str, now_ms: int
) -> Identity:
    """Draw the device's key and make the first entry, in the vault before the server sees it."""
    seed = secrets.token_bytes(32)
    key = SigningKey(seed)
    account = name_account(bytes(monitor.charter.terms.account_salt), handle)
    entry = make_invited_entry(
        invite.deployment,
        account,
        invite.invitation,
        SigningKey(invite.seed).sign,
        [(key.public.encoded, key.sign)],
        now_ms,
    ).encode()
    identity = Identity(
        invite.address, invite.deployment, handle, account, seed, (hash_entry(entry),)
    )
    with vault.transaction():
        vault.write_fact(_IDENTITY, msgpack.encode(identity))
        vault.write_fact(_FIRST_ENTRY, entry)
    return identity


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
