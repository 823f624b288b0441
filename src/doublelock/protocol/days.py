"""Days and key epochs as functions of time, in milliseconds since 1970-01-01 UTC (spec W-2)."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

DAY_MS: Final = 86_400_000
_FIRST: Final = date(1970, 1, 1)


def day_of(time_ms: int) -> int:
    """Return the UTC day of a time: a count of days since 1970-01-01."""
    return time_ms // DAY_MS


def date_of(day: int) -> date:
    """Return the calendar date of a day."""
    return _FIRST + timedelta(days=day)


def day_of_date(when: date) -> int:
    """Return the day of a calendar date."""
    return (when - _FIRST).days


def key_epoch_of(day: int) -> int:
    """Return the key epoch of a day: a count of calendar months since January 1970."""
    when = date_of(day)
    return (when.year - 1970) * 12 + when.month - 1


def first_day(key_epoch: int) -> int:
    """Return the first day of a key epoch."""
    return day_of_date(date(1970 + key_epoch // 12, key_epoch % 12 + 1, 1))


def last_day(key_epoch: int) -> int:
    """Return the last day of a key epoch."""
    return first_day(key_epoch + 1) - 1


def month_of(key_epoch: int) -> str:
    """Return a key epoch's month as people write it: 2010-01."""
    return date_of(first_day(key_epoch)).strftime("%Y-%m")


def iso_time(time_ms: int) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds."""
    when = datetime.fromtimestamp(time_ms / 1000, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
