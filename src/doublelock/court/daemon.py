"""The court: its own key of every month, without which no quorum opens anything."""

from collections.abc import Callable
from pathlib import Path

from doublelock.holder.daemon import HolderDaemon
from doublelock.holder.watch import Clock
from doublelock.keep import Unlocking
from doublelock.protocol.charter import Role
from doublelock.protocol.identifiers import DeploymentId


def open_court(
    path: Path, unlocking: Unlocking, address: str, deployment: DeploymentId
) -> HolderDaemon:
    """Open a court's state folder. Raises VaultRefused, CharterRefused."""
    return HolderDaemon.open(path, unlocking, address, deployment, Role.COURT)


async def run(
    path: Path,
    unlocking: Unlocking,
    address: str,
    deployment: DeploymentId,
    clock: Clock,
    report: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve as the court until cancelled. Raises VaultRefused, CharterRefused."""
    await open_court(path, unlocking, address, deployment).run(clock, report)
