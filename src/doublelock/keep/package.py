"""The files of an evidence package, in a folder or a zip: hostile names and sizes stay out."""

import os
import re
import stat
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from doublelock.keep.atomic import sync_folder
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import EvidenceRefused

_PIECE: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_NAME: Final = re.compile(rf"{_PIECE}(/{_PIECE})?")
_FILES: Final = 100_000


class FolderFiles:
    """A package's folder. Links, devices and odd names are refused (evidence-manifest)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = sorted(_walk(folder, ""))

    def names(self) -> Sequence[str]:
        """Return every file's name."""
        return self._names

    def read(self, name: str, limit: int) -> bytes:
        """Return a file of at most `limit` bytes."""
        return _whole(self.pieces(name, 1 << 20), name, limit)

    def pieces(self, name: str, size: int) -> Iterator[bytes]:
        """Yield a file in pieces of `size` bytes."""
        if name not in self._names:
            raise EvidenceRefused(Code.EVIDENCE_MANIFEST, f"{name} is missing")
        try:
            handle = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                while piece := file.read(size):
                    yield piece
        except OSError:
            raise EvidenceRefused(Code.EVIDENCE_MANIFEST, f"{name} cannot be read") from None


class ZipFiles:
    """A package's zip; nothing is unpacked to disk, and no name or size of it is believed."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError):
            raise EvidenceRefused(Code.EVIDENCE_MANIFEST, "not a zip file") from None
        names = [one.filename for one in self._zip.infolist() if not one.is_dir()]
        if len(names) > _FILES or len(set(names)) != len(names):
            raise EvidenceRefused(Code.EVIDENCE_MANIFEST, "a name twice")
        for name in names:
            _check_name(name)
        self._names = sorted(names)

    def names(self) -> Sequence[str]:
        """Return every file's name."""
        return self._names

    def read(self, name: str, limit: int) -> bytes:
        """Return a file of at most `limit` bytes."""
        return _whole(self.pieces(name, 1 << 20), name, limit)

    def pieces(self, name: str, size: int) -> Iterator[bytes]:
        """Yield a file in pieces of `size` bytes."""
        if name not in self._names:
            raise EvidenceRefused(Code.EVIDENCE_MANIFEST, f"{name} is missing")
        try:
            with self._zip.open(name) as file:
                while piece := file.read(size):
                    yield piece
        except (OSError, zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError):
            raise EvidenceRefused(Code.EVIDENCE_MANIFEST, f"{name} cannot be read") from None


def open_package(path: Path) -> FolderFiles | ZipFiles:
    """Return the files of a package, whichever form it has. Raises EvidenceRefused."""
    return FolderFiles(path) if path.is_dir() else ZipFiles(path)


def write_zip(folder: Path, names: Sequence[str]) -> Path:
    """Write a zip beside a package's folder, the same bytes for the same files; return its path."""
    path = folder.with_name(f"{folder.name}.zip")
    beside = path.with_name(f".{path.name}.part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(names):
            about = zipfile.ZipInfo(f"{name}", (1980, 1, 1, 0, 0, 0))
            about.compress_type = zipfile.ZIP_DEFLATED
            about.external_attr = 0o600 << 16
            with (folder / name).open("rb") as source, archive.open(about, "w") as target:
                while piece := source.read(1 << 20):
                    target.write(piece)
    beside.chmod(0o600)
    with beside.open("rb") as written:
        os.fsync(written.fileno())
    beside.rename(path)
    sync_folder(path.parent)
    return path


def _walk(folder: Path, prefix: str) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        raise EvidenceRefused(Code.EVIDENCE_MANIFEST, "no package here") from None
    for entry in entries:
        name = f"{prefix}{entry.name}"
        _check_name(name)
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode) and not prefix:
            yield from _walk(folder / entry.name, f"{name}/")
        elif stat.S_ISREG(mode):
            yield name
        else:
            raise EvidenceRefused(Code.EVIDENCE_MANIFEST, "not a plain file")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise EvidenceRefused(Code.EVIDENCE_MANIFEST, "an odd file name")


def _whole(pieces: Iterator[bytes], name: str, limit: int) -> bytes:
    data = bytearray()
    for piece in pieces:
        data += piece
        if len(data) > limit:
            raise EvidenceRefused(Code.EVIDENCE_MANIFEST, f"{name} is over {limit} bytes")
    return bytes(data)
