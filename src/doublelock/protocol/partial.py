"""Partials: each holder's part of a label's key, and combining them (spec E-11 to E-14).

A custodian's partial is its share times the label's point, the court's likewise with its own key;
Lagrange's combination of t custodians' plus the court's is the label's key. Combined keys are
verified against the MPK all at once; single partials are looked at on failure only, and then name
the holder who made a wrong one.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from py_arkworks_bls12381 import G1Point, Scalar

from doublelock.protocol import limits
from doublelock.protocol.capsule import LabelKey
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import (
    G1,
    G1_SIZE,
    G2,
    G2_GENERATOR,
    ORDER,
    g1_secret_multiple,
    g1_sum,
    pairings_match,
)
from doublelock.protocol.encoding import Reader, u16, u32
from doublelock.protocol.errors import Malformed, ReleaseRefused
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.keyepoch import VerifiedKeyEpoch
from doublelock.protocol.label import Label

COURT: Final = 0
"""The court's index; custodians count from 1."""
RANDOM_SIZE: Final = 32
_COEFFICIENT: Final = 16


@dataclass(frozen=True, slots=True)
class PartialSet:
    """One holder's partials for a list of labels, in the labels' order; secret."""

    index: int
    points: tuple[G1, ...] = field(repr=False)

    def encode(self) -> bytes:
        """Return u16 index, u32 count, then 48 bytes a label (spec E-12)."""
        return (
            u16(self.index)
            + u32(len(self.points))
            + b"".join(point.encoded for point in self.points)
        )

    @classmethod
    def decode(cls, data: bytes) -> "PartialSet":
        """Return the set of some bytes. Raises Malformed(SIZE, FORM); ReleaseRefused(PARTIAL_WRONG)
        naming the holder when a point is invalid."""
        reader = Reader(data)
        index, count = reader.u16(), reader.u32()
        if index > limits.CUSTODIANS:
            raise Malformed(Code.FORM, f"holder {index}")
        if count > limits.LABELS_PER_WARRANT or len(data) != 6 + count * G1_SIZE:
            raise Malformed(Code.SIZE, f"{count} partials in {len(data)} bytes")
        try:
            points = tuple(G1.decode(reader.take(G1_SIZE)) for _ in range(count))
        except Malformed:
            raise ReleaseRefused(Code.PARTIAL_WRONG, f"holder {index}", (index,)) from None
        return cls(index, points)


@dataclass(frozen=True, slots=True)
class HolderKeys:
    """The public keys of one committee's key epoch, as its verified ceremony left them.

    `custodians` are the verification shares by index (share times P2), `court` the court's key,
    `mpk` their sum; `threshold` is how many custodians it takes.
    """

    deployment: DeploymentId
    committee: int
    key_epoch: int
    threshold: int
    custodians: Mapping[int, G2]
    court: G2
    mpk: G2


def read_holder_keys(epoch: VerifiedKeyEpoch) -> HolderKeys:
    """Return the holders' keys of a verified key epoch whose court has a single key."""
    return HolderKeys(
        epoch.epoch.deployment,
        epoch.epoch.committee,
        epoch.epoch.key_epoch,
        epoch.custodians.threshold,
        dict(enumerate(epoch.custodians.shares, start=1)),
        epoch.court.public_key,
        epoch.master_key,
    )


def make_partials(index: int, share: int, labels: Sequence[Label]) -> PartialSet:
    """Return a holder's partials: its secret share times each label's point (spec E-11).

    Only a vault that holds a ReleasePermit for these labels calls it.
    Raises Malformed(BAD_SCALAR).
    """
    return PartialSet(index, tuple(g1_secret_multiple(label.point(), share) for label in labels))


def verify_partial(partial: G1, label: Label, key: G2, index: int) -> None:
    """Check one partial against its holder's public key: e(partial, P2) = e(Q, key) (spec E-13).

    Raises ReleaseRefused(PARTIAL_WRONG) naming the holder.
    """
    if not pairings_match([(partial, G2_GENERATOR)], [(label.point(), key)]):
        raise ReleaseRefused(Code.PARTIAL_WRONG, f"holder {index}", (index,))


def verify_partials(partials: PartialSet, labels: Sequence[Label], key: G2, random: bytes) -> None:
    """Check a holder's whole set at once by a random combination (spec E-13).

    `random` is 32 fresh bytes, unknown to the holder when it made the set. Raises
    ReleaseRefused(PARTIAL_WRONG) naming the holder, (PARTIALS_MISSING) for another count.
    """
    if len(partials.points) != len(labels) or not labels:
        raise ReleaseRefused(Code.PARTIALS_MISSING, f"holder {partials.index}", (partials.index,))
    coefficients = _coefficients(len(labels), random)
    points = [label.point() for label in labels]
    if not _sets_match(partials.points, points, key, coefficients):
        raise ReleaseRefused(Code.PARTIAL_WRONG, f"holder {partials.index}", (partials.index,))


