"""Who owes a notice that is overdue, whatever became of the agency's key and name (spec R-16).

An agency is known across amendments by its key and, within its committee, by its name: whoever
keeps one of them while the other changes is the same party, and sheds nothing.
"""

from collections.abc import Collection, Iterable, Sequence

from doublelock.protocol.charter import Charter, PartyRef, Role, charter_at
from doublelock.protocol.lawrecords import WarrantRecord


def owed_by(
    agency: bytes,
    records: Iterable[WarrantRecord],
    charters: Sequence[Charter],
    time_ms: int,
) -> tuple[WarrantRecord, ...]:
    """Return the warrants whose overdue notices an agency owes, by its key (32 bytes), at a time.

    Those of the same party; and of parties that left its committee without a successor by key or
    name, if it came after the warrant was filed: a new key and a new name at once look like that.
    """
    late = [record for record in records if record.overdue(time_ms)]
    if not late:
        return ()
    so_far = [one for one in charters if one.terms.effective_ms <= time_ms]
    mine = _same_party(agency, so_far)
    return tuple(
        record
        for record in late
        if bytes(record.agency) in mine or _inherits(agency, mine, record, so_far, time_ms)
    )


def _inherits(
    agency: bytes,
    mine: Collection[bytes],
    record: WarrantRecord,
    charters: Sequence[Charter],
    time_ms: int,
) -> bool:
    """Say whether an agency came for one that went away with this warrant's notices owed."""
    present = charter_at(charters, time_ms)
    gone = _same_party(record.agency, charters)
    if any(one.key in gone and one.committee == record.committee for one in _agencies([present])):
        return False
    # Whoever was there beside it is another party; only who came later may be the same.
    if any(one.key in mine for one in _agencies([charter_at(charters, record.filed_ms)])):
        return False
    me = present.party(agency)
    there = {committee.number for committee in present.terms.committees}
    return me is not None and (me.committee == record.committee or record.committee not in there)


def _same_party(key: bytes, charters: Sequence[Charter]) -> frozenset[bytes]:
    """Return every key that an agency has had, linked by keys and by names in its committee."""
    agencies = {(one.key, one.committee, one.name) for one in _agencies(charters)}
    keys, names = {bytes(key)}, set[tuple[int | None, str]]()
    while True:
        linked = [one for one in agencies if one[0] in keys or one[1:] in names]
        size = len(keys) + len(names)
        keys |= {one[0] for one in linked}
        names |= {one[1:] for one in linked}
        if len(keys) + len(names) == size:
            return frozenset(keys)


def _agencies(charters: Sequence[Charter]) -> list[PartyRef]:
    return [one for charter in charters for one in charter.parties if one.role is Role.AGENCY]
