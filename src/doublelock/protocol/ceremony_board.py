"""The coordinator's part: it relays signed messages and is trusted with nothing (spec K-9).

A board is what one round has brought so far: sender to message. `post` returns a new one.
"""

from collections.abc import Mapping, Sequence

from doublelock.protocol.ceremony import (
    CeremonyName,
    Round,
    SignedRoundMessage,
    accept_message,
    decode_message,
    refuse_equivocation,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import VerifyKey
from doublelock.protocol.errors import CeremonyRefused

Board = Mapping[int, SignedRoundMessage]


def post(
    name: CeremonyName,
    message_round: Round,
    board: Board,
    data: bytes,
    identities: Sequence[VerifyKey],
) -> Board:
    """Return the board with a holder's message; the same message again changes nothing.

    Raises Malformed; CeremonyRefused(CEREMONY_MISMATCH, BAD_SIGNATURE), or (EQUIVOCATION) naming
    a holder that signed two different messages.
    """
    message = decode_message(data)
    accept_message(name, message_round, message, identities)
    known = board.get(message.sender)
    if known is not None:
        refuse_equivocation(known, message, name, identities)
        return board
    return {**board, message.sender: message}


def missing(board: Board, senders: Sequence[int]) -> tuple[int, ...]:
    """Return the senders from whom nothing has come: absent, not to blame."""
    return tuple(sender for sender in senders if sender not in board)


def relay(board: Board, senders: Sequence[int]) -> tuple[SignedRoundMessage, ...]:
    """Return the whole round in the senders' order, for everybody.

    Raises CeremonyRefused(CEREMONY_MISMATCH) while somebody is missing.
    """
    absent = missing(board, senders)
    if absent:
        names = ", ".join(map(str, absent))
        raise CeremonyRefused(Code.CEREMONY_MISMATCH, f"nothing from {names}")
    return tuple(board[sender] for sender in senders)
