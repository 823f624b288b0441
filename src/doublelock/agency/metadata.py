"""Metadata under a metadata warrant: asked for, logged by the operator, then fetched (R-36)."""

import asyncio
from typing import Final

from doublelock.agency.opening import logged_requests
from doublelock.agency.party import LawParty
from doublelock.protocol import limits
from doublelock.protocol.api import Filed, decode_body
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import LogRefused, WireRefused
from doublelock.protocol.metadata import Metadata, verify_metadata

_LOOK_S: Final = 0.2


async def fetch_metadata(party: LawParty, case: bytes, patience_s: float) -> tuple[Metadata, bytes]:
    """Return who wrote where and when under a metadata warrant, verified, and the signed bytes.

    The request stands in the cosigned law log before anything is used. Waits for the witnesses up
    to `patience_s`. Raises WireRefused with the rule that the server refuses by,
    LogRefused(log-quorum) when the witnesses do not come, EvidenceRefused, Malformed.
    """
    path = f"/v1/law/cases/{case.hex()}/metadata"
    filed = decode_body(await party.http.send("POST", path, b"", again=True), Filed)
    await _seen(party, filed.log_index, patience_s)
    data = await _fetch(party, path, patience_s)
    requested = {label for request, _ in logged_requests(party, case) for label in request.labels}
    return verify_metadata(data, party.charter, party.warrant(case), requested), data


async def _seen(party: LawParty, index: int, patience_s: float) -> None:
    try:
        async with asyncio.timeout(patience_s):
            while True:
                await party.look()
                if party.watch.state.size > index:
                    return
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        raise LogRefused(Code.LOG_QUORUM, "the request is logged, and not cosigned") from None


async def _fetch(party: LawParty, path: str, patience_s: float) -> bytes:
    """Fetch; the server may learn of its checkpoint a moment after everybody else."""
    loop = asyncio.get_running_loop()
    until = loop.time() + patience_s
    while True:
        try:
            return await party.http.get(path, limit=limits.INVENTORY * 2)
        except WireRefused as refusal:
            if refusal.code is not Code.REQUEST_UNLOGGED or loop.time() > until:
                raise
        await asyncio.sleep(_LOOK_S)
