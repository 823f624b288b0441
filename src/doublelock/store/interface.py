"""The store's interface: tables by concern, one transaction at a time, and what it promises.

`write` runs its change in a transaction of the one writer; changes that wait while a commit is in
flight share the next one. When `write` returns, the change is durable. A change that raises is
undone alone. `read` sees what is durable. SQLite is the one store so far; another database
implements these protocols and runs the same tests.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from doublelock.store.rows import (
    BlobRow,
    CeremonyMessageRow,
    CeremonyRow,
    ConversationRow,
    GroupRow,
    ItemRow,
    LabelDay,
    LawRow,
    MailRow,
    MemberRow,
    NewConversation,
    StoredItem,
)

T = TypeVar("T")


class Timeline(Protocol):
    """Items, their batches and labels."""

    def put_batch(
        self, items: Sequence[ItemRow], signature: bytes, labels: Sequence[LabelDay]
    ) -> None:
        """Add one write batch: every item, its receipts' one signature, and new labels."""

    def after(
        self, conversation: int, after: int, items: int, size: int, through: int
    ) -> list[StoredItem]:
        """Return what follows a sequence, oldest first, up to `through`, `items`, `size` bytes."""

    def last(self, conversation: int) -> StoredItem | None:
        """Return the newest item."""

    def find_message(
        self, conversation: int, account: bytes, day: int, message_id: bytes
    ) -> StoredItem | None:
        """Return the item that a sender's message id has in a conversation and day."""

    def newest_messages(self, limit: int) -> tuple[list[tuple[bytes, bytes]], int]:
        """Return (device, message id) of the newest items, and the time in ms of the oldest seen.

        The time is 0 when these are all that there are.
        """

    def label_items(
        self, conversation: int, account: bytes, day: int, after: int = 0, limit: int = -1
    ) -> list[StoredItem]:
        """Return the items of one label behind a sequence, in order; `limit` of them if not -1."""

    def labels(self, conversation: int) -> list[LabelDay]:
        """Return every label of a conversation, by day."""

    def labels_of(self, account: bytes, first_day: int, last_day: int) -> list[LabelDay]:
        """Return every label of an account between two days, both inclusive."""

    def erase(self, conversation: int, before_ms: int, limit: int) -> int:
        """Delete the content of the oldest messages older than a time; return how many items."""


class Groups(Protocol):
    """Conversations, the state of their MLS groups, and members."""

    def create(self, new: NewConversation) -> int | None:
        """Add a conversation and return its number, or None when the id is taken."""

    def find(self, conversation: bytes) -> ConversationRow | None:
        """Return a conversation by its id."""

    def by_key(self, key: int) -> ConversationRow | None:
        """Return a conversation by the store's number."""

    def all(self) -> list[ConversationRow]:
        """Return every conversation."""

    def of_device(self, device: bytes) -> list[ConversationRow]:
        """Return the conversations whose group has this device as a leaf."""

    def of_account(self, account: bytes) -> list[ConversationRow]:
        """Return the conversations whose group has a leaf of this account."""

    def members(self, key: int) -> list[MemberRow]:
        """Return the group's leaves."""

    def change_members(
        self, key: int, added: Sequence[MemberRow], removed: Sequence[MemberRow]
    ) -> None:
        """Take leaves in and out."""

    def put_group(self, key: int, group: GroupRow, *, keep_tree: bool) -> None:
        """Replace the group's state; keep this epoch's tree for joiners if asked."""

    def group(self, key: int) -> GroupRow | None:
        """Return the group's state."""

    def epoch(self, key: int) -> int:
        """Return the group's epoch without loading its state; 0 without a group."""

    def tree(self, key: int, epoch: int) -> bytes | None:
        """Return the ratchet tree of an epoch that was kept, or of the present one."""

    def set_timer(self, key: int, timer_ms: int) -> None:
        """Set after how long messages are deleted; 0 never."""


