"""Brings a device up to date from the store, then hands it over to live delivery (spec W-12, W-15).

A conversation stays in `connection.behind` until the last item read is the last one durable; both
are looked at in one turn of the event loop, so nothing repeats and nothing is skipped.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from doublelock.protocol.frames import DEPARTURE_MAIL, Live
from doublelock.server.connection import Connection
from doublelock.server.conversations import Conversation, Conversations
from doublelock.server.fanout import Fanout
from doublelock.server.item_frames import encode_mail, encode_stored
from doublelock.store.interface import Store, Tables
from doublelock.store.rows import MailRow, StoredItem

_ITEMS: Final = 2048
# What stays in the processor's caches: four times as much takes half as long again.
_BYTES: Final = 128 * 1024
_MAIL: Final = 64


class CatchUps:
    """Runs at most one catching up per connection; its turn order is the order of asking."""

    def __init__(self, store: Store, fanout: Fanout, conversations: Conversations) -> None:
        self._store = store
        self._conversations = conversations
        self._fanout = fanout
        self._tasks: dict[Connection, asyncio.Task[None]] = {}

    def start(self, connection: Connection, conversation: Conversation, after: int) -> None:
        """Start a conversation over from a cursor."""
        connection.behind[conversation] = min(after, conversation.durable)
        if connection not in self._tasks:
            task = asyncio.create_task(self._run(connection))
            self._tasks[connection] = task
            task.add_done_callback(lambda _: self._tasks.pop(connection, None))

    def stop(self, connection: Connection) -> None:
        """Give up a connection that has gone."""
        task = self._tasks.pop(connection, None)
        if task is not None:
            task.cancel()

    async def send_mailbox(self, connection: Connection) -> None:
        """Push all mail after the connection's mark; new mail keeps its order behind it."""
        while True:
            connection.mail_waits = False
            mail = await self._store.read(
                partial(_read_mail, device=connection.device, after=connection.mailbox)
            )
            for piece in mail:
                await self._let_read(connection, piece)
                connection.mailbox = piece.sequence
                self._fanout.put(connection, encode_mail(piece))
            self._fanout.flush()
            if len(mail) < _MAIL and not connection.mail_waits:
                connection.mail_live = True
                return
            await connection.pipe.drained()

    def push_mail(self, connection: Connection, mail: Sequence[MailRow]) -> None:
        """Add durable mail to what a connection gets next, in order with what it gets already."""
        if not connection.mail_live:
            connection.mail_waits = True
            return
        for piece in mail:
            connection.mailbox = piece.sequence
            self._fanout.put(connection, encode_mail(piece))

    async def _let_read(self, connection: Connection, piece: MailRow) -> None:
        """Let a device that was taken out read up to the commit that did it (spec W-16)."""
        if piece.kind != DEPARTURE_MAIL:
            return
        conversation = await self._conversations.get(piece.conversation)
        if conversation is not None and connection.device not in conversation.members:
            connection.departed[conversation.id] = (conversation, piece.at)

    async def _run(self, connection: Connection) -> None:
        while connection.behind:
            conversation = next(iter(connection.behind))
            await self._catch_up(connection, conversation)

    async def _catch_up(self, connection: Connection, conversation: Conversation) -> None:
        while conversation in connection.behind:
            after = connection.behind[conversation]
            _, last = connection.departed.get(conversation.id, (conversation, conversation.durable))
            through = min(last, conversation.durable)
            items = (
                await self._store.read(
                    partial(_read_items, key=conversation.key, after=after, through=through)
                )
                if after < through
                else []
            )
            if connection.behind.get(conversation) != after:
                continue  # asked to start over, or gone, in the meantime
            if items:
                after = connection.behind[conversation] = items[-1].sequence
                connection.pipe.push(
                    b"".join([encode_stored(conversation.id, row) for row in items])
                )
            departed = connection.departed.get(conversation.id)
            if after >= (conversation.durable if departed is None else departed[1]):
                del connection.behind[conversation]
                if departed is None:
                    self._fanout.tell(connection, Live(conversation.id, after))
                return
            await connection.pipe.drained()


def _read_mail(tables: Tables, device: bytes, after: int) -> list[MailRow]:
    return tables.devices.mail(device, after, _MAIL)


def _read_items(tables: Tables, key: int, after: int, through: int) -> list[StoredItem]:
    return tables.timeline.after(key, after, _ITEMS, _BYTES, through)
