"""The custodian: one share of every month's key, released on a permit and on nothing else."""

from pathlib import Path

from doublelock.holder.daemon import HolderDaemon
from doublelock.keep import Unlocking
from doublelock.protocol.charter import Role


def open_custodian(path: Path, unlocking: Unlocking) -> HolderDaemon:
    """Open the state folder of a custodian that has joined. Raises VaultRefused, CharterRefused."""
    return HolderDaemon.open(path, unlocking, Role.CUSTODIAN)
