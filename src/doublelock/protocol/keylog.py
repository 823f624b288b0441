"""The key log's meaning: a pure replay from entries to accounts, devices and committees (spec Y).

Everybody replays the same entries by the same rules, so everybody refuses the same ghosts. An entry
that breaks a rule has no effect, whoever logged it: the replay goes on behind it (spec Y-9).
"""

from bisect import bisect_right
from collections.abc import Callable, Container
from dataclasses import dataclass

from doublelock.protocol import ed25519
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import KeyLogRefused
from doublelock.protocol.identifiers import AccountId, DeploymentId, DeviceId, name_device
from doublelock.protocol.keylog_entry import (
    NO_INDEX,
    NOBODY,
    Entry,
    Invitation,
    Kind,
    Purpose,
    decode_entry,
    hash_entry,
)


@dataclass(frozen=True, slots=True)
class AccountVersion:
    """An account from one entry until its next: what held from log `index` and `time_ms` on.

    `number` counts the account's entries from 1, `lineage` its fresh starts from 1; `keys` are the
    Ed25519 keys (32 bytes each) of its devices, ascending; `inviter` is zeros for the operator.
    """

    account: AccountId
    index: int
    time_ms: int
    number: int
    lineage: int
    committee: int
    keys: tuple[bytes, ...]
    inviter: AccountId

    @property
    def devices(self) -> dict[DeviceId, bytes]:
        """Return the devices and their Ed25519 keys."""
        return {name_device(key): key for key in self.keys}


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """A device over the whole log: valid for indices (and times) from added until removed."""

    account: AccountId
    device: DeviceId
    key: bytes
    lineage: int
    added_index: int
    added_ms: int
    removed_index: int | None = None
    removed_ms: int | None = None

    @property
    def current(self) -> bool:
        """Whether no later entry dropped it."""
        return self.removed_index is None

    def valid_at(self, time_ms: int, skew_ms: int = 0) -> bool:
        """Whether it was listed at a time, give or take the charter's skew."""
        if time_ms + skew_ms < self.added_ms:
            return False
        return self.removed_ms is None or time_ms - skew_ms < self.removed_ms


@dataclass(frozen=True, slots=True)
class Applied:
    """What one accepted entry changed; `author` is the device or inviter that vouched for it."""

    index: int
    time_ms: int
    kind: Kind
    account: AccountId
    entry_hash: bytes
    version: AccountVersion
    added: tuple[DeviceId, ...]
    removed: tuple[DeviceId, ...]
    author: DeviceId


@dataclass(frozen=True, slots=True)
class Alarm:
    """An entry about one's own account that this device did not make (spec Y-10)."""

    applied: Applied


Verify = Callable[[bytes, bytes, bytes], None]
"""Checks (public key, signature, message) as `ed25519.verify` does, or raises a Refusal."""


Skew = int | Callable[[int], int]
"""A charter's skew in ms: one for all times, or by time where amendments change it (spec Y-8)."""


def skew_of(skew: Skew, time_ms: int) -> int:
    """Return the skew that holds at a time, in ms."""
    return skew if isinstance(skew, int) else skew(time_ms)


