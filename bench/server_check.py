"""Whether what the load counted was real: delivered as sent, receipted, and durable."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from bench.server_host import RECEIPT_KEY
from bench.server_load import Line
from doublelock.protocol.frames import (
    Accepted,
    Item,
    Send,
    decode_from_device,
    frames_from_server,
    split,
)
from doublelock.protocol.header import Header
from doublelock.protocol.identifiers import AccountId, ConversationId, DeploymentId, DeviceId
from doublelock.protocol.receipt import Receipt, describe_item, verify_receipt


def decode_sends(queue: Iterable[bytes]) -> dict[bytes, Send]:
    """Return pre-made sends by their header."""
    sends = [decode_from_device(piece) for data in queue for piece in split(data)]
    return {send.header: send for send in sends if isinstance(send, Send)}


def check_delivered(lines: Iterable[Line], sent: dict[bytes, Send], deployment: bytes) -> int:
    """Check each line's sample: what it got is what was sent, in order, under a valid receipt.

    Returns how many frames were looked at. Raises RuntimeError, or the receipt's refusal.
    """
    looked_at = 0
    for line in lines:
        sequence = 0
        for data in line.sample:
            (item,) = frames_from_server(data)
            if not isinstance(item, Item):
                continue
            send = sent.get(item.header)
            if send is None or (send.body, send.mls) != (item.body, item.mls):
                raise RuntimeError("a delivered frame is not what was sent")
            if item.sequence <= sequence:
                raise RuntimeError("delivered out of order")
            sequence = item.sequence
            fields = describe_item(
                ConversationId(item.conversation),
                item.sequence,
                item.previous,
                item.time_ms,
                AccountId(item.account),
                DeviceId(item.device),
                item.header,
                item.body,
                item.mls,
            )
            receipt = Receipt(fields, item.index, item.size, item.path, item.signature)
            verify_receipt(receipt, DeploymentId(deployment), RECEIPT_KEY.public)
            looked_at += 1
    if looked_at == 0:
        raise RuntimeError("nothing to look at")
    return looked_at


def count_lost(lines: Iterable[Line], sent: dict[bytes, Send], database: Path) -> tuple[int, int]:
    """Return how many acknowledged sends a killed server's file lacks, and how many there were.

    The file must hold the very bytes that were sent where the acknowledgement says.
    """
    accepted = [
        frame
        for line in lines
        for data in line.sample
        for frame in frames_from_server(data)
        if isinstance(frame, Accepted)
    ]
    query = (
        "SELECT header, body, mls FROM items WHERE sequence = ? AND conversation = "
        "(SELECT key FROM conversations WHERE conversation = ?)"
    )
    lost = 0
    seen: set[bytes] = set()
    with closing(sqlite3.connect(database)) as db:
        for frame in accepted:
            row = db.execute(query, (frame.sequence, frame.conversation)).fetchone()
            send = None if row is None else sent.get(row[0])
            if send is None or (send.body, send.mls) != (row[1], row[2]) or row[0] in seen:
                lost += 1
                continue
            seen.add(row[0])
            if Header.decode(row[0]).conversation != frame.conversation:
                lost += 1
    return lost, len(accepted)
