"""The key log as the server keeps it: one replay in memory, appended to in order (spec W-31)."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import KeyLogRefused, Refusal, WireRefused
from doublelock.protocol.identifiers import DeviceId, name_account
from doublelock.protocol.keylog import Applied, KeyLog
from doublelock.protocol.session import DeviceSubject, Subject
from doublelock.server.charters import CharterChain
from doublelock.store.interface import Store


class Place(Protocol):
    """Where an entry is in a log."""

    @property
    def index(self) -> int:
        """Count from 0."""


class AppendOnly(Protocol):
    """The part of a log that a writer needs."""

    async def append(self, entry: bytes) -> Place:
        """Return the entry's place once it is durable."""


class Identities:
    """Accounts and devices by the key log's own rules; the server has none of its own."""

    def __init__(
        self,
        charter: CharterChain,
        key_log: KeyLog,
        log: AppendOnly,
        store: Store,
        clock: Callable[[], int],
        removed: Callable[[DeviceId], None],
    ) -> None:
        self._clock = clock
        self._charter = charter
        self.key_log = key_log
        self._log = log
        self._store = store
        self._removed = removed
        self._turn = asyncio.Lock()

    def replay(self, index: int, entry: bytes) -> None:
        """Take in an entry that the log held at the start; one without effect stays without."""
        try:
            self.key_log.apply(index, entry)
        except KeyLogRefused as refusal:
            if refusal.code is Code.LOG_GAP:
                raise
        except Refusal:
            pass

    async def register(self, handle: str, entry: bytes) -> int:
        """Append an account's first entry and remember its handle; return the log index.

        Raises Malformed or KeyLogRefused by the entry's fault, WireRefused(form) when the entry is
        of another handle's account.
        """
        if handle != handle.strip() or not handle.isprintable():
            raise WireRefused(Code.FORM, "handle")
        account = name_account(self._charter().terms.account_salt, handle)

        def belongs(applied_account: bytes) -> None:
            if applied_account != account:
                raise WireRefused(Code.FORM, "the entry is not this handle's")

        index = await self._append(entry, belongs)
        await self._store.write(lambda tables: tables.devices.put_handle(account, handle))
        return index

    async def append(self, entry: bytes) -> int:
        """Append an update or reset and return its log index. Raises Malformed or KeyLogRefused."""
        return await self._append(entry, lambda _: None)

    async def _append(self, data: bytes, check: Callable[[bytes], None]) -> int:
        async with self._turn:
            entry = self.key_log.check(data)
            check(entry.account)
            # The log's time never runs back: an entry from the future would shut everybody out.
            if entry.time_ms > self._clock() + self._charter().terms.skew_ms:
                raise KeyLogRefused(Code.ENTRY_TIME, "ahead of the server's clock")
            self._charter().committee(entry.committee)
            place = await self._log.append(data)
            applied: Applied = self.key_log.apply(place.index, data)
        for device in applied.removed:
            self._removed(device)
        return place.index

    def key_of(self, subject: Subject) -> bytes:
        """Return a subject's Ed25519 key. Raises KeyLogRefused, or WireRefused for no party.

        A party of any charter gets a session; what it may do there is for the routes.
        """
        if isinstance(subject, DeviceSubject):
            return self.key_log.current_device(subject.account, subject.device).key
        party = self._charter.party(subject.key)
        if party is None:
            raise WireRefused(Code.NOT_PERMITTED, "no party of the charter")
        return party.key
