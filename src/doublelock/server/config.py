"""What a server is told: where to listen, its keys, its limits, its clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from doublelock.protocol.ed25519 import SigningKey

Clock = Callable[[], int]
"""The deployment's time in milliseconds since 1970 UTC; tests and replays bring their own."""


def wall_clock() -> int:
    """Return the machine's time in milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast one device may go: tokens a second and how many may be saved up."""

    sends: float = 50.0
    sends_burst: float = 500.0
    requests: float = 20.0
    requests_burst: float = 200.0
    whispers: float = 10.0
    whispers_burst: float = 50.0
    claims: float = 10.0
    claims_burst: float = 2000.0
    challenges: float = 200.0
    challenges_burst: float = 2000.0


UNLIMITED = Rates(*([1e12] * 10))
"""For benchmarks and for replays of other years' chats."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much the server keeps in memory or on disk for whom. Bytes, unless the name says else."""

    waiting: int = 8 * 1024 * 1024
    """Unsent bytes at which a slow reader is cut."""
    drain: int = 1024 * 1024
    """Unsent bytes at which catching up pauses."""
    batch_items: int = 512
    pending_items: int = 20_000
    """Accepted but not yet durable; above it, sends are refused as too fast."""
    blob_quota: int = 4 * 1024 * 1024 * 1024
    """Per account."""
    blob_unfinished_ms: int = 24 * 3600 * 1000
    mailbox_items: int = 10_000
    sessions: int = 200_000
    session_ms: int = 3600 * 1000
    challenge_ms: int = 60 * 1000
    hello_seconds: float = 10.0
    sweep_seconds: float = 30.0
    connections: int = 50_000


@dataclass(frozen=True, slots=True)
class Keys:
    """The server's own signing keys; never shown, sealed at rest by whoever loads them."""

    operator: SigningKey
    receipt: SigningKey
    key_log: bytes
    """32-byte Ed25519 seed of the key log's checkpoint key."""
    law_log: bytes
    """32-byte Ed25519 seed of the law log's checkpoint key."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Everything a server needs; `charters` are the signed documents, genesis first.

    `deployment` is the pinned genesis hash (32 bytes). Port 0 takes a free one. With `http_public`
    and `stream_public` a deployment behind a proxy announces other addresses than it binds.
    """

    folder: Path
    deployment: bytes
    charters: tuple[bytes, ...]
    keys: Keys
    host: str = "127.0.0.1"
    http_port: int = 0
    stream_port: int = 0
    http_public: str = ""
    stream_public: str = ""
    witnesses: tuple[str, ...] = ()
    """Submission addresses of the witnesses that the charter names, in its order."""
    clock: Clock = wall_clock
    report: Callable[[str], None] = lambda _: None
    """Told what an operator has to know: a log that the witnesses keep from being published."""
    rates: Rates = field(default_factory=Rates)
    bounds: Bounds = field(default_factory=Bounds)
