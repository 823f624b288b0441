"""Who holds a month's key next: from the law log and the charters alone (spec K-16, K-17)."""

from collections.abc import Sequence

from doublelock.protocol.charter import Charter
from doublelock.protocol.charter_terms import Committee
from doublelock.protocol.days import DAY_MS, day_of, last_day
from doublelock.protocol.lawrecords import EpochRecord
from doublelock.protocol.lawstate import LawState


def escrow_committee(charter: Charter, number: int) -> Committee | None:
    """Return a committee that holds keys under a charter, None when it has no such one."""
    for committee in charter.terms.committees:
        if committee.number == number and committee.escrow == "threshold":
            return committee
    return None


def holds(committee: Committee, record: EpochRecord) -> bool:
    """Say whether a logged generation is exactly this committee's: same custodians and quorum."""
    keys = tuple(bytes(custodian.key) for custodian in committee.custodians)
    return (keys, committee.threshold) == (record.holders, record.keys.custodians.threshold)


def successor(law: LawState, record: EpochRecord, now_ms: int) -> Committee | None:
    """Return the committee that a generation passes to: of the charter in force, or the first one
    to come whose holders or quorum are others; None when nothing changes (K-16).
    """
    number = record.keys.epoch.committee
    for charter in _from_now(law, now_ms):
        committee = escrow_committee(charter, number)
        if committee is not None and not holds(committee, record):
            return committee
    return None


def is_due(committee: Committee, record: EpochRecord, now_ms: int) -> bool:
    """Say whether a month is still passed on: alive, and within its retention (K-16)."""
    end = last_day(record.keys.epoch.key_epoch) + committee.retention_days
    return record.alive and day_of(now_ms) <= end


def may_refresh(record: EpochRecord, now_ms: int) -> bool:
    """Say whether a month's shares may be made new now: a day at least after the last time (K-19).

    Counted from the law log, so that all holders judge alike.
    """
    return not record.earlier or now_ms >= record.logged_ms + DAY_MS


def _from_now(law: LawState, now_ms: int) -> Sequence[Charter]:
    in_force = law.charter(now_ms)
    return law.charters[law.charters.index(in_force) :]
