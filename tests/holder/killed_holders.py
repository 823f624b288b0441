"""Holders as processes of their own, to be killed.

Started once, it imports everything; each line on its input, `NAME ROLE FOLDER KEY NOW`,
forks a holder that looks as fast as it can from the deployment's time NOW (ms) on. On its output:
`started NAME PID`, `looked NAME`, `refused NAME CODE`, `ended NAME REASON`.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from doublelock.demo.clock import ReplayClock
from doublelock.holder.daemon import HolderDaemon
from doublelock.keep import KeyFile
from doublelock.protocol.charter import Role
from doublelock.protocol.errors import Refusal, WireRefused


def tell(*words: object) -> None:
    os.write(1, " ".join(map(str, words)).encode() + b"\n")  # whole: shorter than a pipe's buffer


async def hold(name: str, role: str, folder: str, key: str, now: str) -> None:
    holder = HolderDaemon.open(Path(folder), KeyFile(Path(key)), Role(role))
    clock = ReplayClock(int(now))
    while True:
        moved = False
        try:
            moved = (await holder.step(clock())).ceremony_moved
        except WireRefused as refusal:
            tell("refused", name, refusal.code.value)
        tell("looked", name)
        await asyncio.sleep(0.01 if moved else 0.1)


def serve() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        words = line.split()
        child = os.fork()
        if child:
            tell("started", words[0], child)
            continue
        try:
            asyncio.run(hold(*words))
        except Refusal as refusal:
            tell("ended", words[0], refusal.code.value)
        finally:
            os._exit(1)


if __name__ == "__main__":
    serve()
