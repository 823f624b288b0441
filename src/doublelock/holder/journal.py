"""What a holder did, line by line, in a file of its own: what `status` and an operator read.

It holds nothing secret and nothing that the law log or the desk does not show this holder anyway.
Nothing relies on it: a journal that is lost changes no answer.
"""

import os
from enum import StrEnum
from pathlib import Path
from typing import Final

from doublelock.keep.atomic import read_private
from doublelock.protocol import limits
from doublelock.protocol.days import iso_time
from doublelock.protocol.documents import Document, Millis, decode, encode
from doublelock.protocol.errors import Malformed

_FILE: Final = "journal.jsonl"
_LARGEST: Final = 4 * 1024 * 1024
_LINE: Final = 4096


class Kind(StrEnum):
    """What a line of the journal is about."""

    BEGUN = "begun"
    CEREMONY = "ceremony"
    RELEASE = "release"
    WAITING = "waiting"
    REFUSAL = "refusal"
    NOTICE = "notice"
    DESTRUCTION = "destruction"
    TROUBLE = "trouble"


class Act(Document, frozen=True):
    """One thing that a holder did or met, in words; `code` names a refusal or a trouble."""

    time_ms: Millis
    kind: Kind
    words: str
    warrant: str = ""
    labels: int = 0
    code: str = ""

    def __str__(self) -> str:
        """Return the line for a person."""
        return f"{iso_time(self.time_ms)}  {self.kind.value:<11}  {self.words}"


class Journal:
    """Appends to the journal of a state folder; an old one is kept once, at 4 MiB each."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def add(self, act: Act) -> None:
        """Append a line; a disk that does not take it stops nothing."""
        try:
            if self._path.is_file() and self._path.stat().st_size > _LARGEST:
                self._path.replace(self._path.with_suffix(".old"))
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(self._path, flags, 0o600)
            try:
                os.write(handle, encode(act) + b"\n")
            finally:
                os.close(handle)
        except OSError:
            return


def read_journal(folder: Path) -> list[Act]:
    """Return the journal's lines, oldest first; a line that was cut is left out.

    Raises VaultRefused when the file is exposed.
    """
    path = folder / _FILE
    if not path.exists():
        return []
    acts = []
    for line in read_private(path, limits.STATE_FILE).splitlines():
        try:
            acts.append(decode(line, Act, _LINE))
        except Malformed:
            continue
    return acts
