"""The custodian: one share of every month's key, released on a permit and on nothing else."""

from collections.abc import Callable
from pathlib import Path

from doublelock.holder.daemon import HolderDaemon
from doublelock.holder.watch import Clock
from doublelock.keep import Unlocking
from doublelock.protocol.charter import Role
from doublelock.protocol.identifiers import DeploymentId


def open_custodian(
    path: Path, unlocking: Unlocking, address: str, deployment: DeploymentId
) -> HolderDaemon:
    """Open a custodian's state folder. Raises VaultRefused, CharterRefused."""
    return HolderDaemon.open(path, unlocking, address, deployment, Role.CUSTODIAN)


async def run(
    path: Path,
    unlocking: Unlocking,
    address: str,
    deployment: DeploymentId,
    clock: Clock,
    report: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve as a custodian until cancelled. Raises VaultRefused, CharterRefused."""
    await open_custodian(path, unlocking, address, deployment).run(clock, report)
