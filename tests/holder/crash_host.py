"""A holder in a process of its own, to be killed: `crash_host.py ROLE FOLDER KEY ADDRESS ID NOW`.

It looks as fast as it can; NOW is the deployment's time in ms at its start.
"""

import asyncio
import sys
from pathlib import Path

from doublelock.demo.clock import ReplayClock
from doublelock.holder.daemon import HolderDaemon
from doublelock.keep import KeyFile
from doublelock.protocol.charter import Role
from doublelock.protocol.errors import VaultRefused, WireRefused
from doublelock.protocol.identifiers import DeploymentId


async def main(role: str, folder: str, key: str, address: str, deployment: str, now: str) -> None:
    holder = HolderDaemon.open(
        Path(folder),
        KeyFile(Path(key)),
        address,
        DeploymentId(bytes.fromhex(deployment)),
        Role(role),
    )
    clock = ReplayClock(int(now))
    print("open", flush=True)
    while True:
        try:
            await holder.step(clock())
        except VaultRefused:
            raise
        except WireRefused as refusal:
            print(refusal, file=sys.stderr, flush=True)
        print("looked", flush=True)
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
