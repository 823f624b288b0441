"""The fixed deployment whose charter and law log the vectors show; every key here is public."""

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import msgspec

from doublelock.protocol import jws, keyepoch
from doublelock.protocol.charter import (
    Approver,
    Caps,
    Charter,
    CharterTerms,
    Committee,
    Custodian,
    Party,
    Profile,
    WarrantKind,
    genesis_id,
    verify_genesis,
    write_terms,
)
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.curve import ORDER
from doublelock.protocol.days import DAY_MS, key_epoch_of
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.keyepoch import EpochId, HalfKey, Role, SignedKeyEpoch
from doublelock.protocol.note import SignatureType
from doublelock.protocol.polynomial import evaluate
from vectors.make.world import DAY, TIME_MS, bytes_of, scalar_of
from vectors.make.world import public as public_point

EPOCH: Final = key_epoch_of(DAY)
WITNESSES: Final = ("w1", "w2", "w3")
EVERYONE: Final = (
    "operator",
    *(f"{n}-{who}" for n in (1, 2) for who in ("court", "custodian1", "custodian2")),
)


@cache
def key(name: str) -> SigningKey:
    """Return a party's key by its name."""
    return SigningKey(bytes_of(f"law {name}"))


def public(name: str) -> Bytes32:
    """Return a party's public key."""
    return Bytes32(key(name).public.encoded)


def _party(name: str) -> Party:
    return Party(name, public(name))


def note_signer(name: str) -> NoteSigner:
    """Return a log's or witness's signer."""
    kind = SignatureType.ED25519 if name.endswith("log") else SignatureType.COSIGNATURE_ED25519
    return NoteSigner(f"{name}.example", kind, bytes_of(f"note {name}"))


_PROFILE: Final = Profile(
    kind=WarrantKind.CONTENT_STORED,
    approvals=(Approver.MINISTER, Approver.JUDGE),
    urgent=(Approver.MINISTER,),
    max_days=31,
    validity_ms=30 * DAY_MS,
    urgent_window_ms=3 * DAY_MS,
    gag_ms=90 * DAY_MS,
    notice_ms=7 * DAY_MS,
    renewals=1,
    offences=("terrorism", "murder"),
    unnamed_senders=3,
)


def committee(number: int) -> Committee:
    """Return a committee of three custodians, two of whom and the court suffice."""
    prefix = f"{number}-"
    return Committee(
        number=number,
        name=f"Committee {number}",
        jurisdiction="XX",
        escrow="threshold",
        custodians=tuple(
            Custodian(index, f"custodian {index}", public(f"{prefix}custodian{index}"))
            for index in range(1, 4)
        ),
        threshold=2,
        court=_party(f"{prefix}court"),
        agencies=(_party(f"{prefix}agency"),),
        ministers=(_party(f"{prefix}minister"),),
        judges=(_party(f"{prefix}judge"),),
        profiles=(_PROFILE, msgspec.structs.replace(_PROFILE, kind=WarrantKind.METADATA)),
        caps=Caps(accounts=2, labels=5),
        retention_days=90,
    )


def terms(**changes: Any) -> CharterTerms:
    """Return the genesis charter's terms, changed."""
    made = CharterTerms(
        version=1,
        name="Vectors \u2696",
        sequence=0,
        deployment=None,
        previous=None,
        issued_ms=0,
        effective_ms=0,
        operator=_party("operator"),
        receipt_key=public("receipts"),
        genesis_key=public("genesis invites"),
        key_log=note_signer("key-log").key.encode(),
        law_log=note_signer("law-log").key.encode(),
        witnesses=tuple(note_signer(name).key.encode() for name in WITNESSES),
        quorum=2,
        account_salt=Bytes32(bytes_of("account salt")),
        skew_ms=60_000,
        checkpoint_age_ms=3_600_000,
        epoch_extension_days=5,
        amendment_delay_ms=14 * DAY_MS,
        escrow="threshold",
        committees=(committee(1), committee(2)),
        addresses=("https://chat.example",),
    )
    return msgspec.structs.replace(made, **changes)


def sign(made: CharterTerms, names: Sequence[str] = ("operator",)) -> bytes:
    """Return the charter signed by parties."""
    signers = [(public(name), key(name).sign) for name in names]
    return jws.sign(write_terms(made), jws.Purpose.CHARTER, signers)


@cache
def genesis() -> Charter:
    """Return the genesis charter."""
    return verify_genesis(sign(terms()), genesis_id(write_terms(terms())))


def amended(**changes: Any) -> CharterTerms:
    """Return an amendment's terms: changes take effect 15 days from the vectors' time."""
    following = {
        "sequence": 1,
        "deployment": Bytes32(genesis().deployment),
        "previous": Bytes32(genesis().hash),
        "issued_ms": 1,
        "effective_ms": TIME_MS + 15 * DAY_MS,
    }
    return terms(**(following | changes))


@cache
def key_epoch(number: int, version: int = 1, size: int = 3) -> bytes:
    """Return a committee's signed key epoch; a later version has other shares of the same key."""
    epoch = EpochId(genesis().deployment, number, EPOCH)
    secret = scalar_of(f"law {number}")
    coefficients = (secret, scalar_of(f"law {number} {version}"))
    court = scalar_of(f"law court {number}")
    halves = []
    for role, whole, shares, threshold in (
        (
            Role.CUSTODIANS,
            secret,
            [evaluate(coefficients, n, ORDER) for n in range(1, size + 1)],
            2,
        ),
        (Role.COURT, court, [court], 1),
    ):
        point = public_point(whole)
        proof = keyepoch.prove_possession(epoch, role, point, whole)
        halves.append(HalfKey(point, proof, threshold, tuple(map(public_point, shares))))
    transcript = hashlib.sha256(b"%d %d" % (number, version)).digest()
    data = keyepoch.make_statement(epoch, version, transcript, halves[0], halves[1]).encode()
    signatures = tuple(key(f"{number}-custodian{n}").sign(data) for n in range(1, size + 1))
    return SignedKeyEpoch(data, signatures, key(f"{number}-court").sign(data)).encode()
