"""Bundles of the web client: what is in one, and what the law log makes of them (R-34, R-35)."""

import pytest
from law_world import World

from doublelock.protocol import limits
from doublelock.protocol.bundle import (
    BundleRecord,
    check_files,
    check_logged,
    read_manifest,
    write_manifest,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.errors import Malformed, Refusal
from doublelock.protocol.lawlog import BundleLogged, BundleWithdrawn

FILES = {"index.html": b"<!doctype html>", "sw.js": b"1", "assets/a-1.js": b"2"}
NAME = Bytes32(b"m" * 32)


def refused(world: World, name: bytes) -> Code | None:
    try:
        check_logged(world.state.bundles, name)
    except Refusal as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize("author", ["1-court", "1-agency", "1-minister", "1-judge", "1-custodian1"])
def test_the_operator_alone_logs_and_withdraws(author: str) -> None:
    world = World()
    world.log(author, BundleLogged(NAME, "1.0"), void=True)
    assert refused(world, NAME) is Code.BUNDLE_UNLOGGED
    world.log("operator", BundleLogged(NAME, "1.0"))
    world.log(author, BundleWithdrawn(NAME), void=True)
    assert refused(world, NAME) is None


def test_a_bundle_is_logged_once_and_withdrawn_for_good() -> None:
    world = World()
    index = world.state.size
    world.log("operator", BundleWithdrawn(NAME), void=True)
    world.log("operator", BundleLogged(NAME, "1.0"))
    assert check_logged(world.state.bundles, NAME) == BundleRecord(
        NAME, "1.0", index + 1, world.state.time_ms
    )
    world.log("operator", BundleLogged(NAME, "1.1"), void=True)
    world.log("operator", BundleLogged(Bytes32(b"n" * 32), "1.0"))
    world.log("operator", BundleWithdrawn(NAME))
    world.log("operator", BundleWithdrawn(NAME), void=True)
    world.log("operator", BundleLogged(NAME, "1.2"), void=True)
    assert refused(world, NAME) is Code.BUNDLE_WITHDRAWN
    assert refused(world, b"n" * 32) is None


@pytest.mark.parametrize(
    ("path", "data"),
    [("sw.js", b"2"), ("sw.js", None), ("more.js", b""), ("assets/a-1.js", b"2 ")],
)
def test_files_are_exactly_the_manifests(path: str, data: bytes | None) -> None:
    manifest = read_manifest(write_manifest("1", FILES))
    check_files(manifest, FILES)
    changed = {**FILES, path: data}
    with pytest.raises(Malformed) as caught:
        check_files(manifest, {name: data for name, data in changed.items() if data is not None})
    assert caught.value.code is Code.BUNDLE_MISMATCH
    assert path in caught.value.detail


@pytest.mark.parametrize(
    "path",
    [
        "/a",
        "a/../b",
        "../a",
        ".a",
        "a/.b",
        "a//b",
        "a b",
        "ü",
        "v1/a",
        "log/a",
        "bundle.json",
        "a/",
    ],
)
def test_no_bundle_has_such_a_path(path: str) -> None:
    with pytest.raises(Malformed):
        write_manifest("1", {**FILES, path: b""})


def test_wasm_is_said_by_a_file_or_by_the_builder() -> None:
    assert not read_manifest(write_manifest("1", FILES)).wasm
    assert read_manifest(write_manifest("1", {**FILES, "a.wasm": b""})).wasm
    assert read_manifest(write_manifest("1", FILES, wasm=True)).wasm


def test_a_bundle_has_its_limits() -> None:
    with pytest.raises(Malformed):
        write_manifest("1", {"sw.js": b""})
    with pytest.raises(Malformed):
        write_manifest("1", {**FILES, "a": bytes(limits.BUNDLE_FILE + 1)})
    with pytest.raises(Malformed):
        write_manifest("1", {**FILES, **{f"f{n}": b"" for n in range(limits.BUNDLE_FILES)}})
    with pytest.raises(Malformed):
        write_manifest("no version", FILES)
