"""The MLS binding alone: what one message, one join and one commit cost, by group size."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from doublelock_mls import Client, Encrypted, Group, ObserverClient, PendingCommit

from bench.figure import Figure

NOW = 1_262_600_000
MESSAGES = 400


def _device(name: str) -> Client:
    seed = hashlib.sha256(name.encode()).digest()
    return Client(name.encode().ljust(48, b"."), seed, lambda *_: None, lambda _: None)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@dataclass(frozen=True, slots=True)
class MadeGroup:
    """A group, its creator's and its last member's side; what the adding and the join took (s)."""

    sender: Group
    receiver: Group
    client: Client
    pending: PendingCommit
    add: float
    join: float


def make_group(size: int) -> MadeGroup:
    """Make a group whose members are all added by one commit; nobody's identity is checked."""
    creator, others = _device("creator"), [_device(f"member {n}") for n in range(1, size)]
    packages = [other.generate_key_package(NOW) for other in others]
    group = creator.create_group(b"bench", NOW, bytes(200))
    start = time.perf_counter()
    pending = group.commit(add=[package.message for package in packages], now=NOW)
    group.apply_pending_commit()
    add = time.perf_counter() - start
    welcome = dict(pending.welcomes)[packages[-1].reference]
    start = time.perf_counter()
    joined, _ = others[-1].join(welcome, pending.tree, packages[-1].private)
    return MadeGroup(group, joined, others[-1], pending, add, time.perf_counter() - start)


def _of(size: int) -> list[Figure]:
    made = make_group(size)
    sender, receiver, join = made.sender, made.receiver, made.join
    observer = ObserverClient(lambda *_: None, lambda _: None).observe(
        sender.group_info(), sender.ratchet_tree()
    )
    sender.take_changes()
    receiver.take_changes()
    sent: list[Encrypted] = []
    seal = _seconds(lambda: sent.extend(sender.encrypt(bytes(64)) for _ in range(MESSAGES)))
    unseal = _seconds(lambda: [receiver.process(one.ciphertext, NOW) for one in sent])
    stored = _seconds(lambda: [(sender.encrypt(bytes(64)), sender.take_changes()) for _ in sent])
    state = len(sender.take_changes().state)
    update = receiver.commit(now=NOW)
    stage = _seconds(lambda: observer.stage(update.message, NOW))
    follow = _seconds(lambda: sender.process(update.message, NOW))

    def micro(name: str, seconds: float) -> Figure:
        return Figure(f"{name}, {size}", seconds / MESSAGES * 1e6, "µs", smaller_is_better=True)

    def milli(name: str, seconds: float) -> Figure:
        return Figure(f"{name}, {size}", seconds * 1e3, "ms", smaller_is_better=True)

    return [
        micro("encrypt, watermark stored", seal),
        micro("encrypt, whole state taken", stored),
        micro("decrypt", unseal),
        milli("join", join),
        milli("observer stages a commit", stage),
        milli("member follows a commit", follow),
        Figure(f"state without tree, {size}", state / 1024, "KiB", smaller_is_better=True),
    ]


def run() -> list[Figure]:
    """Figures for groups of 2, 200 and 1,000."""
    return [figure for size in (2, 200, 1000) for figure in _of(size)]
