"""bundle.json: a web client's manifest, and its entries in the law log (spec R-20, R-34, R-35)."""

from typing import Final

from doublelock.protocol.bundle import hash_manifest, write_manifest
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.lawlog import (
    AnyEntry,
    BundleLogged,
    BundleWithdrawn,
    sign_entry,
    stamp,
    verify_entry,
)
from vectors.make.world import DEPLOYMENT, TIME_MS, bytes_of

OPERATOR: Final = SigningKey(bytes_of("operator key"))
FILES: Final = {
    "index.html": b"<!doctype html><script type=module src=assets/app-4f9a2c1b.js></script>\n",
    "sw.js": b"self.skipWaiting()\n",
    "assets/app-4f9a2c1b.js": b"export {}\n",
    "manifest.webmanifest": b"{}\n",
    "Empty.txt": b"",
}


def build() -> dict[str, object]:
    """Return the file."""
    plain = write_manifest("0.1.0", FILES)
    wasm = write_manifest("0.2.0-rc.1+web", {**FILES, "assets/engine-00ff00ff.wasm": b"\0asm"})
    name = Bytes32(hash_manifest(plain))
    bad = [
        ("no JSON", b"manifest", "form"),
        ("a space", plain.replace(b'"format":1', b'"format": 1'), "not-canonical"),
        ("format 2", plain.replace(b'"format":1', b'"format":2'), "form"),
        ("an unknown member", plain.replace(b'{"format"', b'{"more":0,"format"', 1), "form"),
        ("files out of order", plain.replace(b"Empty.txt", b"zebra.txt"), "form"),
        ("no index.html", plain.replace(b"index.html", b"index.htm2"), "form"),
        ("a path that goes up", plain.replace(b"Empty.txt", b"../pty.txt"), "form"),
        ("a hidden file", plain.replace(b"Empty.txt", b".mpty.txt"), "form"),
        ("a path of the API", plain.replace(b"assets/app", b"v1/xxx/app"), "form"),
        ("an empty part", plain.replace(b"assets/app", b"assets//pp"), "form"),
        ("a whole path", plain.replace(b"Empty.txt", b"/mpty.txt"), "form"),
        ("a version with a space", plain.replace(b'"0.1.0"', b'"0 1.0"'), "form"),
        ("a short digest", plain.replace(b'"sha256":"', b'"sha256":"AA', 1), "form"),
    ]
    return {
        "about": "A web client's manifest by its files, and its entries in the law log.",
        "rules": ["R-20", "R-34", "R-35"],
        "deployment": DEPLOYMENT.hex(),
        "operator": OPERATOR.public.encoded.hex(),
        "good": [
            {"version": version, "files": _hex(files), "manifest": data.decode(), "hash": digest}
            for version, files, data, digest in (
                ("0.1.0", FILES, plain, hash_manifest(plain).hex()),
                (
                    "0.2.0-rc.1+web",
                    {**FILES, "assets/engine-00ff00ff.wasm": b"\0asm"},
                    wasm,
                    hash_manifest(wasm).hex(),
                ),
            )
        ],
        "bad": [{"why": why, "manifest": data.decode(), "code": code} for why, data, code in bad],
        "entries": [
            _entry("BundleLogged", BundleLogged(bundle=name, version="0.1.0")),
            _entry("BundleWithdrawn", BundleWithdrawn(bundle=name)),
        ],
    }


def _hex(files: dict[str, bytes]) -> dict[str, str]:
    return {path: files[path].hex() for path in sorted(files)}


def _entry(kind: str, entry: AnyEntry) -> dict[str, object]:
    signed = sign_entry(DEPLOYMENT, entry, OPERATOR.public.encoded, OPERATOR.sign)
    verified = verify_entry(DEPLOYMENT, signed)
    return {
        "kind": kind,
        "entry": verified.raw.decode(),
        "hash": verified.hash.hex(),
        "signed": signed.decode(),
        "time_ms": TIME_MS,
        "line": stamp(signed, TIME_MS).decode(),
    }
