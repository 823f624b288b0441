"""The ceremony's code on the published vectors of COCKTAIL-DKG (ristretto255, P-256).

Not taken from them: `recovery`, a feature that we leave out because it would bring destroyed
shares back (spec K-12), and the random stream behind round 1, which the vectors do not define.
Round 1 is rebuilt all the same: the shares give each dealer's polynomial away, and a receiver's
static key the shared secrets that its ephemeral key made.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from groups_for_vectors import P256, Ristretto255

from doublelock.protocol import dealing, dkg, polynomial, schnorr
from doublelock.protocol.dealing import Dealing, DealingRoom
from doublelock.protocol.prime_group import PrimeGroup
from doublelock.protocol.transcript import write_transcript

_SHARED = Path(os.environ.get("DOUBLELOCK_SHARED", Path(__file__).parents[2] / "../shared"))
_FOLDER = _SHARED / "vectors/cocktail-dkg"
_FILES: dict[str, PrimeGroup] = {
    "cocktail-dkg-ristretto255-sha512.json": Ristretto255(),
    "cocktail-dkg-p256-sha256.json": P256(),
}
_NAMES = ("2-of-3", "3-of-5", "7-of-14", "2-of-3 with payloads")
_CASES = [(file, at) for file in _FILES for at in range(len(_NAMES))]

pytestmark = [
    pytest.mark.vectors,
    pytest.mark.skipif(not _FOLDER.is_dir(), reason="the published vectors are not beside us"),
]


class Published:
    """One vector, read."""

    def __init__(self, file: str, at: int) -> None:
        loaded = json.loads((_FOLDER / file).read_text())
        self.group: PrimeGroup = _FILES[file]
        self.data: dict[str, Any] = loaded["vectors"][at]
        assert loaded["ciphersuite"].encode() == self.group.suite_id
        config = self.data["config"]
        self.secrets = [self.group.scalar(_hex(one)) for one in config["static_secret_keys"]]
        self.keys = [self.group.element(_hex(one)) for one in config["static_public_keys"]]
        self.room: DealingRoom = dkg.open_room(
            self.group, _hex(self.data["session_tag"]), self.data["t"], self.keys
        )
        self.dealings = [
            Dealing(
                tuple(self.group.element(_hex(one)) for one in sent["vss_commitment"]),
                _hex(sent["pop"]),
                self.group.element(_hex(sent["ephemeral_public_key"])),
                tuple(map(_hex, sent["encrypted_shares"])),
            )
            for sent in self.data["round1"]
        ]
        self.messages = [one.encode() for one in self.dealings]


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.fixture(params=_CASES, ids=lambda case: f"{case[0].split('-')[2]} {_NAMES[case[1]]}")
def published(request: pytest.FixtureRequest) -> Published:
    return Published(*request.param)


def test_the_file_holds_the_four_vectors_we_know() -> None:
    for file in _FILES:
        loaded = json.loads((_FOLDER / file).read_text())["vectors"]
        assert [(one["t"], one["n"], "payloads" in one) for one in loaded] == [
            (2, 3, False),
            (3, 5, False),
            (7, 14, False),
            (2, 3, True),
        ]


def test_keys_context_and_message_form(published: Published) -> None:
    room, group = published.room, published.group
    assert room.context == _hex(published.data["context"])
    assert [group.base_multiple(one) for one in published.secrets] == published.keys
    decoded = [dealing.decode_dealing(room, message) for message in published.messages]
    assert decoded == published.dealings


def test_round_1_is_rebuilt_byte_for_byte(published: Published) -> None:
    room, group, data = published.room, published.group, published.data
    payloads = [_hex(one) for one in data.get("payloads", [""] * data["n"])]
    for sender, sent in enumerate(published.dealings):
        shares = [
            dealing.open_share(room, sent, published.keys[sender], index, secret)
            for index, secret in enumerate(published.secrets, start=1)
        ]
        assert {one.payload for one in shares} == {payloads[sender]}
        coefficients = _interpolate([one.share for one in shares][: room.threshold], group.order)
        assert tuple(map(group.base_multiple, coefficients)) == sent.commitment

        message = dealing.proof_message(room, sent.commitment, sent.ephemeral)
        made = data["round1"][sender]["pop_intermediate"]
        assert message == _hex(made["message"])
        assert schnorr.sign(group, coefficients[0], message) == sent.proof
        nonce_input = group.prefix + b"-NONCE" + group.encode_scalar(coefficients[0]) + message
        assert nonce_input == _hex(made["nonce_input"])
        assert group.encode_scalar(group.hash_to_scalar(nonce_input)) == _hex(made["nonce"])
        challenge_input = _hex(made["challenge_input"])
        assert challenge_input.startswith(group.prefix + b"-H7" + _hex(made["nonce_commitment"]))
        challenge = group.hash_to_scalar(challenge_input)
        assert group.encode_scalar(challenge) == _hex(made["challenge"])

        for index, secret in enumerate(published.secrets, start=1):
            receiver = published.keys[index - 1]
            key, nonce = dealing.key_and_nonce(
                group,
                group.multiple(sent.ephemeral, secret)
                + group.multiple(receiver, published.secrets[sender]),
                sent.ephemeral + published.keys[sender] + receiver,
                room.context,
            )
            share = group.encode_scalar(polynomial.evaluate(coefficients, index, group.order))
            assert group.seal(key, nonce, share + payloads[sender]) == sent.sealed_shares[index - 1]


def _interpolate(values: list[int], order: int) -> list[int]:
    """Coefficients of the polynomial with these values at 1, 2, …"""
    coefficients = [0] * len(values)
    for mine, value in enumerate(values, start=1):
        basis, below = [1], 1
        for other in range(1, len(values) + 1):
            if other != mine:
                shifted = [0, *basis]
                basis = [
                    (high - other * low) % order
                    for high, low in zip(shifted, [*basis, 0], strict=True)
                ]
                below = below * (mine - other) % order
        scale = value * pow(below, -1, order) % order
        coefficients = [
            (sum_ + scale * term) % order for sum_, term in zip(coefficients, basis, strict=True)
        ]
    return coefficients


def test_rounds_2_and_3(published: Published) -> None:
    group, data, room = published.group, published.data, published.room
    extension = _hex(data["extension"])
    if "payloads" in data:
        sized = b"".join(
            (len(one) // 2).to_bytes(8, "little") + _hex(one) for one in data["payloads"]
        )
        assert extension == group.digest(data["n"].to_bytes(8, "little") + sized)
    computed = [
        dkg.receive(
            dkg.Dealt(room, index, secret, published.messages[index - 1]),
            published.messages,
            extension,
        )
        for index, secret in enumerate(published.secrets, start=1)
    ]
    transcript = write_transcript(room, published.dealings, extension)
    assert {one.transcript for one in computed} == {transcript}
    assert group.digest(transcript) == _hex(data["round3"]["transcript_hash"])
    for one, expected in zip(computed, data["round2"], strict=True):
        assert group.encode_scalar(one.share) == _hex(expected["secret_share"])
    signed = [one.message for one in computed]
    assert [one[32:] for one in signed] == [
        _hex(one["signature"]) for one in data["round3"]["signatures"]
    ]
    done = dkg.finish(computed[0], signed)
    assert done.key.public_key == _hex(data["group_public_key"])
    assert list(done.key.verification_shares) == [
        _hex(one["verification_share"]) for one in data["round2"]
    ]
    assert dkg.audit(room, done.certificate) == done.key
