"""The reader of raw IRC logs keeps every byte and every message."""

from pathlib import Path

import pytest

import doublelock.demo
from doublelock.demo.irc import nick_of, read_chat
from doublelock.protocol.days import DAY_MS, day_of
from doublelock.protocol.errors import Malformed

LOGS = Path(__file__).parents[3] / "shared" / "data" / "ubuntu-irc"


def write(folder: Path, data: bytes) -> Path:
    path = folder / "chat.2010-01-04.txt"
    path.write_bytes(data)
    return path


def test_keeps_odd_bytes_and_control_characters(tmp_path: Path) -> None:
    odd = b"caf\xe9 \x0b\x0c\r\x85\x02bold\x02 "
    (line,) = read_chat(write(tmp_path, b"[10:25] <a> " + odd + b"\n"))
    assert line.text == odd


def test_reads_actions_and_passes_over_joins(tmp_path: Path) -> None:
    lines = read_chat(
        write(tmp_path, b"=== x has joined\n[10:25]  * ann waves\n[10:26] <b> \n[10:26] <c> hi\n")
    )
    assert [(line.nick, line.text) for line in lines] == [
        ("ann", b"waves"),
        ("b", b""),
        ("c", b"hi"),
    ]


def test_times_rise_and_midnight_is_the_next_day(tmp_path: Path) -> None:
    lines = read_chat(
        write(tmp_path, b"[23:59] <a> 1\n[23:59] <a> 2\n[00:01] <a> 3\n[00:00] <a> 4")
    )
    times = [line.time_ms for line in lines]
    assert times == sorted(set(times))
    assert [day_of(time) - day_of(times[0]) for time in times] == [0, 0, 1, 1]


def test_nicks_of_any_bytes_are_handles() -> None:
    assert nick_of(b"caf\xe9 ") == "caf%e9"
    assert nick_of("café".encode()) == "café"


@pytest.mark.parametrize("data", [b"", b"no chat at all", b"[25:00] <a> x"])
def test_says_so_when_there_is_nothing_to_read(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Malformed):
        read_chat(write(tmp_path, data))


def test_a_name_without_a_date_needs_one(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes(b"[10:25] <a> x")
    with pytest.raises(Malformed):
        read_chat(path)
    assert read_chat(path, day=3)[0].time_ms == 3 * DAY_MS + (10 * 60 + 25) * 60_000


def test_the_sample_has_people_and_odd_bytes() -> None:
    (sample,) = Path(doublelock.demo.__file__).parent.glob("harbour.*.txt")
    lines = read_chat(sample)
    assert len({line.nick for line in lines}) == 6
    assert any(b"\xe9" in line.text for line in lines)


def test_reads_the_published_day_whole() -> None:
    if not LOGS.is_dir():
        pytest.skip("the IRC logs are not beside the project")
    lines = read_chat(LOGS / "2010-01-04.train-c.raw.txt")
    assert (len(lines), len({line.nick for line in lines})) == (1465, 191)
