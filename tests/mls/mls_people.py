"""Devices, a key log and a vault in memory, as the client would have them."""

import hashlib
from dataclasses import dataclass, field

from doublelock_mls import (
    Application,
    Client,
    Commit,
    CommitView,
    Group,
    KeyPackage,
    MlsError,
    Observer,
    ObserverClient,
    PendingCommit,
)

NOW = 1_262_600_000
"""A day in January 2010: the system's clock must not matter."""


class GhostError(Exception):
    """The key log does not know this device."""


class RuleError(Exception):
    """Our rules refuse this commit."""


@dataclass
class KeyLog:
    """Which key belongs to which device, and what the hooks were asked."""

    keys: dict[bytes, bytes] = field(default_factory=dict)
    asked: list[tuple[bytes, str]] = field(default_factory=list)
    commits: list[CommitView] = field(default_factory=list)
    forbidden: set[bytes] = field(default_factory=set)

    def check_identity(self, credential: bytes, signature_key: bytes, context: str) -> None:
        self.asked.append((credential, context))
        if self.keys.get(credential) != signature_key:
            raise GhostError(credential)

    def check_commit(self, commit: CommitView) -> None:
        self.commits.append(commit)
        for proposal in commit.proposals:
            if proposal.kind == "add" and proposal.credential in self.forbidden:
                raise RuleError("may not be added")

    def device(self, name: str, *, known: bool = True, prior_epochs: int = 5) -> Client:
        credential = name.encode().ljust(48, b".")
        seed = hashlib.sha256(name.encode()).digest()
        client = Client(
            credential, seed, self.check_identity, self.check_commit, prior_epochs=prior_epochs
        )
        if known:
            self.keys[credential] = client.signature_key
        return client

    def observers(self) -> ObserverClient:
        return ObserverClient(self.check_identity, self.check_commit)


@dataclass
class Vault:
    """What survives a kill: written only by `save`."""

    state: bytes = b""
    tree: bytes = b""
    epochs: dict[int, bytes] = field(default_factory=dict)
    sent: tuple[int, int] | None = None

    def save(self, group: Group) -> None:
        change = group.take_changes()
        self.state = change.state
        self.tree = self.tree if change.tree is None else change.tree
        self.epochs.update(change.epochs)
        self.epochs = {n: e for n, e in self.epochs.items() if n >= change.drop_epochs_below}

    def load(self, client: Client) -> Group:
        return client.load_group(self.state, self.tree, list(self.epochs.items()), self.sent)


def code_of(refused: MlsError) -> str:
    return refused.code


def welcome_for(pending: PendingCommit, package: KeyPackage) -> bytes:
    return dict(pending.welcomes)[package.reference]


def grow(creator: Client, others: list[Client], context: bytes | None = b"law") -> list[Group]:
    """A group of the creator and the others, everybody in epoch 1."""
    group = creator.create_group(b"conversation".ljust(32, b"."), NOW, context)
    packages = [other.generate_key_package(NOW) for other in others]
    pending = group.commit(add=[package.message for package in packages], now=NOW)
    group.apply_pending_commit()
    joined = [
        other.join(welcome_for(pending, package), pending.tree, package.private)[0]
        for other, package in zip(others, packages, strict=True)
    ]
    return [group, *joined]


def told(group: Group, message: bytes) -> Application:
    event = group.process(message, NOW)
    assert isinstance(event, Application)
    return event


def moved(group: Group, message: bytes) -> Commit:
    event = group.process(message, NOW)
    assert isinstance(event, Commit)
    return event


def same_epoch(*groups: Group) -> bool:
    """Everybody agrees on the epoch's secrets, not only on its number."""
    return len({group.epoch_authenticator for group in groups}) == 1


def watch(keylog: KeyLog, group: Group) -> Observer:
    return keylog.observers().observe(group.group_info(), group.ratchet_tree())
