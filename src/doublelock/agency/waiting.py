"""Waiting for the law log: nothing is used before the witnesses have seen what it rests on."""

import asyncio
from typing import Final

from doublelock.agency.party import LawParty
from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import LogRefused, WireRefused

_LOOK_S: Final = 0.2


async def wait_seen(party: LawParty, index: int, patience_s: float) -> None:
    """Look until a line is in the cosigned law log. Raises LogRefused(log-quorum)."""
    try:
        async with asyncio.timeout(patience_s):
            while True:
                await party.look()
                if party.watch.state.size > index:
                    return
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        raise LogRefused(Code.LOG_QUORUM, "the request is logged, and not cosigned") from None


async def fetch_logged(party: LawParty, path: str, patience_s: float) -> bytes:
    """Return a document that is given for logged requests alone.

    The server may learn of its checkpoint a moment after everybody else. Raises WireRefused.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + patience_s
    while True:
        try:
            return await party.http.get(path, limit=limits.INVENTORY * 2)
        except WireRefused as refusal:
            if refusal.code is not Code.REQUEST_UNLOGGED or loop.time() > until:
                raise
        await asyncio.sleep(_LOOK_S)
