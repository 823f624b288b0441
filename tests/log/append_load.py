"""A writer to be killed: appends numbered entries, and prints each place once it is told it."""

import asyncio
import sys
from pathlib import Path

from doublelock.log.sequencer import Sequencer
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.note import SignatureType


async def main(folder: Path, run: str) -> None:
    signer = NoteSigner("example.com/log", SignatureType.ED25519, b"L" * 32)
    log = await Sequencer.open(folder, signer, lambda: 1_000_000)
    print("open", flush=True)

    async def write(worker: int) -> None:
        at = 0
        while True:
            entry = f"{run}/{worker}/{at}"
            appended = await log.append(entry.encode())
            sys.stdout.write(f"{appended.index} {entry}\n")
            sys.stdout.flush()
            at += 1

    await asyncio.gather(*(write(worker) for worker in range(40)))


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
