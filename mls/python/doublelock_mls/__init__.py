"""MLS (RFC 9420) over mls-rs; see `__init__.pyi` for what everything does."""

from collections.abc import Callable
from typing import Literal

from doublelock_mls._doublelock_mls import (
    CONTEXT_EXTENSION,
    MAX_CONTEXT_DATA,
    MAX_CREDENTIAL,
    MAX_GENERATION_SKIP,
    MAX_MEMBERS,
    MAX_MESSAGE,
    MAX_PLAINTEXT,
    MAX_STATE,
    MAX_TREE,
    Application,
    Client,
    Commit,
    CommitView,
    Encrypted,
    Group,
    KeyPackage,
    KeyPackageInfo,
    Member,
    MessageInfo,
    MlsError,
    Observer,
    ObserverClient,
    PendingCommit,
    Proposal,
    ProposalView,
    StagedCommit,
    StateChange,
    import_key_package,
    inspect_message,
    signature_public_key,
)

Event = Application | Commit | Proposal
IdentityContext = Literal["commit", "new-group", "key-package"]
IdentityCheck = Callable[[bytes, bytes, str], None]
CommitCheck = Callable[[CommitView], None]

__all__ = [
    "CONTEXT_EXTENSION",
    "MAX_CONTEXT_DATA",
    "MAX_CREDENTIAL",
    "MAX_GENERATION_SKIP",
    "MAX_MEMBERS",
    "MAX_MESSAGE",
    "MAX_PLAINTEXT",
    "MAX_STATE",
    "MAX_TREE",
    "Application",
    "Client",
    "Commit",
    "CommitCheck",
    "CommitView",
    "Encrypted",
    "Event",
    "Group",
    "IdentityCheck",
    "IdentityContext",
    "KeyPackage",
    "KeyPackageInfo",
    "Member",
    "MessageInfo",
    "MlsError",
    "Observer",
    "ObserverClient",
    "PendingCommit",
    "Proposal",
    "ProposalView",
    "StagedCommit",
    "StateChange",
    "import_key_package",
    "inspect_message",
    "signature_public_key",
]
