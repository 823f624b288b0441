"""A new device's request to be listed by an account's existing device, as one line (spec Y-13).

The request is public. It holds the new device's proof for every entry that could list it next: one
for each device that may sign as author. So one line, shown once, is all that has to be carried.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from doublelock.protocol import ed25519, limits
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import decode_base64url, encode_base64url
from doublelock.protocol.encoding import Reader, tagged, u8, u32, u64
from doublelock.protocol.errors import KeyLogRefused, Malformed
from doublelock.protocol.identifiers import (
    ACCOUNT_SIZE,
    DEPLOYMENT_SIZE,
    AccountId,
    DeploymentId,
    DeviceId,
    name_device,
)
from doublelock.protocol.keylog import AccountVersion
from doublelock.protocol.keylog_entry import (
    KEY_SIZE,
    SIGNATURE_SIZE,
    Entry,
    Signer,
    draft_update,
)

_VERSION: Final = 1
_TAG_CODE: Final = b"doublelock/v1/link-request/code"
_SCHEME: Final = "doublelock-link:"
_GROUPS: Final = 4
_TEXT: Final = 2048


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """What a new device asks for, as decoded: nothing of it is verified yet.

    `number` and `previous` are those of the entry to be made, `key` the new device's Ed25519 key
    (32 bytes), `proofs` its signatures (64 bytes each) in the order of the account's device keys.
    """

    deployment: DeploymentId
    account: AccountId
    number: int
    previous: int
    time_ms: int
    key: bytes
    proofs: tuple[bytes, ...]

    @property
    def device(self) -> DeviceId:
        """Return the new device's id."""
        return name_device(self.key)

    def encode(self) -> bytes:
        """Return the request's bytes: 118, and 64 for each proof."""
        head = (
            u8(_VERSION),
            self.deployment,
            self.account,
            u32(self.number),
            u64(self.previous),
            u64(self.time_ms),
            self.key,
            u8(len(self.proofs)),
        )
        return b"".join((*head, *self.proofs))

    def text(self) -> str:
        """Return the request as the line to carry to an existing device."""
        return _SCHEME + encode_base64url(self.encode())

    @property
    def code(self) -> str:
        """Return the code to compare on both devices: 4 groups of 5 digits (66 bits)."""
        digest = hashlib.sha512(tagged(_TAG_CODE, self.encode())).digest()
        groups = (
            int.from_bytes(digest[5 * i : 5 * i + 5], "big") % 100_000 for i in range(_GROUPS)
        )
        return " ".join(f"{group:05d}" for group in groups)


def make_link_request(
    deployment: DeploymentId, now: AccountVersion, key: bytes, sign: Signer, time_ms: int
) -> LinkRequest:
    """Return the request of a new device (its 32-byte key and signer) to an account as it is now.

    Raises KeyLogRefused(not-allowed) when the account has as many devices as it can have.
    """
    if len(now.keys) >= limits.DEVICES_PER_ACCOUNT:
        raise KeyLogRefused(Code.NOT_ALLOWED, f"{len(now.keys)} devices are the most")
    drafts = [_draft(now, key, author, time_ms) for author in now.keys]
    proofs = tuple(sign(draft.possession_bytes(deployment, key)) for draft in drafts)
    return LinkRequest(deployment, now.account, now.number + 1, now.index, time_ms, key, proofs)


def decode_link_request(text: str) -> LinkRequest:
    """Return the request in a line of text; only its form is checked. Raises Malformed."""
    line = text.strip()
    if len(line) > _TEXT:
        raise Malformed(Code.SIZE, "link request")
    if not line.startswith(_SCHEME):
        raise Malformed(Code.FORM, "not a link request")
    try:
        reader = Reader(decode_base64url(line.removeprefix(_SCHEME)))
    except ValueError:
        raise Malformed(Code.FORM, "not a link request") from None
    if reader.u8() != _VERSION:
        raise Malformed(Code.FORM, "link request version")
    request = LinkRequest(
        deployment=DeploymentId(reader.take(DEPLOYMENT_SIZE)),
        account=AccountId(reader.take(ACCOUNT_SIZE)),
        number=reader.u32(),
        previous=reader.u64(),
        time_ms=reader.u64(),
        key=reader.take(KEY_SIZE),
        proofs=tuple(reader.take(SIGNATURE_SIZE) for _ in range(reader.u8())),
    )
    reader.end()
    return request


def sign_link_request(
    request: LinkRequest,
    deployment: DeploymentId,
    now: AccountVersion,
    author_key: bytes,
    sign: Signer,
) -> Entry:
    """Return the entry that lists the new device, signed by an existing one as its author.

    The person has compared the codes before. Raises KeyLogRefused: unknown-account (another's
    request), entry-order (the account has changed since: ask again); what Ed25519 refuses.
    """
    if (request.deployment, request.account) != (deployment, now.account):
        raise KeyLogRefused(Code.UNKNOWN_ACCOUNT, "a request to another account")
    if (request.number, request.previous) != (now.number + 1, now.index):
        raise KeyLogRefused(Code.ENTRY_ORDER, "the account has changed since the request")
    if len(request.proofs) != len(now.keys) or author_key not in now.keys:
        raise KeyLogRefused(Code.GHOST_DEVICE, "no proof for this device's entry")
    draft = _draft(now, request.key, author_key, request.time_ms)
    proof = request.proofs[now.keys.index(author_key)]
    ed25519.verify(request.key, proof, draft.possession_bytes(deployment, request.key))
    return replace(draft, author_signature=sign(draft.author_bytes(deployment)), proofs=(proof,))


def _draft(now: AccountVersion, key: bytes, author_key: bytes, time_ms: int) -> Entry:
    return draft_update(
        now.account,
        now.number + 1,
        now.lineage,
        now.index,
        now.committee,
        [*now.keys, key],
        author_key,
        time_ms,
    )
