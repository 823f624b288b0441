"""What a person sees of events that are no messages: who came, what to look at, what stopped."""

from collections.abc import Callable

from doublelock.client import events
from doublelock.commands.chat_view import (
    Name,
    clock_text,
    day_text,
    device_text,
    one_line,
    refusal_text,
)
from doublelock.protocol.amendment import describe_changes, describe_time
from doublelock.protocol.errors import Refusal
from doublelock.protocol.identifiers import AccountId
from doublelock.protocol.keylog import Applied
from doublelock.protocol.keylog_entry import Kind
from doublelock.protocol.notice import VerifiedNotice
from doublelock.protocol.record import display


def _seen_text(who: str, here: bool, last_ms: int) -> str:
    """Say whether somebody is here, or since when they are not."""
    return f"{who} is here" if here else f"{who} was here last at {clock_text(last_ms)}"


def account_alarm(applied: Applied) -> str:
    """Return what to tell about a key-log entry on one's own account that was made elsewhere."""
    when = clock_text(applied.time_ms)
    look = "Look at `doublelock chat devices`; what is not yours, end with `doublelock chat revoke`"
    if applied.kind is Kind.RESET:
        return (
            f"your account was reset on {when}, by the word of who invited you. If you did not ask "
            "for it, tell everybody: whoever writes under your handle now is not you."
        )
    if applied.kind is Kind.FIRST:
        return f"your account was registered on {when}, by another device. {look}."
    author = device_text(applied.author)
    said = [f"device {device_text(device)} was added to your account" for device in applied.added]
    said += [f"device {device_text(one)} of your account was revoked" for one in applied.removed]
    return f"{' and '.join(said)} on {when}, signed by your device {author}. {look}."


def notice_text(notice: VerifiedNotice) -> str:
    """Return a warrant's notice in plain words."""
    terms = notice.terms
    first, last = day_text(terms.first_day), day_text(terms.last_day)
    days = f"on {first}" if first == last else f"from {first} to {last}"
    return (
        f"A warrant concerned you: {one_line(terms.agency.encode())}, {terms.kind.value}, for "
        f"{one_line(terms.offence.encode())} ({one_line(terms.legal_basis.encode())}), messages "
        f"{days}. Its secrecy ended {clock_text(terms.gag_end_ms)}. Law-log entry "
        f"{notice.log_index}; told by {', '.join(role.value for role in notice.signers)}."
    )


def notice_json(notice: VerifiedNotice) -> dict[str, object]:
    """Return a warrant's notice for a script."""
    terms = notice.terms
    return {
        "event": "notice",
        "warrant": bytes(terms.warrant).hex(),
        "agency": one_line(terms.agency.encode()),
        "kind": terms.kind.value,
        "offence": one_line(terms.offence.encode()),
        "legal_basis": one_line(terms.legal_basis.encode()),
        "first_day": day_text(terms.first_day),
        "last_day": day_text(terms.last_day),
        "gag_end_ms": terms.gag_end_ms,
        "log_index": notice.log_index,
        "signers": [role.value for role in notice.signers],
    }


def alarm(event: events.Event) -> str:
    """Return what a person must not miss of an event, or nothing."""
    match event:
        case events.AccountAlarm(found):
            return account_alarm(found.applied)
        case events.LogAlarm(log, refusal):
            return f"the {log} log cannot be relied on; {_reason(refusal)}"
        case events.Stopped(conversation, refusal):
            return f"conversation {conversation.hex()[:8]} cannot go on; {_reason(refusal)}"
        case events.Notice(_, notice):
            return notice_text(notice)
        case events.RefusedNotice(_, refusal):
            return f"something came as a warrant's notice and is none; {_reason(refusal)}"
        case events.CharterAmended(charter, before, _):
            changes = "; ".join(map(str, describe_changes(before.terms, charter.terms)))
            words = display(changes.encode("utf-8", "replace"))
            return f"the law of this deployment changes {describe_time(charter.terms)}: {words}"
        case events.EpochsLow(_, 0):
            return "there is no key for this month: nothing can be sent until the holders make one"
        case events.EpochsLow(_, ready):
            return (
                f"only {ready} monthly key{'s are' if ready != 1 else ' is'} ready; when there is "
                "none left, sending stops. Tell the operator"
            )
        case events.NotSent(conversation, _, refusal):
            return f"a message in {conversation.hex()[:8]} was not sent; {_reason(refusal)}"
        case _:
            return ""


