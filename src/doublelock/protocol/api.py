"""HTTP bodies, both ways: msgpack maps, strictly typed (spec W-30 to W-49).

Every body is `application/msgpack` except documents and blobs, which travel as their own bytes. A
refusal is a `Problem` with an HTTP status of 400 or above.
"""

from typing import Annotated, Final, TypeVar

from msgspec import DecodeError, Meta, Struct, json, msgpack

from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed
from doublelock.protocol.frames import U16, U64, Bytes16, Bytes32, Path, Signature, Text

CONTENT_TYPE: Final = "application/msgpack"
AUTHORIZATION: Final = "authorization"
"""`Authorization: Bearer <token in base64url without padding>`; never in a URL."""

Document = Annotated[bytes, Meta(min_length=1, max_length=limits.LAW_DOCUMENT)]
KeyPackage = Annotated[bytes, Meta(min_length=1, max_length=limits.MLS_KEY_PACKAGE)]


class Body(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of every body."""


class Problem(Body, frozen=True, kw_only=True):
    """A refusal: `code` is a `Code`'s value, `detail` holds no secret."""

    code: Text
    detail: Text = ""


class Deployment(Body, frozen=True, kw_only=True):
    """`GET /v1/deployment`, as JSON: where everything is; public. `deployment` is hexadecimal."""

    deployment: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    http: Text
    stream: Text
    time_ms: U64
    version: U16 = 1


class Charters(Body, frozen=True, kw_only=True):
    """`GET /v1/charters`: the genesis charter and every amendment, oldest first, as signed."""

    documents: Annotated[
        tuple[Annotated[bytes, Meta(max_length=limits.CHARTER)], ...],
        Meta(max_length=limits.CHARTERS),
    ]


# --- sessions and accounts ------------------------------------------------------------------


class AskChallenge(Body, frozen=True, kw_only=True):
    """`POST /v1/session/challenge`: `subject` as `session.encode_subject`."""

    subject: Annotated[bytes, Meta(min_length=33, max_length=49)]


class Challenge(Body, frozen=True, kw_only=True):
    """32 random bytes to sign before `expires_ms` (spec W-20)."""

    challenge: Bytes32
    expires_ms: U64


class OpenSession(Body, frozen=True, kw_only=True):
    """`POST /v1/session`: the challenge, signed by the subject's key."""

    subject: Annotated[bytes, Meta(min_length=33, max_length=49)]
    challenge: Bytes32
    signature: Signature


class Session(Body, frozen=True, kw_only=True):
    """A token for `Authorization` and `Hello`, good until `expires_ms`."""

    token: Bytes32
    expires_ms: U64


class Register(Body, frozen=True, kw_only=True):
    """`POST /v1/register`: a handle and the account's first key-log entry."""

    handle: Annotated[str, Meta(min_length=1, max_length=limits.HANDLE)]
    entry: Annotated[bytes, Meta(min_length=1, max_length=limits.LOG_ENTRY)]


class AppendEntry(Body, frozen=True, kw_only=True):
    """`POST /v1/key-log/entries`: an update or reset of an account."""

    entry: Annotated[bytes, Meta(min_length=1, max_length=limits.LOG_ENTRY)]


class Appended(Body, frozen=True, kw_only=True):
    """The entry is in the log at `index`; wait for a cosigned checkpoint above it."""

    index: U64


class Handles(Body, frozen=True, kw_only=True):
    """`POST /v1/directory` asks for accounts' handles; check each against its account id."""

    accounts: Annotated[tuple[Bytes32, ...], Meta(max_length=limits.GROUP_MEMBERS)]


class Directory(Body, frozen=True, kw_only=True):
    """The handles in the order asked for; empty when the account is unknown."""

    handles: tuple[Text, ...]


# --- key packages ---------------------------------------------------------------------------


class PublishKeyPackages(Body, frozen=True, kw_only=True):
    """`POST /v1/key-packages`: the device's own, each given out once.

    `last_resort` is given out again and again when no other is left; empty keeps what is there.
    """

    packages: Annotated[tuple[KeyPackage, ...], Meta(max_length=limits.KEY_PACKAGES)]
    last_resort: Annotated[bytes, Meta(max_length=limits.MLS_KEY_PACKAGE)] = b""


class KeyPackageCount(Body, frozen=True, kw_only=True):
    """How many of the device's packages are left, the last resort apart."""

    left: U64


class DeviceName(Body, frozen=True, kw_only=True):
    """A device of an account."""

    account: Bytes32
    device: Bytes16


class ClaimKeyPackages(Body, frozen=True, kw_only=True):
    """`POST /v1/key-packages/claim`: one package for each device."""

    devices: Annotated[tuple[DeviceName, ...], Meta(max_length=limits.CLAIM_DEVICES)]


class ClaimedKeyPackages(Body, frozen=True, kw_only=True):
    """In the order asked for; empty where a device has none."""

    packages: tuple[Annotated[bytes, Meta(max_length=limits.MLS_KEY_PACKAGE)], ...]


# --- conversations --------------------------------------------------------------------------


class CreateConversation(Body, frozen=True, kw_only=True):
    """`POST /v1/conversations`: a group of one, its GroupInfo and ratchet tree at epoch 0.

    `random` proves the conversation's id: hash(creator device, random, deployment) (spec G-1).
    """

    conversation: Bytes32
    random: Bytes32
    group_info: Annotated[bytes, Meta(min_length=1, max_length=limits.RATCHET_TREE)]
    tree: Annotated[bytes, Meta(max_length=limits.RATCHET_TREE)]


class WelcomeFor(Body, frozen=True, kw_only=True):
    """One recipient's Welcome."""

    account: Bytes32
    device: Bytes16
    welcome: Annotated[bytes, Meta(min_length=1, max_length=limits.MLS_WELCOME)]


class PostCommit(Body, frozen=True, kw_only=True):
    """`POST /v1/conversations/{id}/commits`: a PublicMessage (commit, or a wish to leave).

    `group_info` is that of the epoch after a commit: it lets a broken device of a member rejoin.
    The ratchet tree that the welcomed need is the server's own, as its observer computed it.
    """

    commit: Annotated[bytes, Meta(min_length=1, max_length=limits.MLS_COMMIT)]
    welcomes: Annotated[tuple[WelcomeFor, ...], Meta(max_length=limits.GROUP_MEMBERS)] = ()
    group_info: Annotated[bytes, Meta(max_length=limits.RATCHET_TREE)] = b""


class PostedCommit(Body, frozen=True, kw_only=True):
    """The commit is durable and ordered; `epoch` is the group's epoch after it."""

    sequence: U64
    time_ms: U64
    epoch: U64
    previous: Bytes32
    index: U64
    size: U64
    path: Path
    signature: Signature


class ConversationState(Body, frozen=True, kw_only=True):
    """A conversation as the server has it, for one of its members."""

    conversation: Bytes32
    random: Bytes32
    creator: Bytes16
    epoch: U64
    head: U64
    timer_ms: U64
    members: tuple[DeviceName, ...]


class Conversations(Body, frozen=True, kw_only=True):
    """`GET /v1/conversations`: those that the device is a member of, with their heads."""

    conversations: tuple[Bytes32, ...]
    heads: tuple[U64, ...]


class SetTimer(Body, frozen=True, kw_only=True):
    """`PUT /v1/conversations/{id}/timer`: delete messages this long after they came; 0: never.

    For admins (spec G-14).
    """

    timer_ms: U64


# --- blobs ----------------------------------------------------------------------------------


class StartBlob(Body, frozen=True, kw_only=True):
    """`POST /v1/blobs`: the ciphertext's whole size and SHA-256."""

    size: Annotated[int, Meta(ge=1, le=limits.BLOB)]
    digest: Bytes32


class Blob(Body, frozen=True, kw_only=True):
    """A blob's name, which is a capability of 32 random bytes, and how much of it is there."""

    blob: Bytes32
    size: U64
    received: U64


# --- devices, mail and push -----------------------------------------------------------------


class DeviceUse(Body, frozen=True, kw_only=True):
    """A device of one's own account: the last day on which it connected, if days are kept.

    `day` is -1 where none is known; `push` says that it is subscribed.
    """

    device: Bytes16
    day: Annotated[int, Meta(ge=-1, le=limits.LAST_DAY)]
    push: bool


class Devices(Body, frozen=True, kw_only=True):
    """`GET /v1/devices`: the account's listed devices; `days` says that days of use are kept."""

    devices: tuple[DeviceUse, ...]
    days: bool


class KeepDays(Body, frozen=True, kw_only=True):
    """`PUT /v1/devices`: whether to keep days of use; without, those that are there go."""

    days: bool


class SendMail(Body, frozen=True, kw_only=True):
    """`POST /v1/mail`: sealed bytes for one device; 64 KiB for one's own, 1 KiB for others'."""

    account: Bytes32
    device: Bytes16
    sealed: Annotated[bytes, Meta(min_length=1, max_length=limits.OWN_MAIL)]


class PushState(Body, frozen=True, kw_only=True):
    """`GET /v1/push`: the deployment's VAPID key, an uncompressed P-256 point (RFC 8292)."""

    key: Annotated[bytes, Meta(min_length=65, max_length=65)]
    subscribed: bool


class Subscribe(Body, frozen=True, kw_only=True):
    """`PUT /v1/push`: the endpoint that the device's push service gave it; one a device."""

    endpoint: Annotated[str, Meta(pattern=r"^https?://[!-~]+$", max_length=limits.PUSH_ENDPOINT)]


class Bundle(Body, frozen=True, kw_only=True):
    """`GET /v1/bundle`: the web client's manifest, its line in the law log, and the tlog-proof."""

    manifest: Annotated[bytes, Meta(min_length=1, max_length=limits.BUNDLE_MANIFEST)]
    line: Annotated[bytes, Meta(min_length=1, max_length=limits.TILE_ENTRY)]
    proof: Annotated[bytes, Meta(min_length=1, max_length=limits.TLOG_PROOF)]


# --- law ------------------------------------------------------------------------------------


class Filed(Body, frozen=True, kw_only=True):
    """A document is durable; `log_index` is its law-log entry, or -1 when its kind logs nothing."""

    number: U64
    log_index: int


class LawDocument(Body, frozen=True, kw_only=True):
    """One document of a case, in the order in which the server took it."""

    number: U64
    case: Bytes32
    kind: Text
    author: Bytes32
    time_ms: U64
    log_index: int
    document: Annotated[bytes, Meta(max_length=limits.LAW_DOCUMENT)]


class LawDocuments(Body, frozen=True, kw_only=True):
    """`GET /v1/law/documents?after=`: what came after a number, at most 256 at once."""

    documents: tuple[LawDocument, ...]


class LabelName(Body, frozen=True, kw_only=True):
    """The part of a label that picks envelopes: conversation, sender account, day."""

    conversation: Bytes32
    account: Bytes32
    day: U64


class AskEnvelopes(Body, frozen=True, kw_only=True):
    """`POST /v1/law/cases/{case}/envelopes`: labels of a logged release request of this warrant.

    The answer holds as many of their messages as the server gives at once, in the order of the
    labels and their sequences; `after` is the last sequence got of the first label. One without a
    message says that there are no more.
    """

    labels: Annotated[tuple[LabelName, ...], Meta(max_length=limits.LABELS_PER_WARRANT)]
    after: U64 = 0


# --- ceremonies -----------------------------------------------------------------------------


class CeremonyMessage(Body, frozen=True, kw_only=True):
    """One participant's message of one round; opaque and signed by its author."""

    number: U64
    round: U16
    author: Bytes32
    message: Annotated[bytes, Meta(max_length=limits.CEREMONY_MESSAGE)]


class PostCeremonyMessage(Body, frozen=True, kw_only=True):
    """`POST /v1/ceremonies/{id}/messages`: one message per author and round, first come."""

    round: U16
    message: Annotated[bytes, Meta(min_length=1, max_length=limits.CEREMONY_MESSAGE)]


class CeremonyMessages(Body, frozen=True, kw_only=True):
    """`GET /v1/ceremonies/{id}/messages?after=`: in the order in which the server took them."""

    messages: tuple[CeremonyMessage, ...]


class OpenCeremony(Body, frozen=True, kw_only=True):
    """`POST /v1/ceremonies`: 32 bytes that name it and its opening document."""

    ceremony: Bytes32
    document: Document


class Ceremony(Body, frozen=True, kw_only=True):
    """A ceremony with its opening document."""

    ceremony: Bytes32
    document: Document
    time_ms: U64


class Ceremonies(Body, frozen=True, kw_only=True):
    """`GET /v1/ceremonies`: every ceremony, oldest first."""

    ceremonies: tuple[Ceremony, ...]


class KeyEpochs(Body, frozen=True, kw_only=True):
    """`GET /v1/key-epochs`: every signed key epoch document, oldest first."""

    documents: tuple[Document, ...]


AnyBody = TypeVar("AnyBody", bound=Body)


def encode_body(body: Body) -> bytes:
    """Return a body as msgpack."""
    return msgpack.encode(body)


def decode_body(data: bytes, kind: type[AnyBody]) -> AnyBody:
    """Return the body of a kind from msgpack. Raises Malformed(FORM)."""
    try:
        return msgpack.decode(data, type=kind)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(Code.FORM, kind.__name__) from error


def decode_deployment(data: bytes) -> Deployment:
    """Return the JSON of `GET /v1/deployment`. Raises Malformed(FORM)."""
    try:
        return json.decode(data, type=Deployment)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(Code.FORM, "deployment") from error


def encode_deployment(deployment: Deployment) -> bytes:
    """Return the JSON of `GET /v1/deployment`."""
    return json.encode(deployment)
