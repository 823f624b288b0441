"""An operator who would be the law alone: charters and month keys by holders of its own.

Everything that it makes is well-formed and signed by keys that it has: its own, and those of
custodians that it invented.
"""

import hashlib
import secrets
from typing import Any, Final

import msgspec

from doublelock.demo.founding import Founded, Plan, found
from doublelock.demo.world import World
from doublelock.protocol import jws, keyepoch, polynomial
from doublelock.protocol.amendment import draft_amendment
from doublelock.protocol.api import Charters, encode_body
from doublelock.protocol.charter import genesis_id, write_terms
from doublelock.protocol.charter_terms import CharterTerms
from doublelock.protocol.curve import G2_GENERATOR, ORDER, g2_secret_multiple
from doublelock.protocol.documents import Bytes32, Opaque
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.keyepoch import EpochId, HalfKey, Role, SignedKeyEpoch, court_half
from doublelock.protocol.lawlog import AmendmentLogged, AnyEntry, KeyEpochLogged, stamp

_OTHERS: Final = "Custodian of the usurper's"


class Usurper:
    """Logs and serves its own law over a world's, past the rules that its server keeps."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._own: Founded = found(Plan(now_ms=world.clock()), secrets.token_bytes)

    def genesis(self) -> bytes:
        """Return `/v1/charters` with another first charter, by the same operator and name."""
        payload = write_terms(self._usurped())
        assert genesis_id(payload) != self._world.deployment
        return encode_body(Charters(documents=(self._sign(payload),)))

    async def amend(self) -> None:
        """Log and serve an amendment that no holder of the charter in force signed."""
        current = self._world.monitor.charters[-1]
        payload = draft_amendment(current, self._usurped(), self._world.clock())
        document = self._sign(payload)
        entry = AmendmentLogged(
            charter=Bytes32(hashlib.sha256(payload).digest()),
            document=Bytes32(hashlib.sha256(document).digest()),
        )
        await self._log(entry, {bytes(entry.document): document})

    async def replace_key(self, committee: int) -> None:
        """Log another key for a committee's latest month, signed by holders of its own."""
        months = [month for number, month in self._world.monitor.law.epochs if number == committee]
        epoch = EpochId(self._world.deployment, committee, max(months))
        holders = self._own.committees[0]
        wide = secrets.token_bytes(64 * (holders.threshold + 1))
        *coefficients, court = polynomial.draw_scalars(wide, holders.threshold + 1, ORDER)
        shares = [
            polynomial.evaluate(coefficients, at, ORDER)
            for at in range(1, len(holders.custodians) + 1)
        ]
        whole = g2_secret_multiple(G2_GENERATOR, coefficients[0])
        half = HalfKey(
            whole,
            keyepoch.prove_possession(epoch, Role.CUSTODIANS, whole, coefficients[0]),
            holders.threshold,
            tuple(g2_secret_multiple(G2_GENERATOR, share) for share in shares),
        )
        hash_ = secrets.token_bytes(32)
        data = keyepoch.make_statement(epoch, 9, hash_, half, court_half(epoch, court)).encode()
        signed = SignedKeyEpoch(
            data,
            tuple(SigningKey(seed).sign(data) for seed in holders.custodians),
            SigningKey(holders.court).sign(data),
        )
        statement = Opaque(signed.encode())
        month = epoch.key_epoch
        await self._log(KeyEpochLogged(committee=committee, key_epoch=month, statement=statement))

    def _usurped(self) -> CharterTerms:
        """Return the deployment's own terms with the usurper's custodians."""
        terms = self._world.monitor.charters[0].terms
        mine = self._own.committees[0]
        public = [Bytes32(SigningKey(seed).public.encoded) for seed in mine.custodians]
        first, *others = terms.committees
        custodians = tuple(
            msgspec.structs.replace(one, key=key, name=f"{_OTHERS} {one.index}")
            for one, key in zip(first.custodians, public, strict=True)
        )
        committee = msgspec.structs.replace(first, custodians=custodians)
        return msgspec.structs.replace(terms, committees=(committee, *others))

    def _sign(self, payload: bytes) -> bytes:
        mine = self._own.committees[0]
        seeds = [self._world.founded.operator, *mine.custodians]
        keys = map(SigningKey, seeds)
        signers = [(key.public.encoded, key.sign) for key in keys]
        return jws.sign(payload, jws.Purpose.CHARTER, signers)

    async def _log(self, entry: AnyEntry, documents: dict[bytes, bytes] | None = None) -> None:
        desk: Any = self._world.server.law.desk
        honest = desk._refuse_void

        def refuse_nothing(signed: bytes, given: Any) -> Any:
            line = stamp(signed, max(desk._clock(), desk.state.time_ms))
            return line, desk.state.apply(desk.state.size, line, given)

        desk._refuse_void = refuse_nothing
        try:
            await desk.log_own(entry, documents or {})
        finally:
            desk._refuse_void = honest
        await self._world.server.law.law_publishing.publish()
