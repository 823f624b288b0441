"""`doublelock custodian` and `doublelock court`: hold a share, release on a permit, and say so."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from doublelock.commands import terminal
from doublelock.commands.amendments import consent_of
from doublelock.commands.options import (
    FILE,
    Clock,
    clock_option,
    json_option,
    key_file_option,
    state_option,
    unlock,
)
from doublelock.commands.parties import add_party_commands
from doublelock.commands.refresh import refresh
from doublelock.court import open_court
from doublelock.custodian import open_custodian
from doublelock.holder.daemon import HolderDaemon
from doublelock.holder.journal import Act
from doublelock.holder.membership import read_pinned
from doublelock.holder.serving import leave_cancellation
from doublelock.holder.status import HolderStatus, read_status
from doublelock.keep import Unlocking
from doublelock.protocol import limits
from doublelock.protocol.charter import Role
from doublelock.protocol.codes import Code
from doublelock.protocol.days import day_of, iso_time, key_epoch_of, month_of
from doublelock.protocol.documents import encode
from doublelock.protocol.errors import Malformed

_OPEN: Final[dict[Role, Callable[[Path, Unlocking], HolderDaemon]]] = {
    Role.CUSTODIAN: open_custodian,
    Role.COURT: open_court,
}

_CUSTODIAN = """Hold one share of every month's key, and release what a warrant names.

A custodian is a daemon that opens no port: it asks the server for what concerns it, checks
everything itself (the charter, both logs, the warrant and its approvals) and answers a request with
its share of exactly the keys that the warrant covers, or with a refusal. It never holds a message.

\b
Examples:
  doublelock custodian init 'Bar association'
  doublelock custodian join --address https://chat.example --deployment 3f2a...
  doublelock custodian run
  doublelock custodian status
"""

_COURT = """Hold the court's key of every month, without which no quorum opens anything.

The court is a daemon like a custodian's: it opens no port, checks everything itself, and releases
its part of exactly the keys that a warrant covers. All custodians together can open nothing without
it.

\b
Examples:
  doublelock court init 'District court'
  doublelock court join --address https://chat.example --deployment 3f2a...
  doublelock court run
  doublelock court status
"""

_RUN = """Serve as this {role} until Ctrl-C or SIGTERM.

Takes part in key ceremonies (this month's key and three ahead), answers release requests, tells the
people concerned when a gag ends, and destroys its shares when their retention is over. Each of
these is a line here and in the folder's journal. A server or witness that is away is waited for.

\b
Examples:
  doublelock {role} run
  doublelock {role} run --state /srv/{role} --key-file /etc/doublelock/{role}.key
"""

_STATUS = """Show what this {role} holds, and what it answered and refused.

Reads the state folder beside a running daemon, and needs neither its key nor the server.

\b
Examples:
  doublelock {role} status
  doublelock {role} status --last 50
  doublelock {role} status --json
"""

_CANCEL = """Take a cancellation that somebody handed over, so that nothing more is released here.

FILE is what `agency cancel`, `minister cancel` or `judge cancel` wrote. It is signed, so that it
may come by any way, and it works without the server. A running daemon takes it in before it answers
anything else.

\b
Example:
  doublelock {role} cancel 5f0c2a.cancel
"""


def _make_group(role: Role, words: str, example: str) -> click.Group:
    name = role.value
    group = terminal.InOrder(name, help=words)
    add_party_commands(group, role, example)

    @group.command(short_help="Serve until Ctrl-C or SIGTERM.", help=_RUN.format(role=name))
    @state_option(name)
    @key_file_option
    @clock_option
    @json_option
    def run(state: Path, key_file: Path | None, clock: Clock) -> None:
        daemon = _OPEN[role](state, unlock(f"this {name}", key_file))
        terminal.note(f"{daemon.me.name} at {daemon.http.address}. Ctrl-C stops it.")
        terminal.run(terminal.until_stopped_or_done(daemon.run(clock, _say)))

    @group.command(short_help="Show shares, law log and journal.", help=_STATUS.format(role=name))
    @state_option(name)
    @click.option(
        "--last",
        default=10,
        show_default=True,
        type=click.IntRange(0),
        help="How many lines of the journal to show.",
    )
    @clock_option
    @json_option
    def status(state: Path, last: int, clock: Clock) -> None:
        found = read_status(state)
        month = key_epoch_of(day_of(clock()))
        terminal.answer(_as_data(found, month, last), _as_text(found, month, last))

    @group.command(short_help="Take a cancellation from anyone.", help=_CANCEL.format(role=name))
    @click.argument("file", type=FILE)
    @state_option(name)
    @json_option
    def cancel(file: Path, state: Path) -> None:
        charter = read_pinned(state).charter
        if file.stat().st_size > limits.LOG_ENTRY:
            raise Malformed(Code.SIZE, file.name)
        taken = leave_cancellation(state, file.read_bytes(), charter)
        terminal.answer(
            {"warrant": taken.warrant.hex(), "ground": taken.ground.value},
            f"Taken: warrant {taken.warrant.hex()} gets nothing more from here.",
        )

    group.add_command(consent_of(role))
    if role is Role.CUSTODIAN:
        group.add_command(refresh)
    return group


def _say(act: Act) -> None:
    if terminal.wants_json():
        click.echo(encode(act))
    else:
        click.echo(str(act))


def _as_data(found: HolderStatus, month: int, last: int) -> dict[str, object]:
    return {
        "deployment": found.deployment,
        "server": found.address,
        "ready": [month_of(one) for one in found.ready],
        "shares": [month_of(one) for one in found.months],
        "months_ahead": found.months_ahead(month),
        "law_log": None if found.head is None else {"size": found.head[0], "root": found.head[1]},
        "answered": found.answered,
        "refused": found.refused,
        "cancellations": found.cancellations,
        "journal": [
            {"time": iso_time(one.time_ms), "kind": one.kind.value, "words": one.words}
            for one in found.acts[len(found.acts) - min(last, len(found.acts)) :]
        ],
    }


def _as_text(found: HolderStatus, month: int, last: int) -> str:
    months = ", ".join(map(month_of, found.months)) or "none"
    ready = ", ".join(map(month_of, found.ready)) or "none"
    ahead = found.months_ahead(month)
    head = "nothing seen yet"
    if found.head is not None:
        head = f"{found.head[0]} lines, root {found.head[1]}"
    shown = found.acts[len(found.acts) - min(last, len(found.acts)) :]
    return "\n".join(
        (
            f"Deployment:    {found.deployment}",
            f"Server:        {found.address}",
            f"Shares of:     {months}",
            f"Ready:         {ready}",
            f"Months ahead:  {ahead}" + ("" if ahead > 2 else "  (three are kept ready: look!)"),
            f"Law log:       {head}",
            f"Answered:      {found.answered} requests",
            f"Refused:       {found.refused} times, as the journal has it",
            f"Cancellations: {found.cancellations} handed over",
            *(("Journal:",) if shown else ()),
            *(f"  {act}" for act in shown),
        )
    )


custodian = _make_group(Role.CUSTODIAN, _CUSTODIAN, "Bar association")
court = _make_group(Role.COURT, _COURT, "District court")
