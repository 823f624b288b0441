"""The client's bare ceilings: what the cryptography, the disk and the socket alone cost."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from doublelock_mls import Encrypted
from nacl.bindings import crypto_sign_open
from picows import WSMsgType

from bench.mls import NOW, make_group
from bench.server_load import Line, make_items, open_line

_TIMES = 400
_COMMITS = 10
_SEED = bytes(65)
_HASH = bytes(32)
_INSERT = "INSERT INTO item (data) VALUES (?)"
_ROW = os.urandom(1_000)


def cpu_each(work: Callable[[], object], times: int = _TIMES) -> float:
    """Return the CPU seconds of this process for one run."""
    begun = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - begun) / times


@dataclass(frozen=True, slots=True)
class BareGroup:
    """CPU seconds of the MLS binding alone in a group of one size, its state never stored."""

    encrypt: float
    decrypt: float
    follow: float
    add: float
    load: float


def bare_group(size: int) -> BareGroup:
    """Measure the binding: one message of a client's size, one commit, the adding, one load."""
    made = make_group(size)
    sender, receiver = made.sender, made.receiver
    sent: list[Encrypted] = []
    encrypt = cpu_each(lambda: sent.append(sender.encrypt(_SEED, _HASH)))
    waiting = iter(sent)
    decrypt = cpu_each(lambda: receiver.process(next(waiting).ciphertext, NOW))
    state = receiver.take_changes()
    tree = state.tree or b""
    load = cpu_each(lambda: made.client.load_group(state.state, tree, state.epochs, None), 50)
    follow = 0.0
    for _ in range(_COMMITS):
        update = sender.commit(now=NOW).message
        sender.apply_pending_commit()
        follow += cpu_each(partial(receiver.process, update, NOW), 1) / _COMMITS
    return BareGroup(encrypt, decrypt, follow, made.add, load)


@dataclass(frozen=True, slots=True)
class BareCrypto:
    """CPU seconds of one Ed25519 signature, its check, and AES-GCM over a message's body."""

    sign: float
    verify: float
    cipher: float


def bare_crypto() -> BareCrypto:
    """Measure what no message can do without, each by the faster library that is here."""
    key, body, nonce = Ed25519PrivateKey.generate(), os.urandom(500), bytes(12)
    public, cipher = key.public_key().public_bytes_raw(), AESGCM(os.urandom(32))
    signed = key.sign(_ROW[:64]) + _ROW[:64]
    return BareCrypto(
        cpu_each(lambda: key.sign(_ROW[:64]), 2_000),
        cpu_each(lambda: crypto_sign_open(signed, public), 2_000),
        cpu_each(lambda: cipher.encrypt(nonce, body, _HASH), 5_000),
    )


def bare_row(folder: Path) -> float:
    """Return the CPU seconds of a row in a durable batch of 100, as the vault sets SQLite."""
    with closing(_open(folder / "rows.db")) as db:

        def batch() -> None:
            db.execute("BEGIN")
            db.executemany(_INSERT, [(_ROW,)] * 100)
            db.execute("COMMIT")

        return cpu_each(batch, 50) / 100


class BarePath:
    """What one message waits for at least: two commits, here and there, and the socket between."""

    def __init__(self, folder: Path, line: Line) -> None:
        self._database = _open(folder / "path.db")
        self._line = line
        (self._message,) = make_items(1)

    @classmethod
    async def open(cls, folder: Path, stream: str) -> "BarePath":
        """Connect to a bare server that answers each message."""
        return cls(folder, await open_line(stream))

    async def round_trip(self) -> None:
        """Commit a row, send it, wait for the answer, commit another."""
        assert self._line.transport is not None
        answered = self._line.accepted
        self._database.execute(_INSERT, (_ROW,))
        self._line.transport.send(WSMsgType.BINARY, self._message)
        while self._line.accepted == answered:  # noqa: ASYNC110 - the socket alone is timed
            await asyncio.sleep(0)
        self._database.execute(_INSERT, (_ROW,))

    def close(self) -> None:
        """Disconnect."""
        self._database.close()
        if self._line.transport is not None:
            self._line.transport.disconnect()


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE item (key INTEGER PRIMARY KEY, data BLOB)")
    return db
