"""The attacks run in the worlds of the other folders' tests."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

for folder in ("client", "holder", "protocol", "server"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))

from .corrupt import Corrupt, corrupt_town  # noqa: E402 - it imports from those folders


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Corrupt]:
    """A running town whose operator and agency are the attacker's."""
    async with corrupt_town(tmp_path_factory.mktemp("corrupt")) as made:
        yield made
