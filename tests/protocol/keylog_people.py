"""People for key-log tests: devices with real keys, invitations and signed entries."""

from dataclasses import dataclass
from itertools import count

from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.identifiers import (
    AccountId,
    DeploymentId,
    DeviceId,
    name_account,
    name_device,
)
from doublelock.protocol.keylog_entry import (
    NO_DEVICE,
    NOBODY,
    Entry,
    Invitation,
    draft_update,
    make_invitation,
    make_invited_entry,
    sign_update,
)

DEPLOYMENT = DeploymentId(b"D" * 32)
GENESIS = SigningKey(b"G" * 32)
SALT = b"salt"
NOW = 1_262_563_200_000  # 2010-01-04
FOREVER = NOW + 10**12
SKEW = 300_000
_seeds = count(1)


def new_key() -> SigningKey:
    return SigningKey(next(_seeds).to_bytes(32, "big"))


@dataclass
class Person:
    handle: str
    key: SigningKey

    @property
    def account(self) -> AccountId:
        return name_account(SALT, self.handle)

    @property
    def device(self) -> DeviceId:
        return name_device(self.key.public.encoded)


def invite(
    by: Person | None = None,
    *,
    committee: int = 1,
    expires_ms: int = FOREVER,
    reset_of: AccountId | None = None,
) -> tuple[SigningKey, Invitation]:
    key = new_key()
    made = make_invitation(
        DEPLOYMENT,
        by.key.sign if by else GENESIS.sign,
        key.public.encoded,
        committee,
        expires_ms,
        inviter=by.account if by else NOBODY,
        inviter_device=by.device if by else NO_DEVICE,
        reset_of=reset_of,
    )
    return key, made


def first_entry(
    person: Person,
    invited: tuple[SigningKey, Invitation] | None = None,
    *,
    time_ms: int = NOW,
) -> Entry:
    key, invitation = invited or invite()
    return make_invited_entry(
        DEPLOYMENT,
        person.account,
        invitation,
        key.sign,
        [(person.key.public.encoded, person.key.sign)],
        time_ms,
    )


def update_entry(
    account: AccountId,
    number: int,
    previous: int,
    keys: list[SigningKey],
    author: SigningKey,
    new: list[SigningKey],
    *,
    lineage: int = 1,
    committee: int = 1,
    time_ms: int = NOW,
) -> Entry:
    draft = draft_update(
        account,
        number,
        lineage,
        previous,
        committee,
        [key.public.encoded for key in keys],
        author.public.encoded,
        time_ms,
    )
    return sign_update(
        DEPLOYMENT, draft, author.sign, [(key.public.encoded, key.sign) for key in new]
    )
