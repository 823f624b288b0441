"""Who is online, and one encoded frame for all of them; in memory, for one process (spec W-14)."""

from collections.abc import Iterable
from typing import Final

from doublelock.protocol.codes import Code
from doublelock.protocol.frames import Bye, Changed, Frame, encode
from doublelock.protocol.identifiers import DeviceId
from doublelock.server.connection import Connection
from doublelock.server.conversations import Conversation

_SLOW: Final = encode(Bye(Code.SLOW_READER.value, ""))
_REPLACED: Final = encode(Bye(Code.CONNECTION_REPLACED.value, ""))
_REMOVED: Final = encode(Bye(Code.DEVICE_REMOVED.value, ""))
_STOPPING: Final = encode(Bye(Code.STOPPING.value, ""))


class Fanout:
    """The live connections by device; joins each commit's frames into one message a connection."""

    def __init__(self, waiting: int) -> None:
        self._waiting = waiting
        self._online: dict[DeviceId, Connection] = {}
        self._dirty: list[Connection] = []

    def enter(self, connection: Connection) -> None:
        """Take a connection in; an older one of the same device is ended (spec W-11)."""
        old = self._online.get(connection.device)
        if old is not None:
            self.leave(old)
            old.pipe.cut(_REPLACED)
        self._online[connection.device] = connection

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        if self._online.get(connection.device) is connection:
            del self._online[connection.device]
        for conversation in connection.conversations.values():
            conversation.listeners.discard(connection)
        connection.conversations = {}
        connection.departed.clear()
        connection.behind.clear()

    def find(self, device: DeviceId) -> Connection | None:
        """Return a device's connection, if it is online."""
        return self._online.get(device)

    @property
    def count(self) -> int:
        """How many devices are online."""
        return len(self._online)

    def end(self, connection: Connection) -> None:
        """End a connection whose device the key log no longer lists."""
        self.leave(connection)
        connection.pipe.cut(_REMOVED)

    def follow(self, connection: Connection, conversation: Conversation) -> None:
        """Deliver a conversation live to a connection from now on."""
        connection.conversations[conversation.id] = conversation
        connection.departed.pop(conversation.id, None)
        conversation.listeners.add(connection)

    def unfollow(self, connection: Connection, conversation: Conversation, at: int) -> None:
        """Deliver nothing after the commit `at`, and say so (spec W-16).

        Who is catching up goes on until it has that commit.
        """
        connection.conversations.pop(conversation.id, None)
        conversation.listeners.discard(connection)
        connection.departed[conversation.id] = (conversation, at)
        self.put(connection, encode(Changed(conversation.id, 0, conversation.timer_ms)))

    def put(self, connection: Connection, data: bytes) -> None:
        """Add encoded frames to what a connection gets with the next `flush`."""
        if not connection.outbox:
            self._dirty.append(connection)
        connection.outbox.append(data)

    def spread(
        self, conversation: Conversation, data: bytes, apart: Iterable[Connection] = ()
    ) -> None:
        """Add encoded frames for every listener of a conversation but those set apart."""
        dirty = self._dirty
        for connection in conversation.listeners.difference(apart):
            if connection.behind and conversation in connection.behind:
                continue
            outbox = connection.outbox
            if not outbox:
                dirty.append(connection)
            outbox.append(data)

    def flush(self) -> None:
        """Push what was put and spread: one message a connection. Cuts slow readers (W-17)."""
        dirty, self._dirty = self._dirty, []
        limit = self._waiting
        for connection in dirty:
            outbox = connection.outbox
            connection.outbox = []
            pipe = connection.pipe
            pipe.push(outbox[0] if len(outbox) == 1 else b"".join(outbox))
            if pipe.waiting() > limit:
                self.leave(connection)
                pipe.cut(_SLOW)

    def tell(self, connection: Connection, frame: Frame) -> None:
        """Push one frame at once, behind whatever waits."""
        self.put(connection, encode(frame))
        self.flush()

    def stop(self) -> None:
        """End every connection."""
        for connection in list(self._online.values()):
            self.leave(connection)
            connection.pipe.cut(_STOPPING)
