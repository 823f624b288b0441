"""Attachments: every byte back, and nothing cut, swapped, repeated or changed."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doublelock.protocol import limits
from doublelock.protocol.attachment import (
    CHUNK,
    SEALED_CHUNK,
    count_chunks,
    locate_range,
    open_attachment,
    open_chunk,
    open_range,
    seal_chunk,
    seal_chunks,
    sealed_size,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import EnvelopeRefused, Refusal
from doublelock.protocol.record import Attachment

KEY = bytes(range(32))
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 77]


def plain_of(size: int) -> bytes:
    return hashlib.shake_128(b"plain").digest(size)


def refer(size: int, sealed: list[bytes]) -> Attachment:
    digest = hashlib.sha256(b"".join(sealed)).digest()
    return Attachment(bytes(32), KEY, size, digest, b"name", b"text/plain")


@pytest.mark.parametrize("size", SIZES)
def test_a_file_comes_back(size: int) -> None:
    plain = plain_of(size)
    sealed = list(seal_chunks(KEY, plain))
    assert sum(map(len, sealed)) == sealed_size(size)
    assert b"".join(open_attachment(refer(size, sealed), sealed)) == plain


@settings(max_examples=60)
@given(st.integers(0, SIZES[-1] - 1), st.integers(1, SIZES[-1]))
def test_any_range_comes_back(start: int, length: int) -> None:
    size = SIZES[-1]
    end = min(size, start + length)
    sealed = list(seal_chunks(KEY, plain_of(size)))
    _, first, beyond = locate_range(size, start, end)
    piece = b"".join(sealed)[first:beyond]
    assert open_range(refer(size, sealed), start, end, piece) == plain_of(size)[start:end]


def test_what_is_not_the_file_is_refused() -> None:
    sealed = list(seal_chunks(KEY, plain_of(3 * CHUNK + 77)))
    reference = refer(3 * CHUNK + 77, sealed)
    a, b, c, d = sealed
    for changed in (
        [a, b, c],
        [b, a, c, d],
        [a, a, c, d],
        [a, b, c, d[:-1]],
        [a, b, c, d[:-1] + bytes([d[-1] ^ 1])],
        [a, b, d],
        [],
        [a, b, c, d, d],
    ):
        with pytest.raises(Refusal) as refusal:
            list(open_attachment(reference, changed))
        assert refusal.value.code in (Code.ATTACHMENT_DAMAGED, Code.SIZE)


def test_a_shorter_file_under_the_same_key_is_refused() -> None:
    sealed = list(seal_chunks(KEY, plain_of(2 * CHUNK)))
    cut = refer(CHUNK, sealed[:1])  # the first chunk was not the last
    with pytest.raises(EnvelopeRefused):
        list(open_attachment(cut, sealed[:1]))


def test_another_ciphertext_of_the_same_key_is_refused_by_its_digest() -> None:
    honest = list(seal_chunks(KEY, b"honest"))
    other = list(seal_chunks(KEY, b"others"))
    with pytest.raises(EnvelopeRefused):
        list(open_attachment(refer(6, honest), other))


def test_sizes_out_of_range() -> None:
    reference = refer(10, [])
    for call in (
        lambda: count_chunks(-1),
        lambda: count_chunks(limits.BLOB + 1),
        lambda: open_chunk(reference, 1, bytes(26)),
        lambda: open_chunk(reference, -1, bytes(26)),
        lambda: locate_range(10, 0, 11),
        lambda: locate_range(10, 5, 5),
        lambda: seal_chunk(KEY, 0, True, bytes(CHUNK + 1)),
        lambda: seal_chunk(KEY, 0, False, bytes(CHUNK - 1)),
        lambda: seal_chunk(KEY[:31], 0, True, b""),
    ):
        with pytest.raises(Refusal) as refusal:
            call()
        assert refusal.value.code == Code.SIZE
    assert SEALED_CHUNK == CHUNK + 16
