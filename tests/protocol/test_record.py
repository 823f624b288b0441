"""Records and labels: whatever can be said survives its bytes, and nothing else decodes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors.make import world

from doublelock.protocol import limits
from doublelock.protocol.errors import Malformed, Refusal
from doublelock.protocol.header import Header
from doublelock.protocol.identifiers import AccountId, ConversationId, DeploymentId
from doublelock.protocol.label import Label
from doublelock.protocol.record import (
    Attachment,
    DeliveryMark,
    Details,
    Edit,
    Media,
    Reaction,
    ReadMark,
    Reply,
    Text,
    Timer,
    decode_record,
    display,
    encode_record,
)

ids = st.binary(min_size=16, max_size=16)
long_ids = st.binary(min_size=32, max_size=32)
records = st.one_of(
    st.builds(Text, st.binary(max_size=300)),
    st.builds(Reply, ids, st.binary(max_size=300)),
    st.builds(Edit, ids, st.binary(max_size=300)),
    st.builds(Reaction, ids, st.binary(max_size=32)),
    st.builds(Timer, st.integers(0, 2**32 - 1)),
    st.builds(ReadMark, st.integers(0, 2**63 - 1)),
    st.builds(DeliveryMark, st.integers(0, 2**63 - 1), st.booleans()),
    st.builds(Details, st.binary(max_size=256), st.binary(max_size=300)),
    st.builds(
        Media,
        long_ids,
        long_ids,
        st.integers(0, limits.BLOB),
        long_ids,
        st.binary(max_size=255),
        st.binary(max_size=255),
        st.binary(max_size=99),
        st.integers(0, 2**16 - 1),
        st.integers(0, 2**16 - 1),
        st.integers(0, 2**32 - 1),
        st.binary(max_size=300),
    ),
    st.builds(
        Attachment,
        long_ids,
        long_ids,
        st.integers(0, limits.BLOB),
        long_ids,
        st.binary(max_size=255),
        st.binary(max_size=255),
        st.binary(max_size=99),
    ),
)


@given(records)
def test_a_record_survives(record: Text) -> None:
    assert decode_record(encode_record(record)) == record


@settings(max_examples=300)
@given(st.binary(max_size=80))
def test_what_decodes_has_one_encoding(data: bytes) -> None:
    try:
        record = decode_record(data)
    except Refusal:
        return
    assert encode_record(record) == data


@given(st.binary(max_size=300))
def test_what_is_shown_has_no_control_characters(content: bytes) -> None:
    shown = display(content)
    assert not any(ord(c) < 0x20 and c not in "\t\n" for c in shown)
    assert not any(0x7F <= ord(c) < 0xA0 for c in shown)
    shown.encode()


@pytest.mark.parametrize("kind", [Attachment, Media])
def test_an_attachments_key_is_not_shown(kind: type[Attachment]) -> None:
    record = kind(bytes(32), b"secret key of thirty-two bytes..", 1, bytes(32), b"", b"")
    assert "secret" not in repr(record)


def test_a_thumbnail_has_its_limit_and_an_attachment_is_no_media() -> None:
    plain = Attachment(bytes(32), bytes(32), 1, bytes(32), b"a", b"image/png")
    media = Media(bytes(32), bytes(32), 1, bytes(32), b"a", b"image/png")
    assert isinstance(media, Attachment)
    assert type(decode_record(encode_record(plain))) is Attachment
    assert plain != media
    for record in (
        Details(b"", bytes(limits.THUMBNAIL)),
        Media(bytes(32), bytes(32), 1, bytes(32), b"", b"", b"", 1, 1, 0, bytes(limits.THUMBNAIL)),
    ):
        assert decode_record(encode_record(record)) == record
    too_large = encode_record(Details(b"", bytes(limits.THUMBNAIL + 1)))
    with pytest.raises(Malformed):
        decode_record(too_large)


labels = st.builds(
    Label,
    long_ids.map(DeploymentId),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    long_ids.map(ConversationId),
    long_ids.map(AccountId),
    st.integers(0, limits.LAST_DAY),
)


@given(labels)
def test_a_label_survives(label: Label) -> None:
    assert Label.decode(label.encode()) == label


@settings(max_examples=300)
@given(st.integers(0, 136), st.integers(0, 7))
def test_a_flipped_label_is_another_or_none(at: int, bit: int) -> None:
    data = world.flip(world.LABEL.encode(), at, 1 << bit)
    try:
        label = Label.decode(data)
    except Refusal:
        return
    assert label.encode() == data
    assert label != world.LABEL


@settings(max_examples=300)
@given(st.binary(min_size=266, max_size=266) | st.binary(min_size=138, max_size=138))
def test_a_header_has_one_encoding(data: bytes) -> None:
    data = b"\x01" + bytes([1 if len(data) == 266 else 2]) + data[2:]
    try:
        header = Header.decode(data)
    except Refusal:
        return
    assert header.encode() == data
