"""The release request: signed and logged first; what it names is learned afterwards (R-9, R-42)."""

from dataclasses import dataclass

from doublelock.agency.opening import logged_requests
from doublelock.agency.party import LawParty
from doublelock.agency.waiting import fetch_logged, wait_seen
from doublelock.protocol import limits
from doublelock.protocol.api import Filed, decode_body
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import decode
from doublelock.protocol.errors import ReleaseRefused
from doublelock.protocol.inventory import verify_inventory
from doublelock.protocol.label import Label
from doublelock.protocol.lawlog import ReleaseRequest, verify_entry
from doublelock.protocol.release_request import check_draft, labels_root
from doublelock.protocol.scope import labels_in_scope


@dataclass(frozen=True, slots=True)
class RequestMade:
    """A request that was filed: its hash (32 bytes), its labels, and how much they hold."""

    request: bytes
    labels: tuple[Label, ...]
    messages: int


async def make_request(party: LawParty, case: bytes, patience_s: float = 60.0) -> RequestMade:
    """Log a request for every label in scope that was not requested before; return it.

    What it names the agency learns once the witnesses have seen it in the log, for which it waits
    up to `patience_s` (R-42). Raises WireRefused with the server's reason: labels-count when there
    is nothing (more) to ask for, or that the warrant is not in force; ReleaseRefused(LABELS_ROOT)
    when the server shows other labels than were signed, (CAP_EXCEEDED); LogRefused(log-quorum).
    """
    warrant, path = party.warrant(case), f"/v1/law/cases/{case.hex()}"
    known = requested_labels(party, case)
    entry = decode(
        await party.http.get(f"{path}/draft", limit=limits.LOG_ENTRY),
        ReleaseRequest,
        limits.LOG_ENTRY,
    )
    check_draft(warrant, entry)
    signed = party.sign(entry)
    name = verify_entry(party.deployment, signed).hash
    filed = decode_body(await party.http.send("POST", f"{path}/requests", signed), Filed)
    await wait_seen(party, filed.log_index, patience_s)
    if party.watch.state.requests[name].over_cap:
        raise ReleaseRefused(Code.CAP_EXCEEDED)
    data = await fetch_logged(party, f"{path}/inventory", patience_s)
    inventory = verify_inventory(data, party.watch.state.charters, warrant)
    labels = labels_in_scope(
        warrant.scope, party.deployment, warrant.terms.committee, inventory.rows
    )
    fresh = tuple(label for label in labels if label not in known)
    if labels_root(fresh) != bytes(entry.labels_root):
        raise ReleaseRefused(Code.LABELS_ROOT, "the inventory's, of the request that was signed")
    counts = {
        (bytes(row.conversation), bytes(row.account), row.day, row.key_epoch): row.count
        for row in inventory.terms.labels
    }
    messages = sum(
        counts[bytes(label.conversation), bytes(label.account), label.day, label.key_epoch]
        for label in fresh
    )
    return RequestMade(name, fresh, messages)


def requested_labels(party: LawParty, case: bytes) -> frozenset[Label]:
    """Return the labels of the case's requests that the law log has."""
    return frozenset(
        label for request, _ in logged_requests(party, case) for label in request.labels
    )
