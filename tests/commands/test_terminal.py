"""How the command line ends: nothing that goes wrong is a traceback, or shows a secret."""

import json
import socket
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
