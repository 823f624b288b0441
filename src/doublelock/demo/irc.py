"""Raw IRC logs as real chat: `[HH:MM] <nick> text` lines, every byte kept as it was sent."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, day_of_date
from doublelock.protocol.errors import Malformed

_SAID: Final = re.compile(rb"\[([01]\d|2[0-3]):([0-5]\d)\] <([^>]{1,64})> ?(.*)", re.DOTALL)
_DID: Final = re.compile(rb"\[([01]\d|2[0-3]):([0-5]\d)\]  \* (\S{1,64}) ?(.*)", re.DOTALL)
_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_HALF_DAY: Final = 12 * 60
_LARGEST: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a log: when (ms since 1970 UTC), who, and the bytes they sent."""

    time_ms: int
    nick: str
    text: bytes


def read_chat(path: Path, day: int | None = None) -> list[Line]:
    """Return the messages of a raw IRC log in order, their times strictly rising.

    The day comes from `day`, else from a `YYYY-MM-DD` in the file's name. A time that jumps back
    by more than half a day is the next day; within a minute messages stand 20 ms apart. Lines that
    are no message (joins, parts) are passed over. Raises Malformed when nothing can be read.
    """
    if path.stat().st_size > _LARGEST:
        raise Malformed(Code.SIZE, f"{path.name} is larger than {_LARGEST} bytes")
    start = _day_of_name(path) if day is None else day
    lines: list[Line] = []
    minute_before = 0
    time_before = 0
    # Only \n ends a line: people send \r, \x0b and \x85 too, and bytes.splitlines would cut there.
    for raw in path.read_bytes().split(b"\n"):
        match = _SAID.fullmatch(raw) or _DID.fullmatch(raw)
        if match is None:
            continue
        minute = int(match[1]) * 60 + int(match[2])
        if minute_before - minute > _HALF_DAY:
            start += 1
        minute_before = minute
        time_before = max(start * DAY_MS + minute * 60_000, time_before + 20)
        lines.append(Line(time_before, nick_of(match[3]), match[4]))
    if not lines:
        raise Malformed(Code.FORM, f"{path.name} holds no line of the form [HH:MM] <nick> text")
    return lines


def nick_of(raw: bytes) -> str:
    """Return a nick as a handle: UTF-8, with any other byte written as `%xx`."""
    return "".join(
        f"%{ord(letter) - 0xDC00:02x}" if 0xDC80 <= ord(letter) <= 0xDCFF else letter
        for letter in raw.strip().decode("utf-8", "surrogateescape")
    )


def _day_of_name(path: Path) -> int:
    match = _DATE.search(path.name)
    if match is None:
        raise Malformed(Code.FORM, f"no date YYYY-MM-DD in the name {path.name}; say --date")
    try:
        return day_of_date(date(int(match[1]), int(match[2]), int(match[3])))
    except ValueError as error:
        raise Malformed(Code.FORM, f"{match[0]} is not a date") from error
