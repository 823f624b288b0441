"""MLS (RFC 9420) over the Rust crate mls-rs, suite 0x0001 only.

Everything is synchronous; every method that does cryptography releases the GIL. One `Group` (or
`Observer`) serves one thread at a time: a second one gets `MlsError("group-busy")`, as does a hook
that calls back into the group that called it. Every refusal is an `MlsError` with a stable
kebab-case code, or the very exception that a hook raised; hostile bytes never cause anything else.

All times are seconds since 1970 of the deployment's clock; the system clock decides nothing.
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal, final

MAX_MEMBERS: Final = 1000
MAX_CREDENTIAL: Final = 1024
MAX_CONTEXT_DATA: Final = 65_536
MAX_PLAINTEXT: Final = 65_536
MAX_MESSAGE: Final = 2_097_152
MAX_TREE: Final = 4_194_304
MAX_STATE: Final = 33_554_432
MAX_GENERATION_SKIP: Final = 100_000
CONTEXT_EXTENSION: Final = 0xF0D1

IdentityContext = Literal["commit", "new-group", "key-package"]
IdentityCheck = Callable[[bytes, bytes, str], None]
"""`(credential, signature_key, context)`; raises to refuse. Called for every leaf that enters a
group, and for every leaf of a group that is joined, rejoined or first observed."""
CommitCheck = Callable[["CommitView"], None]
"""Called once for every commit, received or made, before it takes effect; raises to refuse."""

@final
class MlsError(Exception):
    """A refusal; `code` is stable and kebab-case, `message` holds no secret."""

    def __init__(self, code: str, message: str) -> None: ...
    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...

@final
class Member:
    """One leaf: its index, credential identity bytes and Ed25519 key (32 bytes)."""

    @property
    def leaf_index(self) -> int: ...
    @property
    def credential(self) -> bytes: ...
    @property
    def signature_key(self) -> bytes: ...

@final
class ProposalView:
    """One proposal of a commit.

    `add`: `credential` and `signature_key` of the newcomer. `remove`: `leaf_index`, `credential`
    and `signature_key` of the leaf that goes. `context`: `context_data` is the new bytes of the
    context extension (None: removed). `external-init`: the mark of an external commit. `other`:
    only where the client was made for published vectors.
    """

    @property
    def kind(self) -> Literal["add", "remove", "context", "external-init", "other"]: ...
    @property
    def proposer(self) -> int | None:
        """The proposer's leaf index; None is the newcomer of an external commit."""
    @property
    def by_reference(self) -> bool:
        """True where a member asked for it in a message of its own (only to leave)."""
    @property
    def leaf_index(self) -> int | None: ...
    @property
    def credential(self) -> bytes | None: ...
    @property
    def signature_key(self) -> bytes | None: ...
    @property
    def context_data(self) -> bytes | None: ...

@final
class CommitView:
    """What a commit would do, shown to the commit check before it takes effect."""

    @property
    def direction(self) -> Literal["send", "receive"]: ...
    @property
    def group_id(self) -> bytes: ...
    @property
    def epoch(self) -> int:
        """The epoch that the commit would end."""
    @property
    def external(self) -> bool: ...
    @property
    def committer(self) -> int | None:
        """The committer's leaf index; None for an external commit."""
    @property
    def committer_credential(self) -> bytes: ...
    @property
    def committer_signature_key(self) -> bytes: ...
    @property
    def proposals(self) -> list[ProposalView]: ...
    @property
    def context_data(self) -> bytes | None:
        """The context extension's bytes before the commit."""
    def roster(self) -> list[Member]:
        """The members before the commit (made only when asked for)."""

@final
class Application:
    """A decrypted application message, its sender's signature and leaf verified.

    `sender` is the leaf index. A late message of an older epoch is refused (`member-not-found`)
    where its leaf has left since or changed its key.
    """

    @property
    def sender(self) -> int: ...
    @property
    def credential(self) -> bytes: ...
    @property
    def signature_key(self) -> bytes: ...
    @property
    def epoch(self) -> int: ...
    @property
    def generation(self) -> int | None:
        """The sender's ratchet generation (not signed)."""
    @property
    def plaintext(self) -> bytes: ...
    @property
    def authenticated_data(self) -> bytes: ...

