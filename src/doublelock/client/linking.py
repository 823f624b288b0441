"""A further device of an account, seen from the new device (spec Y-13).

It makes its key, asks in one line, and waits until the key log lists it. The other half, on a
device that the account has already, is `devices`.
"""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from msgspec import DecodeError, Struct, msgpack
from msgspec.structs import replace

from doublelock.client.core import Identity
from doublelock.client.enrolment import read_identity, wait_for, write_identity
from doublelock.client.invite import PinnedAddress
from doublelock.client.monitor import Monitor
from doublelock.client.vault import Vault
from doublelock.keep import Unlocking
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.encoding import u64
from doublelock.protocol.errors import KeyLogRefused, VaultRefused
from doublelock.protocol.identifiers import AccountId, DeploymentId, name_account, name_device
from doublelock.protocol.link_request import LinkRequest, decode_link_request, make_link_request
from doublelock.transport.http import HttpClient

ALARMS_SEEN: Final = "alarms-seen"
"""The fact that holds how many key-log entries the person needs no alarm about (u64)."""
_LINKING: Final = "linking"


class _Wish(Struct, frozen=True):
    """Who this device wants to be; the seed (32 bytes) is its Ed25519 key."""

    address: str
    deployment: bytes
    handle: str
    seed: bytes
    request: str = ""


class Linking:
    """A device that is not listed yet; made by `begin` or `resume`, ended by `close`.

    `request` is what an existing device signs; it holds until the account's next change, and for
    as long as the charter lets an entry's time lie behind the log's.
    """

    def __init__(
        self, vault: Vault, monitor: Monitor, own: HttpClient | None, wish: _Wish, now_ms: int
    ) -> None:
        self.vault = vault
        self.monitor = monitor
        self.owns_monitor = own
        self._key = SigningKey(wish.seed)
        salt = bytes(monitor.charter.terms.account_salt)
        account = name_account(salt, wish.handle)
        self.identity = Identity(wish.address, wish.deployment, wish.handle, account, wish.seed, ())
        self.request = None if self.is_listed() else self._ask(wish, now_ms)
        vault.write_fact(_LINKING, msgpack.encode(replace(wish, request=self._text())))

    def _text(self) -> str:
        return "" if self.request is None else self.request.text()

    def _ask(self, wish: _Wish, now_ms: int) -> LinkRequest:
        """Return the request that was shown before, where it still holds, or a new one."""
        log = self.monitor.key_log
        now = log.account(self.account)
        if wish.request:
            shown = decode_link_request(wish.request)
            skew_ms = int(self.monitor.charter.terms.skew_ms)
            if shown.previous == now.index and shown.time_ms + skew_ms >= log.time_ms:
                return shown
        key = self._key
        deployment = DeploymentId(wish.deployment)
        return make_link_request(deployment, now, key.public.encoded, key.sign, now_ms)

    @property
    def account(self) -> AccountId:
        """Return the account that this device wants to be of."""
        return AccountId(self.identity.account)

    @classmethod
    async def begin(
        cls,
        folder: Path,
        unlocking: Unlocking,
        home: PinnedAddress,
        handle: str,
        *,
        clock: Callable[[], int],
        monitor: Monitor | None = None,
    ) -> Self:
        """Make the new device's key in a folder of its own, and its request.

        Repeated, it keeps the key and asks anew. Raises VaultRefused, KeyLogRefused(
        unknown-account), LogRefused, CharterRefused, WireRefused.
        """

        def wish_of(vault: Vault) -> _Wish:
            if read_identity(vault) is not None:
                raise VaultRefused(Code.VAULT_EXISTS, "this folder has an account")
            old = _read_wish(vault)
            wish = _Wish(home.address, home.deployment, handle, secrets.token_bytes(32))
            if old and (old.deployment, old.handle) == (wish.deployment, wish.handle):
                return _Wish(home.address, home.deployment, handle, old.seed)
            return wish

        return await cls._open(Vault.open(folder, unlocking), wish_of, clock, monitor)

    @classmethod
    async def resume(
        cls,
        folder: Path,
        unlocking: Unlocking,
        *,
        clock: Callable[[], int],
        monitor: Monitor | None = None,
    ) -> Self:
        """Go on where `begin` was left, with the same request while it holds.

        Raises VaultRefused(vault-missing, ...), and what `begin` raises.
        """

        def wish_of(vault: Vault) -> _Wish:
            wish = _read_wish(vault)
            if wish is None:
                raise VaultRefused(Code.VAULT_MISSING, "no device was begun here")
            return wish

        return await cls._open(Vault.open(folder, unlocking, make=False), wish_of, clock, monitor)

    @classmethod
    async def _open(
        cls,
        vault: Vault,
        wish_of: Callable[[Vault], _Wish],
        clock: Callable[[], int],
        monitor: Monitor | None,
    ) -> Self:
        own = None
        try:
            wish = wish_of(vault)
            if monitor is None:
                own = HttpClient(wish.address)
                monitor = Monitor(own, DeploymentId(wish.deployment), clock)
                await monitor.start()
            await monitor.sync_keys()
            made = cls(vault, monitor, own, wish, clock())
        except BaseException:
            if own is not None:
                await own.close()
            vault.close()
            raise
        return made

    def is_listed(self) -> bool:
        """Say whether the key log, as far as it is known, lists this device for its account."""
        device = name_device(self._key.public.encoded)
        return device in self.monitor.key_log.account(self.account).devices

    async def listed(self, patience_s: float) -> None:
        """Wait until an existing device has approved. Raises KeyLogRefused(device-pending)."""
        if not await wait_for(self.monitor, self.is_listed, patience_s):
            raise KeyLogRefused(Code.DEVICE_PENDING)

    def settle(self) -> None:
        """Make the folder this device's, once the log lists it.

        What the log says of the account up to here is what both devices' person has just agreed
        to, so it is no alarm later on.
        """
        known = self.monitor.key_log.account(self.account).index + 1
        with self.vault.transaction():
            write_identity(self.vault, self.identity)
            self.vault.write_fact(ALARMS_SEEN, u64(known))
            self.vault.drop_fact(_LINKING)

    async def close(self) -> None:
        """Give the folder back; `resume` goes on later."""
        if self.owns_monitor is not None:
            await self.owns_monitor.close()
        self.vault.close()


def _read_wish(vault: Vault) -> _Wish | None:
    data = vault.fact(_LINKING)
    try:
        return None if data is None else msgpack.decode(data, type=_Wish)
    except DecodeError:
        raise VaultRefused(Code.VAULT_DAMAGED, "linking") from None
