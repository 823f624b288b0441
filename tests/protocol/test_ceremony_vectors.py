"""Our own vectors of curve, signatures and key epochs: the files, and what they say."""

import json
from pathlib import Path
from typing import Any

import pytest
from py_arkworks_bls12381 import G1Point, G2Point

from doublelock.protocol import curve, destruction, ed25519, keyepoch
from doublelock.protocol.curve import G1, G2
from doublelock.protocol.errors import Malformed, Refusal
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.keyepoch import EpochId

_FOLDER = Path(__file__).parents[2] / "vectors"


def _read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text())
    return loaded


CURVE, ED25519, KEY_EPOCH = (_read(name) for name in ("curve", "ed25519", "key_epoch"))


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


def test_hashes() -> None:
    for one in CURVE["hash_to_g1"]:
        point = curve.hash_to_g1(_hex(one["message"]), one["dst"].encode())
        assert point.encoded.hex() == one["point"]
    for one in CURVE["expand_message_xmd"]:
        made = curve.expand_message_xmd(_hex(one["message"]), one["dst"].encode(), one["size"])
        assert made.hex() == one["bytes"]


def test_pairings() -> None:
    for one in CURVE["pairing"]:
        left, right = G1.decode(_hex(one["g1"])), G2.decode(_hex(one["g2"]))
        assert curve.pairing(left, right).hex() == one["gt"]


def test_bad_points_scalars_and_keys() -> None:
    for which, decode, field in (
        (CURVE["bad_g1"], G1.decode, "point"),
        (CURVE["bad_g2"], G2.decode, "point"),
        (CURVE["bad_scalars"], curve.decode_scalar, "scalar"),
        (ED25519["bad_keys"], ed25519.VerifyKey, "key"),
    ):
        for one in which:
            with pytest.raises(Malformed):
                decode(_hex(one[field]))


def test_bad_points_outside_the_subgroup_are_on_the_curve() -> None:
    one = G1Point.from_compressed_bytes_unchecked(_hex(CURVE["bad_g1"][0]["point"]))
    other = G2Point.from_compressed_bytes_unchecked(_hex(CURVE["bad_g2"][0]["point"]))
    assert not one.is_in_subgroup()
    assert not other.is_in_subgroup()


def test_signatures() -> None:
    for one in ED25519["good"]:
        ed25519.verify(_hex(one["key"]), _hex(one["signature"]), _hex(one["message"]))
    for one in ED25519["bad_signatures"]:
        with pytest.raises(Malformed):
            ed25519.verify(_hex(one["key"]), _hex(one["signature"]), _hex(one["message"]))


def _verify(data: bytes) -> keyepoch.VerifiedKeyEpoch:
    return keyepoch.verify_key_epoch(
        keyepoch.decode_signed(data),
        [ed25519.VerifyKey(_hex(key)) for key in KEY_EPOCH["custodian_keys"]],
        ed25519.VerifyKey(_hex(KEY_EPOCH["court_key"])),
        EpochId(
            DeploymentId(_hex(KEY_EPOCH["deployment"])),
            KEY_EPOCH["committee"],
            KEY_EPOCH["key_epoch"],
        ),
        KEY_EPOCH["threshold"],
    )


def test_key_epochs() -> None:
    good = KEY_EPOCH["good"]
    verified = _verify(_hex(good["signed"]))
    assert verified.master_key.encoded.hex() == good["master_key"]
    shares = [share.encoded.hex() for share in verified.custodians.shares]
    assert shares == good["verification_shares"]
    for one in KEY_EPOCH["bad"]:
        with pytest.raises(Refusal) as refused:
            _verify(_hex(one["signed"]))
        assert refused.value.code == one["code"], one["why"]


def test_destruction() -> None:
    given = KEY_EPOCH["destruction"]
    holder = ed25519.VerifyKey(_hex(given["holder"]))
    verified = destruction.verify_destruction(_hex(given["signed"]), holder).destruction
    assert (verified.role, verified.share_version) == (given["role"], given["share_version"])
    assert verified.time_ms == given["time_ms"]
