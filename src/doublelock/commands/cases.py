"""Cases on the command line: how one is named, told, and cancelled, by whichever desk."""

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

from doublelock.agency import AgencyDesk
from doublelock.agency.party import LawParty
from doublelock.agency.words import describe_warrant
from doublelock.commands import terminal
from doublelock.commands.options import Clock, unlock
from doublelock.keep.atomic import write_whole
from doublelock.protocol.charter import WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.days import iso_time
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.errors import Refusal, WarrantRefused
from doublelock.protocol.lawlog import Cancellation, Ground
from doublelock.protocol.lawrecords import WarrantRecord, WarrantStatus
from doublelock.protocol.lawstate import LawState

AGENCY: Final = "agency"
_NOBODY: Final[Mapping[bytes, str]] = MappingProxyType({})
_COMMITMENT: Final = 64
SHORT: Final = 16
"""How many digits of a case's commitment are shown where the whole is not needed."""
STATES: Final = {
    WarrantStatus.AWAITING_APPROVAL: "waits for approval",
    WarrantStatus.EMERGENCY_APPROVAL: "in force by urgency, the judge has yet to confirm",
    WarrantStatus.APPROVED: "approved",
    WarrantStatus.REJECTED: "refused",
    WarrantStatus.CANCELLED: "cancelled",
    WarrantStatus.EXPIRED: "over",
}


class Desk(Protocol):
    """What `at_desk` closes."""

    async def close(self) -> None:
        """Close the desk."""


D = TypeVar("D", bound=Desk)


def at_desk(desk: D, work: Callable[[D], Coroutine[Any, Any, None]]) -> None:
    """Do one thing at a desk, and close it."""

    async def closing() -> None:
        try:
            await work(desk)
        finally:
            await desk.close()

    terminal.run(closing())


def open_agency(state: Path, key_file: Path | None, clock: Clock) -> AgencyDesk:
    """Open the agency's desk. Raises VaultRefused, CharterRefused."""
    return AgencyDesk.open(state, unlock("this agency", key_file), clock)


def record_of(party: LawParty, case: bytes) -> WarrantRecord:
    """Return a case as the law log has it. Raises WarrantRefused(warrant-unlogged)."""
    record = party.watch.state.warrants.get(case)
    if record is None:
        raise WarrantRefused(Code.WARRANT_UNLOGGED, case.hex()[:SHORT])
    return record


def tell_case(
    party: LawParty, case: bytes, names: Mapping[bytes, str] = _NOBODY
) -> tuple[dict[str, object], str]:
    """Return a case as data and as text: what it asks, who approved, what came of it."""
    state, now = party.watch.state, party.clock()
    record = state.warrants.get(case)
    try:
        words = describe_warrant(party.warrant(case), names)
    except Refusal as refusal:
        words = (f"Its document does not hold here: {refusal.code.value}.",)
    lines = [f"Case {case.hex()}", *(f"  {line}" for line in words)]
    data: dict[str, object] = {"case": case.hex(), "asks": list(words)}
    if record is None:
        data["state"] = None
        return data, "\n".join((*lines, "State: not in the law log as the witnesses have seen it"))
    status = record.status(now)
    data |= {"state": status.value, "filed": iso_time(record.filed_ms)}
    lines.append(f"State: {STATES[status]} ({status.value})")
    approvals = [
        {"role": one.role.value, "name": _name(party, one.key), "time": iso_time(one.time_ms)}
        for one in record.approvals
    ]
    data["approvals"] = approvals
    lines += [f"  approved {one['time']} by {one['name']}, {one['role']}" for one in approvals]
    data["requests"], more = _tell_requests(party, state, case)
    lines += more
    told, owed = len(record.delivered), len(record.owed)
    data["notices"] = {"owed": owed, "delivered": told, "overdue": len(record.overdue(now))}
    if owed:
        lines.append(
            f"Notices: told {told} of {count_people(owed)}; due after {iso_time(record.gag_end_ms)}"
            + ("  OVERDUE: nothing is released until they are told" if record.overdue(now) else "")
        )
    return data, "\n".join(lines)


def _tell_requests(
    party: LawParty, state: LawState, case: bytes
) -> tuple[list[dict[str, object]], list[str]]:
    data: list[dict[str, object]] = []
    lines = []
    for request in state.requests.values():
        if request.warrant != case:
            continue
        holders = sorted({who for name, who, _ in state.releases if name == request.hash})
        data.append(
            {
                "request": request.hash.hex(),
                "time": iso_time(request.time_ms),
                "labels": request.labels,
                "people": len(request.subjects),
                "over_cap": request.over_cap,
                "released_by": [holder_name(party, request.committee, one) for one in holders],
            }
        )
        said = ", ".join(holder_name(party, request.committee, one) for one in holders) or "nobody"
        if state.warrants[case].kind is WarrantKind.METADATA:
            said = "the operator, as metadata"
        cap = " OVER THE CHARTER'S CAP: it opens nothing" if request.over_cap else ""
        lines.append(
            f"Request of {iso_time(request.time_ms)}: {request.labels} labels of "
            f"{count_people(len(request.subjects))}; released by {said}{cap}"
        )
    return data, lines


def count_people(number: int) -> str:
    """Return so many people, in words."""
    return "1 person" if number == 1 else f"{number} people"


def holder_name(party: LawParty, committee: int, holder: int) -> str:
    """Return how people call a holder: the charter's name and what it is."""
    found = party.charter.committee(committee)
    if holder == 0:
        return f"{found.court.name} (court)" if found.court is not None else "court"
    names = {one.index: one.name for one in found.custodians}
    return f"{names.get(holder, 'unknown')} (custodian {holder})"


def _name(party: LawParty, key: bytes) -> str:
    found = party.charter.party(key)
    return found.name if found is not None else "a former party"


async def resolve(party: LawParty, text: str) -> bytes:
    """Bring the desk up to date and return the case that begins with `text`.

    Raises WarrantRefused(not-found), WireRefused, LogRefused.
    """
    await party.look()
    return party.find_case(text)


async def cancel(party: LawParty, text: str, ground: Ground, out: Path | None, yes: bool) -> None:
    """Cancel a case: sign, write the file that can be handed to holders, then log.

    With a whole commitment the server is not needed until the file is written. Raises
    WarrantRefused, WireRefused.
    """
    if len(text) == _COMMITMENT:
        try:
            case = bytes.fromhex(text)
        except ValueError:
            terminal.fail("a case is named by hexadecimal digits")
    else:
        case = await resolve(party, text)
    terminal.confirm(f"Cancel the case {case.hex()[:SHORT]} for good?", yes)
    signed = party.sign(Cancellation(warrant=Bytes32(case), ground=ground))
    path = Path(f"{case.hex()[:SHORT]}.cancel") if out is None else out
    write_whole(path, signed)
    terminal.note(f"Signed, in {path}. Handed to a custodian or the court, it works at once.")
    await party.file("entry", signed)
    terminal.answer(
        {"case": case.hex(), "file": str(path), "logged": True},
        f"Cancelled: {case.hex()} in the law log.",
    )
