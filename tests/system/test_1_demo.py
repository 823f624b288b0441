"""A person's first minute: `doublelock demo` on a fresh machine, as its own process."""

import json
import subprocess
import sys
from pathlib import Path

from doublelock.audit import read_deployment, verify_evidence
from doublelock.client.invite import decode_invite
from doublelock.protocol.bundle import write_manifest
from doublelock.server.bundle import read_files

CLI = [sys.executable, "-c", "from doublelock.cli import main; main()"]


def doublelock(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*CLI, *arguments], cwd=cwd, capture_output=True, text=True, timeout=200)


def test_the_story_is_told_to_its_end_and_its_evidence_holds(tmp_path: Path) -> None:
    web = tmp_path / "web"
    web.mkdir()
    (web / "index.html").write_bytes(b"<!doctype html>")
    (web / "bundle.json").write_bytes(write_manifest("0.1.0", read_files(web)[0]))
    ran = doublelock("demo", "--state", "world", "--web", "web", "--json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["people"], told["messages"]) == (6, 43)
    assert (told["opened"], told["shut"]) == (9, 34)
    for words in (
        "approved warrant",
        "refused warrant",
        "released its part",
        "warrant-unapproved",
        "delivered the notice",
        "viktor's own device shows",
        "Anyone can check it, offline",
    ):
        assert words in ran.stderr
    ends = [line.strip() for line in ran.stderr.splitlines() if "http://localhost:" in line]
    invites = [decode_invite(line) for line in ends if "#" in line]
    assert len(invites) == 2
    assert {one.address + "/" for one in invites} == {line for line in ends if "#" not in line}
    assert {one.deployment.hex() for one in invites} == {told["deployment"]}
    deployment = read_deployment(told["deployment"])
    verified = verify_evidence(tmp_path / told["evidence"], deployment)
    assert len(verified.content.messages) == 9

    again = doublelock("demo", "--state", "world", cwd=tmp_path)
    assert again.returncode == 2
    assert "--new" in again.stderr
