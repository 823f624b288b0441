"""`doublelock minister` and `doublelock judge`: read what is asked, then sign or refuse."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from doublelock.agency import ApprovalDesk
from doublelock.agency.words import describe_warrant, name_people
from doublelock.commands import terminal
from doublelock.commands.cases import SHORT, at_desk, cancel, record_of, resolve, tell_case
from doublelock.commands.options import (
    Clock,
    clock_option,
    ground_option,
    json_option,
    key_file_option,
    state_option,
    unlock,
    yes_option,
)
from doublelock.commands.parties import add_party_commands
from doublelock.protocol.charter import Role
from doublelock.protocol.codes import Code
from doublelock.protocol.days import iso_time
from doublelock.protocol.errors import WarrantRefused
from doublelock.protocol.lawlog import Ground
from doublelock.protocol.warrant import Warrant

_GROUP = """Read the warrants that an agency asks for, and approve or refuse them as a {role}.

Both locks are needed: a minister and a judge each sign the same document, and only both signatures
in the public log put a warrant in force. What is asked is shown in plain words before anything is
signed. A CASE is named by the first digits of its commitment, as `pending` shows it.

\b
Examples:
  doublelock {role} init '{example}'
  doublelock {role} join --address https://chat.example --deployment 3f2a...
  doublelock {role} pending
  doublelock {role} show 5f0c --handle ada
  doublelock {role} approve 5f0c
  doublelock {role} refuse 5f0c --ground proportionality
"""

_PENDING = """List the warrants that wait for this {role}.

\b
Example:
  doublelock {role} pending
"""

_SHOW = """Show what CASE asks, in words, and where it stands.

A warrant names accounts by their ids. With --handle, accounts that prove to be this person's are
called so: that is how to see that a warrant names whom its applicant says it names.

\b
Examples:
  doublelock {role} show 5f0c
  doublelock {role} show 5f0c --handle ada --handle bob
"""

_APPROVE = """Sign CASE's warrant as a {role}, and have the approval logged.

Shows what is signed, and asks. The approval is public, with its time; the warrant's content is not.

\b
Examples:
  doublelock {role} approve 5f0c
  doublelock {role} approve 5f0c --handle ada

A handle that is nobody's in the warrant is refused, and nothing is signed.
"""

_REFUSE = """Refuse CASE for good. The refusal and its ground are logged and counted.

\b
Example:
  doublelock {role} refuse 5f0c --ground necessity
"""

_CANCEL = """Cancel CASE, also after it was approved: nothing more is released for it.

Writes a signed file first. Handed to a custodian or the court (`custodian cancel FILE`) it stops
them at once, whether the server logs it or not.

\b
Examples:
  doublelock {role} cancel 5f0c
  doublelock {role} cancel 5f0c --ground proportionality --out stop.cancel
"""

_HANDLE: Final = click.option(
    "--handle",
    "handles",
    multiple=True,
    metavar="NAME",
    help="A person's handle, to call their account by; give it once for each.",
)


def _expect(warrant: Warrant, names: Mapping[bytes, str]) -> None:
    """Refuse to go on where a handle that the approver gave is nobody's in the warrant."""
    named = {
        bytes(one) for item in warrant.terms.scope for one in (*item.senders, *item.without_senders)
    }
    for account, handle in names.items():
        if account not in named:
            raise WarrantRefused(Code.NOT_FOUND, f"the warrant does not name {handle[:64]!r}")


def _make_group(role: Role, example: str) -> click.Group:
    name = role.value
    group = terminal.InOrder(name, help=_GROUP.format(role=name, example=example))
    add_party_commands(group, role, example)

    def open_desk(state: Path, key_file: Path | None, clock: Clock) -> ApprovalDesk:
        return ApprovalDesk.open(state, unlock(f"this {name}", key_file), clock, (role,))

    @group.command(short_help="List what waits for this desk.", help=_PENDING.format(role=name))
    @state_option(name)
    @key_file_option
    @clock_option
    @json_option
    def pending(state: Path, key_file: Path | None, clock: Clock) -> None:
        at_desk(open_desk(state, key_file, clock), _pending)

    @group.command(short_help="Show what a case asks, in words.", help=_SHOW.format(role=name))
    @click.argument("case")
    @_HANDLE
    @state_option(name)
    @key_file_option
    @clock_option
    @json_option
    def show(
        case: str, handles: tuple[str, ...], state: Path, key_file: Path | None, clock: Clock
    ) -> None:
        async def work(desk: ApprovalDesk) -> None:
            found = await resolve(desk.party, case)
            names = name_people(bytes(desk.party.charter.terms.account_salt), handles)
            terminal.answer(*tell_case(desk.party, found, names))

        at_desk(open_desk(state, key_file, clock), work)

    @group.command(short_help="Sign a warrant.", help=_APPROVE.format(role=name))
    @click.argument("case")
    @_HANDLE
    @yes_option
    @state_option(name)
    @key_file_option
    @clock_option
    @json_option
    def approve(
        case: str,
        handles: tuple[str, ...],
        yes: bool,
        state: Path,
        key_file: Path | None,
        clock: Clock,
    ) -> None:
        async def work(desk: ApprovalDesk) -> None:
            found = await resolve(desk.party, case)
            names = name_people(bytes(desk.party.charter.terms.account_salt), handles)
            warrant = desk.party.warrant(found)
            for line in describe_warrant(warrant, names):
                terminal.note(line)
            _expect(warrant, names)
            record_of(desk.party, found)
            terminal.confirm(f"Sign this as a {name}, {desk.party.me.name}?", yes)
            await desk.approve(found)
            terminal.answer(
                {"case": found.hex(), "approved_as": name},
                f"Approved and logged: {found.hex()}",
            )

        at_desk(open_desk(state, key_file, clock), work)

    @group.command(short_help="Refuse a warrant for good.", help=_REFUSE.format(role=name))
    @click.argument("case")
    @ground_option()
    @yes_option
    @state_option(name)
    @key_file_option
    @clock_option
    @json_option
    def refuse(
        case: str, ground: Ground, yes: bool, state: Path, key_file: Path | None, clock: Clock
    ) -> None:
        async def work(desk: ApprovalDesk) -> None:
            found = await resolve(desk.party, case)
            record_of(desk.party, found)
            terminal.confirm(f"Refuse the case {found.hex()[:SHORT]} for good?", yes)
            await desk.refuse(found, ground)
            terminal.answer(
                {"case": found.hex(), "ground": ground.value},
                f"Refused and logged: {found.hex()} ({ground.value})",
            )

        at_desk(open_desk(state, key_file, clock), work)

    @group.command(
        "cancel", short_help="End a warrant, approved or not.", help=_CANCEL.format(role=name)
    )
    @click.argument("case")
    @ground_option(Ground.OTHER)
    @click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The signed file.")
    @yes_option
    @state_option(name)
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
        at_desk(
            open_desk(state, key_file, clock),
            lambda desk: cancel(desk.party, case, ground, out, yes),
        )

    return group


async def _pending(desk: ApprovalDesk) -> None:
    found = await desk.pending()
    for one in found:
        until = iso_time(one.warrant.terms.valid_until_ms)
        terminal.answer(
            {"case": one.case.hex(), "asks": list(one.words)},
            "\n".join((f"Case {one.case.hex()}, until {until}", *(f"  {w}" for w in one.words))),
        )
    if not found:
        terminal.note("Nothing waits for you.")


minister = _make_group(Role.MINISTER, "Minister of Justice")
judge = _make_group(Role.JUDGE, "Investigating judge")
