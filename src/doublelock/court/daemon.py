"""The court: its own key of every month, without which no quorum opens anything."""

from pathlib import Path

from doublelock.holder.daemon import HolderDaemon
from doublelock.keep import Unlocking
from doublelock.protocol.charter import Role


def open_court(path: Path, unlocking: Unlocking) -> HolderDaemon:
    """Open the state folder of the court that has joined. Raises VaultRefused, CharterRefused."""
    return HolderDaemon.open(path, unlocking, Role.COURT)
