"""A case's warrant, read by the charters under which it was filed and signed (spec R-41).

A warrant lives longer than the office of those who signed it: whoever approved it was to do so when
the log took the approval, and the fold has seen to that. What is filed now goes by the charter now.
"""

from collections.abc import Sequence

from doublelock.protocol import jws, limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Refusal, WarrantRefused
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.warrant import Warrant, commit_warrant, verify_warrant


def read_warrant(data: bytes, law: LawState, now_ms: int) -> Warrant:
    """Return the warrant of a document: by the charter of its line in the log, else by today's.

    Approvers may be those of any charter since; which approvals count, the log says (R-7). Raises
    Malformed, CharterRefused, WarrantRefused as `verify_warrant`.
    """
    commitment = commit_warrant(law.deployment, jws.read_payload(data, limits.WARRANT))
    record = law.warrants.get(commitment)
    if record is None:
        return verify_warrant(data, law.charter(now_ms))
    filed = law.charter(record.filed_ms)
    since = law.charters[law.charters.index(filed) + 1 :]
    return verify_warrant(data, filed, [one for one in since if one.terms.effective_ms <= now_ms])


def merge_warrant(
    documents: Sequence[bytes], commitment: bytes, law: LawState, now_ms: int
) -> Warrant:
    """Return one warrant with every good signature that came, from whichever documents.

    A document that does not verify, or is another warrant, spoils no other. Raises
    WarrantRefused(WARRANT_UNLOGGED) when none is left, else the last one's fault.
    """
    merged: bytes | None = None
    fault: Refusal = WarrantRefused(Code.WARRANT_UNLOGGED, "no warrant document came")
    for document in documents:
        try:
            warrant = read_warrant(document, law, now_ms)
        except Refusal as refusal:
            fault = refusal
            continue
        if warrant.commitment == commitment:
            merged = document if merged is None else jws.merge(merged, document, limits.WARRANT)
    if merged is None:
        raise fault
    return read_warrant(merged, law, now_ms)
