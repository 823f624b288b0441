"""The server's bare ceilings: picows and what each figure cannot do without, and nothing else.

`python -m bench.server_bare MODE FOLDER`; it prints one JSON line when it listens and stops at the
end of its input. `relay` passes each message on to its pair, one by one, durable nowhere; `durable`
first commits it to SQLite; `fan` passes it on to everybody, one write a connection for what one
turn of the loop read; `push` answers the first message with 10,000 from memory.
"""

import asyncio
import sqlite3
import struct
import sys
from pathlib import Path
from typing import Final

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from bench.server_host import HostTold, until_told
from bench.server_load import ANSWER, make_items

DRAIN: Final = 10_000
_PIECE: Final = 600
_LENGTH: Final = struct.Struct(">I")


class Bare:
    """One bare server: who is connected, and what it does with a message."""

    def __init__(self, mode: str, folder: Path) -> None:
        self.mode = mode
        self.lines: list[_Line] = []
        self._waiting: list[bytes] = []
        self._sender: _Line | None = None
        self._database: sqlite3.Connection | None = None
        if mode == "durable":
            self._database = sqlite3.connect(folder / "durable.db", isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("CREATE TABLE item (key INTEGER PRIMARY KEY, data BLOB)")
        pieces = make_items(DRAIN) if mode == "push" else []
        self._stored = [b"".join(pieces[at : at + _PIECE]) for at in range(0, len(pieces), _PIECE)]

    def take(self, line: "_Line", data: bytes) -> None:
        """Do with one stream message what the mode says."""
        if self.mode == "push":
            for piece in self._stored:
                line.transport.send(WSMsgType.BINARY, piece)
            return
        if self.mode == "fan":
            self._sender = line
            if not self._waiting:
                asyncio.get_running_loop().call_soon(self._spread)
            self._waiting.append(data)
            return
        pair = line.number ^ 1
        for frame in _split(data):
            if self._database is not None:
                self._database.execute("INSERT INTO item (data) VALUES (?)", (frame,))
            if pair < len(self.lines):
                self.lines[pair].transport.send(WSMsgType.BINARY, frame)
            line.transport.send(WSMsgType.BINARY, ANSWER)

    def _spread(self) -> None:
        data, self._waiting = b"".join(self._waiting), []
        for line in self.lines:
            if line is self._sender:
                line.transport.send(WSMsgType.BINARY, ANSWER * len(_split(data)))
            else:
                line.transport.send(WSMsgType.BINARY, data)


class _Line(WSListener):
    def __init__(self, bare: Bare) -> None:
        super().__init__()
        self._bare = bare
        self.number = -1

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.number = len(self._bare.lines)
        self._bare.lines.append(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.BINARY:
            self._bare.take(self, frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()


def _split(data: bytes) -> list[bytes]:
    """Return the frames of a message, lengths in front."""
    at, frames = 0, []
    while at < len(data):
        end = at + 4 + _LENGTH.unpack_from(data, at)[0]
        frames.append(data[at:end])
        at = end
    return frames


async def serve(mode: str, folder: Path) -> None:
    """Serve until the input ends."""
    bare = Bare(mode, folder)

    def accept(_: WSUpgradeRequest) -> WSListener:
        return _Line(bare)

    server = await ws_create_server(accept, "127.0.0.1", 0, max_frame_size=1 << 26)
    await until_told(HostTold(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
    server.close()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], Path(sys.argv[2])))