@final
class Commit:
    """A commit that was applied (for `Observer.stage`: that would be)."""

    @property
    def committer(self) -> int: ...
    @property
    def external(self) -> bool: ...
    @property
    def epoch(self) -> int:
        """The new epoch."""
    @property
    def added(self) -> list[Member]: ...
    @property
    def removed(self) -> list[Member]: ...
    @property
    def path(self) -> bool:
        """True where the committer's leaf and path were renewed."""
    @property
    def context_changed(self) -> bool: ...
    @property
    def context_data(self) -> bytes | None:
        """The context extension's bytes after the commit."""
    @property
    def self_removed(self) -> bool: ...
    @property
    def authenticated_data(self) -> bytes: ...

@final
class Proposal:
    """A member asked to leave; nobody can encrypt until some other member commits."""

    @property
    def sender(self) -> int: ...
    @property
    def leaf_index(self) -> int | None:
        """The leaf to remove: the sender's own."""
    @property
    def authenticated_data(self) -> bytes: ...

Event = Application | Commit | Proposal

@final
class Encrypted:
    """A PrivateMessage with the epoch and ratchet generation that it used up."""

    @property
    def ciphertext(self) -> bytes: ...
    @property
    def epoch(self) -> int: ...
    @property
    def generation(self) -> int: ...

@final
class StateChange:
    """What the vault must write, in one transaction with whatever leaves the device.

    Write `state`; replace the stored tree unless `tree` is None; upsert `epochs`; delete epochs
    below `drop_epochs_below`. All of it is secret.
    """

    @property
    def group_id(self) -> bytes: ...
    @property
    def epoch(self) -> int: ...
    @property
    def state(self) -> bytes: ...
    @property
    def tree(self) -> bytes | None:
        """The ratchet tree, when the epoch differs from that of the last change."""
    @property
    def epochs(self) -> list[tuple[int, bytes]]: ...
    @property
    def drop_epochs_below(self) -> int: ...

@final
class KeyPackage:
    """A fresh key package: publish `message`, keep `private` under `reference` until it is used."""

    @property
    def message(self) -> bytes: ...
    @property
    def reference(self) -> bytes: ...
    @property
    def private(self) -> bytes: ...
    @property
    def not_after(self) -> int: ...

@final
class PendingCommit:
    """A commit of one's own: send `message`; hand out the rest once the server took it.

    `welcomes` pairs each newcomer's key package reference with its own Welcome. `group_info` allows
    the external resync of the *new* epoch; `tree` is the new ratchet tree.
    """

    @property
    def message(self) -> bytes: ...
    @property
    def welcomes(self) -> list[tuple[bytes, bytes]]: ...
    @property
    def tree(self) -> bytes: ...
    @property
    def group_info(self) -> bytes: ...
    @property
    def epoch(self) -> int:
        """The epoch that it would begin."""

@final
class MessageInfo:
    """What can be read of an MLSMessage without its group."""

    @property
    def wire_format(
        self,
    ) -> Literal["public-message", "private-message", "welcome", "group-info", "key-package"]: ...
    @property
    def content_type(self) -> Literal["application", "proposal", "commit"] | None: ...
    @property
    def group_id(self) -> bytes | None: ...
    @property
    def epoch(self) -> int | None: ...
    @property
    def sender(self) -> int | None:
        """A PublicMessage's sender; None for a newcomer, or where it is encrypted."""
    @property
    def external(self) -> bool:
        """True for an external commit."""
    @property
    def authenticated_data(self) -> bytes | None: ...
    @property
    def references(self) -> list[bytes]:
        """The key package references of a Welcome, or the one of a key package."""

@final
class KeyPackageInfo:
    """A key package whose signatures, lifetime and identity were verified."""

    @property
    def reference(self) -> bytes: ...
    @property
    def credential(self) -> bytes: ...
    @property
    def signature_key(self) -> bytes: ...
    @property
    def not_after(self) -> int: ...

