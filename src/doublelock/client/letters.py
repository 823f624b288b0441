"""Letters to and from the other devices of one's account (spec D-1 to D-4).

Each sibling is told a key of this device's to seal to, and what this device is called. The key is
drawn anew once a history has come: what was sealed to it can be opened by nobody then.
"""

import platform
from typing import Final

from msgspec import DecodeError, Struct, msgpack
from msgspec.structs import replace

from doublelock.client.core import Core
from doublelock.protocol.api import CONTENT_TYPE, SendMail, encode_body
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import KeyLogRefused, VaultRefused
from doublelock.protocol.frames import Mail
from doublelock.protocol.identifiers import DeviceId
from doublelock.protocol.letter import (
    DeviceName,
    HistoryPiece,
    KeyLetter,
    Route,
    SealedLetter,
    decode_content,
    encode_content,
    open_letter,
    sign_letter,
)
from doublelock.protocol.mail import decode_relayed
from doublelock.protocol.record import display
from doublelock.seal import SealKey, SealPublicKey

_OWN: Final = "letters"
_SIBLING: Final = "sibling/"
_PURPOSE: Final = "letter"

NOTHING: Final = "nothing"
HEADS: Final = "heads"
ALL: Final = "all"
"""Which part of the history a sibling is still to get from this device."""


class _Sibling(Struct, frozen=True):
    """What the vault keeps of a sibling: its key, and what it has got of this device."""

    key: bytes = b""
    key_ms: int = 0
    name: str = ""
    name_ms: int = 0
    told: int = 0
    named: bool = False
    owed: str = NOTHING


class _Own(Struct, frozen=True):
    """This device's secret (32 bytes), and since when it counts."""

    secret: bytes
    key_ms: int


class Letters:
    """What one device has told its siblings, and they it."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def name_of(self, device: DeviceId) -> str:
        """Return what a sibling calls itself, or nothing."""
        return self._of(device).name

    def owes(self, device: DeviceId) -> str:
        """Return what a sibling is still to get of this device's history."""
        return self._of(device).owed

    def owe(self, device: DeviceId, owed: str) -> None:
        """Remember what a sibling is to get as soon as its key is here; the caller flushes."""
        self._keep(device, replace(self._of(device), owed=owed))

    def knows(self, device: DeviceId) -> bool:
        """Say whether a sibling can be sealed to."""
        return bool(self._of(device).key)

    def renew_key(self) -> None:
        """Draw a new key to be sealed to; the caller greets."""
        core = self._core
        before = self._own()
        key_ms = core.clock() if before is None else max(core.clock(), before.key_ms + 1)
        core.vault.write_fact(_OWN, msgpack.encode(_Own(core.random(32), key_ms)))

    async def greet(self, device: DeviceId) -> None:
        """Tell a sibling this device's key and name where it has not got them. Raises WireRefused.

        So may it be repeated.
        """
        if self._own() is None:
            self.renew_key()
        own = self._own()
        assert own is not None
        if self._of(device).told != own.key_ms:
            key = SealKey.make(own.secret).public.encoded
            await self._post(device, KeyLetter(key, own.key_ms, not self.knows(device)))
            self._keep(device, replace(self._of(device), told=own.key_ms))
            self._core.flush()
        if self.knows(device) and not self._of(device).named:
            name = f"Terminal, {platform.system()}".encode()
            await self.send(device, DeviceName(name, self._core.clock()))
            self._keep(device, replace(self._of(device), named=True))
            self._core.flush()

    async def send(self, device: DeviceId, content: DeviceName | HistoryPiece) -> None:
        """Seal something to a sibling whose key is known. Raises WireRefused, KeyLogRefused."""
        key = self._of(device).key
        if not key:
            raise KeyLogRefused(Code.DEVICE_PENDING, "no key to seal to")
        context = self._route(self._core.device, device).context
        sealed = SealPublicKey.decode(key).seal(_PURPOSE, context, encode_content(content))
        await self._post(device, SealedLetter(key, sealed))

    async def _post(self, device: DeviceId, letter: KeyLetter | SealedLetter) -> None:
        core = self._core
        route = self._route(core.device, device)
        sealed = sign_letter(route, letter, core.signing_key.sign)
        body = SendMail(account=core.account, device=device, sealed=sealed)
        await core.http.send("POST", "/v1/mail", encode_body(body), kind=CONTENT_TYPE)

    async def take(self, mail: Mail) -> tuple[DeviceId, HistoryPiece | None] | None:
        """Take a letter; return its sender, with a piece of history where it is one.

        None where it is out of date. The caller flushes. Raises Malformed, KeyLogRefused for what
        no sibling wrote; LogRefused, WireRefused.
        """
        core = self._core
        relayed = decode_relayed(mail.payload)
        if relayed.account != core.account:
            raise KeyLogRefused(Code.GHOST_DEVICE, "a letter of another account")
        device = relayed.device
        sender_key = await self._listed(device)
        if sender_key is None:
            return None  # revoked meanwhile
        route = self._route(device, core.device)
        letter = open_letter(route, relayed.sealed, sender_key)
        known = self._of(device)
        if isinstance(letter, KeyLetter):
            if letter.time_ms <= known.key_ms:
                return None  # an older one, repeated
            told = 0 if letter.asks else known.told
            fresh = replace(known, key=letter.key, key_ms=letter.time_ms, named=False, told=told)
            self._keep(device, fresh)
            return device, None
        own = self._own()
        if own is None:
            return None
        key = SealKey.make(own.secret)
        if letter.key != key.public.encoded:
            return None  # sealed to a key that is gone
        content = decode_content(key.unseal(_PURPOSE, route.context, letter.sealed))
        if isinstance(content, HistoryPiece):
            return device, content
        if content.time_ms > known.name_ms:
            name = display(content.name)[:60]
            self._keep(device, replace(known, name=name, name_ms=content.time_ms))
        return device, None

    async def _listed(self, device: DeviceId) -> bytes | None:
        core = self._core

        def find() -> bytes | None:
            try:
                return core.monitor.key_log.current_device(core.account, device).key
            except KeyLogRefused as refusal:
                if refusal.code is not Code.DEVICE_REMOVED:
                    raise
                return None

        try:
            return find()
        except KeyLogRefused:
            await core.monitor.sync_keys()  # listed just now
            return find()

    def _route(self, sender: DeviceId, receiver: DeviceId) -> Route:
        return Route(self._core.deployment, self._core.account, sender, receiver)

    def _own(self) -> _Own | None:
        data = self._core.vault.fact(_OWN)
        try:
            return None if data is None else msgpack.decode(data, type=_Own)
        except DecodeError:
            raise VaultRefused(Code.VAULT_DAMAGED, _OWN) from None

    def _of(self, device: DeviceId) -> _Sibling:
        data = self._core.vault.fact(_SIBLING + device.hex())
        try:
            return _Sibling() if data is None else msgpack.decode(data, type=_Sibling)
        except DecodeError:
            raise VaultRefused(Code.VAULT_DAMAGED, "sibling") from None

    def _keep(self, device: DeviceId, sibling: _Sibling) -> None:
        self._core.vault.write_fact(_SIBLING + device.hex(), msgpack.encode(sibling))
