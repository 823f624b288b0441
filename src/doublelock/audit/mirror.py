"""Copies a deployment's public record to a folder, so that it can be checked without the server."""

from dataclasses import dataclass
from pathlib import Path

from doublelock.holder.watch import LawWatch, LogCopy, copy_keys
from doublelock.keep.atomic import write_whole
from doublelock.keep.package import FolderFiles
from doublelock.protocol import limits, package
from doublelock.protocol.api import Charters
from doublelock.protocol.charter import Charter, verify_genesis
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import CharterRefused
from doublelock.protocol.identifiers import DeploymentId
from doublelock.transport.http import HttpClient


@dataclass(frozen=True, slots=True)
class MirroredLogs:
    """A mirror as read back: nothing but the genesis charter is verified yet."""

    genesis: Charter
    amendments: tuple[bytes, ...]
    law: LogCopy
    keys: LogCopy


async def copy_deployment(address: str, deployment: DeploymentId, folder: Path) -> None:
    """Copy charters and both logs from a server, each checked as it is read.

    Raises WireRefused, CharterRefused, LogRefused.
    """
    async with HttpClient(address) as http:
        charters = await http.ask("GET", "/v1/charters", None, Charters, anyone=True)
        if not charters.documents:
            raise CharterRefused(Code.CHARTER_GENESIS, "the server has no charter")
        genesis = charters.documents[0]
        watch = LawWatch(http, verify_genesis(genesis, deployment), None)
        state = await watch.update()
        law = LogCopy(tuple(watch.lines), watch.note)
        keys = await copy_keys(http, state)
    (folder / "proofs").mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, data in (
        (package.CHARTER, genesis),
        (package.AMENDMENTS, package.write_entries(watch.amendments)),
        (package.LAW_LOG, package.write_entries(law.entries)),
        (package.LAW_CHECKPOINT, law.note),
        (package.KEY_LOG, package.write_entries(keys.entries)),
        (package.KEY_CHECKPOINT, keys.note),
    ):
        write_whole(folder / name, data)


def read_mirror(folder: Path, deployment: DeploymentId) -> MirroredLogs:
    """Return a mirror from its folder; an evidence package is one too.

    Raises EvidenceRefused, CharterRefused, Malformed.
    """
    files = FolderFiles(folder)
    genesis = verify_genesis(files.read(package.CHARTER, limits.CHARTER * 3), deployment)
    return MirroredLogs(
        genesis,
        tuple(package.read_entries(files, package.AMENDMENTS)),
        LogCopy(
            tuple(package.read_entries(files, package.LAW_LOG)),
            files.read(package.LAW_CHECKPOINT, limits.NOTE),
        ),
        LogCopy(
            tuple(package.read_entries(files, package.KEY_LOG)),
            files.read(package.KEY_CHECKPOINT, limits.NOTE),
        ),
    )