def _reason(refusal: Refusal) -> str:
    return refusal_text(refusal.code.value, refusal.detail)


def event_text(event: events.Event, name: Name, short: Callable[[bytes], str]) -> str:
    """Return what to say of an event that is no message, or nothing."""
    match event:
        case events.Membership():
            said = [f"{name(one)} came in" for one in event.added if one not in event.removed]
            said += [f"{name(one)} went out" for one in event.removed if one not in event.added]
            said += [f"{name(one)} changed a device" for one in event.added if one in event.removed]
            if event.settings_changed:
                said.append("the admins or rules changed")
            if not said:
                said.append("keys were renewed")
            return f"* {short(event.conversation)}: {', '.join(said)} (by {name(event.by)})"
        case events.Joined(conversation, by, missed):
            gap = f"; {missed} messages before cannot be read here" if missed else ""
            return f"* {short(conversation)}: you are in this conversation (by {name(by)}){gap}"
        case events.Left(conversation, by):
            return f"* {conversation.hex()[:8]}: you are out of this conversation (by {name(by)})"
        case events.JoinAsked(conversation, account):
            return f"* {short(conversation)}: {name(account)} asks to join; see `chat requests`"
        case events.Seen(account, here, last_ms):
            return f"* {_seen_text(name(account), here, last_ms)}"
        case events.Connection(up=False, refusal=refusal) if refusal is not None:
            return f"* no connection; {_reason(refusal)}"
        case _:
            said_alarm = alarm(event)
            return f"* ALARM: {said_alarm}" if said_alarm else ""


def event_json(event: events.Event, name: Name) -> dict[str, object] | None:
    """Return an event that is no message for a script, or None for what is not told."""
    match event:
        case events.Membership():
            return {
                "event": "membership",
                "conversation": event.conversation.hex(),
                "number": event.sequence,
                "by": name(event.by),
                "added": [name(one) for one in event.added],
                "removed": [name(one) for one in event.removed],
                "settings_changed": event.settings_changed,
            }
        case events.Joined(conversation, by, missed):
            where = {"event": "joined", "conversation": conversation.hex()}
            return where | {"by": name(by), "missed": missed}
        case events.Left(conversation, by):
            return {"event": "left", "conversation": conversation.hex(), "by": name(by)}
        case events.JoinAsked(conversation, account):
            place = conversation.hex()
            return {"event": "join-asked", "conversation": place, "by": name(account)}
        case events.Connection(up, refusal):
            return {"event": "connection", "up": up} | _code(refusal)
        case events.Notice(_, notice):
            return notice_json(notice)
        case events.Seen(account, here, last_ms):
            return {"event": "seen", "by": name(account), "here": here, "last_ms": last_ms}
        case events.Whispering():
            return None
        case _:
            kind = type(event).__name__.lower()
            return {"event": kind, "text": alarm(event)} | _code(getattr(event, "refusal", None))


def _code(refusal: Refusal | None) -> dict[str, object]:
    return {} if refusal is None else {"code": refusal.code.value, "detail": refusal.detail}


def accounts_in(event: events.Event) -> list[AccountId]:
    """Return whom an event names."""
    match event:
        case events.Membership():
            return [event.by, *event.added, *event.removed]
        case events.Joined() | events.Left():
            return [event.by]
        case events.Message() | events.RefusedItem():
            return [event.account]
        case events.JoinAsked() | events.Seen():
            return [event.account]
        case _:
            return []
