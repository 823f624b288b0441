"""Rows of the store as frames of the stream: the same bytes live and later (spec W-14, W-19)."""

from doublelock.protocol.frames import Accepted, Item, Mail, encode
from doublelock.server.conversations import Conversation
from doublelock.store.rows import ItemRow, MailRow, StoredItem


def accepted_now(
    request: int, conversation: Conversation, row: ItemRow, size: int, signature: bytes
) -> Accepted:
    """Return the answer to a send that is durable now."""
    return Accepted(
        request,
        conversation.id,
        row.sequence,
        row.time_ms,
        row.previous,
        row.leaf,
        size,
        row.path,
        signature,
    )


def accepted_before(request: int, conversation: Conversation, item: StoredItem) -> Accepted:
    """Return the answer to a send that was accepted before."""
    return Accepted(
        request,
        conversation.id,
        item.sequence,
        item.time_ms,
        item.previous,
        item.leaf,
        item.size,
        item.path,
        item.signature,
    )


def encode_item(conversation: Conversation, row: ItemRow, size: int, signature: bytes) -> bytes:
    """Return an item that was made durable now as the frame for every recipient."""
    return encode(
        Item(
            conversation.id,
            row.sequence,
            row.time_ms,
            row.account,
            row.device,
            row.kind,
            row.header,
            row.body,
            row.mls,
            row.previous,
            row.leaf,
            size,
            row.path,
            signature,
        )
    )


def stored_frame(conversation: bytes, row: StoredItem) -> Item:
    """Return the stored item as the frame in which it was, or would have been, delivered live."""
    return Item(conversation, *row)


def encode_stored(conversation: bytes, row: StoredItem) -> bytes:
    """Return the encoded frame of a stored item."""
    return encode(stored_frame(conversation, row))


def encode_mail(piece: MailRow) -> bytes:
    """Return a piece of mail as its frame."""
    return encode(
        Mail(
            piece.sequence,
            piece.time_ms,
            piece.kind,
            piece.conversation,
            piece.at,
            piece.payload,
        )
    )
