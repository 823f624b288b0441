"""The web client's bundle: read from a folder, checked against its manifest, held in memory (W-40).

What is served are the bytes that were checked, whatever happens to the folder afterwards; a name
that the manifest does not have is nowhere to be looked for.
"""

import hashlib
import os
import stat
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from doublelock.protocol import limits
from doublelock.protocol.bundle import (
    ASSETS,
    BundleManifest,
    check_files,
    check_logged,
    hash_manifest,
    read_manifest,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.errors import Malformed
from doublelock.protocol.lawlog import BundleLogged
from doublelock.server.lawdesk import LawDesk

MANIFEST: Final = "bundle.json"
_ENCODINGS: Final = {".br": "br", ".gz": "gzip"}
_KINDS: Final = {
    ".avif": "image/avif",
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class ServedFile:
    """One file as it goes out: its kind, whether its name holds its hash, what it may go out as.

    `bodies` has the bytes by content coding, `identity` always among them.
    """

    kind: str
    digest: str
    lasting: bool
    bodies: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class ServedBundle:
    """A checked bundle; `name` is its manifest's SHA-256, by which the law log knows it."""

    data: bytes
    name: bytes
    manifest: BundleManifest
    files: Mapping[str, ServedFile]


def read_files(folder: Path) -> tuple[dict[str, bytes], dict[str, dict[str, bytes]]]:
    """Return a folder's files by path, and their compressed forms by path and content coding.

    `bundle.json` is left out. Raises Malformed: bundle-mismatch (no plain files, compressed forms
    of nothing), size; OSError.
    """
    found: dict[str, bytes] = {}
    total = 0
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(place) / name
            mode = path.lstat().st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise Malformed(Code.BUNDLE_MISMATCH, f"{name} is no plain file")
        for name in names:
            path = Path(place) / name
            relative = path.relative_to(folder).as_posix()
            if relative == MANIFEST:
                continue
            total += path.stat().st_size
            if total > 2 * limits.BUNDLE or len(found) > 3 * limits.BUNDLE_FILES:
                raise Malformed(Code.SIZE, "bundle")
            found[relative] = path.read_bytes()
    compressed: dict[str, dict[str, bytes]] = {}
    for path_name in [name for name in found if PurePosixPath(name).suffix in _ENCODINGS]:
        suffix = PurePosixPath(path_name).suffix
        plain = path_name.removesuffix(suffix)
        if plain not in found:
            raise Malformed(Code.BUNDLE_MISMATCH, f"{path_name} is the form of no file")
        compressed.setdefault(plain, {})[_ENCODINGS[suffix]] = found.pop(path_name)
    return found, compressed


def read_bundle(folder: Path) -> ServedBundle:
    """Return the bundle in a folder, every file as its manifest says.

    A `.gz` must unpack to its file; a `.br` is for the browser to hold against the manifest, as
    every file is. Raises Malformed: bundle-mismatch, and what `read_manifest` raises.
    """
    try:
        data = (folder / MANIFEST).read_bytes()
        files, compressed = read_files(folder)
    except OSError as problem:
        raise Malformed(Code.BUNDLE_MISMATCH, f"{folder.name}: {problem.strerror}") from None
    manifest = read_manifest(data)
    check_files(manifest, files)
    served = {path: _serve(path, body, compressed.get(path, {})) for path, body in files.items()}
    return ServedBundle(data, hash_manifest(data), manifest, served)


async def log_bundle(desk: LawDesk, bundle: ServedBundle) -> None:
    """Log a bundle unless it is logged. Raises Refusal(bundle-withdrawn), LogRefused."""
    if bundle.name not in desk.state.bundles:
        entry = BundleLogged(bundle=Bytes32(bundle.name), version=bundle.manifest.version)
        await desk.log_own(entry)
    check_logged(desk.state.bundles, bundle.name)


def _serve(path: str, body: bytes, compressed: Mapping[str, bytes]) -> ServedFile:
    kind = _KINDS.get(PurePosixPath(path).suffix)
    if kind is None:
        raise Malformed(Code.FORM, f"{path}: a kind of file that no browser is served")
    gzip = compressed.get("gzip")
    if gzip is not None and _unpack(gzip, len(body)) != body:
        raise Malformed(Code.BUNDLE_MISMATCH, f"{path}.gz")
    digest = hashlib.sha256(body).hexdigest()[:32]
    bodies = {coding: data for coding, data in compressed.items() if len(data) < len(body)}
    return ServedFile(kind, digest, path.startswith(ASSETS), {**bodies, "identity": body})


def _unpack(data: bytes, size: int) -> bytes | None:
    unpacking = zlib.decompressobj(wbits=31)
    try:
        plain = unpacking.decompress(data, size + 1)
    except zlib.error:
        return None
    return plain if unpacking.eof and not unpacking.unused_data else None
