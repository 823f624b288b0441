"""Founding a deployment: the operator's own keys, everybody else's public ones, one charter (C-2).

Each party makes its key on its own machine and hands over one line (`PartyLine`); the operator
puts the lines into a plan, which becomes the genesis charter. No secret but the operator's is here.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, Literal

import msgspec

from doublelock.keep import StateFolder
from doublelock.protocol import jws, limits
from doublelock.protocol.charter import genesis_id, write_terms
from doublelock.protocol.charter_terms import (
    Approver,
    Caps,
    CharterTerms,
    Committee,
    Custodian,
    Days,
    Party,
    Profile,
    VKey,
    WarrantKind,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import (
    Bytes32,
    CommitteeNumber,
    Count,
    Document,
    Name,
    Word,
)
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import Malformed, VaultRefused
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.note import SignatureType
from doublelock.server.config import Keys

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_CHARTERS: Final = "charters"
_DEPLOYMENT: Final = "deployment"
_GENESIS: Final = "genesis-key"
_KEYS: Final = ("operator", "receipt", "key-log", "law-log")
_LATER: Final = "keys/later"
PartyRole = Literal["custodian", "court", "agency", "minister", "judge", "witness"]


class PartyLine(Document, frozen=True):
    """What a party hands over: its key is unpadded base64url, a witness's a C2SP verifier key."""

    role: PartyRole
    name: Name
    key: VKey


class ProfilePlan(Document, frozen=True):
    """What a kind of warrant needs and how long everything may last (spec C-7)."""

    kind: WarrantKind
    offences: tuple[Word, ...]
    approvals: tuple[Approver, ...] = (Approver.MINISTER, Approver.JUDGE)
    urgent: tuple[Approver, ...] = ()
    urgent_window_hours: Count = 0
    max_days: Days = 31
    validity_days: Days = 14
    gag_days: Days = 30
    notice_days: Days = 3
    renewals: Count = 1
    unnamed_senders: Count = 10


class CommitteePlan(Document, frozen=True):
    """One jurisdiction: its parties as they handed themselves over, custodians in their order."""

    number: CommitteeNumber
    name: Name
    jurisdiction: Name
    threshold: Annotated[int, msgspec.Meta(ge=0, le=limits.CUSTODIANS)]
    parties: tuple[PartyLine, ...]
    profiles: tuple[ProfilePlan, ...]
    caps: Caps
    retention_days: Days
    escrow: Literal["threshold", "none"] = "threshold"


class FoundingPlan(Document, frozen=True):
    """The parties file: what the operator writes before `serve found`.

    `origin` is the name under which both logs are known (`harbour.example` gives
    `harbour.example/key` and `harbour.example/law`).
    """

    name: Name
    origin: Name
    operator: Name
    quorum: Annotated[int, msgspec.Meta(ge=0, le=limits.WITNESSES)]
    witnesses: tuple[PartyLine, ...]
    committees: tuple[CommitteePlan, ...]
    skew_minutes: Count = 5
    checkpoint_age_minutes: Count = 60
    epoch_extension_days: Days = 3
    amendment_delay_days: Days = 7


def read_plan(data: bytes) -> FoundingPlan:
    """Return the plan in a parties file. Raises Malformed, saying where the file is wrong."""
    if len(data) > limits.CHARTER:
        raise Malformed(Code.SIZE, "parties file")
    try:
        return msgspec.json.decode(data, type=FoundingPlan)
    except (msgspec.MsgspecError, RecursionError) as problem:
        # A parties file is public, and its author needs to know where it is wrong.
        raise Malformed(Code.FORM, f"parties file: {problem}") from None


def found(
    folder: StateFolder,
    genesis: StateFolder,
    plan: FoundingPlan,
    now_ms: int,
    random: Callable[[int], bytes],
) -> DeploymentId:
    """Make the operator's keys and the genesis charter, and keep them; return the deployment id.

    `genesis` gets the key of the first invites alone: it can be taken off the server afterwards.
    Raises VaultRefused(vault-exists), Malformed, CharterRefused(charter-terms).
    """
    if folder.has(_DEPLOYMENT):
        raise VaultRefused(Code.VAULT_EXISTS, "a deployment was founded here")
    seeds = {name: random(32) for name in (*_KEYS, _GENESIS)}
    payload = write_terms(_terms(plan, seeds, now_ms, random(32)))
    operator = SigningKey(seeds["operator"])
    document = jws.sign(payload, jws.Purpose.CHARTER, [(operator.public.encoded, operator.sign)])
    deployment = genesis_id(payload)
    for name in _KEYS:
        folder.write(f"keys/{name}", seeds[name])
    genesis.write(_GENESIS, seeds[_GENESIS])
    genesis.write_open(_DEPLOYMENT, deployment.hex().encode())
    folder.write_open(f"{_CHARTERS}/00000000", document)
    # Last: a founding that was cut short has no id, and begins again with other keys.
    folder.write_open(_DEPLOYMENT, deployment.hex().encode())
    return deployment


