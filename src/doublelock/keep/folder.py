"""A role's state folder: one process at a time, secrets sealed, every write whole."""

import fcntl
import os
import re
import secrets
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from doublelock.keep import atomic, sealing
from doublelock.keep.secrets import Unlocking
from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import VaultRefused

_KEY_NAME = "folder.key"
_LOCK_NAME = "folder.lock"
_READING = -1
_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{12}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}(/[a-z0-9][a-z0-9._-]{0,127}){0,3}")


class StateFolder:
    """An open state folder; holds its lock until `close`, or the end of the `with` block.

    Names are lower-case path pieces; a file's name is part of what it is sealed for, so that one
    file cannot stand in for another. Errors are VaultRefused.
    """

    def __init__(self, path: Path, key: bytes, lock: int | None, *, reading: bool = False) -> None:
        self.path = path
        self._key = key
        self._lock = lock
        self._reading = reading

    @classmethod
    def create(cls, path: Path, unlocking: Unlocking) -> Self:
        """Make a folder (mode 0700) with a new key, and open it. Raises VAULT_EXISTS."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _take_lock(path)
        try:
            if os.path.lexists(path / _KEY_NAME):
                raise VaultRefused(Code.VAULT_EXISTS, path.name)
            key = secrets.token_bytes(32)
            atomic.write_whole(path / _KEY_NAME, sealing.wrap_key(unlocking, key))
        except BaseException:
            os.close(lock)
            raise
        return cls(path, key, lock)

    @classmethod
    def open(cls, path: Path, unlocking: Unlocking) -> Self:
        """Open a folder. Raises VAULT_MISSING, VAULT_EXPOSED, VAULT_LOCKED, VAULT_WRONG_KEY."""
        if not (path / _KEY_NAME).is_file():
            raise VaultRefused(Code.VAULT_MISSING, f"no state folder at {path.name}")
        lock = _take_lock(path)
        try:
            data = atomic.read_private(path / _KEY_NAME, 4096)
            key = sealing.unwrap_key(unlocking, data)
        except BaseException:
            os.close(lock)
            raise
        return cls(path, key, lock)

    @classmethod
    def look_into(cls, path: Path, unlocking: Unlocking) -> Self:
        """Open a folder for reading alone, also while another process has it.

        Every file is there whole or not at all, so that a reader needs no lock. What `open` raises,
        VAULT_LOCKED aside; every change is refused with that.
        """
        if not (path / _KEY_NAME).is_file():
            raise VaultRefused(Code.VAULT_MISSING, f"no state folder at {path.name}")
        _refuse_exposed(path)
        data = atomic.read_private(path / _KEY_NAME, 4096)
        return cls(path, sealing.unwrap_key(unlocking, data), None, reading=True)

    @classmethod
    def open_or_create(cls, path: Path, unlocking: Unlocking) -> Self:
        """Open a folder, or make it when there is none."""
        made = (path / _KEY_NAME).is_file()
        return cls.open(path, unlocking) if made else cls.create(path, unlocking)

    def close(self) -> None:
        """Give the lock back; the object is of no use afterwards."""
        if self._lock is not None:
            os.close(self._lock)
        self._lock, self._reading, self._key = None, False, b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, name: str, content: bytes) -> None:
        """Seal `content` and put it in place, whole and durable."""
        self._put(name, sealing.seal(self._key, name, content))

    def read(self, name: str) -> bytes:
        """Return sealed content. Raises VAULT_MISSING, VAULT_DAMAGED, VAULT_EXPOSED."""
        data = atomic.read_private(self._at(name), limits.STATE_FILE)
        return sealing.unseal(self._key, name, data)

    def find(self, name: str) -> bytes | None:
        """Return sealed content, or None when there is no such file."""
        return self.read(name) if self.has(name) else None

    def write_open(self, name: str, content: bytes) -> None:
        """Put public content in place, unsealed, whole and durable."""
        self._put(name, content)

    def read_open(self, name: str) -> bytes:
        """Return content put by `write_open`. Raises VAULT_MISSING, VAULT_EXPOSED."""
        return atomic.read_private(self._at(name), limits.STATE_FILE)

    def has(self, name: str) -> bool:
        """Say whether there is such a file."""
        return self._at(name).is_file()

    def names(self, folder: str) -> list[str]:
        """Return the sorted names of the files right inside a folder, in full."""
        inside = self._at(folder)
        if not inside.is_dir():
            return []
        found = (entry for entry in inside.iterdir() if entry.is_file())
        return sorted(f"{folder}/{entry.name}" for entry in found if entry.name[0] != ".")

    def destroy(self, name: str) -> None:
        """Overwrite and remove a file, durably; nothing happens when it is not there."""
        path = self._at(name)
        self._refuse_reader()
        atomic.erase(path)

    def clear_unfinished(self, folder: str) -> None:
        """Erase what writes that never ended left below a folder: a kill may have cut them off."""
        self._refuse_reader()
        for path in self._at(folder).rglob(".*"):
            if _UNFINISHED.fullmatch(path.name):
                atomic.erase(path)

    def derive_key(self, purpose: str) -> bytes:
        """Return a 32-byte key for a purpose of the caller's own (a database, for instance)."""
        self._at(purpose)
        return sealing.derive(self._key, purpose)

    def change_unlocking(self, unlocking: Unlocking) -> None:
        """Let another passphrase or key file open the folder; the files stay as they are."""
        self._at(_KEY_NAME)
        self._refuse_reader()
        atomic.write_whole(self.path / _KEY_NAME, sealing.wrap_key(unlocking, self._key))

    def _at(self, name: str) -> Path:
        if self._lock is None and not self._reading:
            raise VaultRefused(Code.VAULT_LOCKED, "the folder was closed")
        if not _NAME.fullmatch(name):
            raise VaultRefused(Code.VAULT_MISSING, "no name of a state file")
        return self.path / name

    def _refuse_reader(self) -> None:
        if self._reading:
            raise VaultRefused(Code.VAULT_LOCKED, "the folder was opened for reading")

    def _put(self, name: str, data: bytes) -> None:
        if len(data) > limits.STATE_FILE:
            raise VaultRefused(Code.VAULT_WRITE, f"{name} is over {limits.STATE_FILE} bytes")
        if name in (_KEY_NAME, _LOCK_NAME):
            raise VaultRefused(Code.VAULT_WRITE, f"{name} is the folder's own")
        path = self._at(name)
        self._refuse_reader()
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            atomic.sync_folder(path.parent.parent)
        atomic.write_whole(path, data)


def _refuse_exposed(path: Path) -> None:
    if stat.S_IMODE(path.stat().st_mode) & 0o022:
        raise VaultRefused(Code.VAULT_EXPOSED, f"others may write into {path.name}")


def _take_lock(path: Path) -> int:
    _refuse_exposed(path)
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        lock = os.open(path / _LOCK_NAME, flags, 0o600)
    except OSError as problem:
        raise VaultRefused(Code.VAULT_WRITE, f"{path.name}: {problem.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise VaultRefused(Code.VAULT_LOCKED, path.name) from None
    return lock
