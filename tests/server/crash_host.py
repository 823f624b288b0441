"""A server in a process of its own, to be killed or ended: `crash_host.py FOLDER`.

Its clock is the tests'; SIGTERM stops it cleanly.
"""

import asyncio
import signal
import sys
from pathlib import Path

from server_world import fixed_world


async def main(folder: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with fixed_world(folder).serve() as server:
        print(server.http, server.stream, flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
