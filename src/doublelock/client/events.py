"""What a client tells its person: each event is safe in the vault before it is told."""

from dataclasses import dataclass

from doublelock.protocol.charter import Charter
from doublelock.protocol.errors import Refusal
from doublelock.protocol.identifiers import AccountId, ConversationId, DeviceId, MessageId
from doublelock.protocol.keylog import Alarm
from doublelock.protocol.notice import VerifiedNotice
from doublelock.protocol.record import AnyRecord


@dataclass(frozen=True, slots=True)
class Message:
    """A message that passed the receive rule, or one's own once the server has it."""

    conversation: ConversationId
    sequence: int
    time_ms: int
    account: AccountId
    device: DeviceId
    message_id: MessageId
    record: AnyRecord


@dataclass(frozen=True, slots=True)
class Whispering:
    """An ephemeral message: typing, presence or a read mark; kept nowhere."""

    conversation: ConversationId
    time_ms: int
    account: AccountId
    device: DeviceId
    record: AnyRecord


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody came, or is away since `last_ms`, where both tell such things (spec V-20)."""

    account: AccountId
    here: bool
    last_ms: int


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """An item that was refused, with its reason and never its text."""

    conversation: ConversationId
    sequence: int
    time_ms: int
    account: AccountId
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class HandedOver:
    """So many messages of before, by the word of another own device; or why a file was refused."""

    device: DeviceId
    count: int
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Membership:
    """Who came, went, or replaced an own broken device, by whose commit."""

    conversation: ConversationId
    sequence: int
    by: AccountId
    added: tuple[AccountId, ...]
    removed: tuple[AccountId, ...]
    settings_changed: bool


@dataclass(frozen=True, slots=True)
class Joined:
    """This device is in a conversation: made, welcomed into, or rejoined after `missed` items."""

    conversation: ConversationId
    by: AccountId
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Left:
    """This device is in the conversation no more; `by` is zeros where it only learned so later."""

    conversation: ConversationId
    by: AccountId


@dataclass(frozen=True, slots=True)
class Stopped:
    """A conversation cannot go on: the server let through what the rules refuse."""

    conversation: ConversationId
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class NotSent:
    """A message of one's own that was given up; its record is still in the caller's hands."""

    conversation: ConversationId
    message_id: MessageId
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class JoinAsked:
    """Somebody asks by a link to be let into a group that this person rules (spec G-22)."""

    conversation: ConversationId
    account: AccountId
    time_ms: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A warrant opened something of one's own account; `document` is the signed notice."""

    time_ms: int
    notice: VerifiedNotice
    document: bytes


@dataclass(frozen=True, slots=True)
class RefusedNotice:
    """Something came as a notice and does not verify."""

    time_ms: int
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class EpochsLow:
    """Only `ready` key epochs from now on are there; without one, sending stops (DESIGN §4)."""

    committee: int
    ready: int


@dataclass(frozen=True, slots=True)
class CharterAmended:
    """The law of the deployment changes at `effective_ms`, if it has not yet; told before it does.

    `before` is the charter that it follows: `amendment.describe_changes` says what changes.
    """

    charter: Charter
    before: Charter
    effective_ms: int


@dataclass(frozen=True, slots=True)
class AccountAlarm:
    """The key log holds an entry about one's own account that this device did not make."""

    alarm: Alarm


@dataclass(frozen=True, slots=True)
class LogAlarm:
    """A log holds a void entry, or shows another history than before; nothing relies on it."""

    log: str
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Connection:
    """The stream is up, or down with the reason."""

    up: bool
    refusal: Refusal | None = None


Event = (
    Message
    | Whispering
    | Seen
    | RefusedItem
    | HandedOver
    | Membership
    | Joined
    | Left
    | Stopped
    | NotSent
    | JoinAsked
    | Notice
    | RefusedNotice
    | EpochsLow
    | CharterAmended
    | AccountAlarm
    | LogAlarm
    | Connection
)
