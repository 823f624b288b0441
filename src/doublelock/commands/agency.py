"""`doublelock agency`: apply, ask for releases, open, write evidence; each case to its end."""

from pathlib import Path

import click

from doublelock.agency import AgencyDesk
from doublelock.agency.words import name_people
from doublelock.commands import terminal
from doublelock.commands.application import apply
from doublelock.commands.cases import (
    AGENCY,
    SHORT,
    STATES,
    at_desk,
    cancel,
    open_agency,
    tell_case,
)
from doublelock.commands.metadata import metadata
from doublelock.commands.opening import open_, request
from doublelock.commands.options import (
    Clock,
    clock_option,
    ground_option,
    json_option,
    key_file_option,
    state_option,
    yes_option,
)
from doublelock.commands.parties import add_party_commands
from doublelock.protocol.charter import Role
from doublelock.protocol.days import iso_time
from doublelock.protocol.lawlog import Ground


@click.group(cls=terminal.InOrder)
def agency() -> None:
    """Apply for a warrant, and open what it names once it is released.

    The way of a case: apply; a minister and a judge approve; request, which logs what is asked;
    custodians and court release; open, which decrypts here and writes the evidence package. A CASE
    is named by the first digits of its commitment, as `list` shows it. A metadata warrant opens no
    message: `metadata` fetches who wrote where and when, and those people are told as well.

    \b
    Examples:
      doublelock agency init 'Prosecutor'
      doublelock agency join --address https://chat.example --deployment 3f2a...
      doublelock agency apply --sender ada --first-day 2026-10-01 --offence fraud \\
          --legal-basis 'Criminal Code 263' --reference 'Case 7/2026'
      doublelock agency request 5f0c
      doublelock agency open 5f0c --out evidence
    """


add_party_commands(agency, Role.AGENCY, "Prosecutor")
agency.add_command(apply)


@click.command("list", short_help="List your cases.")
@state_option(AGENCY)
@key_file_option
@clock_option
@json_option
def list_(state: Path, key_file: Path | None, clock: Clock) -> None:
    """List this agency's cases, one a line, the latest last.

    \b
    Example:
      doublelock agency list
    """

    async def work(desk: AgencyDesk) -> None:
        await desk.party.look()
        for case in desk.party.cases():
            record = desk.party.watch.state.warrants.get(case)
            state_ = None if record is None else record.status(desk.party.clock())
            terms = desk.party.warrant(case).terms
            said = "not logged" if state_ is None else STATES[state_]
            terminal.answer(
                {
                    "case": case.hex(),
                    "state": None if state_ is None else state_.value,
                    "kind": terms.kind.value,
                    "reference": terms.reference,
                    "filed": iso_time(terms.valid_from_ms),
                },
                f"{case.hex()[:SHORT]}  {iso_time(terms.valid_from_ms)[:10]}  "
                f"{terms.kind.value:<14}  {said:<20}  {terms.reference}",
            )
        if not desk.party.cases():
            terminal.note("No case yet.")

    at_desk(open_agency(state, key_file, clock), work)


@click.command(short_help="Show where a case stands.")
@click.argument("case", required=False)
@state_option(AGENCY)
@key_file_option
@clock_option
@json_option
def status(case: str | None, state: Path, key_file: Path | None, clock: Clock) -> None:
    """Show what CASE asks, who approved, who released, and who is owed a notice; or every case.

    \b
    Examples:
      doublelock agency status 5f0c
      doublelock agency status --json
    """

    async def work(desk: AgencyDesk) -> None:
        await desk.party.look()
        cases = desk.party.cases() if case is None else [desk.party.find_case(case)]
        salt = bytes(desk.party.charter.terms.account_salt)
        for one in cases:
            names = name_people(salt, desk.handles(one))
            terminal.answer(*tell_case(desk.party, one, names))
        if not cases:
            terminal.note("No case yet.")

    at_desk(open_agency(state, key_file, clock), work)


@click.command("cancel", short_help="Give a warrant up.")
@click.argument("case")
@ground_option(Ground.WITHDRAWN)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The signed file.")
@yes_option
@state_option(AGENCY)
@key_file_option
@clock_option
@json_option
def cancel_(
    case: str,
    ground: Ground,
    out: Path | None,
    yes: bool,
    state: Path,
    key_file: Path | None,
    clock: Clock,
) -> None:
    """Cancel CASE: nothing more is released for it, and the log says so.

    Writes a signed file first. Handed to a custodian or the court (`custodian cancel FILE`) it
    stops them at once, whether the server logs it or not.

    \b
    Example:
      doublelock agency cancel 5f0c
    """
    at_desk(
        open_agency(state, key_file, clock), lambda desk: cancel(desk.party, case, ground, out, yes)
    )


for _command in (request, open_, metadata, list_, status, cancel_):
    agency.add_command(_command)
