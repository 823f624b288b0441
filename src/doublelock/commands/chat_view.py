"""What a person sees of messages and events: plain lines and JSON, safe for a terminal.

Everything that others wrote passes `display`, and only our own lines begin at the left margin: a
text cannot draw a line that looks like somebody else's.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from doublelock.client.hand_over import HANDED_OVER
from doublelock.client.vault import Shown
from doublelock.protocol.codes import ADVICE, Code
from doublelock.protocol.record import (
    AnyRecord,
    Attachment,
    Delete,
    Details,
    Edit,
    Media,
    MembershipNotice,
    Reaction,
    Reply,
    Text,
    Timer,
    decode_record,
    display,
)

Name = Callable[[bytes], str]
"""Returns an account's handle for the eye."""
_DAY_S: Final = 86_400
_SHORT: Final = 88
_EDITED: Final = " (edited)"


def one_line(content: bytes) -> str:
    """Return what to show of a name: as `display`, and on one line."""
    return display(content).replace("\n", " ").replace("\t", " ")


def shortened(text: str) -> str:
    """Return the beginning of a text, on one line."""
    plain = " ".join(text.split())
    return plain if len(plain) <= _SHORT else plain[: _SHORT - 1] + "…"


def block(text: str) -> str:
    """Return a text for the terminal: later lines are set in, so none can pass for ours."""
    return text.replace("\n", "\n    | ")


def clock_text(time_ms: int) -> str:
    """Return a time in UTC to the minute."""
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return f"{time_ms} ms"


def day_text(day: int) -> str:
    """Return a day's date."""
    return clock_text(day * _DAY_S * 1000)[:10]


def seconds_text(seconds: int) -> str:
    """Return a timer's length in the largest unit that fits."""
    for unit, size in (("day", _DAY_S), ("hour", 3600), ("minute", 60)):
        if seconds and seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}{'s' * (count != 1)}"
    return f"{seconds} second{'s' * (seconds != 1)}"


def refusal_text(code: str, detail: str) -> str:
    """Return a refusal's reason and what to do, without a word of what was refused."""
    advice = ADVICE[Code(code)] if code in Code.__members__.values() else ""
    return f"refused: {code}{f' ({one_line(detail.encode())})' if detail else ''}. {advice}".strip()


def device_text(device: bytes) -> str:
    """Return a device's short name."""
    return device.hex()[:8]


# --- messages -----------------------------------------------------------------------------------


@dataclass
class Line:
    """One message as it stands now: edits and reactions of later ones are folded in."""

    item: Shown
    record: AnyRecord | None
    changed: bytes | None = None
    deleted: bool = False
    folded: bool = False
    reactions: dict[bytes, str] = field(default_factory=dict)


def fold(items: Sequence[Shown]) -> list[Line]:
    """Return a history's messages with what their authors made of them since.

    Only its author's account changes or deletes a message: another's attempt changes nothing.
    """
    lines: list[Line] = []
    known: dict[bytes, Line] = {}
    for item in items:
        if item.refusal:
            lines.append(Line(item, None))
            continue
        record = decode_record(item.record)
        target = known.get(record.target) if isinstance(record, Edit | Delete | Reaction) else None
        if target is not None and isinstance(record, Reaction):
            target.reactions.pop(item.account, None)
            if record.mark:
                target.reactions[item.account] = one_line(record.mark)
            continue
        if target is not None and target.item.account == item.account:
            if isinstance(record, Edit):
                target.changed = record.content
            else:
                target.deleted = True
            continue
        line = Line(item, record)
        known[item.message_id] = line
        lines.append(line)
    return lines


def unfolded(item: Shown) -> Line:
    """Return an item as it came: each change of another message is a line of its own."""
    return Line(item, None if item.refusal else decode_record(item.record))


def numbers(items: Sequence[Shown]) -> dict[bytes, int]:
    """Return the sequence of every message id in a history."""
    return {item.message_id: item.sequence for item in items if item.message_id}


def line_text(line: Line, name: Name, places: dict[bytes, int]) -> str:
    """Return a folded message for the terminal."""
    item = line.item
    head = f"[{item.sequence}] {clock_text(item.time_ms)} {name(item.account)}"
    if item.detail == HANDED_OVER:
        head += " (as another device of yours has it)"
    if line.folded:
        return f"{head}: (of somebody you blocked; `history --unfold` shows it)"
    if line.record is None:
        return f"{head}: {refusal_text(item.refusal, item.detail)}"
    if line.deleted:
        return f"{head}: (deleted)"
    said = block(record_text(line.record, places))
    if line.changed is not None:
        said = block(display(line.changed)) + _EDITED
    marks = "".join(
        f"\n      {mark} by {name(account)}" for account, mark in line.reactions.items()
    )
    return f"{head}: {said}{marks}"


