"""`agency request` and `agency open`: ask for the keys, then read what they open."""

from pathlib import Path

import click

from doublelock.agency import AgencyDesk
from doublelock.agency.opening import Opening
from doublelock.commands import terminal
from doublelock.commands.cases import (
    AGENCY,
    at_desk,
    count_people,
    holder_name,
    open_agency,
    resolve,
)
from doublelock.commands.options import (
    Clock,
    clock_option,
    json_option,
    key_file_option,
    state_option,
)


@click.command(short_help="Ask custodians and court for the keys.")
@click.argument("case")
@state_option(AGENCY)
@key_file_option
@clock_option
@json_option
def request(case: str, state: Path, key_file: Path | None, clock: Clock) -> None:
    """Ask custodians and court for exactly what CASE covers and was not asked for before.

    Fetches the server's signed inventory, and logs the request with a commitment to every person
    concerned: each of them is owed a notice from then on. Ask again later for what came since.

    \b
    Example:
      doublelock agency request 5f0c
    """

    async def work(desk: AgencyDesk) -> None:
        found = await resolve(desk.party, case)
        with terminal.working("Fetching the inventory, logging the request"):
            made = await desk.request(found)
        people = len({label.account for label in made.labels})
        terminal.answer(
            {
                "case": found.hex(),
                "request": made.request.hex(),
                "labels": len(made.labels),
                "people": people,
                "messages": made.messages,
            },
            f"Asked for {len(made.labels)} labels of {count_people(people)}, "
            f"{made.messages} messages.\n"
            "Custodians and court answer when they see it in the log; `status` shows who did.",
        )

    at_desk(open_agency(state, key_file, clock), work)


@click.command("open", short_help="Decrypt, and write the evidence package.")
@click.argument("case")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of the evidence package, made new; a zip of it is written beside it.",
)
@click.option(
    "--handle",
    "handles",
    multiple=True,
    metavar="NAME",
    help="More people to call by their handles in the report.",
)
@state_option(AGENCY)
@key_file_option
@clock_option
@json_option
def open_(
    case: str,
    out: Path,
    handles: tuple[str, ...],
    state: Path,
    key_file: Path | None,
    clock: Clock,
) -> None:
    """Combine the releases for CASE, open and verify every message, write the evidence package.

    Needs the court and a quorum of custodians for every request of the case. A holder whose release
    does not hold is named and passed over. The package is verified by the public rule before it is
    signed: what does not hold is said, and nothing is signed.

    \b
    Example:
      doublelock agency open 5f0c --out evidence
    """

    async def work(desk: AgencyDesk) -> None:
        found = await resolve(desk.party, case)
        with terminal.counting("Opening labels") as progress:
            opening = await desk.open_case(found, progress)
        _tell_faults(desk, opening)
        with terminal.working("Writing and verifying the evidence package"):
            people = tuple(sorted({*desk.handles(found), *handles}))
            sizes = await desk.write(opening, out, people)
        _tell_opening(desk, opening, out, sum(sizes.values()))

    at_desk(open_agency(state, key_file, clock), work)


def _tell_faults(desk: AgencyDesk, opening: Opening) -> None:
    for culprit in opening.culprits:
        who = holder_name(desk.party, opening.warrant.terms.committee, culprit.holder)
        terminal.note(f"Passed over: {who}, whose release does not hold ({culprit.code.value}).")
    for fault in opening.faults:
        terminal.note(f"Did not hold: {fault.where} ({fault.code.value}).")


def _tell_opening(desk: AgencyDesk, opening: Opening, out: Path, size: int) -> None:
    committee = opening.warrant.terms.committee
    senders = len({one.message.label.account for one in opening.messages})
    holders = sorted({holder for _, holder, _ in opening.releases})
    wrong = {one.holder for one in opening.culprits}
    used = [holder_name(desk.party, committee, one) for one in holders if one not in wrong]
    terminal.answer(
        {
            "case": opening.warrant.commitment.hex(),
            "messages": len(opening.messages),
            "senders": senders,
            "labels": len(opening.label_keys),
            "released_by": used,
            "passed_over": [
                {"holder": holder_name(desk.party, committee, one.holder), "code": one.code.value}
                for one in opening.culprits
            ],
            "faults": [{"where": one.where, "code": one.code.value} for one in opening.faults],
            "package": str(out),
            "zip": f"{out}.zip",
        },
        f"Opened {len(opening.messages)} messages of {count_people(senders)} under "
        f"{len(opening.label_keys)} labels, each verified.\nReleased by {', '.join(used)}.\n"
        f"Evidence: {out} and {out}.zip ({size} bytes). Anyone checks it with\n"
        f"  doublelock verify package {out} --deployment {desk.party.deployment.hex()}",
    )