@final
class Group:
    """A member's own state of one group. Made by `Client`."""

    @property
    def group_id(self) -> bytes: ...
    @property
    def epoch(self) -> int: ...
    @property
    def own_leaf_index(self) -> int: ...
    @property
    def context_data(self) -> bytes | None: ...
    @property
    def epoch_authenticator(self) -> bytes: ...
    @property
    def has_pending_commit(self) -> bool: ...
    @property
    def commit_required(self) -> bool:
        """True while somebody's wish to leave waits for a commit; encryption is refused then."""
    @property
    def removed(self) -> bool:
        """True once a commit removed this device; only `take_changes` makes sense then."""
    def members(self) -> list[Member]: ...
    def member_count(self) -> int: ...
    def member(self, leaf_index: int) -> Member:
        """Errors: `no-such-member`."""
    def export_secret(self, label: bytes, context: bytes, length: int) -> bytes:
        """RFC 9420 §8.5; `length` at most 8160."""
    def ratchet_tree(self) -> bytes: ...
    def group_info(self) -> bytes:
        """A signed GroupInfo for the external resync of the current epoch, without the tree."""
    def encrypt(self, plaintext: bytes, authenticated_data: bytes = b"") -> Encrypted:
        """Encrypts an application message.

        Before `ciphertext` leaves the device, persist either `take_changes()` or, much cheaper, the
        pair (epoch, generation + 1), which `Client.load_group` takes as `sent`.
        Errors: `commit-required`, `too-large`, `removed`.
        """
    def process(self, message: bytes, now: int) -> Event:
        """Processes one message; on any error the group is as it was before.

        (But a ciphertext that fails after its sender data opened has used up that one generation;
        and 1,024 generations at most can be skipped by one message, 65,536 in an epoch.)
        `now` is when the server took the message. Errors among others: `wrong-epoch` (a commit that
        lost its race, or came early), `epoch-gone`, `key-used` (a duplicate), `generation-too-far`,
        `too-many-skipped`, `own-message`, `wrong-group`, `malformed`, `invalid-signature`, and
        what the hooks raise. One's own pending commit is recognised and applied; another's commit
        discards it.
        """
    def commit(
        self,
        *,
        add: Sequence[bytes] = (),
        remove: Sequence[int] = (),
        context_data: bytes | None = None,
        update_path: bool = False,
        authenticated_data: bytes = b"",
        now: int,
    ) -> PendingCommit:
        """Makes a commit, and keeps it pending until it is applied, processed or cleared.

        Wishes to leave that were received are committed too. An empty commit renews one's own
        leaf and path, and so does any that removes; `update_path` forces it for one that only
        adds. Errors: `commit-pending`, `too-many-members`, `invalid-lifetime`, what the hooks
        raise.
        """
    def apply_pending_commit(self) -> Commit:
        """Errors: `no-pending-commit`."""
    def clear_pending_commit(self) -> None: ...
    def propose_self_remove(self, authenticated_data: bytes = b"") -> bytes:
        """A PublicMessage that asks the others to remove this leaf; one's own encryption ends."""
    def clear_proposals(self) -> None:
        """Forgets wishes to leave that nobody has committed."""
    def take_changes(self) -> StateChange:
        """What to persist now; the next call gives only what came since."""

@final
class Client:
    """One device: its credential, signing key and the hooks that judge others.

    `credential`: opaque identity bytes of the basic credential, 1 to 1,024; equal credentials are
    the same device. `signature_seed`: the 32-byte Ed25519 seed. `prior_epochs`: how many past
    epochs stay readable for late messages. `interop_psks` switches off this project's own rules
    about proposals, for the published test vectors alone.
    """

    def __init__(
        self,
        credential: bytes,
        signature_seed: bytes,
        identity_check: IdentityCheck,
        commit_check: CommitCheck,
        *,
        prior_epochs: int = 5,
        interop_psks: dict[bytes, bytes] | None = None,
    ) -> None: ...
    @property
    def credential(self) -> bytes: ...
    @property
    def signature_key(self) -> bytes: ...
    def generate_key_package(self, now: int, lifetime: int = 7_776_000) -> KeyPackage:
        """A key package valid from an hour before `now` to `lifetime` seconds after it."""
    def create_group(
        self, group_id: bytes, now: int, context_data: bytes | None = None
    ) -> Group: ...
    def join(self, welcome: bytes, ratchet_tree: bytes, private: bytes) -> tuple[Group, int]:
        """Joins from a Welcome with the `private` part of the key package that it names.

        Gives the group and the leaf index of whoever added this device. Delete the private part
        in the transaction that writes the group's first `take_changes()`. Members' lifetimes are
        not judged again here (RFC 9420 §7.3). Errors: `no-key-package`, `tree-mismatch`, what the
        hooks raise.
        """
    def rejoin(
        self, group_info: bytes, ratchet_tree: bytes, authenticated_data: bytes = b""
    ) -> tuple[Group, bytes]:
        """External commit as a resync: removes one's own old leaf, which must exist.

        Gives the group in its new epoch and the commit to send; drop the group if the server
        refuses it. Errors: `not-a-member`.
        """
    def load_group(
        self,
        state: bytes,
        ratchet_tree: bytes,
        epochs: Sequence[tuple[int, bytes]] = (),
        sent: tuple[int, int] | None = None,
    ) -> Group:
        """Loads what `take_changes` gave.

        `sent` = (epoch, next generation) as persisted with the last message sent: generations
        below it are burnt, so that no key is used twice. Errors: `malformed`, `state-behind`
        (`sent` is of a later epoch than the state: the vault lost a write; rejoin).
        """

