"""What is sealed opens with the one key, for the one purpose and context, or is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Malformed, Refusal
from doublelock.seal import OVERHEAD, SealKey, SealPublicKey

KEY = SealKey.make(b"\x07" * 32)


@given(st.binary(max_size=4096), st.lists(st.binary(max_size=64), max_size=3))
def test_opens_what_was_sealed(message: bytes, context: list[bytes]) -> None:
    sealed = KEY.public.seal("release", tuple(context), message)
    assert len(sealed) == len(message) + OVERHEAD
    assert KEY.unseal("release", tuple(context), sealed) == message


@pytest.mark.parametrize("change", ["purpose", "context", "joined context", "key", "bit", "cut"])
def test_refuses_anything_else(change: str) -> None:
    sealed = KEY.public.seal("release", (b"ab", b"c"), b"partials")
    key, purpose, context = KEY, "release", (b"ab", b"c")
    match change:
        case "purpose":
            purpose = "preservation"
        case "context":
            context = (b"ab", b"d")
        case "joined context":
            context = (b"a", b"bc")
        case "key":
            key = SealKey.make(b"\x08" * 32)
        case "bit":
            sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        case _:
            sealed = sealed[:-1]
    with pytest.raises(Malformed) as caught:
        key.unseal(purpose, context, sealed)
    assert caught.value.code is Code.SEAL_UNREADABLE


@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(Refusal):
        KEY.unseal("release", (), noise)


def test_low_order_and_short_keys_are_refused() -> None:
    with pytest.raises(Malformed) as caught:
        SealPublicKey.decode(bytes(32)).seal("release", (), b"x")
    assert caught.value.code is Code.BAD_POINT
    with pytest.raises(Malformed):
        SealPublicKey.decode(bytes(31))


def test_no_secret_in_a_repr() -> None:
    assert r"\x07\x07" not in repr(KEY)


def test_rfc_9180_key_derivation() -> None:
    """RFC 9180 A.2.1 (base mode, X25519): the public key of skRm is pkRm."""
    secret = bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
    public = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a"
    assert SealKey.make(secret).public.encoded.hex() == public
