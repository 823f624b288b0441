"""Who holds a month's key next: from the law log and the charters alone (spec K-16, K-17)."""

from collections.abc import Sequence
from typing import Final

from doublelock.protocol.ceremony import CeremonyName, Kind
from doublelock.protocol.charter import Charter
from doublelock.protocol.charter_terms import Committee
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, day_of, key_epoch_of, last_day
from doublelock.protocol.errors import CeremonyRefused
from doublelock.protocol.lawrecords import EpochRecord
from doublelock.protocol.lawstate import LawState

MONTHS_AHEAD: Final = 3
"""How many months after the present one are kept ready."""


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


def check_opening(law: LawState, name: CeremonyName, now_ms: int) -> None:
    """Raise CeremonyRefused(ceremony-setup) for a ceremony that cannot be due (K-22).

    A key generation is of a committee that escrows and of a month without a key that the clock of
    some holder may now want; a resharing follows a living generation in the log.
    """
    record = law.epochs.get((name.committee, name.key_epoch))
    if name.kind is Kind.RESHARING:
        if record is None or not record.alive:
            raise CeremonyRefused(Code.CEREMONY_SETUP, "nothing to pass on")
        if name.share_version != record.keys.share_version + 1:
            raise CeremonyRefused(Code.CEREMONY_SETUP, "not the next generation")
        return
    month = key_epoch_of(day_of(now_ms))
    if record is not None or not month - 1 <= name.key_epoch <= month + MONTHS_AHEAD + 1:
        raise CeremonyRefused(Code.CEREMONY_SETUP, f"no key is due for month {name.key_epoch}")
    if escrow_committee(law.charter(now_ms), name.committee) is None:
        raise CeremonyRefused(Code.CEREMONY_SETUP, "a committee without escrow")


def _from_now(law: LawState, now_ms: int) -> Sequence[Charter]:
    in_force = law.charter(now_ms)
    return law.charters[law.charters.index(in_force) :]
