"""Files that are there whole or not at all, and files that are gone (POSIX rename and fsync)."""

import os
import secrets
import stat
from pathlib import Path

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import VaultRefused

_PRIVATE = 0o600


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path`, mode 0600: after a crash the old bytes are there, or the new, whole.

    Writes beside it, syncs, renames and syncs the folder. Raises VaultRefused(VAULT_WRITE).
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _PRIVATE)
        try:
            _write_all(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(beside, path)
        sync_folder(path.parent)
    except OSError as problem:
        beside.unlink(missing_ok=True)
        raise VaultRefused(Code.VAULT_WRITE, f"{path.name}: {problem.strerror}") from None


def read_private(path: Path, limit: int) -> bytes:
    """Return the bytes of a file that only its owner may read, at most `limit`.

    Raises VaultRefused: VAULT_MISSING, VAULT_EXPOSED (group or others may read or write it, or it
    is no plain file), VAULT_DAMAGED (too large).
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise VaultRefused(Code.VAULT_MISSING, path.name) from None
    except OSError as problem:
        raise VaultRefused(Code.VAULT_EXPOSED, f"{path.name}: {problem.strerror}") from None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or stat.S_IMODE(about.st_mode) & 0o077:
            raise VaultRefused(Code.VAULT_EXPOSED, path.name)
        if about.st_size > limit:
            raise VaultRefused(Code.VAULT_DAMAGED, f"{path.name} is over {limit} bytes")
        pieces = []
        while piece := os.read(handle, 1 << 20):
            pieces.append(piece)
        return b"".join(pieces)
    except OSError as problem:
        raise VaultRefused(Code.VAULT_DAMAGED, f"{path.name}: {problem.strerror}") from None
    finally:
        os.close(handle)


def erase(path: Path) -> None:
    """Overwrite a file, sync, unlink and sync its folder; nothing happens when it is not there.

    A file system that copies on write, or a flash disk, may keep old blocks: what was in the file
    stays sealed under the folder's key. Raises VaultRefused(VAULT_WRITE).
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as problem:
        raise VaultRefused(Code.VAULT_WRITE, f"{path.name}: {problem.strerror}") from None
    try:
        size = os.fstat(handle).st_size
        _write_all(handle, secrets.token_bytes(size))
        os.fsync(handle)
        os.lseek(handle, 0, os.SEEK_SET)
        _write_all(handle, bytes(size))
        os.fsync(handle)
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as problem:
        raise VaultRefused(Code.VAULT_WRITE, f"{path.name}: {problem.strerror}") from None
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Make renames and unlinks in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]
