"""How a device comes into the key log: its identity, its entries, its key packages (spec Y-3, Y-5).

Whatever the server is told is in the vault first, so that a crash repeats it and never doubles it.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final

from msgspec import DecodeError, msgpack

from doublelock.client.core import Core, Identity
from doublelock.client.invite import Invite
from doublelock.client.monitor import Monitor
from doublelock.client.vault import Vault
from doublelock.protocol.api import (
    Appended,
    AppendEntry,
    KeyPackageCount,
    PublishKeyPackages,
    Register,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import KeyLogRefused, VaultRefused, WireRefused
from doublelock.protocol.identifiers import name_account
from doublelock.protocol.keylog_entry import (
    NO_INDEX,
    Entry,
    Purpose,
    hash_entry,
    make_invited_entry,
)

PACKAGES: Final = 20
_FEW: Final = 5
_IDENTITY: Final = "identity"
_FIRST_ENTRY: Final = "first-entry"
_COSIGN_WAIT_S: Final = 60.0
_POLL_S: Final = 0.05
_PASSING: Final = frozenset(
    {Code.SERVER_UNREACHABLE, Code.TOO_FAST, Code.STORAGE, Code.STOPPING, Code.LOG_CLOSED}
)
"""Refusals after which the same first entry may still be taken."""


def read_identity(vault: Vault) -> Identity | None:
    """Return whose vault this is, or None while it is nobody's. Raises VaultRefused."""
    data = vault.fact(_IDENTITY)
    if data is None:
        return None
    try:
        return msgpack.decode(data, type=Identity)
    except DecodeError:
        raise VaultRefused(Code.VAULT_DAMAGED, "identity") from None


def write_identity(vault: Vault, identity: Identity) -> None:
    """Make a vault this device's; in the caller's transaction, if there is one."""
    vault.write_fact(_IDENTITY, msgpack.encode(identity))


def found_account(
    vault: Vault, monitor: Monitor, invite: Invite, handle: str, now_ms: int
) -> Identity:
    """Draw the device's key and make the entry, in the vault before the server sees it.

    With an invite to reset an account, the entry starts the account's next lineage (spec Y-6).
    Raises KeyLogRefused(unknown-account) when there is none of that handle to reset.
    """
    seed = secrets.token_bytes(32)
    key = SigningKey(seed)
    account = name_account(bytes(monitor.charter.terms.account_salt), handle)
    number, lineage, previous = 1, 1, NO_INDEX
    if invite.invitation.purpose is Purpose.RESET:
        now = monitor.key_log.account(account)
        number, lineage, previous = now.number + 1, now.lineage + 1, now.index
    entry = make_invited_entry(
        invite.deployment,
        account,
        invite.invitation,
        SigningKey(invite.seed).sign,
        [(key.public.encoded, key.sign)],
        now_ms,
        number=number,
        lineage=lineage,
        previous=previous,
    ).encode()
    identity = Identity(
        invite.address, invite.deployment, handle, account, seed, (hash_entry(entry),)
    )
    with vault.transaction():
        write_identity(vault, identity)
        vault.write_fact(_FIRST_ENTRY, entry)
    return identity


async def wait_for(
    monitor: Monitor, reached: Callable[[], bool], patience_s: float, at_least: int = 0
) -> bool:
    """Read the key log (to `at_least` entries) until it says so; False when time is over."""
    try:
        async with asyncio.timeout(patience_s):
            while True:
                await monitor.sync_keys(at_least)
                if reached():
                    return True
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        return False


class Enrolment:
    """One device's entries in the key log, and what others need to reach it."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def enter(self) -> None:
        """Bring the first entry into the log and wait until the witnesses have seen it.

        Raises KeyLogRefused, WireRefused; after a refusal that is final, the vault is nobody's
        again, so that another invite or handle can be tried.
        """
        core, vault = self._core, self._core.vault
        if self._is_listed():
            return
        body = Register(handle=core.handle, entry=vault.fact(_FIRST_ENTRY) or b"")
        try:
            answer = await core.http.ask("POST", "/v1/register", body, Appended, anyone=True)
        except WireRefused as refusal:
            if refusal.code is Code.ACCOUNT_EXISTS:
                # Ours, when a crash cut the answer off: then the log shows this device.
                exists = core.monitor.key_log.has_account
                await wait_for(core.monitor, lambda: exists(core.account), _COSIGN_WAIT_S)
                if self._is_listed():
                    return
                refusal = WireRefused(Code.ACCOUNT_EXISTS, core.handle)
            if refusal.code not in _PASSING:
                with vault.transaction():
                    vault.drop_fact(_IDENTITY)
                    vault.drop_fact(_FIRST_ENTRY)
            raise refusal from None
        if not await wait_for(core.monitor, self._is_listed, _COSIGN_WAIT_S, answer.index + 1):
            raise KeyLogRefused(Code.LOG_QUORUM, "the witnesses do not cosign")

    def _is_listed(self) -> bool:
        core = self._core
        log = core.monitor.key_log
        return log.has_account(core.account) and core.device in log.account(core.account).devices

    async def append(self, entry: Entry) -> None:
        """Append an entry that this device made and wait until the witnesses have seen it.

        Raises KeyLogRefused, WireRefused.
        """
        core = self._core
        data = entry.encode()
        core.monitor.key_log.check(data)
        core.identity = _with_entry(core.identity, data)
        write_identity(core.vault, core.identity)
        body = AppendEntry(entry=data)
        answer = await core.http.ask("POST", "/v1/key-log/entries", body, Appended)
        monitor, size = core.monitor, answer.index + 1
        if not await wait_for(monitor, lambda: monitor.key_log.size >= size, _COSIGN_WAIT_S, size):
            raise KeyLogRefused(Code.LOG_QUORUM, "the witnesses do not cosign")

    async def publish_key_packages(self, count: int) -> None:
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

    async def refill_key_packages(self) -> None:
        """Publish more when few are left: the last resort is for when there is no other way."""
        count = await self._core.http.ask("GET", "/v1/key-packages", None, KeyPackageCount)
        if count.left < _FEW:
            await self.publish_key_packages(PACKAGES)


def _with_entry(identity: Identity, entry: bytes) -> Identity:
    return Identity(
        identity.address,
        identity.deployment,
        identity.handle,
        identity.account,
        identity.seed,
        (*identity.made, hash_entry(entry)),
    )
