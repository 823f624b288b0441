"""A party's first day: a state folder with its own identity key and the charter that it pins."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from doublelock.holder.identity import keep_identity
from doublelock.keep import StateFolder, Unlocking
from doublelock.protocol.charter import Charter, verify_amendment, verify_genesis
from doublelock.protocol.errors import Refusal
from doublelock.protocol.identifiers import DeploymentId

GENESIS_FILE: Final = "charter"
_AMENDMENTS: Final = "amendments"


def make_identity(path: Path, unlocking: Unlocking, seed: bytes | None = None) -> bytes:
    """Make or open a state folder, draw its identity key once, return the public key (32 bytes).

    This is what goes into the charter. `seed` is for tests and the demo. Raises VaultRefused.
    """
    with StateFolder.open_or_create(path, unlocking) as folder:
        return keep_identity(folder, seed or secrets.token_bytes(32)).public.encoded


def pin_charter(
    path: Path,
    unlocking: Unlocking,
    genesis: bytes,
    deployment: DeploymentId,
    amendments: Sequence[bytes] = (),
) -> Charter:
    """Check the genesis charter against the deployment id and keep it: the root of all trust.

    `amendments` let who came later know its own place; what counts is in the law log. Raises
    CharterRefused, VaultRefused.
    """
    charter = verify_genesis(genesis, deployment)
    with StateFolder.open_or_create(path, unlocking) as folder:
        keep_charters(folder, genesis, amendments)
    return charter


def keep_charters(folder: StateFolder, genesis: bytes, amendments: Sequence[bytes] = ()) -> None:
    """Keep the pinned charter and the amendments known so far. Raises VaultRefused."""
    folder.write_open(GENESIS_FILE, genesis)
    for number, document in enumerate(amendments, start=1):
        folder.write_open(f"{_AMENDMENTS}/{number:08}", document)


def read_charters(folder: StateFolder, deployment: DeploymentId) -> list[Charter]:
    """Return the pinned charter and the amendments kept beside it that follow each other.

    Raises VaultRefused, CharterRefused(charter-genesis).
    """
    documents = (folder.read_open(name) for name in folder.names(_AMENDMENTS))
    return follow(verify_genesis(folder.read_open(GENESIS_FILE), deployment), list(documents))


def follow(genesis: Charter, documents: Sequence[bytes]) -> list[Charter]:
    """Return the chain from genesis on that some documents give; what does not fit is passed over.

    Only the law log says which amendment counts; this is to find one's own place in one.
    """
    chain = [genesis]
    for document in documents:
        try:
            chain.append(verify_amendment(chain[-1], document))
        except Refusal:
            continue
    return chain
