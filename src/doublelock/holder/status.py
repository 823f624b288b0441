"""What a holder's state folder tells without its key, also while its daemon runs."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from doublelock.holder.journal import Act, Kind, read_journal
from doublelock.holder.membership import read_pinned
from doublelock.keep import StateFolder
from doublelock.keep.atomic import read_private
from doublelock.protocol import limits
from doublelock.protocol.checkpoint import parse_checkpoint
from doublelock.protocol.documents import Document, KeyEpoch, decode, encode
from doublelock.protocol.note import parse_note

_READY: Final = "ready"


class _Ready(Document, frozen=True):
    months: tuple[KeyEpoch, ...] = msgspec.field(default=())


@dataclass(frozen=True, slots=True)
class HolderStatus:
    """A holder at a glance; nothing here is verified again, and nothing relies on it.

    `months` are the key epochs of which some share lies here, `ready` those whose key is in the law
    log as well; `head` is the law log's last size and root (hexadecimal).
    """

    deployment: str
    address: str
    months: tuple[int, ...]
    ready: tuple[int, ...]
    head: tuple[int, str] | None
    answered: int
    cancellations: int
    acts: tuple[Act, ...]

    @property
    def refused(self) -> int:
        """How many refusals the journal has."""
        return sum(act.kind is Kind.REFUSAL for act in self.acts)

    def months_ahead(self, month: int) -> int:
        """Return how many months right after `month` are ready."""
        count = 0
        while month + count + 1 in self.ready:
            count += 1
        return count


def keep_ready(folder: StateFolder, ready: Collection[int]) -> None:
    """Write down which months are ready. Raises VaultRefused."""
    folder.write_open(_READY, encode(_Ready(tuple(sorted(ready)))))


def read_status(path: Path) -> HolderStatus:
    """Return the status of the holder in a state folder. Raises VaultRefused, CharterRefused."""
    place = read_pinned(path)
    ready = path / _READY
    return HolderStatus(
        place.deployment.hex(),
        place.address,
        _months(path / "shares"),
        decode(read_private(ready, limits.NOTE), _Ready, limits.NOTE).months
        if ready.is_file()
        else (),
        _head(path / "law" / "head"),
        _count(path / "answered"),
        _count(path / "cancellations"),
        tuple(read_journal(path)),
    )


def _months(folder: Path) -> tuple[int, ...]:
    """Read them off the shares' names: committee, key epoch, generation."""
    names = [one.name.split("-") for one in folder.iterdir()] if folder.is_dir() else []
    return tuple(sorted({int(name[1]) for name in names if len(name) == 3 and name[1].isdigit()}))


def _head(path: Path) -> tuple[int, str] | None:
    if not path.is_file():
        return None
    checkpoint = parse_checkpoint(parse_note(read_private(path, limits.NOTE)).text)
    return checkpoint.size, checkpoint.root.hex()


def _count(folder: Path) -> int:
    return sum(not one.name.startswith(".") for one in folder.iterdir()) if folder.is_dir() else 0