class Devices(Protocol):
    """Handles, key packages, mailboxes and days of use."""

    def put_handle(self, account: bytes, handle: str) -> None:
        """Remember an account's handle."""

    def handles(self, accounts: Sequence[bytes]) -> list[str]:
        """Return handles in the order asked for; empty where unknown."""

    def put_key_packages(
        self, account: bytes, device: bytes, packages: Sequence[bytes], last_resort: bytes
    ) -> None:
        """Add a device's key packages and, unless empty, replace its last resort."""

    def count_key_packages(self, device: bytes) -> int:
        """Return how many one-time key packages are left."""

    def claim_key_package(self, account: bytes, device: bytes) -> bytes:
        """Return and forget the oldest key package, else the last resort, else nothing."""

    def put_mail(self, mail: Iterable[MailRow]) -> list[MailRow]:
        """Add mail and return it with its numbers."""

    def mail(self, device: bytes, after: int, limit: int) -> list[MailRow]:
        """Return a device's mail after a number, oldest first."""

    def drop_mail(self, device: bytes, through: int) -> None:
        """Delete a device's mail up to and including a number."""

    def count_relayed(self, device: bytes, kind: int, sender: bytes) -> tuple[int, int]:
        """Return how much mail of a relayed kind waits for a device, and how much of an account."""

    def put_day(self, account: bytes, device: bytes, day: int) -> None:
        """Remember the last day on which a device connected; never backwards."""

    def days(self, account: bytes) -> dict[bytes, int]:
        """Return the days that are kept of an account's devices."""

    def keep_days(self, account: bytes, keep: bool) -> None:
        """Say whether an account wants days kept; those that are there go when it does not."""

    def without_days(self) -> list[bytes]:
        """Return the accounts that want none kept."""

    def forget(self, device: bytes) -> None:
        """Forget a device that the key log lists no more: key packages, mail, day."""


class Push(Protocol):
    """Push subscriptions and the key that signs for them."""

    def put(self, device: bytes, endpoint: str) -> None:
        """Keep a device's endpoint in place of the one before."""

    def drop(self, device: bytes) -> None:
        """Forget a device's endpoint."""

    def all(self) -> list[tuple[bytes, str]]:
        """Return (device, endpoint) of every subscription."""

    def keep_key(self, key: bytes) -> bytes:
        """Keep a new signing key unless there is one; return the one that is kept."""


class Blobs(Protocol):
    """Records of blobs."""

    def start(self, blob: BlobRow) -> None:
        """Add an unfinished blob."""

    def find(self, blob: bytes) -> BlobRow | None:
        """Return a blob's record."""

    def finish(self, blob: bytes) -> None:
        """Mark a blob as complete."""

    def used(self, account: bytes) -> int:
        """Return how many bytes an account has stored or reserved."""

    def before(self, time_ms: int, limit: int) -> list[BlobRow]:
        """Return blobs started before a time."""

    def drop(self, blob: bytes) -> None:
        """Forget a blob."""


class Law(Protocol):
    """The law desk's documents, charters, key epochs and ceremonies."""

    def put_document(self, row: LawRow) -> int:
        """Add a document and return its number."""

    def documents(self, after: int, limit: int) -> list[LawRow]:
        """Return documents after a number, oldest first."""

    def case(self, case: bytes) -> list[LawRow]:
        """Return every document of a case, oldest first."""

    def put_charter(self, document: bytes) -> None:
        """Add a charter or amendment."""

    def charters(self) -> list[bytes]:
        """Return every charter, genesis first."""

    def put_key_epoch(self, document: bytes) -> int:
        """Add a signed key epoch and return its number."""

    def key_epochs(self) -> list[bytes]:
        """Return every key epoch document, oldest first."""

    def put_ceremony(self, row: CeremonyRow) -> bool:
        """Add a ceremony; False when its name is taken."""

    def ceremonies(self) -> list[CeremonyRow]:
        """Return every ceremony, oldest first."""

    def opened_after(self, author: bytes, time_ms: int) -> list[CeremonyRow]:
        """Return the ceremonies that one key opened after a time in ms, oldest first."""

    def ceremony(self, ceremony: bytes) -> CeremonyRow | None:
        """Return a ceremony."""

    def put_ceremony_message(self, row: CeremonyMessageRow) -> int:
        """Add a message and return its number, or 0 when its author spoke in this round already."""

    def ceremony_messages(self, ceremony: bytes, after: int) -> list[CeremonyMessageRow]:
        """Return a ceremony's messages after a number."""


class Tables(Protocol):
    """Everything in one transaction."""

    @property
    def timeline(self) -> Timeline:
        """Items, batches, labels."""

    @property
    def groups(self) -> Groups:
        """Conversations and groups."""

    @property
    def devices(self) -> Devices:
        """What belongs to devices."""

    @property
    def push(self) -> Push:
        """Push subscriptions."""

    @property
    def blobs(self) -> Blobs:
        """Blob records."""

    @property
    def law(self) -> Law:
        """The law desk."""


class Store(Protocol):
    """A durable store; its methods are called from the server's event loop."""

    def submit(
        self, change: Callable[[Tables], None], done: Callable[[BaseException | None], None]
    ) -> None:
        """Make a change; `done` is called on the loop when it is durable, or with its error."""

    async def write(self, change: Callable[[Tables], T]) -> T:
        """Make a change and return its result once it is durable."""

    async def read(self, query: Callable[[Tables], T]) -> T:
        """Return a query's result over what is durable."""

    async def scrub(self) -> None:
        """Leave no erased byte behind in files that the database keeps beside its own."""

    async def close(self) -> None:
        """Make every change that was submitted, then close."""
