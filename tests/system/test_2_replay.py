"""Real chat, and warrants that open exactly what they name: `doublelock replay` on a raw log.

The published logs lie beside the project; without them this test skips and says so. The whole of
one, 1,465 messages, takes `doublelock replay` two minutes; here it is its first hours.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

LOG = Path(__file__).parents[3] / "shared/data/ubuntu-irc/2010-01-04.train-c.raw.txt"
CLI = [sys.executable, "-c", "from doublelock.cli import main; main()"]


def test_warrants_open_exactly_what_they_name_of_real_chat(tmp_path: Path) -> None:
    if not LOG.is_file():
        pytest.skip("the published chat logs are not beside the project")
    part = tmp_path / LOG.name
    part.write_bytes(b"\n".join(LOG.read_bytes().split(b"\n")[:160]))
    ran = subprocess.run(
        [*CLI, "replay", str(part), "--readers", "5", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["people"] > 20
    assert told["messages"] > 250
    assert 0 < told["one_sender_opened"] < told["messages"] / 2
    assert told["one_sender_opened"] + told["one_sender_shut"] == told["messages"]
    assert told["two_days_opened"] > 100
    assert told["two_days_shut"] > 0
    assert told["two_days_opened"] + told["two_days_shut"] == told["messages"]
    assert "byte for byte" in ran.stderr