def line_json(line: Line, conversation: bytes, name: Name) -> dict[str, object]:
    """Return a folded message for a script."""
    item = line.item
    data = shown_json(item, conversation, name)
    if line.folded:
        kept = ("event", "conversation", "number", "time_ms", "sender", "account", "message")
        return {key: data[key] for key in kept if key in data} | {"blocked": True}
    if line.changed is not None:
        data["changed"] = display(line.changed)
    if line.deleted:
        data = {key: value for key, value in data.items() if key not in ("text", "base64")}
        data["deleted"] = True
    if line.reactions:
        data["reactions"] = {name(account): mark for account, mark in line.reactions.items()}
    return data


def record_text(record: AnyRecord, places: dict[bytes, int]) -> str:
    """Return what a record says; other messages are named by their numbers in `places`."""
    match record:
        case Text(content):
            return display(content)
        case Reply(target, content):
            return f"(to {_place(target, places)}) {display(content)}"
        case Edit(target, content):
            return f"(changes {_place(target, places)}) {display(content)}"
        case Delete(target):
            return f"(deletes {_place(target, places)})"
        case Reaction(target, mark):
            return f"({one_line(mark) or 'no mark any more'} on {_place(target, places)})"
        case Attachment():
            name, kind = one_line(record.name) or "without a name", one_line(record.media_type)
            caption = f" {display(record.caption)}" if record.caption else ""
            answers = record.target if isinstance(record, Media) else b""
            to = f"(to {_place(answers, places)}) " if answers else ""
            return f"{to}[file {name}, {record.size:,} bytes{f', {kind}' if kind else ''}]{caption}"
        case Timer(seconds):
            if seconds == 0:
                return "(messages from here on stay)"
            return f"(messages from here on disappear after {seconds_text(seconds)})"
        case Details(name, picture):
            also = " with a picture" if picture else ""
            return f"(the conversation is called {one_line(name) or 'nothing'}{also})"
        case MembershipNotice():
            return "(a note about members)"
        case _:
            return "(something that this version does not show)"


def _place(target: bytes, places: dict[bytes, int]) -> str:
    return str(places.get(target, "an earlier message"))


def shown_json(item: Shown, conversation: bytes, name: Name) -> dict[str, object]:
    """Return a message for a script: `text` as shown, `base64` as sent, byte for byte."""
    data: dict[str, object] = {
        "event": "refused" if item.refusal else "message",
        "conversation": conversation.hex(),
        "number": item.sequence,
        "time_ms": item.time_ms,
        "sender": name(item.account),
        "account": item.account.hex(),
        "device": item.device.hex(),
    }
    if item.refusal:
        return data | {"code": item.refusal, "detail": one_line(item.detail.encode())}
    record = decode_record(item.record)
    if item.detail == HANDED_OVER:
        del data["device"]
        data["handed_over"] = True
    return data | {"message": item.message_id.hex()} | record_json(record)


def record_json(record: AnyRecord) -> dict[str, object]:
    """Return a record's own fields for a script; never an attachment's key."""
    data: dict[str, object] = {"kind": type(record).__name__.lower()}
    if isinstance(record, Reply | Edit | Delete | Reaction):
        data["target"] = record.target.hex()
    if isinstance(record, Text | Reply | Edit):
        data["text"] = display(record.content)
        data["base64"] = base64.b64encode(record.content).decode()
    if isinstance(record, Reaction):
        data["mark"] = display(record.mark)
    if isinstance(record, Attachment):
        data["name"], data["size"] = one_line(record.name), record.size
        data["media_type"], data["text"] = one_line(record.media_type), display(record.caption)
    if isinstance(record, Media):
        data["width"], data["height"] = record.width, record.height
        data["duration_ms"] = record.duration_ms
        data["target"] = record.target.hex()
    if isinstance(record, Details):
        data["name"], data["picture"] = one_line(record.name), len(record.picture)
    if isinstance(record, Timer):
        data["seconds"] = record.seconds
    return data
