"""What a server is told: where to listen, its keys, its limits, its clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path

from doublelock.protocol.codes import Code
from doublelock.protocol.documents import encode_base64url
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import VaultRefused

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
    handshakes: float = 0.5
    handshakes_burst: float = 30.0
    """In one conversation: members must have the time to come back between two that break them."""
    challenges: float = 200.0
    challenges_burst: float = 2000.0
    letters: float = 1 / 60
    """Mail to devices of other accounts, for a whole account."""
    letters_burst: float = 10.0


UNLIMITED = Rates(**dict.fromkeys((one.name for one in fields(Rates)), 1e12))
"""For benchmarks and for replays of other years' chats."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much the server keeps in memory or on disk for whom. Bytes, unless the name says else."""

    waiting: int = 8 * 1024 * 1024
    """Unsent bytes at which a slow reader is cut."""
    drain: int = 1024 * 1024
    """Unsent bytes at which catching up pauses."""
    batch_items: int = 512
    gather_items: int = 8
    """A batch begins at once where so many wait, or where the last one began so long ago."""
    gather_seconds: float = 0.0035
    gather_at_most: float = 0.005
    """When it begins though nothing else arrived. Seconds after the last one."""
    pending_items: int = 20_000
    """Accepted but not yet durable; above it, sends are refused as too fast."""
    blob_quota: int = 4 * 1024 * 1024 * 1024
    """Per account."""
    blob_unfinished_ms: int = 24 * 3600 * 1000
    own_letters: int = 64
    """Pieces of mail from the account's own devices that may wait for a device."""
    others_letters: int = 100
    """Pieces of mail from other accounts that may wait for a device, and how many of one."""
    letters_of_one: int = 5
    sessions: int = 200_000
    session_ms: int = 3600 * 1000
    challenge_ms: int = 60 * 1000
    hello_seconds: float = 10.0
    silence_seconds: float = 60.0
    """After so long without a sign of life a device is asked for one, after twice it is cut."""
    envelopes: int = 1_000
    """Stored messages in one answer to an agency; the next ones are asked for by sequence."""
    sweep_seconds: float = 30.0
    connections: int = 50_000


@dataclass(frozen=True, slots=True)
class PushConfig:
    """How devices that are away are woken (spec W-45). Seconds, unless the name says else."""

    contact: str = ""
    """`mailto:` or `https:` address of the operator, for push services."""
    gather: float = 0.5
    """How long what arrives is gathered before anybody is woken."""
    retry: float = 10.0
    """Before the second try; each later one waits four times as long."""
    tries: int = 3
    patience: float = 10.0
    at_once: int = 16
    life: int = 7 * 24 * 3600
    """How long a push service may hold a push for a device that is off."""
    private: bool = False
    """Let endpoints be plain HTTP, on any port and address: for tests, and nothing else."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The server's own signing keys; never shown, sealed at rest by whoever loads them."""

    operator: SigningKey
    receipt: SigningKey
    key_log: bytes
    """32-byte Ed25519 seed of the key log's checkpoint key."""
    law_log: bytes
    """32-byte Ed25519 seed of the law log's checkpoint key."""
    later: tuple[SigningKey, ...] = ()
    """What takes the place of the first two, by amendments (C-13)."""

    def held(self, public: bytes) -> SigningKey:
        """Return one of these keys by its public half. Raises VaultRefused(vault-missing)."""
        for key in (self.operator, self.receipt, *self.later):
            if key.public.encoded == bytes(public):
                return key
        name = encode_base64url(bytes(public))
        raise VaultRefused(Code.VAULT_MISSING, f"the charter's key {name} is not this server's")


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
    """Submission addresses of witnesses, in any order; those to come may be among them (R-40)."""
    web: Path | None = None
    """Folder of the web client's bundle, with its `bundle.json`; None serves none."""
    clock: Clock = wall_clock
    report: Callable[[str], None] = lambda _: None
    """Told what an operator has to know: a log that the witnesses keep from being published."""
    rates: Rates = field(default_factory=Rates)
    bounds: Bounds = field(default_factory=Bounds)
    push: PushConfig = field(default_factory=PushConfig)