class KeyLog:
    """Every account as the log says, entry by entry; holds no secret and does no I/O.

    `genesis_key` is the charter's genesis invite key, `skew_ms` how far an entry's own time may lie
    behind the log's. `verify` may be given to share verifications between replays in one process.
    """

    def __init__(
        self,
        deployment: DeploymentId,
        genesis_key: bytes,
        skew_ms: Skew,
        verify: Verify = ed25519.verify,
    ) -> None:
        self.deployment = deployment
        self._genesis_key = genesis_key
        self._skew_ms = skew_ms
        self._verify = verify
        self._size = 0
        self._time_ms = 0
        self._accounts: dict[AccountId, list[AccountVersion]] = {}
        self._devices: dict[DeviceId, DeviceRecord] = {}
        self._invites: set[bytes] = set()

    @property
    def size(self) -> int:
        """How many entries have been replayed: the index that comes next."""
        return self._size

    @property
    def time_ms(self) -> int:
        """The log's time: the latest that any accepted entry stated; it never runs backwards."""
        return self._time_ms

    # --- looking things up -----------------------------------------------------------------

    def account(self, account: AccountId) -> AccountVersion:
        """Return the account as it is now. Raises KeyLogRefused(unknown-account)."""
        versions = self._accounts.get(account)
        if versions is None:
            raise KeyLogRefused(Code.UNKNOWN_ACCOUNT, account.hex()[:16])
        return versions[-1]

    def has_account(self, account: AccountId) -> bool:
        """Whether an accepted entry named the account."""
        return account in self._accounts

    def account_as_of(
        self, account: AccountId, *, index: int | None = None, time_ms: int | None = None
    ) -> AccountVersion:
        """Return the account as it was at a log index or time, both inclusive.

        Raises KeyLogRefused(unknown-account) when it did not exist then.
        """
        versions = self._accounts.get(account, [])
        count = len(versions)
        if index is not None:
            count = min(count, bisect_right(versions, index, key=lambda version: version.index))
        if time_ms is not None:
            count = min(count, bisect_right(versions, time_ms, key=lambda version: version.time_ms))
        if count == 0:
            raise KeyLogRefused(Code.UNKNOWN_ACCOUNT, account.hex()[:16])
        return versions[count - 1]

    def devices_as_of(
        self, account: AccountId, *, index: int | None = None, time_ms: int | None = None
    ) -> dict[DeviceId, bytes]:
        """Return the account's devices and keys at a log index or time (spec Y-8)."""
        return self.account_as_of(account, index=index, time_ms=time_ms).devices

    def committee(self, account: AccountId) -> int:
        """Return the committee that the account is bound to. Raises KeyLogRefused."""
        return self.account(account).committee

    def device(self, device: DeviceId) -> DeviceRecord:
        """Return a device's record, removed or not. Raises KeyLogRefused(ghost-device)."""
        record = self._devices.get(device)
        if record is None:
            raise KeyLogRefused(Code.GHOST_DEVICE, device.hex())
        return record

    def current_device(self, account: AccountId, device: DeviceId) -> DeviceRecord:
        """Return the record of a device that the account lists now.

        Raises KeyLogRefused: ghost-device when the log never listed it for the account,
        device-removed when it no longer does.
        """
        record = self.device(device)
        if record.account != account:
            raise KeyLogRefused(Code.GHOST_DEVICE, device.hex())
        if not record.current:
            raise KeyLogRefused(Code.DEVICE_REMOVED, device.hex())
        return record

    def accounts(self) -> tuple[AccountId, ...]:
        """Return every account, in the order in which they came."""
        return tuple(self._accounts)

    # --- replaying -------------------------------------------------------------------------

    def check(self, data: bytes) -> Entry:
        """Return the entry if it would be accepted next; what a server does before it appends.

        Raises Malformed or KeyLogRefused, by name; nothing changes.
        """
        entry = decode_entry(data)
        if entry.time_ms < self._time_ms - skew_of(self._skew_ms, self._time_ms):
            raise KeyLogRefused(Code.ENTRY_TIME, "behind the log")
        match entry.kind:
            case Kind.FIRST:
                self._check_first(entry)
            case Kind.UPDATE:
                self._check_update(entry)
            case Kind.RESET:
                self._check_reset(entry)
        return entry

    def apply(self, index: int, data: bytes) -> Applied:
        """Replay the entry at `index` and return what it changed.

        Raises KeyLogRefused(log-gap) when `index` is not the next one. Raises Malformed or
        KeyLogRefused when the entry breaks a rule: then it counts as replayed but has no effect,
        and the caller sounds an alarm (spec Y-9).
        """
        if index != self._size:
            raise KeyLogRefused(Code.LOG_GAP, f"entry {index}, expected {self._size}")
        self._size += 1
        entry = self.check(data)
        self._time_ms = max(self._time_ms, entry.time_ms)
        before = self._accounts.get(entry.account)
        old = before[-1].keys if before else ()
        inviter = before[-1].inviter if before else NOBODY
        if entry.kind is Kind.FIRST and entry.invitation is not None:
            inviter = entry.invitation.inviter
        version = AccountVersion(
            account=entry.account,
            index=index,
            time_ms=self._time_ms,
            number=entry.number,
            lineage=entry.lineage,
            committee=entry.committee,
            keys=entry.keys,
            inviter=inviter,
        )
        self._accounts.setdefault(entry.account, []).append(version)
        added = tuple(name_device(key) for key in entry.keys if key not in old)
        removed = tuple(name_device(key) for key in old if key not in entry.keys)
        self._record(version, old)
        author = entry.author
        if entry.invitation is not None:
            self._invites.add(entry.invitation.invite_key)
            author = entry.invitation.inviter_device
        return Applied(
            index=index,
            time_ms=self._time_ms,
            kind=entry.kind,
            account=entry.account,
            entry_hash=hash_entry(data),
            version=version,
            added=added,
            removed=removed,
            author=author,
        )

    def _record(self, version: AccountVersion, old: tuple[bytes, ...]) -> None:
        for key in version.keys:
            if key not in old:
                device = name_device(key)
                self._devices[device] = DeviceRecord(
                    version.account, device, key, version.lineage, version.index, version.time_ms
                )
        for key in old:
            if key not in version.keys:
                device = name_device(key)
                was = self._devices[device]
                self._devices[device] = DeviceRecord(
                    was.account,
                    device,
                    key,
                    was.lineage,
                    was.added_index,
                    was.added_ms,
                    version.index,
                    version.time_ms,
                )

    # --- the rules -------------------------------------------------------------------------

    def _check_first(self, entry: Entry) -> None:
        """Spec Y-3: a new account, invited, whose devices all prove their keys."""
        if entry.account in self._accounts or entry.account == NOBODY:
            raise KeyLogRefused(Code.ACCOUNT_EXISTS, entry.account.hex()[:16])
        if (entry.number, entry.lineage, entry.previous) != (1, 1, NO_INDEX):
            raise KeyLogRefused(Code.ENTRY_ORDER, "first entry")
        self._check_invitation(entry, Purpose.JOIN)
        self._check_proofs(entry, entry.keys)

    def _check_update(self, entry: Entry) -> None:
        """Spec Y-5: an existing device changes the list; the lineage stays."""
        now = self._check_follows(entry)
        if entry.lineage != now.lineage:
            raise KeyLogRefused(Code.ENTRY_ORDER, "an update keeps the lineage")
        author = now.devices.get(entry.author)
        if author is None:
            raise KeyLogRefused(Code.GHOST_DEVICE, "the author is not a device of the account")
        self._verify(author, entry.author_signature, entry.author_bytes(self.deployment))
        self._check_proofs(entry, tuple(key for key in entry.keys if key not in now.keys))

    def _check_reset(self, entry: Entry) -> None:
        """Spec Y-6: a new lineage with new devices only, on the word of the account's inviter."""
        now = self._check_follows(entry)
        if entry.lineage != now.lineage + 1:
            raise KeyLogRefused(Code.ENTRY_ORDER, "a reset starts the next lineage")
        invitation = self._check_invitation(entry, Purpose.RESET)
        if invitation.by_operator or invitation.inviter != now.inviter:
            raise KeyLogRefused(Code.INVITATION_REFUSED, "only the account's inviter can reset it")
        self._check_proofs(entry, entry.keys)

    def _check_follows(self, entry: Entry) -> AccountVersion:
        """Spec Y-5, Y-6: the account's next entry, and in the committee that it always had."""
        now = self.account(entry.account)
        if (entry.number, entry.previous) != (now.number + 1, now.index):
            raise KeyLogRefused(Code.ENTRY_ORDER, f"entry {entry.number} after {now.number}")
        if entry.committee != now.committee:
            raise KeyLogRefused(Code.COMMITTEE_CHANGED)
        return now

    def _check_invitation(self, entry: Entry, purpose: Purpose) -> Invitation:
        """Spec Y-4: by a current device of the committee or the genesis key, fitting, unused."""
        invitation = entry.invitation
        if invitation is None or invitation.purpose is not purpose:
            raise KeyLogRefused(Code.INVITATION_REFUSED, "purpose")
        if invitation.subject not in (
            (NOBODY, entry.account) if purpose is Purpose.JOIN else (entry.account,)
        ):
            raise KeyLogRefused(Code.INVITATION_REFUSED, "made for another account")
        if invitation.committee != entry.committee:
            raise KeyLogRefused(Code.COMMITTEE_CHANGED, "invitation")
        if entry.time_ms > invitation.expires_ms:
            raise KeyLogRefused(Code.INVITATION_EXPIRED)
        if invitation.invite_key in self._invites:
            raise KeyLogRefused(Code.INVITATION_USED)
        signer = self._genesis_key
        if not invitation.by_operator:
            signer = self.current_device(invitation.inviter, invitation.inviter_device).key
            if invitation.committee != self.committee(invitation.inviter):
                raise KeyLogRefused(Code.INVITATION_COMMITTEE)
        self._verify(signer, invitation.signature, invitation.signed_bytes(self.deployment))
        self._verify(
            invitation.invite_key, entry.invite_signature, entry.invited_bytes(self.deployment)
        )
        return invitation

    def _check_proofs(self, entry: Entry, new: tuple[bytes, ...]) -> None:
        """Spec Y-7: no device without a proof of its key, and no key ever twice."""
        if len(entry.proofs) != len(new):
            raise KeyLogRefused(
                Code.GHOST_DEVICE, f"{len(new)} new devices, {len(entry.proofs)} proofs"
            )
        for key, proof in zip(new, entry.proofs, strict=True):
            if name_device(key) in self._devices:
                raise KeyLogRefused(Code.DEVICE_TAKEN, name_device(key).hex())
            self._verify(key, proof, entry.possession_bytes(self.deployment, key))


def find_alarm(applied: Applied, me: AccountId, made: Container[bytes]) -> Alarm | None:
    """Return an alarm when an entry about `me` is not among those that this device `made`.

    `made` holds entry hashes (`keylog_entry.hash_entry`).
    """
    if applied.account == me and applied.entry_hash not in made:
        return Alarm(applied)
    return None
