"""Law-log lines in plain words, for whoever follows what the law did; nothing relies on them."""

from doublelock.protocol.charter import Charter
from doublelock.protocol.days import date_of, first_day
from doublelock.protocol.errors import Refusal
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.lawlog import (
    AmendmentLogged,
    AnyEntry,
    Approval,
    BundleLogged,
    BundleWithdrawn,
    Cancellation,
    CharterLogged,
    Destruction,
    EpochExtended,
    HandoverLogged,
    KeyEpochLogged,
    Lapse,
    NoticeDelivered,
    Preservation,
    ReleaseLogged,
    ReleaseRequest,
    Statistics,
    WarrantFiled,
    WarrantRefused,
    verify_line,
)


def describe_line(charter: Charter, line: bytes) -> str:
    """Return a line as a sentence: who, what, and which warrant by the start of its commitment."""
    deployment: DeploymentId = charter.deployment
    try:
        signed = verify_line(deployment, line).signed
    except Refusal as refusal:
        return f"a line that is void: {refusal.code.value}"
    party = charter.party(signed.author)
    who = party.name if party is not None else f"key {signed.author.hex()[:16]}"
    return f"{who} {_describe(signed.entry)}"


def _describe(entry: AnyEntry) -> str:
    match entry:
        case CharterLogged():
            return "founded the deployment with its charter"
        case AmendmentLogged():
            return "amended the charter"
        case HandoverLogged():
            return "handed both logs over to the charter's witnesses"
        case KeyEpochLogged():
            month = str(date_of(first_day(entry.key_epoch)))[:7]
            return f"logged the key of {month}, signed by all custodians and the court"
        case EpochExtended():
            return f"let last month's key go on until {date_of(entry.until_day)}"
        case WarrantFiled():
            named = f"{len(entry.subjects)} sealed names" if entry.subjects else "no named sender"
            return f"filed {_name(entry.warrant)} ({entry.kind.value}, {named})"
        case Approval():
            return f"approved {_name(entry.warrant)}"
        case WarrantRefused():
            return f"refused {_name(entry.warrant)} (ground: {entry.ground.value})"
        case Cancellation():
            return f"cancelled {_name(entry.warrant)} (ground: {entry.ground.value})"
        case ReleaseRequest():
            return (
                f"asked for the keys of {_count(entry.labels, 'label')} of "
                f"{_count(entry.accounts, 'account')} under {_name(entry.warrant)}"
            )
        case ReleaseLogged():
            return f"released its part of {_count(entry.labels, 'key')} for {_name(entry.warrant)}"
        case Lapse():
            return f"noted that {_name(entry.warrant)} lapsed ({entry.ground})"
        case NoticeDelivered():
            return f"delivered the notice of {_name(entry.warrant)} to one account"
        case Destruction():
            month = str(date_of(first_day(entry.key_epoch)))[:7]
            return f"destroyed its share of the key of {month}"
        case Preservation():
            return f"preserved {_count(entry.labels, 'key')} of {_name(entry.warrant)}"
        case Statistics():
            return f"published statistics: {entry.filed} filed, {entry.approved} approved"
        case BundleLogged():
            return f"logged the web client {entry.version} ({entry.bundle.hex()[:16]}…)"
        case BundleWithdrawn():
            return f"withdrew the web client {entry.bundle.hex()[:16]}…"


def _name(warrant: bytes) -> str:
    return f"warrant {warrant.hex()[:8]}…"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
