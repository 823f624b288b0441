"""Shares at rest, and the one door through which they become key material: a ReleasePermit.

A share file is named by committee, month and generation, so that an old share and a refreshed one
never stand in for each other. Nothing here decides; `protocol.release` did.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from doublelock.keep import StateFolder
from doublelock.protocol import curve
from doublelock.protocol.codes import Code
from doublelock.protocol.curve import G1, G2, G2_GENERATOR
from doublelock.protocol.destruction import Destruction, sign_destruction
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.encoding import Reader, u16, u32
from doublelock.protocol.encoding import field as sized
from doublelock.protocol.errors import Malformed, ReleaseRefused, VaultRefused
from doublelock.protocol.keyepoch import EpochId, Role, VerifiedKeyEpoch, prove_possession
from doublelock.protocol.label import Label
from doublelock.protocol.lawrecords import EpochRecord
from doublelock.protocol.partial import COURT, PartialSet, make_partials
from doublelock.protocol.release import ReleasePermit
from doublelock.protocol.transcript import SecretShare

_TAG: Final = b"doublelock/v1/vault/share"
_FOLDER: Final = "shares"


@dataclass(frozen=True, slots=True)
class _Kept:
    """A share as it lies in its file; the court's has index 0 and an empty transcript hash."""

    index: int
    share_version: int
    transcript_hash: bytes
    secret: int = field(repr=False)

    def encode(self) -> bytes:
        return b"".join(
            (
                sized(_TAG),
                u16(self.index),
                u32(self.share_version),
                sized(self.transcript_hash),
                curve.encode_scalar(self.secret),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> "_Kept":
        reader = Reader(data)
        if reader.field(64) != _TAG:
            raise Malformed(Code.FORM, "not a share")
        index, version, transcript = reader.u16(), reader.u32(), reader.field(32)
        secret = curve.decode_scalar(reader.take(curve.SCALAR_SIZE))
        reader.end()
        return cls(index, version, transcript, secret)


class Vault:
    """One holder's shares of one committee; each says itself which custodian's it is, 0: the court.

    A custodian's number may change from one generation to the next (K-11).
    """

    def __init__(self, folder: StateFolder, committee: int, *, court: bool) -> None:
        self._folder = folder
        self.committee = committee
        self.court = court

    def keep_share(self, key_epoch: int, share: SecretShare) -> None:
        """Keep a custodian's share of a finished ceremony, durably. Raises VaultRefused."""
        kept = _Kept(share.index, share.share_version, share.transcript_hash, share.secret)
        self._folder.write(self._name(key_epoch, share.transcript_hash), kept.encode())

    def keep_court_key(self, key_epoch: int, secret: int) -> G2:
        """Keep the court's key of a month, durably; returns its public key. Raises VaultRefused."""
        public = curve.g2_secret_multiple(G2_GENERATOR, secret)
        kept = _Kept(COURT, 1, b"", secret)
        self._folder.write(self._name(key_epoch, public.encoded), kept.encode())
        return public

    def prove(self, epoch: EpochId, generation: bytes, public_key: G2) -> G1:
        """Return this holder's part of the proof of possession of a new key (spec K-14).

        `generation` is the transcript hash, or the court's public key. Raises VaultRefused.
        """
        kept = self._read(epoch.key_epoch, generation)
        role = Role.COURT if self.court else Role.CUSTODIANS
        return prove_possession(epoch, role, public_key, kept.secret)

    def share_for_resharing(self, keys: VerifiedKeyEpoch) -> SecretShare:
        """Return the share that a refresh or resharing deals on. Raises VaultRefused."""
        kept = self._current(keys)
        return SecretShare(kept.index, kept.secret, kept.share_version, kept.transcript_hash)

    def holds(self, keys: VerifiedKeyEpoch) -> bool:
        """Say whether the share of exactly this generation is here."""
        return self._folder.has(self._name(keys.epoch.key_epoch, self._generation(keys)))

    def release(self, permit: ReleasePermit, epochs: Sequence[EpochRecord]) -> PartialSet:
        """Turn a permit into this holder's partials for exactly its labels, in their order.

        `epochs` are the law log's records of the permit's key epochs. Raises
        ReleaseRefused(WARRANT_COMMITTEE, EPOCH_UNKNOWN), VaultRefused(VAULT_MISSING).
        """
        if permit.committee != self.committee:
            raise ReleaseRefused(Code.WARRANT_COMMITTEE, f"committee {permit.committee}")
        kept = {record.keys.epoch.key_epoch: self._current(record.keys) for record in epochs}
        if not kept or not set(permit.key_epochs) <= kept.keys():
            raise ReleaseRefused(Code.EPOCH_UNKNOWN, "no record of a key epoch")
        indices = {one.index for one in kept.values()}
        if len(indices) > 1:
            raise ReleaseRefused(Code.SHARE_GENERATION, "months of different generations")
        secrets = {key_epoch: one.secret for key_epoch, one in kept.items()}
        return self._partials(indices.pop(), permit.labels, secrets)

    def _partials(self, index: int, labels: Sequence[Label], secrets: dict[int, int]) -> PartialSet:
        """Make partials in the labels' order; runs of one key epoch are made together."""
        points: list[G1] = []
        start = 0
        for end in range(1, len(labels) + 1):
            epoch = labels[start].key_epoch
            if end == len(labels) or labels[end].key_epoch != epoch:
                points += make_partials(index, secrets[epoch], labels[start:end]).points
                start = end
        return PartialSet(index, tuple(points))

    def discard_superseded(self, keys: VerifiedKeyEpoch) -> int:
        """Destroy a month's shares that the logged generation replaced; returns how many went.

        What a resharing has prepared for a later generation stays; so does the logged one's share.
        """
        current = self._name(keys.epoch.key_epoch, self._generation(keys))
        gone = [
            name
            for name in self._names(keys.epoch.key_epoch)
            if name != current and self._version(name) <= keys.share_version
        ]
        for name in gone:
            self._folder.destroy(name)
        return len(gone)

    def destroy(
        self, epoch: EpochId, identity: SigningKey, share_version: int, now_ms: int
    ) -> bytes:
        """Destroy every share of a month and return the signed statement of it (spec K-15).

        Overwritten, synced, unlinked, synced; only then is the statement signed. Doing it again
        returns a statement again. Raises VaultRefused.
        """
        self.discard(epoch.key_epoch)
        if self._names(epoch.key_epoch):
            raise VaultRefused(Code.VAULT_WRITE, f"shares of key epoch {epoch.key_epoch} are left")
        role = Role.COURT if self.court else Role.CUSTODIANS
        return sign_destruction(
            Destruction(epoch, role, identity.public.encoded, share_version, now_ms), identity
        )

    def discard(self, key_epoch: int) -> None:
        """Destroy every share of a month, stating nothing. Raises VaultRefused."""
        for name in self._names(key_epoch):
            self._folder.destroy(name)

    def key_epochs(self) -> tuple[int, ...]:
        """Return the months of which some share is here, ascending."""
        prefix = f"{_FOLDER}/{self.committee}-"
        names = (name.removeprefix(prefix) for name in self._folder.names(_FOLDER))
        return tuple(sorted({int(name.split("-")[0]) for name in names if name[:1].isdigit()}))

    def _current(self, keys: VerifiedKeyEpoch) -> _Kept:
        kept = self._read(keys.epoch.key_epoch, self._generation(keys))
        public = curve.g2_secret_multiple(G2_GENERATOR, kept.secret)
        shares = (keys.court.public_key,) if self.court else (None, *keys.custodians.shares)
        if (kept.index == COURT) != self.court or shares[kept.index : kept.index + 1] != (public,):
            raise VaultRefused(Code.VAULT_DAMAGED, "the share is not that of the logged key epoch")
        return kept

    def _generation(self, keys: VerifiedKeyEpoch) -> bytes:
        return keys.court.public_key.encoded if self.court else keys.transcript_hash

    def _name(self, key_epoch: int, generation: bytes) -> str:
        return f"{_FOLDER}/{self.committee}-{key_epoch}-{generation[:12].hex()}"

    def _names(self, key_epoch: int) -> list[str]:
        prefix = f"{_FOLDER}/{self.committee}-{key_epoch}-"
        return [name for name in self._folder.names(_FOLDER) if name.startswith(prefix)]

    def _version(self, name: str) -> int:
        """Return a share's version; 0 for one that a crash left half destroyed."""
        try:
            return _Kept.decode(self._folder.read(name)).share_version
        except (Malformed, VaultRefused):
            return 0

    def _read(self, key_epoch: int, generation: bytes) -> _Kept:
        try:
            return _Kept.decode(self._folder.read(self._name(key_epoch, generation)))
        except Malformed:
            raise VaultRefused(Code.VAULT_DAMAGED, f"share of key epoch {key_epoch}") from None
