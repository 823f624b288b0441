"""A committee whose randomness is counted out, so that a ceremony can be run in a test."""

import hashlib
from dataclasses import dataclass, field

from doublelock.protocol import ceremony, dkg, polynomial, resharing
from doublelock.protocol.ceremony import CeremonyName, Kind
from doublelock.protocol.dealing import DealingRoom
from doublelock.protocol.ed25519 import SigningKey, VerifyKey
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.prime_group import BLS12381_G2, Element
from doublelock.protocol.transcript import SecretShare, SharedKey

GROUP = BLS12381_G2
DEPLOYMENT = DeploymentId(b"\x11" * 32)


def random_bytes(label: str, size: int) -> bytes:
    return hashlib.shake_256(label.encode()).digest(size)


def scalar(label: str) -> int:
    return polynomial.draw_scalars(random_bytes(label, 64), 1, GROUP.order)[0]


@dataclass
class Committee:
    """Holders with identities, and fresh static keys for one ceremony."""

    size: int
    threshold: int
    label: str = "one"
    kind: Kind = Kind.KEY_GENERATION
    share_version: int = 1
    identities: list[SigningKey] = field(init=False)
    secrets: list[int] = field(init=False)
    name: CeremonyName = field(init=False)
    keys: tuple[Element, ...] = field(init=False)

    def __post_init__(self) -> None:
        numbers = range(1, self.size + 1)
        self.identities = [SigningKey(random_bytes(f"identity {n}", 32)) for n in numbers]
        self.secrets = [scalar(f"{self.label} static {n}") for n in numbers]
        self.name = CeremonyName(
            DEPLOYMENT,
            2,
            681,
            self.kind,
            self.share_version,
            self.threshold,
            ceremony.name_roster(self.public),
            random_bytes(self.label, 32),
        )
        certified = [
            ceremony.certify_static_key(self.name, GROUP, n, secret, identity)
            for n, secret, identity in zip(numbers, self.secrets, self.identities, strict=True)
        ]
        self.keys = ceremony.accept_static_keys(self.name, GROUP, certified, self.public)

    @property
    def public(self) -> list[VerifyKey]:
        return [identity.public for identity in self.identities]

    def room(self) -> DealingRoom:
        return dkg.open_room(GROUP, self.name.encode(), self.threshold, self.keys)

    def deal(self) -> list[dkg.Dealt]:
        room = self.room()
        size = (self.threshold + 1) * polynomial.WIDE
        return [
            dkg.start(room, n, secret, random_bytes(f"{self.label} dealing {n}", size))
            for n, secret in enumerate(self.secrets, start=1)
        ]

    def generate(self) -> list[dkg.Completed]:
        dealt = self.deal()
        computed = [dkg.receive(one, [each.message for each in dealt]) for one in dealt]
        return [dkg.finish(one, [each.message for each in computed]) for one in computed]


def reshare_room(
    old: SharedKey, committee: Committee, dealers: dict[int, int]
) -> resharing.ResharingRoom:
    """The room in which `dealers` (old index to static secret) pass a key to a committee."""
    keys = [(index, GROUP.base_multiple(secret)) for index, secret in dealers.items()]
    return resharing.open_room(
        GROUP, committee.name.encode(), committee.threshold, committee.keys, old, keys
    )


def reshare_deal(
    room: resharing.ResharingRoom, shares: list[SecretShare], dealers: dict[int, int], label: str
) -> list[bytes]:
    size = room.room.threshold * polynomial.WIDE
    return [
        resharing.deal(
            room, shares[index - 1], secret, random_bytes(f"{label} reshare {index}", size)
        )
        for index, secret in dealers.items()
    ]


def reshare(
    old: SharedKey, shares: list[SecretShare], committee: Committee, dealers: dict[int, int]
) -> list[resharing.Completed]:
    room = reshare_room(old, committee, dealers)
    messages = reshare_deal(room, shares, dealers, committee.label)
    received = [
        resharing.receive(room, n, secret, messages)
        for n, secret in enumerate(committee.secrets, start=1)
    ]
    signed = [one.message(GROUP) for one in received]
    return [resharing.finish(room, one, signed) for one in received]


def secret_of(shares: list[SecretShare]) -> int:
    """What a quorum's shares combine to: no honest code ever does this."""
    resharing.refuse_mixed(shares)
    factors = polynomial.lagrange([one.index for one in shares], GROUP.order)
    return sum(one.secret * by for one, by in zip(shares, factors, strict=True)) % GROUP.order
