"""key_epoch.json: a signed key epoch, its proofs and a destruction (spec K-13 to K-15)."""

from dataclasses import replace

from doublelock.protocol import destruction, keyepoch
from doublelock.protocol.curve import ORDER
from doublelock.protocol.destruction import Destruction
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.keyepoch import EpochId, HalfKey, KeyEpochStatement, Role, SignedKeyEpoch
from doublelock.protocol.polynomial import evaluate
from vectors.make.world import DEPLOYMENT, LABEL, TIME_MS, bytes_of, flip, public, scalar_of

_EPOCH = EpochId(DEPLOYMENT, 1, LABEL.key_epoch)
_HOLDERS = tuple(SigningKey(bytes_of(f"custodian identity {n}")) for n in range(1, 4))
_COURT = SigningKey(bytes_of("court identity"))
_TERMS = (scalar_of("epoch a0"), scalar_of("epoch a1"))


def _half(role: Role, terms: tuple[int, ...], holders: int) -> HalfKey:
    key = public(terms[0])
    shares = tuple(public(evaluate(terms, n, ORDER)) for n in range(1, holders + 1))
    proof = keyepoch.prove_possession(_EPOCH, role, key, terms[0])
    return HalfKey(key, proof, len(terms), shares)


def _signed(statement: KeyEpochStatement) -> SignedKeyEpoch:
    data = statement.encode()
    signatures = tuple(holder.sign(data) for holder in _HOLDERS)
    return SignedKeyEpoch(data, signatures, _COURT.sign(data))


def build() -> dict[str, object]:
    """Return the file."""
    custodians = _half(Role.CUSTODIANS, _TERMS, len(_HOLDERS))
    court = _half(Role.COURT, (scalar_of("epoch court"),), 1)
    statement = keyepoch.make_statement(_EPOCH, 1, bytes_of("transcript"), custodians, court)
    signed = _signed(statement)
    later = replace(court, possession=custodians.possession)
    wrong_proof = keyepoch.make_statement(_EPOCH, 1, bytes_of("transcript"), custodians, later)
    wrong_sum = replace(statement, master_key=court.public_key)
    wrong_share = replace(statement, custodians=replace(custodians, shares=custodians.shares[::-1]))
    destroyed = Destruction(_EPOCH, Role.CUSTODIANS, _HOLDERS[0].public.encoded, 1, TIME_MS)
    destroyed_bytes = destruction.sign_destruction(destroyed, _HOLDERS[0])
    return {
        "about": "A signed key epoch of committee 1, 2 of 3 custodians, and a destruction.",
        "rules": ["K-13", "K-14", "K-15"],
        "deployment": DEPLOYMENT.hex(),
        "committee": _EPOCH.committee,
        "key_epoch": _EPOCH.key_epoch,
        "threshold": len(_TERMS),
        "custodian_keys": [holder.public.encoded.hex() for holder in _HOLDERS],
        "court_key": _COURT.public.encoded.hex(),
        "good": {
            "signed": signed.encode().hex(),
            "statement": signed.statement.hex(),
            "master_key": statement.master_key.encoded.hex(),
            "custodians_key": custodians.public_key.encoded.hex(),
            "custodians_possession": custodians.possession.encoded.hex(),
            "court_possession": court.possession.encoded.hex(),
            "verification_shares": [share.encoded.hex() for share in custodians.shares],
        },
        "bad": [
            {"why": why, "signed": data.hex(), "code": code}
            for why, data, code in (
                ("one byte short", signed.encode()[:-1], "size"),
                ("court's signature changed", flip(signed.encode(), -1), "key-epoch-signatures"),
                (
                    "custodians in another order",
                    replace(signed, signatures=signed.signatures[::-1]).encode(),
                    "key-epoch-signatures",
                ),
                ("proof of another key", _signed(wrong_proof).encode(), "proof-of-possession"),
                ("not the sum", _signed(wrong_sum).encode(), "key-epoch-statement"),
                ("shares of another key", _signed(wrong_share).encode(), "key-epoch-statement"),
            )
        ],
        "destruction": {
            "signed": destroyed_bytes.hex(),
            "holder": destroyed.holder.hex(),
            "role": int(destroyed.role),
            "share_version": destroyed.share_version,
            "time_ms": destroyed.time_ms,
        },
    }
