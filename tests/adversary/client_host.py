"""A client in a process of its own, to be killed; prints each key it used and each answer it got.

`client_host.py FOLDER KEY_FILE CHAT DEPLOYMENT ADDRESS NOW_MS FIRST MODE`: MODE `send` sends
numbers from FIRST on without end; `before` and `after` die around the posting of a commit.
"""

import asyncio
import hashlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

from doublelock.client.client import Client
from doublelock.client.monitor import Monitor
from doublelock.client.vault import Outgoing
from doublelock.demo.clock import ReplayClock
from doublelock.keep import KeyFile
from doublelock.protocol.identifiers import ConversationId, DeploymentId
from doublelock.protocol.record import Text
from doublelock.transport.http import HttpClient

_AT_ONCE = 8


def say(*words: object) -> None:
    """Print past every buffer: what was said is out before anything else happens."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def watch_keys(client: Client) -> None:
    """Say (epoch, generation) of every ciphertext before it can leave."""
    core: Any = client._core
    write_sent, write_outgoing = core.vault.write_sent, core.vault.write_outgoing
    place: list[tuple[int, int]] = []

    def sent(conversation: bytes, epoch: int, following: int) -> None:
        place.append((epoch, following - 1))
        write_sent(conversation, epoch, following)

    def outgoing(message: Outgoing) -> None:
        if place and message.mls:
            say("used", *place.pop(), hashlib.sha256(message.mls).hexdigest())
        write_outgoing(message)

    core.vault.write_sent, core.vault.write_outgoing = sent, outgoing


async def send_numbers(client: Client, chat: ConversationId, first: int) -> None:
    """Send numbers in their order, some at once on their way, and say which were acknowledged."""
    waiting: list[asyncio.Task[None]] = []

    async def tell(number: int, done: "asyncio.Future[int]") -> None:
        say("acked", number, await done)

    number = first
    while True:
        _, done = await client.post(chat, Text(b"%d" % number))
        waiting.append(asyncio.create_task(tell(number, done)))
        number += 1
        if len(waiting) == _AT_ONCE:
            await waiting.pop(0)


async def die_committing(client: Client, chat: ConversationId, mode: str) -> None:
    """Be killed before a commit leaves, or once the server has it and before we hear of it."""
    core: Any = client._core
    ask = core.http.ask

    async def dying(method: str, path: str, *rest: Any, **options: Any) -> Any:
        if path.endswith("/commits"):
            if mode == "after":
                client._session._take = never  # type: ignore[method-assign, assignment]
                await ask(method, path, *rest, **options)
            os.kill(os.getpid(), signal.SIGKILL)
        return await ask(method, path, *rest, **options)

    async def never(_: object) -> None:
        await asyncio.Event().wait()

    core.http.ask = dying
    await client.renew(chat)


async def main(folder: str, key: str, chat: str, *rest: str) -> None:
    deployment, address, now, first, mode = rest
    clock = ReplayClock(int(now))
    monitor = Monitor(HttpClient(address), DeploymentId(bytes.fromhex(deployment)), clock)
    await monitor.start()
    client = await Client.open(Path(folder), KeyFile(Path(key)), clock=clock, monitor=monitor)
    watch_keys(client)
    await client.connect()
    room = ConversationId(bytes.fromhex(chat))
    if mode == "send":
        await send_numbers(client, room, int(first))
    else:
        await client.send(room, Text(first.encode()))
        await die_committing(client, room, mode)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
