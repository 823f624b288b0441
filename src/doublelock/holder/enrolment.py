"""A party's first day: a state folder with its own identity key and the charter that it pins."""

import secrets
from pathlib import Path

from doublelock.holder.daemon import GENESIS_FILE
from doublelock.holder.identity import keep_identity
from doublelock.keep import StateFolder, Unlocking
from doublelock.protocol.charter import Charter, verify_genesis
from doublelock.protocol.identifiers import DeploymentId


def make_identity(path: Path, unlocking: Unlocking, seed: bytes | None = None) -> bytes:
    """Make or open a state folder, draw its identity key once, return the public key (32 bytes).

    This is what goes into the charter. `seed` is for tests and the demo. Raises VaultRefused.
    """
    with StateFolder.open_or_create(path, unlocking) as folder:
        return keep_identity(folder, seed or secrets.token_bytes(32)).public.encoded


def pin_charter(
    path: Path, unlocking: Unlocking, genesis: bytes, deployment: DeploymentId
) -> Charter:
    """Check the genesis charter against the deployment id and keep it: the root of all trust.

    Raises CharterRefused, VaultRefused.
    """
    charter = verify_genesis(genesis, deployment)
    with StateFolder.open_or_create(path, unlocking) as folder:
        folder.write_open(GENESIS_FILE, genesis)
    return charter
