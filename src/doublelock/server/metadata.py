"""Metadata for a metadata warrant: logged with everybody concerned first, given second (R-36).

The server decides here, because no key stands in the way: it knows who wrote where. It gives
nothing whose request the witnesses have not seen in the law log.
"""

from collections.abc import Callable

from doublelock.protocol import jws
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import ReleaseRefused, WireRefused
from doublelock.protocol.frames import MESSAGE
from doublelock.protocol.header import Form, Header
from doublelock.protocol.identifiers import AccountId, ConversationId, DeploymentId
from doublelock.protocol.label import Label
from doublelock.protocol.lawlog import sign_entry
from doublelock.protocol.lawrecords import WarrantRecord
from doublelock.protocol.metadata import (
    EnvelopeFacts,
    check_disclosed,
    check_metadata_warrant,
    list_metadata,
    write_metadata,
)
from doublelock.protocol.release_request import describe_request, encode_request
from doublelock.protocol.scope import InventoryRow, labels_in_scope
from doublelock.protocol.warrant import Warrant
from doublelock.server.inventory import read_places
from doublelock.server.lawdesk import Filing, LawDesk
from doublelock.store.interface import Store
from doublelock.store.rows import StoredItem


class Disclosures:
    """Answers metadata warrants out of the store; logs as the operator, signs as the server."""

    def __init__(
        self,
        store: Store,
        desk: LawDesk,
        deployment: DeploymentId,
        clock: Callable[[], int],
    ) -> None:
        self._store = store
        self._desk = desk
        self._deployment = deployment
        self._clock = clock

    async def request(self, agency: bytes, case: bytes) -> Filing:
        """Log a request for everything in the warrant's scope that was not given before.

        The entry is the operator's, commits to each person concerned, and counts against the caps.
        Where nothing is new, the last request is returned. Raises WireRefused(not-permitted),
        ReleaseRefused by the rule's name; labels-count where there is nothing to give.
        """
        warrant, record = await self._in_force(agency, case)
        stored = await self._stored(warrant)
        rows = [
            InventoryRow(label.conversation, label.account, label.day, label.key_epoch)
            for label in stored
        ]
        committee = warrant.terms.committee
        labels = labels_in_scope(warrant.scope, self._deployment, committee, rows)
        given = await self._desk.requested(case)
        known = {label for one in given for label in one.labels}
        fresh = tuple(label for label in labels if label not in known)
        if not fresh:
            if not given:
                raise ReleaseRefused(Code.LABELS_COUNT, "nothing to give within the warrant")
            return Filing(0, max(one.index for one in given))
        check_disclosed(warrant, fresh, record, self._clock())
        key = self._desk.operator
        entry = describe_request(warrant, fresh)
        signed = sign_entry(self._deployment, entry, key.public.encoded, key.sign)
        document = encode_request(signed, committee, fresh)
        filing = await self._desk.log_request(case, key.public.encoded, signed, document)
        if all(one.index != filing.log_index for one in await self._desk.requested(case)):
            raise ReleaseRefused(Code.CAP_EXCEEDED)
        return filing

    async def sign(self, agency: bytes, case: bytes) -> bytes:
        """Return the signed metadata of every label of the case's logged requests.

        Raises what `request` raises; request-unlogged until the witnesses have seen every one.
        """
        warrant, _ = await self._in_force(agency, case)
        given = await self._desk.requested(case)
        if not given or max(one.index for one in given) >= self._desk.published:
            raise ReleaseRefused(Code.REQUEST_UNLOGGED, "as the witnesses have seen it")
        known = {label for one in given for label in one.labels}
        stored = await self._stored(warrant)
        rows = [
            list_metadata(label, stored[label])
            for label in sorted(known & stored.keys(), key=Label.encode)
        ]
        now = self._clock()
        payload = write_metadata(warrant, now, rows)
        key = self._desk.receipt(now)
        return jws.sign(payload, jws.Purpose.METADATA, [(key.public.encoded, key.sign)])

    async def _in_force(self, agency: bytes, case: bytes) -> tuple[Warrant, WarrantRecord]:
        known = self._desk.state.warrants.get(case)
        if known is None or known.agency != agency:
            raise WireRefused(Code.NOT_PERMITTED, "not the agency of this case")
        warrant = await self._desk.warrant(case)
        charter = self._desk.charter
        return warrant, check_metadata_warrant(warrant, charter, self._desk.state, self._clock())

    async def _stored(self, warrant: Warrant) -> dict[Label, list[EnvelopeFacts]]:
        """Return what is stored in a warrant's scope, by label, in the order of sequence."""
        found: dict[Label, list[EnvelopeFacts]] = {}
        async for place, items in read_places(self._store, warrant.scope):
            for item in items:
                label = self._label(place[1], warrant.terms.committee, item)
                if label is not None:
                    facts = EnvelopeFacts(
                        item.sequence, item.time_ms, len(item.body), len(item.mls)
                    )
                    found.setdefault(label, []).append(facts)
        return found

    def _label(self, conversation: bytes, committee: int, item: StoredItem) -> Label | None:
        if item.kind != MESSAGE:
            return None
        header = Header.decode(item.header)
        if header.form is Form.EPHEMERAL or header.committee != committee:
            return None
        return Label(
            self._deployment,
            committee,
            header.key_epoch,
            ConversationId(conversation),
            AccountId(bytes(item.account)),
            header.day,
        )
