"""The browser client's bundle: a manifest that names every file of it, and its log records (R-34).

The manifest's SHA-256 stands in the law log, so that everybody is served the same code or can see
that they are not. The same files give the same manifest, byte for byte.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated, Final, Literal

import msgspec

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import Bytes32, Document, decode, encode
from doublelock.protocol.errors import Malformed, Refusal, WarrantRefused

INDEX: Final = "index.html"
ASSETS: Final = "assets/"
"""Below it, names hold a hash of their content and may be kept for good (spec W-40)."""
_PART: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_PATH: Final = rf"\A(?!v1/|log/|bundle\.json\Z){_PART}(/{_PART})*\Z"
_WASM: Final = ".wasm"
Version = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z][0-9A-Za-z.+-]{0,63}\Z")]
"""A release's name, such as `0.3.1`."""


class BundleFile(Document, frozen=True):
    """One file: its path below the root, bytes, SHA-256, and SHA-384 as browsers check it (SRI)."""

    path: Annotated[str, msgspec.Meta(pattern=_PATH, max_length=limits.BUNDLE_PATH)]
    size: Annotated[int, msgspec.Meta(ge=0, le=limits.BUNDLE_FILE)]
    sha256: Bytes32
    integrity: Annotated[str, msgspec.Meta(pattern=r"\Asha384-[A-Za-z0-9+/]{64}\Z")]


class BundleManifest(Document, frozen=True):
    """Every file of a bundle, by path in ascending order; `wasm` says that its code needs it."""

    format: Literal[1]
    version: Version
    wasm: bool
    files: Annotated[
        tuple[BundleFile, ...], msgspec.Meta(min_length=1, max_length=limits.BUNDLE_FILES)
    ]


@dataclass(frozen=True, slots=True)
class BundleRecord:
    """A logged bundle: SHA-256 of its manifest, its version, its line, and if it was withdrawn."""

    manifest: bytes
    version: str
    index: int
    time_ms: int
    withdrawn: bool = False


Bundles = Mapping[bytes, BundleRecord]
"""The logged bundles by their manifest's hash."""


def describe_file(path: str, data: bytes) -> BundleFile:
    """Return a file's entry. Raises Malformed for a path or size that no bundle may have."""
    if len(path) > limits.BUNDLE_PATH or not re.match(_PATH, path):
        raise Malformed(Code.FORM, f"bundle path {path[:64]!r}")
    if len(data) > limits.BUNDLE_FILE:
        raise Malformed(Code.SIZE, f"{path}: {len(data)} bytes, at most {limits.BUNDLE_FILE}")
    digest = base64.b64encode(hashlib.sha384(data).digest()).decode("ascii")
    return BundleFile(path, len(data), Bytes32(hashlib.sha256(data).digest()), f"sha384-{digest}")


def write_manifest(version: str, files: Mapping[str, bytes], *, wasm: bool = False) -> bytes:
    """Return the manifest of files by their paths. Raises Malformed.

    `wasm` is set besides wherever a file is WebAssembly.
    """
    if len(files) > limits.BUNDLE_FILES:
        raise Malformed(Code.SIZE, f"bundle of {len(files)} files")
    data = encode(
        BundleManifest(
            format=1,
            version=version,
            wasm=wasm or any(path.endswith(_WASM) for path in files),
            files=tuple(describe_file(path, files[path]) for path in sorted(files)),
        )
    )
    read_manifest(data)
    return data


def read_manifest(data: bytes) -> BundleManifest:
    """Return the manifest in at most 256 KiB. Raises Malformed: size, form, not-canonical."""
    manifest = decode(data, BundleManifest, limits.BUNDLE_MANIFEST)
    paths = [file.path for file in manifest.files]
    if paths != sorted(set(paths)) or INDEX not in paths:
        raise Malformed(Code.FORM, "bundle: files in order, each once, index.html among them")
    if sum(file.size for file in manifest.files) > limits.BUNDLE:
        raise Malformed(Code.SIZE, f"bundle of over {limits.BUNDLE} bytes")
    if encode(manifest) != data:
        raise Malformed(Code.NOT_CANONICAL, "bundle manifest")
    return manifest


def hash_manifest(data: bytes) -> bytes:
    """Return the 32 bytes by which the law log names a bundle."""
    return hashlib.sha256(data).digest()


def check_files(manifest: BundleManifest, files: Mapping[str, bytes]) -> None:
    """Refuse files that are not exactly the manifest's. Raises Malformed(bundle-mismatch)."""
    listed = {file.path: file for file in manifest.files}
    for path in sorted(listed.keys() ^ files.keys()):
        where = "in the folder" if path in listed else "in the manifest"
        raise Malformed(Code.BUNDLE_MISMATCH, f"{path} is not {where}")
    for path, file in listed.items():
        if describe_file(path, files[path]) != file:
            raise Malformed(Code.BUNDLE_MISMATCH, path)


def log_bundle(
    bundles: Bundles, manifest: bytes, version: str, index: int, time_ms: int
) -> Bundles:
    """Return the bundles with one more (R-34). Raises WarrantRefused(entry-void)."""
    if manifest in bundles:
        raise WarrantRefused(Code.ENTRY_VOID, "a bundle that was logged before")
    record = BundleRecord(manifest, version, index, time_ms)
    return MappingProxyType({**bundles, manifest: record})


def withdraw_bundle(bundles: Bundles, manifest: bytes) -> Bundles:
    """Return the bundles with one withdrawn for good (R-35). Raises WarrantRefused(entry-void)."""
    record = bundles.get(manifest)
    if record is None or record.withdrawn:
        raise WarrantRefused(Code.ENTRY_VOID, "no bundle that could be withdrawn")
    return MappingProxyType({**bundles, manifest: replace(record, withdrawn=True)})


def check_logged(bundles: Bundles, manifest: bytes) -> BundleRecord:
    """Return the record of a bundle that may be used, by its hash.

    Raises Refusal: bundle-unlogged, bundle-withdrawn.
    """
    record = bundles.get(manifest)
    if record is None:
        raise Refusal(Code.BUNDLE_UNLOGGED)
    if record.withdrawn:
        raise Refusal(Code.BUNDLE_WITHDRAWN, record.version)
    return record
