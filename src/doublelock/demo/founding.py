"""Found a deployment: everybody's keys and the genesis charter that names them (spec C-2)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from doublelock.protocol import jws
from doublelock.protocol.charter import genesis_id, write_terms
from doublelock.protocol.charter_terms import (
    Approver,
    Caps,
    CharterTerms,
    Committee,
    Custodian,
    Party,
    Profile,
    WarrantKind,
)
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.note import SignatureType

HOUR_MS: Final = 3_600_000
OFFENCES: Final = ("corruption", "fraud", "threat-to-life")
_CAPS: Final = Caps(accounts=50, labels=20_000)


@dataclass(frozen=True, slots=True)
class Holders:
    """One committee's people and their 32-byte Ed25519 seeds."""

    number: int
    name: str
    jurisdiction: str
    threshold: int
    custodians: tuple[bytes, ...] = field(repr=False)
    court: bytes = field(repr=False)
    agency: bytes = field(repr=False)
    minister: bytes = field(repr=False)
    judge: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Founded:
    """A deployment's genesis charter with every seed; for the demo and tests, never for use.

    In a real deployment each party makes its own key and hands over the public half. A log and a
    witness are a name and a 32-byte seed.
    """

    deployment: DeploymentId
    charter: bytes
    operator: bytes = field(repr=False)
    receipt: bytes = field(repr=False)
    genesis: bytes = field(repr=False)
    key_log_seed: tuple[str, bytes] = field(repr=False)
    law_log_seed: tuple[str, bytes] = field(repr=False)
    witness_seeds: tuple[tuple[str, bytes], ...] = field(repr=False)
    committees: tuple[Holders, ...]

    @property
    def logs(self) -> tuple[NoteSigner, NoteSigner]:
        """Return the signers of the key log and the law log."""
        return (_log(self.key_log_seed), _log(self.law_log_seed))

    @property
    def witnesses(self) -> tuple[NoteSigner, ...]:
        """Return the witnesses' signers."""
        return tuple(map(_witness, self.witness_seeds))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be founded; the defaults are the demo's."""

    name: str = "Harbour Office"
    origin: str = "harbour.example"
    now_ms: int = 0
    custodians: int = 5
    threshold: int = 3
    witnesses: int = 3
    quorum: int = 2
    jurisdictions: tuple[str, ...] = ("Northland",)
    retention_days: int = 92
    skew_ms: int = 5 * 60_000
    checkpoint_age_ms: int = HOUR_MS
    gag_ms: int = 30 * DAY_MS
    caps: Caps = _CAPS
    unnamed_senders: int = 10
    escrow: bool = True
    unescrowed: tuple[str, ...] = ()
    """Jurisdictions whose committees escrow nothing, beside others that do."""


def found(plan: Plan, random: Callable[[int], bytes]) -> Founded:
    """Return a new deployment after a plan; `random` gives fresh bytes for every key."""
    committees = tuple(
        Holders(
            number,
            f"Committee of {jurisdiction}",
            jurisdiction,
            plan.threshold,
            tuple(random(32) for _ in range(plan.custodians)),
            *(random(32) for _ in range(4)),
        )
        for number, jurisdiction in enumerate(plan.jurisdictions, 1)
    )
    operator, receipt, genesis = random(32), random(32), random(32)
    key_log = (f"{plan.origin}/key", random(32))
    law_log = (f"{plan.origin}/law", random(32))
    witnesses = tuple(
        (f"witness{number}.example/w", random(32)) for number in range(1, plan.witnesses + 1)
    )
    terms = CharterTerms(
        version=1,
        name=plan.name,
        sequence=0,
        deployment=None,
        previous=None,
        issued_ms=plan.now_ms,
        effective_ms=plan.now_ms,
        operator=_party(plan.name, operator),
        receipt_key=_public(receipt),
        genesis_key=_public(genesis),
        key_log=_log(key_log).key.encode(),
        law_log=_log(law_log).key.encode(),
        witnesses=tuple(_witness(one).key.encode() for one in witnesses),
        quorum=plan.quorum,
        account_salt=Bytes32(random(32)),
        skew_ms=plan.skew_ms,
        checkpoint_age_ms=plan.checkpoint_age_ms,
        epoch_extension_days=3,
        amendment_delay_ms=7 * DAY_MS,
        escrow="threshold" if any(_escrows(plan, holders) for holders in committees) else "none",
        committees=tuple(_committee(plan, holders) for holders in committees),
    )
    payload = write_terms(terms)
    signer = (_public(operator), SigningKey(operator).sign)
    return Founded(
        deployment=genesis_id(payload),
        charter=jws.sign(payload, jws.Purpose.CHARTER, [signer]),
        operator=operator,
        receipt=receipt,
        genesis=genesis,
        key_log_seed=key_log,
        law_log_seed=law_log,
        witness_seeds=witnesses,
        committees=committees,
    )


def _escrows(plan: Plan, holders: Holders) -> bool:
    return plan.escrow and holders.jurisdiction not in plan.unescrowed


def _committee(plan: Plan, holders: Holders) -> Committee:
    place = holders.jurisdiction
    parties = (
        (_party(f"Prosecutor of {place}", holders.agency),),
        (_party(f"Minister of Justice of {place}", holders.minister),),
        (_party(f"Investigating judge of {place}", holders.judge),),
    )
    if not _escrows(plan, holders):
        return Committee(
            holders.number, holders.name, place, "none", (), 0, None, (), (), (), (), plan.caps, 0
        )
    return Committee(
        number=holders.number,
        name=holders.name,
        jurisdiction=place,
        escrow="threshold",
        custodians=tuple(
            Custodian(index=index, name=f"Custodian {index} of {place}", key=_public(seed))
            for index, seed in enumerate(holders.custodians, 1)
        ),
        threshold=holders.threshold,
        court=_party(f"District court of {place}", holders.court),
        agencies=parties[0],
        ministers=parties[1],
        judges=parties[2],
        profiles=(_profile(plan, WarrantKind.CONTENT_STORED), _profile(plan, WarrantKind.METADATA)),
        caps=plan.caps,
        retention_days=plan.retention_days,
    )


def _profile(plan: Plan, kind: WarrantKind) -> Profile:
    return Profile(
        kind=kind,
        approvals=(Approver.MINISTER, Approver.JUDGE),
        urgent=(),
        max_days=31,
        validity_ms=14 * DAY_MS,
        urgent_window_ms=0,
        gag_ms=plan.gag_ms,
        notice_ms=3 * DAY_MS,
        renewals=1,
        offences=OFFENCES,
        unnamed_senders=plan.unnamed_senders,
    )


def _log(named: tuple[str, bytes]) -> NoteSigner:
    return NoteSigner(named[0], SignatureType.ED25519, named[1])


def _witness(named: tuple[str, bytes]) -> NoteSigner:
    return NoteSigner(named[0], SignatureType.COSIGNATURE_ED25519, named[1])


def _party(name: str, seed: bytes) -> Party:
    return Party(name=name, key=_public(seed))


def _public(seed: bytes) -> Bytes32:
    return Bytes32(SigningKey(seed).public.encoded)