def combine_batch(
    labels: Sequence[Label],
    custodians: Sequence[PartialSet],
    court: PartialSet,
    keys: HolderKeys,
    random: bytes,
) -> tuple[LabelKey, ...]:
    """Combine the custodians' and the court's partials into label keys that fit the MPK (E-14).

    Uses the first `threshold` of the sets given. `random` is 32 fresh bytes, unknown to the
    holders when they released. Raises ReleaseRefused: LABEL_MISMATCH for a label of another
    committee or epoch, PARTIALS_MISSING, PARTIAL_WRONG with all culprits among the sets given.
    """
    used = _choose(labels, custodians, court, keys)
    if not labels:
        return ()
    points = [label.point() for label in labels]
    coefficients = _coefficients(len(labels), random)
    try:
        combined = _combine(used, court)
        whole = _sets_match(combined, points, keys.mpk, coefficients)
    except Malformed:  # the sum is the identity: only wrong partials do that
        whole = False
    if not whole:
        _refuse_culprits([*custodians, court], points, keys, coefficients)
    return tuple(map(LabelKey, labels, combined))


def _choose(
    labels: Sequence[Label],
    custodians: Sequence[PartialSet],
    court: PartialSet,
    keys: HolderKeys,
) -> list[PartialSet]:
    for label in labels:
        if (label.deployment, label.committee, label.key_epoch) != (
            keys.deployment,
            keys.committee,
            keys.key_epoch,
        ):
            raise ReleaseRefused(Code.LABEL_MISMATCH, f"key epoch {label.key_epoch}")
    by_index = {given.index: given for given in custodians}
    if len(by_index) != len(custodians) or not by_index.keys() <= keys.custodians.keys():
        raise ReleaseRefused(Code.PARTIALS_MISSING, "a holder twice, or of another committee")
    if len(by_index) < keys.threshold or court.index != COURT:
        raise ReleaseRefused(
            Code.PARTIALS_MISSING, f"{len(by_index)} of {keys.threshold} custodians and the court"
        )
    short = tuple(given.index for given in (*custodians, court) if len(given.points) != len(labels))
    if short:
        raise ReleaseRefused(Code.PARTIALS_MISSING, "another count of labels", short)
    return list(custodians[: keys.threshold])


def _combine(used: Sequence[PartialSet], court: PartialSet) -> list[G1]:
    """Return the sums of Lagrange coefficients times partials, plus the court's, label by label.

    For indices as small as ours the coefficients over their common denominator are small whole
    numbers: many times faster than 255-bit factors. The indices are public; no secret is a factor.
    """
    numerators, denominator = _lagrange([given.index for given in used])
    factors = [*map(abs, numerators), denominator]
    scalars = [Scalar.from_be_bytes((f % ORDER).to_bytes(32, "big")) for f in factors]
    back = pow(denominator, -1, ORDER)
    combined = []
    for row in zip(*(given.points for given in used), court.points, strict=True):
        terms = [
            -point.fast if numerator < 0 else point.fast
            for point, numerator in zip(row, (*numerators, 1), strict=True)
        ]
        total = G1Point.multiexp_unchecked(terms, scalars)
        point = G1(None, total, total.to_compressed_bytes())
        combined.append(point if denominator == 1 else g1_secret_multiple(point, back))
    return combined


def _lagrange(indices: Sequence[int]) -> tuple[list[int], int]:
    """Return whole numbers n_i and d > 0 with f(0) = sum of n_i f(i) / d (Shamir; spec E-14)."""
    fractions = []
    for i in indices:
        above = math.prod(j for j in indices if j != i)
        below = math.prod(j - i for j in indices if j != i)
        shared = math.gcd(above, below) * (1 if below > 0 else -1)
        fractions.append((above // shared, below // shared))
    denominator = math.lcm(*(below for _, below in fractions))
    return [above * (denominator // below) for above, below in fractions], denominator


def _coefficients(count: int, random: bytes) -> list[int]:
    """Return `count` random 128-bit coefficients from 32 bytes: a forgery passes by 2^-128."""
    if len(random) != RANDOM_SIZE:
        raise Malformed(Code.SIZE, f"{len(random)} random bytes, not {RANDOM_SIZE}")
    stream = hashlib.shake_256(b"doublelock/v1/batch-coefficients" + random).digest(
        _COEFFICIENT * count
    )
    return [
        int.from_bytes(stream[at : at + _COEFFICIENT], "big")
        for at in range(0, len(stream), _COEFFICIENT)
    ]


def _sets_match(
    made: Sequence[G1], points: Sequence[G1], key: G2, coefficients: Sequence[int]
) -> bool:
    """Say whether e(made_j, P2) = e(points_j, key) for all j, but for a chance of 2^-128."""
    left = g1_sum(made, coefficients)
    right = g1_sum(points, coefficients)
    return pairings_match([(left, G2_GENERATOR)], [(right, key)])


def _refuse_culprits(
    given: Sequence[PartialSet],
    points: Sequence[G1],
    keys: HolderKeys,
    coefficients: Sequence[int],
) -> None:
    """Raise ReleaseRefused naming every holder whose set is not its share times the points."""
    culprits = []
    for holder in given:
        key = keys.court if holder.index == COURT else keys.custodians[holder.index]
        try:
            if _sets_match(holder.points, points, key, coefficients):
                continue
        except Malformed:
            pass
        culprits.append(holder.index)
    names = ", ".join("court" if index == COURT else f"custodian {index}" for index in culprits)
    raise ReleaseRefused(
        Code.PARTIAL_WRONG, names or "the shares do not make the MPK", tuple(culprits)
    )
