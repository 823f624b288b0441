"""Metadata under a metadata warrant: asked for, logged by the operator, then fetched (R-36)."""

from doublelock.agency.opening import logged_requests
from doublelock.agency.party import LawParty
from doublelock.agency.waiting import fetch_logged, wait_seen
from doublelock.protocol.api import Filed, decode_body
from doublelock.protocol.metadata import Metadata, verify_metadata


async def fetch_metadata(party: LawParty, case: bytes, patience_s: float) -> tuple[Metadata, bytes]:
    """Return who wrote where and when under a metadata warrant, verified, and the signed bytes.

    The request stands in the cosigned law log before anything is used. Waits for the witnesses up
    to `patience_s`. Raises WireRefused with the rule that the server refuses by,
    LogRefused(log-quorum) when the witnesses do not come, EvidenceRefused, Malformed.
    """
    path = f"/v1/law/cases/{case.hex()}/metadata"
    filed = decode_body(await party.http.send("POST", path, b"", again=True), Filed)
    await wait_seen(party, filed.log_index, patience_s)
    data = await fetch_logged(party, path, patience_s)
    requested = {label for request, _ in logged_requests(party, case) for label in request.labels}
    return verify_metadata(data, party.watch.state.charters, party.warrant(case), requested), data
