"""Releases in, label keys out: one generation's quorum and the court, checked against the MPK.

A holder whose release is wrong, or of other shares than the rest, is named and passed over, as long
as a quorum and the court are left (spec R-19, K-11, K-21).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from doublelock.agency.party import LawParty
from doublelock.protocol.capsule import LabelKey
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Refusal, ReleaseRefused
from doublelock.protocol.label import Label
from doublelock.protocol.partial import (
    COURT,
    HolderKeys,
    PartialSet,
    combine_batch,
    read_holder_keys,
)
from doublelock.protocol.release import LawProof, permit_digest
from doublelock.protocol.release_request import LabelRequest
from doublelock.protocol.releases import (
    SEAL_PURPOSE,
    ReleaseBody,
    VerifiedRelease,
    Versions,
    decode_body,
    seal_context,
    verify_release,
)
from doublelock.protocol.succession import escrow_committee
from doublelock.protocol.warrant import Warrant
from doublelock.seal import SealKey


@dataclass(frozen=True, slots=True)
class Culprit:
    """A holder (0: the court) whose release was passed over, and why."""

    holder: int
    code: Code


class Combining:
    """The releases of one case; whom it passed over stays in `culprits`.

    `releases` are what was used: (request number, holder, sealed bytes).
    """

    def __init__(self, party: LawParty, warrant: Warrant, law: LawProof, key: SealKey) -> None:
        self._party = party
        self._warrant = warrant
        self._law = law
        self._key = key
        self.releases: list[tuple[int, int, bytes]] = []
        self.culprits: list[Culprit] = []

    def combine(self, number: int, request: LabelRequest) -> dict[Label, LabelKey]:
        """Return the request's label keys from the releases that hold."""
        bodies = self._bodies(request)
        used: set[int] = set()
        found: dict[Label, LabelKey] = {}
        for key_epoch in sorted({label.key_epoch for label in request.labels}):
            at = [i for i, label in enumerate(request.labels) if label.key_epoch == key_epoch]
            labels = [request.labels[i] for i in at]
            keys, holders = self._combine_month(key_epoch, labels, at, bodies)
            used |= holders
            for key in keys:
                found[key.label] = key
        kept = {body.partials.index: data for body, data in bodies if body.partials.index in used}
        self.releases += [(number, holder, data) for holder, data in kept.items()]
        return found

    def _bodies(self, request: LabelRequest) -> list[tuple[ReleaseBody, bytes]]:
        """Return every release for the request that its holder signed and we can unseal.

        One for each holder and generation: shares may have been passed on since the first came.
        """
        deployment = self._party.deployment
        permit = permit_digest(self._warrant, request)
        bodies: dict[tuple[int, Versions], tuple[ReleaseBody, bytes]] = {}
        for document in self._party.documents(self._warrant.commitment, "release"):
            release = self._verify_release(document.document, permit)
            if release is None:
                continue  # of another request, or nobody's: there is no holder to name
            try:
                context = seal_context(deployment, permit, release.holder)
                data = self._key.unseal(SEAL_PURPOSE, context, release.ciphertext)
                body = decode_body(data, release, len(request.labels))
            except Refusal as refusal:
                self._blame(release.holder, refusal.code)
                continue
            bodies.setdefault((release.holder, body.versions), (body, document.document))
        return list(bodies.values())

    def _verify_release(self, data: bytes, permit: bytes) -> VerifiedRelease | None:
        """Return a release by a holder of the committee, as any charter so far names it."""
        for charter in reversed(self._party.watch.state.charters):
            committee = escrow_committee(charter, self._warrant.terms.committee)
            if committee is None:
                continue
            try:
                return verify_release(data, self._party.deployment, permit, committee)
            except Refusal:
                continue
        return None

    def _combine_month(
        self,
        key_epoch: int,
        labels: Sequence[Label],
        at: Sequence[int],
        bodies: Sequence[tuple[ReleaseBody, bytes]],
    ) -> tuple[Sequence[LabelKey], set[int]]:
        """Combine one generation's releases, the newest that has a quorum; name the others.

        Old shares and new ones never mix: the log says which generation is which (K-11). The
        court's key is the same in all of them.
        """
        record = self._law.state.epochs[self._warrant.terms.committee, key_epoch]
        failure: ReleaseRefused | None = None
        for keys in (record.keys, *record.earlier):
            holders = read_holder_keys(keys)
            sets = {
                body.partials.index: PartialSet(
                    body.partials.index, tuple(body.partials.points[i] for i in at)
                )
                for body, _ in bodies
                if body.partials.index == COURT
                or (
                    body.partials.index in holders.custodians
                    and dict(body.versions).get(key_epoch) == keys.share_version
                )
            }
            offered = set(sets)
            try:
                made = self._combine_generation(labels, sets, holders)
            except ReleaseRefused as refusal:
                failure = failure or refusal
                continue
            for body, _ in bodies:
                if body.partials.index not in offered:
                    self._blame(body.partials.index, Code.SHARE_GENERATION)
            return made, set(sets)
        raise failure or ReleaseRefused(Code.PARTIALS_MISSING)

    def _combine_generation(
        self, labels: Sequence[Label], sets: dict[int, PartialSet], keys: HolderKeys
    ) -> Sequence[LabelKey]:
        """Combine what holds, and take out of `sets` whoever's part does not."""
        while True:
            court = sets.get(COURT)
            custodians = [one for one in sets.values() if one.index != COURT]
            if court is None or len(custodians) < keys.threshold:
                here = ", ".join(str(one.index) for one in custodians) or "none"
                raise ReleaseRefused(
                    Code.PARTIALS_MISSING,
                    f"custodians {here} of {keys.threshold}, court "
                    f"{'is here' if court is not None else 'is missing'}",
                    tuple(one.holder for one in self.culprits),
                )
            try:
                return combine_batch(labels, custodians, court, keys, secrets.token_bytes(32))
            except ReleaseRefused as refusal:
                for holder in refusal.culprits:
                    self._blame(holder, refusal.code)
                wrong = [holder for holder in refusal.culprits if holder in sets]
                if not wrong or COURT in refusal.culprits:
                    raise
                for holder in wrong:
                    del sets[holder]

    def _blame(self, holder: int, code: Code) -> None:
        culprit = Culprit(holder, code)
        if culprit not in self.culprits:
            self.culprits.append(culprit)
