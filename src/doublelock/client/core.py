"""What the parts of one client share: its vault, monitor, keys and conversations."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from doublelock_mls import Group
from msgspec import Struct, msgpack

from doublelock.client.blocking import Blocking
from doublelock.client.events import Event, Stopped
from doublelock.client.groups import Groups, take_change
from doublelock.client.monitor import Clock, Monitor
from doublelock.client.vault import Vault
from doublelock.protocol.charter import Charter, requires_capsule
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SigningKey, verify_key
from doublelock.protocol.envelope import SendKeys
from doublelock.protocol.errors import CharterRefused, GroupRefused, KeyLogRefused, Refusal
from doublelock.protocol.group_rules import Context, ConversationKind, Rules, decode_context
from doublelock.protocol.identifiers import (
    AccountId,
    ConversationId,
    DeploymentId,
    DeviceId,
)
from doublelock.protocol.receipt import ReceiptChain, SeenRoots
from doublelock.protocol.receive import (
    EpochKey,
    ReceiveContext,
    SeenCapsules,
    SenderEntry,
)
from doublelock.transport.http import HttpClient

MEMBER = "member"
BROKEN = "broken"
LEFT = "left"
STOPPED = "stopped"


class Identity(Struct, frozen=True):
    """Who this device is, and where; the seed (32 bytes) is the device's Ed25519 key."""

    address: str
    deployment: bytes
    handle: str
    account: bytes
    seed: bytes
    made: tuple[bytes, ...]
    """Hashes of the key-log entries that this device made."""


class Place(Struct, frozen=True):
    """Where a client stands in a conversation, as kept in the vault."""

    status: str
    sequence: int
    chain_sequence: int
    chain_hash: bytes
    chain_ms: int


