"""The release request: the server's inventory in, exactly the labels in scope out (spec R-9)."""

from dataclasses import dataclass

from doublelock.agency.opening import logged_requests
from doublelock.agency.party import LawParty
from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import ReleaseRefused
from doublelock.protocol.inventory import Inventory, verify_inventory
from doublelock.protocol.label import Label
from doublelock.protocol.lawlog import verify_entry
from doublelock.protocol.release_request import describe_request, encode_request
from doublelock.protocol.scope import labels_in_scope


@dataclass(frozen=True, slots=True)
class RequestMade:
    """A request that was filed: its hash (32 bytes), its labels, and how much they hold."""

    request: bytes
    labels: tuple[Label, ...]
    messages: int


async def fetch_inventory(party: LawParty, case: bytes) -> tuple[Inventory, bytes]:
    """Return the server's signed inventory for a warrant, verified, and its bytes.

    Raises WireRefused, EvidenceRefused, Malformed.
    """
    data = await party.http.get(f"/v1/law/cases/{case.hex()}/inventory", limit=limits.INVENTORY * 2)
    return verify_inventory(data, party.charter, party.warrant(case)), data


async def make_request(party: LawParty, case: bytes) -> RequestMade:
    """File a request for every label in scope that was not requested before; return it.

    Raises ReleaseRefused(LABELS_COUNT) when there is nothing (more) to ask for, WireRefused with
    the law log's reason when the warrant is not in force.
    """
    warrant = party.warrant(case)
    inventory, _ = await fetch_inventory(party, case)
    labels = labels_in_scope(
        warrant.scope, party.deployment, warrant.terms.committee, inventory.rows
    )
    known = requested_labels(party, case)
    fresh = tuple(label for label in labels if label not in known)
    if not fresh:
        raise ReleaseRefused(Code.LABELS_COUNT, "nothing to ask for within the warrant")
    signed = party.sign(describe_request(warrant, fresh))
    await party.file("request", encode_request(signed, warrant.terms.committee, fresh))
    counts = {
        (bytes(row.conversation), bytes(row.account), row.day, row.key_epoch): row.count
        for row in inventory.terms.labels
    }
    messages = sum(
        counts[bytes(label.conversation), bytes(label.account), label.day, label.key_epoch]
        for label in fresh
    )
    return RequestMade(verify_entry(party.deployment, signed).hash, fresh, messages)


def requested_labels(party: LawParty, case: bytes) -> frozenset[Label]:
    """Return the labels of the case's requests that the law log has."""
    return frozenset(
        label for request, _ in logged_requests(party, case) for label in request.labels
    )