@final
class StagedCommit:
    """A message that an `Observer` found valid and has not yet accepted."""

    @property
    def event(self) -> Commit | Proposal: ...
    @property
    def snapshot(self) -> bytes:
        """The observer's state after it, without the tree."""
    @property
    def ratchet_tree(self) -> bytes: ...
    @property
    def epoch(self) -> int: ...

@final
class Observer:
    """A group as the server follows it: public state only, no secret.

    It verifies signatures, tree, path, proposals and leaves, and runs both hooks. It cannot verify
    membership tags, confirmation tags or the encrypted path secrets, which need the group's
    secrets: a *member* can still post a commit that passes here and fails at the members.
    """

    @property
    def group_id(self) -> bytes: ...
    @property
    def epoch(self) -> int: ...
    @property
    def context_data(self) -> bytes | None: ...
    def members(self) -> list[Member]: ...
    def member_count(self) -> int: ...
    def ratchet_tree(self) -> bytes: ...
    def snapshot(self) -> bytes:
        """State without the tree; keep it together with `ratchet_tree()`."""
    def stage(self, message: bytes, now: int) -> StagedCommit:
        """Validates a PublicMessage (commit or wish to leave); the observer itself is unchanged."""
    def accept(self, staged: StagedCommit) -> None:
        """Moves on to a staged state. Errors: `wrong-epoch` if another was accepted since."""
    def check_group_info(self, group_info: bytes) -> None:
        """Refuses a GroupInfo that is not exactly of this epoch, or allows no external commit."""

@final
class ObserverClient:
    """Makes observers that share the two hooks."""

    def __init__(self, identity_check: IdentityCheck, commit_check: CommitCheck) -> None: ...
    def observe(self, group_info: bytes, ratchet_tree: bytes) -> Observer:
        """Begins to observe; every leaf passes the identity check with context `new-group`."""
    def load(self, snapshot: bytes, ratchet_tree: bytes) -> Observer: ...
    def validate_key_package(self, message: bytes, now: int) -> KeyPackageInfo:
        """Verifies a key package's form, signatures, lifetime and identity."""

@final
class SignaturePublicKey:
    """An Ed25519 public key, its point kept decompressed."""

    def __init__(self, data: bytes) -> None:
        """Takes 32 bytes that name a point. Errors: `bad-signature-key`."""

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether 64 bytes sign a message: [S]B = R + [k]A by R's bytes, S below the order.

        Neither R nor the key may be of small order. That the key is canonical and of prime order
        is for the caller to know.
        """

@final
class SignatureSecretKey:
    """An Ed25519 private key; its seed is zeroed when the object goes."""

    def __init__(self, seed: bytes) -> None:
        """Takes 32 bytes. Errors: `bad-signature-key`."""

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""

    def sign(self, message: bytes) -> bytes:
        """Returns the 64-byte signature of RFC 8032."""

def inspect_message(message: bytes) -> MessageInfo:
    """Reads an MLSMessage without its group. Errors: `malformed`, `too-large`."""

def signature_public_key(seed: bytes) -> bytes:
    """The Ed25519 public key (32 bytes) of a 32-byte seed. Errors: `bad-signature-key`."""

def import_key_package(message: bytes, init_key: bytes, leaf_key: bytes) -> KeyPackage:
    """Rebuilds a `KeyPackage` from raw X25519 private keys (32 bytes each), for test vectors."""
