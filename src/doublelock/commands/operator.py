"""`serve refuse` and `serve statistics`: the operator's own acts of the law, on a running server.

The server decides nothing for its operator: these acts are signed here and filed like anybody's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

import click
import msgspec

from doublelock.commands import terminal
from doublelock.commands.cases import SHORT
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
from doublelock.holder.desk import file_document
from doublelock.holder.watch import LawWatch
from doublelock.keep import StateFolder
from doublelock.protocol.charter import verify_genesis
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, day_of_date, iso_time
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import WarrantRefused
from doublelock.protocol.lawlog import AnyEntry, Ground, sign_entry
from doublelock.protocol.lawlog import WarrantRefused as RefusalEntry
from doublelock.protocol.session import PartySubject
from doublelock.protocol.statistics import Counts
from doublelock.server.founding import load_founding
from doublelock.transport.http import HttpClient, Identity

_DATE: Final = click.DateTime(["%Y-%m-%d"])
ADDRESS: Final = click.option(
    "--address",
    default="http://127.0.0.1:8080",
    show_default=True,
    metavar="URL",
    help="The running server's HTTP address.",
)
"""Adds `--address`: where the operator's acts are filed."""


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator at the desk of a running server."""

    http: HttpClient
    watch: LawWatch
    key: SigningKey

    async def log(self, entry: AnyEntry) -> int:
        """Log an entry; return its line."""
        signed = sign_entry(
            self.watch.state.deployment, entry, self.key.public.encoded, self.key.sign
        )
        return (await file_document(self.http, "entry", signed)).log_index


@asynccontextmanager
async def as_operator(
    state: Path, key_file: Path | None, address: str, clock: Clock
) -> AsyncIterator[Operator]:
    """Sign in at a running server by the key that the charter in force names (C-13).

    Raises VaultRefused, CharterRefused, LogRefused, WireRefused.
    """
    folder = StateFolder.look_into(state, unlock("the server", key_file))
    try:
        deployment, charters, keys = load_founding(folder)
    finally:
        folder.close()
    async with HttpClient(address) as public:
        watch = LawWatch(public, verify_genesis(charters[0], deployment), None)
        law = await watch.update()
        key = keys.held(law.charter(max(clock(), law.begin_ms)).terms.operator.key)
        identity = Identity(deployment, PartySubject(key.public.encoded), key.sign)
        async with HttpClient(address, identity=identity) as http:
            yield Operator(http, watch, key)


@click.command(short_help="Refuse a warrant, as the operator.")
@click.argument("case")
@ground_option()
@ADDRESS
@yes_option
@state_option("server")
@key_file_option
@clock_option
@json_option
def refuse(
    case: str,
    ground: Ground,
    address: str,
    yes: bool,
    state: Path,
    key_file: Path | None,
    clock: Clock,
) -> None:
    """Refuse CASE for good, as the operator, with a ground that everybody can read.

    For a warrant that the law or the charter does not bear out. The refusal is signed by the
    operator's key, logged and counted; holders then release nothing for the case. The server has
    to be running.

    \b
    Examples:
      doublelock serve refuse 5f0c --ground authority
      doublelock serve refuse 5f0c --ground form --address https://chat.example --yes
    """

    async def work() -> None:
        async with as_operator(state, key_file, address, clock) as operator:
            known = operator.watch.state.warrants
            found = [one for one in known if one.hex().startswith(case.lower())] if case else []
            if len(found) != 1:
                many = f"{len(found)} cases begin" if found else "no case begins"
                raise WarrantRefused(Code.NOT_FOUND, f"{many} with {case[:64]!r}")
            terminal.confirm(f"Refuse the case {found[0].hex()[:SHORT]} for good?", yes)
            index = await operator.log(RefusalEntry(warrant=Bytes32(found[0]), ground=ground))
            terminal.answer(
                {"case": found[0].hex(), "ground": ground.value, "log_index": index},
                f"Refused and logged, line {index}: {found[0].hex()} ({ground.value})",
            )

    terminal.run(work())


@click.command(short_help="Log what the law did in a period.")
@click.option(
    "--first-day",
    type=_DATE,
    metavar="DATE",
    help="First day (UTC), as 2026-09-01; the last month's first unless given.",
)
@click.option(
    "--last-day",
    type=_DATE,
    metavar="DATE",
    help="Last day, included; the end of the first day's month unless given.",
)
@ADDRESS
@state_option("server")
@key_file_option
@clock_option
@json_option
def statistics(
    first_day: datetime | None,
    last_day: datetime | None,
    address: str,
    state: Path,
    key_file: Path | None,
    clock: Clock,
) -> None:
    """Count what the law did in a period, from the law log itself, and log the counts signed.

    One entry for each committee. Everybody who has the log counts again (`verify logs`), so that a
    wrong entry shows. A period that lasts until today ends now. The server has to be running.

    \b
    Examples:
      doublelock serve statistics
      doublelock serve statistics --first-day 2026-07-01 --last-day 2026-09-30 --json
    """
    now = clock()
    from_ms, until_ms = _read_period(first_day, last_day, now)
    if until_ms <= from_ms:
        terminal.fail("The period ends before it begins, or has not begun.")

    async def work() -> None:
        async with as_operator(state, key_file, address, clock) as operator:
            watch = operator.watch
            documents = {sha256(one).digest(): one for one in watch.amendments}
            counts = Counts(watch.state.charters[0], watch.lines, documents)
            for committee in watch.state.charter(now).terms.committees:
                entry = counts.count(committee.number, from_ms, until_ms)
                index = await operator.log(entry)
                figures = {
                    name: value
                    for name, value in msgspec.structs.asdict(entry).items()
                    if name not in ("committee", "from_ms", "until_ms")
                }
                said = ", ".join(
                    f"{value} {name}" for name, value in figures.items() if name != "committee"
                )
                terminal.answer(
                    {
                        "committee": committee.number,
                        "from": iso_time(from_ms),
                        "until": iso_time(until_ms),
                        "line": index,
                    }
                    | figures,
                    f"{committee.name}, {iso_time(from_ms)} to {iso_time(until_ms)}: {said}. "
                    f"Logged, line {index}.",
                )

    terminal.run(work())


def _read_period(first: datetime | None, last: datetime | None, now_ms: int) -> tuple[int, int]:
    """Return a period in ms; it ends with its last day, or now."""
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    begin = (
        (today.replace(day=1) - timedelta(days=1)).replace(day=1) if first is None else first.date()
    )
    next_month = (begin.replace(day=28) + timedelta(days=4)).replace(day=1)
    end = next_month if last is None else last.date() + timedelta(days=1)
    return day_of_date(begin) * DAY_MS, min(day_of_date(end) * DAY_MS, now_ms)
