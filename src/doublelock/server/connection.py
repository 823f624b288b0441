"""One device's live connection, seen by delivery and fan-out only through `push`."""

from typing import Protocol

from doublelock.protocol.identifiers import AccountId, DeviceId
from doublelock.server.conversations import Conversation
from doublelock.server.rates import Bucket


class Pipe(Protocol):
    """The seam to the transport: whatever carries bytes to a device."""

    def push(self, data: bytes) -> None:
        """Send one stream message; never blocks."""

    def waiting(self) -> int:
        """Return how many bytes the device has not taken yet."""

    async def drained(self) -> None:
        """Wait until the device has taken most of what was pushed, or is gone."""

    def cut(self, farewell: bytes) -> None:
        """Send a last message and close."""


class Connection:
    """Who is at the other end, which conversations come live, and what goes out next.

    `behind` holds the conversations that are being caught up: live items are not pushed for them.
    `mailbox` is the last mail pushed; until `mail_live`, new mail waits for the older.
    `departed` holds conversations that the device was taken out of, with the sequence of the commit
    that did it: up to there it may still read.
    `outbox` is what the present commit adds; fan-out joins it into one message.
    """

    __slots__ = (
        "account",
        "behind",
        "conversations",
        "departed",
        "device",
        "mail_live",
        "mail_waits",
        "mailbox",
        "outbox",
        "pipe",
        "sends",
        "whispers",
    )

    def __init__(
        self, pipe: Pipe, account: AccountId, device: DeviceId, sends: Bucket, whispers: Bucket
    ) -> None:
        self.pipe = pipe
        self.account = account
        self.device = device
        self.sends = sends
        self.whispers = whispers
        self.conversations: dict[bytes, Conversation] = {}
        self.behind: dict[Conversation, int] = {}
        self.departed: dict[bytes, tuple[Conversation, int]] = {}
        self.outbox: list[bytes] = []
        self.mailbox = 0
        self.mail_live = False
        self.mail_waits = False
