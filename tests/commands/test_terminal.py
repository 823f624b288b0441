"""How the command line ends: nothing that goes wrong is a traceback, or shows a secret."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from doublelock.cli import main
from doublelock.commands import terminal
from doublelock.commands.options import json_option


def _run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


@pytest.fixture
def taken() -> Iterator[int]:
    """Yield a port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one.getsockname()[1]


def test_a_fault_is_named_by_its_place_and_not_by_its_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @click.command()
    @json_option
    def demo() -> None:
        raise ValueError("the passphrase is xyzzy")

    monkeypatch.setattr("doublelock.commands.demo.demo", demo)
    for words in (("demo",), ("demo", "--json")):
        ended = _run(*words)
        assert ended.exit_code == terminal.FAULT
        assert "ValueError" in ended.stderr
        assert "xyzzy" not in ended.output
        assert "Traceback" not in ended.output
    assert json.loads(ended.stderr)["code"] == "fault"


def test_a_taken_port_of_a_witness_is_named(tmp_path: Path, taken: int) -> None:
    place = ("--state", str(tmp_path / "w"), "--key-file", str(tmp_path / "key"))
    made = _run("witness", "init", "w.example/witness", *place)
    vkey = json.loads(made.stdout)["key"]
    ended = _run("witness", "run", *place, "--log", vkey, "--port", str(taken))
    assert ended.exit_code == terminal.REFUSED
    assert f"127.0.0.1:{taken}" in ended.stderr
    assert "Traceback" not in ended.output


def _interrupted_at(module: str, how: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process that is interrupted when it imports a module."""
    code = f"""
import os, signal, sys
# Who runs the tests in the background has them inherit that an interruption is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
class Interruption:
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.{how})
        return None
sys.meta_path.insert(0, Interruption())
from doublelock.cli import main
main({list(words)!r}, prog_name="doublelock")
"""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("module", "how", "words"),
    [
        ("click", "SIGINT", ("--version",)),
        ("doublelock.commands.demo", "SIGINT", ("demo",)),
        ("doublelock.commands.demo", "SIGTERM", ("demo",)),
        ("doublelock.demo.story", "SIGTERM", ("demo",)),
        ("doublelock.commands.serve", "SIGTERM", ("serve", "run")),
    ],
)
def test_an_interruption_while_a_command_is_loaded_is_clean(
    module: str, how: str, words: tuple[str, ...]
) -> None:
    ended = _interrupted_at(module, how, *words)
    assert ended.returncode == terminal.INTERRUPTED
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("role", ["custodian", "court", "agency", "minister", "judge"])
@pytest.mark.parametrize("name", ["", " ", "a\x00b", "x" * 129])
def test_a_party_has_a_name_that_can_be_read(role: str, name: str, tmp_path: Path) -> None:
    place = ("--state", str(tmp_path / "state"), "--key-file", str(tmp_path / "key"))
    ended = _run(role, "init", name, *place)
    assert ended.exit_code == terminal.REFUSED
    assert ended.stderr.startswith("Refused: form")
    assert _run(role, "init", f"{role}.example", *place).exit_code == 0


def test_a_folder_without_a_copy_says_what_is_missing(tmp_path: Path) -> None:
    ended = _run("verify", "logs", str(tmp_path), "--deployment", "11" * 32)
    assert ended.exit_code == terminal.REFUSED
    assert "proofs/charter.json is missing" in ended.stderr
    assert "package or copy" in ended.stderr
