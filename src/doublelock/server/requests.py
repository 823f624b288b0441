"""What a content warrant may ask for, drafted for its agency, which signs without seeing it (R-42).

Only once the signed request is in the cosigned law log does the agency learn what it names: nobody
hears who wrote where without a log entry, and whoever it names is owed a notice.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import ReleaseRefused, WireRefused
from doublelock.protocol.label import Label
from doublelock.protocol.lawlog import ReleaseRequest, verify_entry
from doublelock.protocol.release import check_unnamed
from doublelock.protocol.release_request import describe_request, encode_request
from doublelock.protocol.scope import labels_in_scope
from doublelock.protocol.warrant import Warrant
from doublelock.server.inventory import Inventories
from doublelock.server.lawdesk import Filing, LawDesk

_KEPT: Final = 64


class Requests:
    """Drafts the requests of content warrants, takes them signed, and says what they named."""

    def __init__(self, desk: LawDesk, inventories: Inventories, clock: Callable[[], int]) -> None:
        self._desk = desk
        self._inventories = inventories
        self._clock = clock
        self._drafts: OrderedDict[tuple[bytes, bytes], tuple[Label, ...]] = OrderedDict()

    async def draft(self, agency: bytes, case: bytes) -> ReleaseRequest:
        """Return the entry that asks for everything in scope that was not asked for before.

        Its labels stay here, until the agency's signature is in the log. Raises
        WireRefused(not-permitted), ReleaseRefused(labels-count) where there is nothing (more),
        (unnamed-senders), (notice-overdue).
        """
        self._check(agency, case)
        warrant = await self._desk.warrant(case)
        rows = await self._inventories.rows(warrant)
        committee = warrant.terms.committee
        deployment = self._desk.state.deployment
        labels = labels_in_scope(warrant.scope, deployment, committee, rows)
        known = {label for one in await self._desk.requested(case) for label in one.labels}
        fresh = tuple(label for label in labels if label not in known)
        if not fresh:
            raise ReleaseRefused(Code.LABELS_COUNT, "nothing to ask for within the warrant")
        record = self._desk.state.warrants[case]
        check_unnamed(warrant, {label.account for label in fresh}, record)
        entry = describe_request(warrant, fresh)
        self._drafts[case, bytes(entry.labels_root)] = fresh
        while len(self._drafts) > _KEPT:
            self._drafts.popitem(last=False)
        return entry

    async def take(self, agency: bytes, case: bytes, signed: bytes) -> Filing:
        """Log an agency's signed request of a draft, and keep its labels for the holders.

        Raises WireRefused: not-permitted, not-found where the draft is unknown (any more).
        """
        self._check(agency, case)
        entry = verify_entry(self._desk.state.deployment, signed)
        asked = entry.entry
        if entry.author != agency or not isinstance(asked, ReleaseRequest):
            raise WireRefused(Code.NOT_PERMITTED, "another author")
        labels = self._drafts.get((case, bytes(asked.labels_root)))
        if labels is None or bytes(asked.warrant) != case:
            raise WireRefused(Code.NOT_FOUND, "draft of a request")
        committee = self._desk.state.warrants[case].committee
        document = encode_request(signed, committee, labels)
        filing = await self._desk.log_request(case, agency, signed, document)
        self._drafts.pop((case, bytes(asked.labels_root)), None)
        return filing

    def _check(self, agency: bytes, case: bytes) -> None:
        """No notice, no next request: who lets people wait hears nothing new (R-16)."""
        self._desk.check_agency(agency, case)
        overdue = self._desk.state.overdue(agency, self._clock())
        if overdue:
            raise ReleaseRefused(Code.NOTICE_OVERDUE, f"{len(overdue)} warrants")

    async def inventory(self, agency: bytes, case: bytes) -> bytes:
        """Return the signed inventory of what the case's logged requests name.

        Raises WireRefused(not-permitted), ReleaseRefused(request-unlogged) until the witnesses have
        seen every one.
        """
        self._desk.check_agency(agency, case)
        asked = await self._desk.requested(case)
        if not asked or max(one.index for one in asked) >= self._desk.published:
            raise ReleaseRefused(Code.REQUEST_UNLOGGED, "as the witnesses have seen it")
        warrant: Warrant = await self._desk.warrant(case)
        labels = {label for one in asked for label in one.labels}
        return await self._inventories.sign(warrant, labels, self._clock())
