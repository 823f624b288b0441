"""`serve bundle`, `serve run --web`, `serve withdraw`, each a process or command of its own."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from doublelock.cli import main

PLAN = {
    "name": "Harbour",
    "origin": "harbour.test",
    "operator": "Harbour",
    "quorum": 0,
    "witnesses": [],
    "committees": [
        {
            "number": 1,
            "name": "Nobody",
            "jurisdiction": "nowhere",
            "threshold": 0,
            "parties": [],
            "profiles": [],
            "caps": {"accounts": 0, "labels": 0},
            "retention_days": 0,
            "escrow": "none",
        }
    ],
}


def call(*words: str | Path, code: int = 0) -> dict[str, Any]:
    """Run a command and return its answer, or its refusal, in JSON."""
    done = CliRunner().invoke(main, [*map(str, words), "--json"])
    assert done.exit_code == code, done.output
    found: dict[str, Any] = json.loads(done.stdout if code == 0 else done.stderr)
    return found


def client(folder: Path) -> Path:
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(b"<!doctype html>")
    (folder / "assets" / "app-1f2e3d4c.js").write_bytes(b"export {}")
    return folder


def test_the_same_files_give_the_same_manifest(tmp_path: Path) -> None:
    first, second = client(tmp_path / "a"), client(tmp_path / "b")
    assert call("serve", "bundle", first, code=1)["code"] == "bundle-mismatch"
    made = call("serve", "bundle", first, "--release", "0.1.0")
    assert (made["version"], made["files"], made["bytes"]) == ("0.1.0", 2, 24)
    assert call("serve", "bundle", second, "--release", "0.1.0") == made
    assert call("serve", "bundle", first) == made
    assert (first / "bundle.json").read_bytes() == (second / "bundle.json").read_bytes()
    other = call("serve", "bundle", second, "--release", "0.1.0", "--wasm")
    assert other["bundle"] != made["bundle"]
    (first / "index.html").write_bytes(b"<!doctype html >")
    assert call("serve", "bundle", first, code=1)["code"] == "bundle-mismatch"


@pytest.mark.parametrize("name", ["", "ff", "F" * 64, "g" * 64, "f" * 66])
def test_a_bundle_has_a_name_of_64_digits(name: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["serve", "withdraw", name, "--state", str(tmp_path)])
    assert done.exit_code == 2, done.output


def test_a_running_server_serves_logs_and_withdraws(tmp_path: Path) -> None:
    parties, key = tmp_path / "parties.json", tmp_path / "operator.key"
    parties.write_text(json.dumps(PLAN))
    own = ("--state", tmp_path / "server", "--key-file", key)
    founded = call("serve", "found", parties, *own)
    web, next_web = client(tmp_path / "web"), client(tmp_path / "next")
    name = call("serve", "bundle", web, "--release", "1.0")["bundle"]
    words = ("serve", "run", *own, "--web", web, "--http-port", "0", "--stream-port", "0", "--json")
    process = subprocess.Popen(
        [sys.executable, "-c", "from doublelock.cli import main; main()", *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["http"]
        with httpx.Client(base_url=address, verify=False) as http:
            assert http.get("/").content == b"<!doctype html>"
            at = ("--address", address, *own)
            again = call("serve", "bundle", web, "--log", *at, code=1)
            assert again["code"] == "entry-void"  # it was logged at the start
            made = call("serve", "bundle", next_web, "--release", "1.1", "--log", *at)
            assert made["log_index"] == 2
            assert call("serve", "withdraw", name, *at)["log_index"] == 3
            assert http.get("/").status_code == 410
            assert call("serve", "withdraw", name, *at, code=1)["code"] == "entry-void"
            pinned = ("--address", address, "--deployment", founded["deployment"])
            verified = call("verify", "logs", *pinned)
            while verified["law_log"] < 4:  # what was logged is published a moment later
                verified = call("verify", "logs", *pinned)
            assert verified["bundles"] == [
                {"bundle": name, "version": "1.0", "withdrawn": True},
                {"bundle": made["bundle"], "version": "1.1", "withdrawn": False},
            ]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stdout is not None
        process.stdout.close()
