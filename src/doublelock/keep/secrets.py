"""What unlocks a state folder: a passphrase, or a key file. Never a command line, never an
environment variable: other processes can read both."""

import getpass
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from doublelock.keep import atomic
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import VaultRefused

_KEY_SIZE = 32
_HEAD = b"doublelock key file 1\n"


@dataclass(frozen=True, slots=True)
class Passphrase:
    """What a person types; stretched with Argon2id (RFC 9106), about half a second."""

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.text:
            raise VaultRefused(Code.VAULT_WRONG_KEY, "an empty passphrase")


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A file of 32 random bytes that only its owner may read; for daemons, and cheap to open."""

    path: Path

    def read(self) -> bytes:
        """Return its 32 bytes. Raises VaultRefused (missing, exposed, damaged)."""
        data = atomic.read_private(self.path, 256)
        try:
            key = bytes.fromhex(data.removeprefix(_HEAD).decode("ascii").strip())
        except ValueError:
            key = b""
        if not data.startswith(_HEAD) or len(key) != _KEY_SIZE:
            raise VaultRefused(Code.VAULT_DAMAGED, f"{self.path.name} is no key file")
        return key


Unlocking = Passphrase | KeyFile
"""What a caller hands to `StateFolder`."""


def make_key_file(path: Path) -> KeyFile:
    """Make a new key file, mode 0600. Raises VaultRefused(VAULT_EXISTS) rather than replace one."""
    if os.path.lexists(path):
        raise VaultRefused(Code.VAULT_EXISTS, path.name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic.write_whole(path, _HEAD + secrets.token_hex(_KEY_SIZE).encode() + b"\n")
    return KeyFile(path)


def ask_passphrase(what: str, *, new: bool = False) -> Passphrase:
    """Ask the person at the terminal; twice when it is `new`. Raises VaultRefused."""
    try:
        first = getpass.getpass(f"Passphrase for {what}: ")
        if new and not hmac.compare_digest(
            first.encode(), getpass.getpass("Again, the same passphrase: ").encode()
        ):
            raise VaultRefused(Code.VAULT_WRONG_KEY, "the two passphrases differ")
    except EOFError:
        raise VaultRefused(Code.VAULT_WRONG_KEY, "no passphrase was given") from None
    return Passphrase(first)