@dataclass
class Room:
    """One conversation in memory. `sequence` is the last item taken; `chain` its receipt.

    `chain` is None where the timeline was entered or skipped in the middle: the next receipt
    starts it afresh. `catching` says that a gap is being closed, `wish` that somebody else
    asked to leave, `unchecked` that nobody has looked at the GroupInfo of the last commit here.
    """

    conversation: ConversationId
    status: str = MEMBER
    sequence: int = 0
    chain: ReceiptChain | None = None
    group: Group | None = None
    keys: SendKeys | None = None
    keys_epoch: int = -1
    catching: bool = False
    live: bool = False
    dirty: bool = False
    wish: bool = False
    unchecked: bool = False
    context: Context | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once what the room took is durable, when it went live or changed its status."""

    def place(self) -> Place:
        """Return what the vault keeps of it."""
        chain = self.chain
        if chain is None:
            return Place(self.status, self.sequence, -1, b"", 0)
        return Place(self.status, self.sequence, chain.sequence, chain.hash, chain.time_ms)

    def stir(self) -> None:
        """Wake whoever waits for the room to move."""
        self.moved.set()
        self.moved = asyncio.Event()


class Core:
    """One client's shared state. It decides nothing; see the modules that use it."""

    def __init__(
        self,
        vault: Vault,
        http: HttpClient,
        monitor: Monitor,
        identity: Identity,
        clock: Clock,
        *,
        decrypt: bool,
    ) -> None:
        self.vault = vault
        self.blocked = Blocking(vault)
        self.http = http
        self.monitor = monitor
        self.clock = clock
        self.decrypt = decrypt
        self.identity = identity
        self.handle = identity.handle
        self.deployment = DeploymentId(identity.deployment)
        self.account = AccountId(identity.account)
        self.signing_key = SigningKey(identity.seed)
        self.groups = Groups(self.account, self.signing_key, identity.seed, self.rules, clock)
        self.device: DeviceId = self.groups.device
        self.rooms: dict[ConversationId, Room] = {}
        self.gone: set[DeviceId] = set()
        """Devices that the key log dropped and that may still be leaves somewhere."""
        self.seen = SeenCapsules()
        self.roots = SeenRoots()
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self._told: list[Event] = []
        self._writes: list[Callable[[], None]] = []
        self._rules: Rules | None = None
        self._ruled_by: tuple[Charter, ...] = ()

    def load_rooms(self) -> None:
        """Read every conversation from the vault; groups are loaded when first needed."""
        for conversation, value in self.vault.conversations():
            place = msgpack.decode(value, type=Place)
            chain = None
            if place.chain_sequence >= 0:
                chain = ReceiptChain(
                    conversation, place.chain_sequence, place.chain_hash, place.chain_ms
                )
            self.rooms[conversation] = Room(conversation, place.status, place.sequence, chain)

    def room(self, conversation: ConversationId) -> Room:
        """Return a conversation. Raises GroupRefused(not-a-member)."""
        room = self.rooms.get(conversation)
        if room is None:
            raise GroupRefused(Code.NOT_A_MEMBER, "unknown conversation")
        return room

    def group(self, room: Room) -> Group:
        """Return a conversation's group. Raises GroupRefused where there is none: rejoin."""
        if room.group is None:
            state = self.vault.group(room.conversation)
            if state is None:
                raise GroupRefused(Code.NOT_A_MEMBER, "the group's state is gone")
            room.group = self.groups.load(state)
        return room.group

    def is_usable(self, room: Room) -> bool:
        """Say whether a member's group can be loaded; where it cannot, the room is broken."""
        if room.status != MEMBER:
            return False
        try:
            self.group(room)
        except GroupRefused:
            room.status = BROKEN
            room.dirty = True
            return False
        return True

    def context(self, room: Room) -> Context:
        """Return a conversation's context: its kind, its admins."""
        if room.context is None:
            room.context = decode_context(self.group(room).context_data)
        return room.context

    def stop(self, room: Room, refusal: Refusal) -> None:
        """Let a conversation stand still, and tell why; the caller flushes."""
        room.status = STOPPED
        room.dirty = True
        self.tell(Stopped(room.conversation, refusal))

    def is_hidden(self, room: Room) -> bool:
        """Say whether it is the direct conversation with somebody blocked. Raises GroupRefused."""
        if not self.blocked.accounts():
            return False
        context = self.context(room)
        direct = context.kind is ConversationKind.DIRECT
        return direct and any(account in self.blocked for account in context.admins)

    # --- what the rules need ---------------------------------------------------------------

    @property
    def escrow(self) -> bool:
        """Whether any committee of the charter in force escrows: what a new group says (G-2)."""
        return self.monitor.charter.terms.escrow == "threshold"

    def escrows_on(self, committee: int, day: int) -> bool:
        """Whether a committee's accounts seal a day's messages (C-6).

        Raises CharterRefused(unknown-committee).
        """
        return requires_capsule(self.monitor.charters, committee, day)

    def rules(self) -> Rules:
        """Return the group rules over the key log as it is now."""
        monitor = self.monitor
        charters = monitor.charters[: monitor.charters.index(monitor.charter) + 1]
        known = self._rules
        if known is None or known.key_log is not monitor.key_log or self._ruled_by != charters:
            self._ruled_by = charters
            self._rules = Rules(
                self.deployment,
                escrow=self.escrow,
                key_log=monitor.key_log,
                skew_ms=monitor.skew_ms,
                earlier=[charter.terms.escrow == "threshold" for charter in charters],
            )
        assert self._rules is not None
        return self._rules

    def receive_context(self) -> ReceiveContext:
        """Return what the receive rule needs to know now."""
        return ReceiveContext(
            self.deployment,
            self.escrows_on,
            self.clock(),
            int(self.monitor.charter.terms.skew_ms),
            self._find_sender,
            self.find_epoch,
        )

    def _find_sender(self, account: AccountId, device: DeviceId) -> SenderEntry | None:
        log = self.monitor.key_log
        try:
            record = log.device(device)
        except KeyLogRefused:
            return None
        if record.account != account:
            return None
        committee = log.account_as_of(account, index=record.added_index).committee
        return SenderEntry(committee, verify_key(record.key))

    def find_epoch(self, committee: int, key_epoch: int) -> EpochKey | None:
        """Return a verified key epoch with the days for which it is in force, or None."""
        try:
            found = self.monitor.epoch(committee, key_epoch)
        except CharterRefused:
            return None
        first, last = self.monitor.days_of(committee, key_epoch)
        return EpochKey(committee, key_epoch, found.master_key, first, last)

    # --- telling ---------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """Tell an event once the present transaction is durable."""
        self._told.append(event)

    def write(self, change: Callable[[], None]) -> None:
        """Write to the vault in the transaction of the next `flush`, and not before."""
        self._writes.append(change)

    def flush(self) -> None:
        """Write every room that changed and what came with it, as one; then tell and wake."""
        dirty = [room for room in self.rooms.values() if room.dirty]
        writes, self._writes = self._writes, []
        if dirty or writes:
            with self.vault.transaction():
                for change in writes:
                    change()
                for room in dirty:
                    self.keep(room)
        for room in dirty:
            room.stir()
        for event in self._told:
            self.events.put_nowait(event)
        self._told.clear()

    def keep(self, room: Room) -> None:
        """Write a room's place and its group's change; inside the caller's transaction."""
        if room.group is not None and not room.group.removed:
            self.vault.write_group(room.conversation, take_change(room.group))
        self.vault.write_conversation(room.conversation, room.place())
        room.dirty = False

    def random(self, size: int) -> bytes:
        """Return fresh random bytes."""
        return secrets.token_bytes(size)