def load_founding(folder: StateFolder) -> tuple[DeploymentId, tuple[bytes, ...], Keys]:
    """Return a deployment's id, its charters from genesis on, and the server's keys.

    Raises VaultRefused(vault-missing) where nothing was founded.
    """
    deployment = _deployment(folder)
    charters = tuple(folder.read_open(name) for name in folder.names(_CHARTERS))
    operator, receipt, key_log, law_log = (folder.read(f"keys/{name}") for name in _KEYS)
    later = tuple(SigningKey(folder.read(name)) for name in folder.names(_LATER))
    return (
        deployment,
        charters,
        Keys(SigningKey(operator), SigningKey(receipt), key_log, law_log, later),
    )


def make_later_key(folder: StateFolder, seed: bytes) -> SigningKey:
    """Keep a key that an amendment is to name as the operator's or as the receipt key (C-13).

    `seed` is 32 fresh random bytes. Raises VaultRefused(vault-missing) where nothing was founded.
    """
    _deployment(folder)
    key = SigningKey(seed)
    folder.write(f"{_LATER}/{key.public.encoded.hex()}", seed)
    return key


def load_genesis_key(genesis: StateFolder) -> tuple[DeploymentId, SigningKey]:
    """Return a deployment's id and the key that signs its first invites. Raises VaultRefused."""
    return _deployment(genesis), SigningKey(genesis.read(_GENESIS))


def _deployment(folder: StateFolder) -> DeploymentId:
    if not folder.has(_DEPLOYMENT):
        raise VaultRefused(Code.VAULT_MISSING, "no deployment was founded here")
    try:
        return DeploymentId(bytes.fromhex(folder.read_open(_DEPLOYMENT).decode("ascii")))
    except ValueError:
        raise VaultRefused(Code.VAULT_DAMAGED, _DEPLOYMENT) from None


def _terms(
    plan: FoundingPlan, seeds: dict[str, bytes], now_ms: int, account_salt: bytes
) -> CharterTerms:
    committees = tuple(map(_committee, plan.committees))
    threshold = any(committee.escrow == "threshold" for committee in committees)
    return CharterTerms(
        version=1,
        name=plan.name,
        sequence=0,
        deployment=None,
        previous=None,
        issued_ms=now_ms,
        effective_ms=now_ms,
        operator=Party(name=plan.operator, key=_public(seeds["operator"])),
        receipt_key=_public(seeds["receipt"]),
        genesis_key=_public(seeds[_GENESIS]),
        key_log=_log(f"{plan.origin}/key", seeds["key-log"]),
        law_log=_log(f"{plan.origin}/law", seeds["law-log"]),
        witnesses=tuple(line.key for line in _of(plan.witnesses, "witness")),
        quorum=plan.quorum,
        account_salt=Bytes32(account_salt),
        skew_ms=plan.skew_minutes * _MINUTE,
        checkpoint_age_ms=plan.checkpoint_age_minutes * _MINUTE,
        epoch_extension_days=plan.epoch_extension_days,
        amendment_delay_ms=plan.amendment_delay_days * DAY_MS,
        escrow="threshold" if threshold else "none",
        committees=committees,
    )


def _committee(plan: CommitteePlan) -> Committee:
    if any(line.role == "witness" for line in plan.parties):
        raise Malformed(Code.FORM, f"committee {plan.number}: a witness stands above committees")
    courts = _parties(plan.parties, "court")
    if len(courts) > 1:
        raise Malformed(Code.FORM, f"committee {plan.number}: more than one court")
    custodians = enumerate(_parties(plan.parties, "custodian"), 1)
    return Committee(
        number=plan.number,
        name=plan.name,
        jurisdiction=plan.jurisdiction,
        escrow=plan.escrow,
        custodians=tuple(Custodian(index, one.name, one.key) for index, one in custodians),
        threshold=plan.threshold,
        court=courts[0] if courts else None,
        agencies=_parties(plan.parties, "agency"),
        ministers=_parties(plan.parties, "minister"),
        judges=_parties(plan.parties, "judge"),
        profiles=tuple(map(_profile, plan.profiles)),
        caps=plan.caps,
        retention_days=plan.retention_days,
    )


def _profile(plan: ProfilePlan) -> Profile:
    return Profile(
        kind=plan.kind,
        approvals=plan.approvals,
        urgent=plan.urgent,
        max_days=plan.max_days,
        validity_ms=plan.validity_days * DAY_MS,
        urgent_window_ms=plan.urgent_window_hours * _HOUR,
        gag_ms=plan.gag_days * DAY_MS,
        notice_ms=plan.notice_days * DAY_MS,
        renewals=plan.renewals,
        offences=plan.offences,
        unnamed_senders=plan.unnamed_senders,
    )


def _of(lines: Sequence[PartyLine], role: PartyRole) -> list[PartyLine]:
    wrong = [line.name for line in lines if line.role != role]
    if wrong:
        raise Malformed(Code.FORM, f"{wrong[0]} is no {role}")
    return list(lines)


def _parties(lines: Sequence[PartyLine], role: PartyRole) -> tuple[Party, ...]:
    return tuple(Party(line.name, _key(line)) for line in lines if line.role == role)


def _key(line: PartyLine) -> Bytes32:
    try:
        return Bytes32.from_text(line.key)
    except ValueError:
        raise Malformed(Code.FORM, f"the key of {line.name}") from None


def _public(seed: bytes) -> Bytes32:
    return Bytes32(SigningKey(seed).public.encoded)


def _log(name: str, seed: bytes) -> str:
    return NoteSigner(name, SignatureType.ED25519, seed).key.encode()
