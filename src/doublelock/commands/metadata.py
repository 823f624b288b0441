"""`agency metadata`: who wrote where and when, under a metadata warrant."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import click

from doublelock.agency import AgencyDesk
from doublelock.agency.words import name_people
from doublelock.commands import terminal
from doublelock.commands.cases import AGENCY, at_desk, open_agency, resolve
from doublelock.commands.options import (
    Clock,
    clock_option,
    json_option,
    key_file_option,
    state_option,
)
from doublelock.keep.atomic import write_whole
from doublelock.protocol.days import date_of, iso_time
from doublelock.protocol.label import Label
from doublelock.protocol.metadata import EnvelopeFacts, Metadata


@click.command(short_help="Fetch who wrote where and when.")
@click.argument("case")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the server's signed statement in this file.",
)
@click.option("--handle", "handles", multiple=True, metavar="NAME", help="More people to name.")
@click.option(
    "--patience",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    metavar="SECONDS",
    help="How long to wait for the witnesses.",
)
@state_option(AGENCY)
@key_file_option
@clock_option
@json_option
def metadata(
    case: str,
    out: Path | None,
    handles: tuple[str, ...],
    patience: float,
    state: Path,
    key_file: Path | None,
    clock: Clock,
) -> None:
    """Fetch which envelopes exist in CASE's scope: conversation, sender, day, time and size.

    CASE is an approved metadata warrant. The server logs first what it gives, with a commitment to
    every person concerned, who is owed a notice from then on; then it signs and gives it. For a
    sender this tells the conversations they wrote in, for a conversation its senders: that is how a
    content warrant for messages that somebody received is prepared.

    \b
    Examples:
      doublelock agency metadata 5f0c
      doublelock agency metadata 5f0c --handle bob --out case7-metadata.jws --json
    """

    async def work(desk: AgencyDesk) -> None:
        found = await resolve(desk.party, case)
        with terminal.working("Logging the request, waiting for the witnesses"):
            given, signed = await desk.metadata(found, patience)
        if out is not None:
            write_whole(out, signed)
        salt = bytes(desk.party.charter.terms.account_salt)
        names = name_people(salt, {*desk.handles(found), *handles})
        data = {
            "case": found.hex(),
            "time": iso_time(given.time_ms),
            "labels": [_as_data(label, facts, names) for label, facts in given.labels],
        }
        terminal.answer(data, _as_text(given, names))

    at_desk(open_agency(state, key_file, clock), work)


def _as_data(
    label: Label, facts: tuple[EnvelopeFacts, ...], names: Mapping[bytes, str]
) -> dict[str, object]:
    return {
        "conversation": label.conversation.hex(),
        "account": label.account.hex(),
        "handle": names.get(bytes(label.account)),
        "day": date_of(label.day).isoformat(),
        "envelopes": [
            {
                "sequence": one.sequence,
                "time": iso_time(one.time_ms),
                "size": one.body_size + one.mls_size,
            }
            for one in facts
        ],
    }


def _as_text(given: Metadata, names: Mapping[bytes, str]) -> str:
    rooms: dict[str, list[str]] = defaultdict(list)
    for label, facts in given.labels:
        handle = names.get(bytes(label.account))
        who = f"account {label.account.hex()}" + (f" ({handle})" if handle else "")
        size = sum(one.body_size + one.mls_size for one in facts)
        first, last = iso_time(facts[0].time_ms), iso_time(facts[-1].time_ms)
        rooms[label.conversation.hex()].append(
            f"  {date_of(label.day)}  {len(facts):>6} messages  {size:>9} bytes  "
            f"{first[11:19]} to {last[11:19]}  {who}"
        )
    lines = [f"As the server signed it at {iso_time(given.time_ms)} (times in UTC):"]
    for room, said in rooms.items():
        lines += [f"Conversation {room}", *said]
    return "\n".join(lines)
