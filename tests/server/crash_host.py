"""A server in a process of its own, to be killed: `crash_host.py FOLDER`, clock as in the tests."""

import asyncio
import sys
from pathlib import Path

from server_world import fixed_world


async def main(folder: Path) -> None:
    async with fixed_world(folder).serve() as server:
        print(server.http, server.stream, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
