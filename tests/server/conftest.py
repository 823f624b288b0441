"""A fresh deployment for each test."""

from pathlib import Path

import pytest
from server_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "server")
