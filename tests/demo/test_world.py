"""A deployment that goes on is where it was: browsers know it by its address."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

from doublelock.demo.clock import WallClock
from doublelock.demo.world import World


async def _address(folder: Path) -> str:
    world = World.open(folder, WallClock())
    await world.start()
    try:
        return world.server.http
    finally:
        await world.stop()


async def test_it_listens_where_it_did_unless_somebody_else_does(tmp_path: Path) -> None:
    first = await _address(tmp_path / "world")
    assert await _address(tmp_path / "world") == first
    with socket.socket() as other:
        other.bind(("127.0.0.1", urlsplit(first).port))
        other.listen()
        assert await _address(tmp_path / "world") != first
