"""`agency apply`: what is applied for, from options or a scope file, held against the key log."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final

import click
import msgspec

from doublelock.agency import AgencyDesk, Application
from doublelock.agency.words import describe_terms, name_people
from doublelock.commands import terminal
from doublelock.commands.cases import AGENCY, at_desk, open_agency, resolve
from doublelock.commands.options import (
    FILE,
    Clock,
    clock_option,
    json_option,
    key_file_option,
    state_option,
    yes_option,
)
from doublelock.holder.watch import copy_keys
from doublelock.protocol import limits
from doublelock.protocol.charter import WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS, day_of_date
from doublelock.protocol.documents import Bytes32, Document
from doublelock.protocol.errors import Malformed, WarrantRefused
from doublelock.protocol.evidence import prove_key_log
from doublelock.protocol.scope import ScopeItem

_DATE: Final = click.DateTime(["%Y-%m-%d"])
_ID: Final = "64 hexadecimal digits"
_Handle = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.HANDLE)]
_Conversation = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class ItemPlan(Document, frozen=True):
    """One scope item as people write it: handles, conversation ids, the days as dates."""

    first_day: date
    last_day: date
    senders: tuple[_Handle, ...] = ()
    conversations: tuple[_Conversation, ...] = ()
    without_senders: tuple[_Handle, ...] = ()
    without_conversations: tuple[_Conversation, ...] = ()


def read_scope_file(path: Path) -> tuple[ItemPlan, ...]:
    """Return the items of a scope file: a JSON list. Raises Malformed, saying where it is wrong."""
    if path.stat().st_size > limits.WARRANT:
        raise Malformed(Code.SIZE, path.name)
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[ItemPlan, ...])
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        # Its author needs to know where it is wrong, and nobody else sees this.
        raise Malformed(Code.FORM, f"{path.name}: {problem}") from None


def handles_of(plans: Sequence[ItemPlan]) -> tuple[str, ...]:
    """Return every handle that the items name, sorted."""
    return tuple(sorted({one for plan in plans for one in (*plan.senders, *plan.without_senders)}))


def make_scope(desk: AgencyDesk, plans: Sequence[ItemPlan]) -> tuple[ScopeItem, ...]:
    """Return the scope in account ids and days: what is signed."""

    def accounts(handles: tuple[str, ...]) -> tuple[Bytes32, ...]:
        return tuple(sorted({Bytes32(desk.account(handle)) for handle in handles}))

    def conversations(ids: tuple[str, ...]) -> tuple[Bytes32, ...]:
        return tuple(sorted({Bytes32(bytes.fromhex(one)) for one in ids}))

    return tuple(
        ScopeItem(
            accounts(plan.senders),
            conversations(plan.conversations),
            day_of_date(plan.first_day),
            day_of_date(plan.last_day),
            accounts(plan.without_senders),
            conversations(plan.without_conversations),
        )
        for plan in plans
    )


async def check_people(desk: AgencyDesk, handles: Sequence[str]) -> None:
    """Raise WarrantRefused where a handle is nobody's, or another committee's person's.

    A warrant on a mistyped name would be approved and open nothing. Also raises LogRefused,
    WireRefused.
    """
    party = desk.party
    law = party.watch.state
    copy = await copy_keys(party.http, law, party.clock())
    log = prove_key_log(law, copy.entries, copy.note).key_log
    for handle in handles:
        account = desk.account(handle)
        if not log.has_account(account):
            raise WarrantRefused(Code.UNKNOWN_ACCOUNT, handle)
        committee = log.account(account).committee
        if committee != party.me.committee:
            detail = f"{handle} belongs to committee {committee}"
            raise WarrantRefused(Code.WARRANT_COMMITTEE, detail)


@click.command(short_help="Draft, sign and file a warrant.")
@click.option("--sender", "senders", multiple=True, metavar="HANDLE", help="Whose messages.")
@click.option("--conversation", "conversations", multiple=True, metavar="ID", help=f"Where: {_ID}.")
@click.option(
    "--without-sender", "without_senders", multiple=True, metavar="HANDLE", help="Not theirs."
)
@click.option(
    "--without-conversation",
    "without_conversations",
    multiple=True,
    metavar="ID",
    help="Not there.",
)
@click.option("--first-day", type=_DATE, metavar="DATE", help="First day (UTC): 2026-10-01.")
@click.option("--last-day", type=_DATE, metavar="DATE", help="Last day, included.")
@click.option(
    "--file", "file", type=FILE, help="Read the scope from a JSON list of items instead; see below."
)
@click.option("--offence", required=True, help="Offence class, one that the charter lists.")
@click.option("--legal-basis", required=True, help="The law that it rests on.")
@click.option("--reference", required=True, help="Your case reference; it is never logged.")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in WarrantKind]),
    default=WarrantKind.CONTENT_STORED.value,
    show_default=True,
    help="Read stored messages, or learn who wrote where and when.",
)
@click.option(
    "--validity",
    "validity_days",
    default=7.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    metavar="DAYS",
    help="How long the warrant is good for, from now.",
)
@click.option(
    "--gag",
    "gag_days",
    default=7.0,
    show_default=True,
    type=click.FloatRange(0),
    metavar="DAYS",
    help="When the people concerned may be told, from now.",
)
@click.option(
    "--unnamed",
    default=0,
    show_default=True,
    type=click.IntRange(0, 1_000),
    help="How many people whom it does not name, where conversations alone are named.",
)
@click.option("--urgent", is_flag=True, help="In force before the judge; where the charter allows.")
@click.option("--renews", metavar="CASE", help="The case that this one follows.")
@yes_option
@state_option(AGENCY)
@key_file_option
@clock_option
@json_option
def apply(
    senders: tuple[str, ...],
    conversations: tuple[str, ...],
    without_senders: tuple[str, ...],
    without_conversations: tuple[str, ...],
    first_day: datetime | None,
    last_day: datetime | None,
    file: Path | None,
    offence: str,
    legal_basis: str,
    reference: str,
    kind: str,
    validity_days: float,
    gag_days: float,
    unnamed: int,
    urgent: bool,
    renews: str | None,
    yes: bool,
    state: Path,
    key_file: Path | None,
    clock: Clock,
) -> None:
    """Draft a warrant, show in plain words what it asks, sign it and file it.

    Name senders, conversations or both: there is no wildcard. Senders are people's handles, which
    are looked up in the key log; what is signed are their account ids. Messages that somebody
    *received* are reached by naming conversations and their senders, learned from an earlier
    metadata warrant.

    A scope file holds a JSON list of items, which add up:

    \b
      [{"senders": ["ada"], "first_day": "2026-10-01", "last_day": "2026-10-03"},
       {"conversations": ["9ac1...64 digits"], "without_senders": ["bob"],
        "first_day": "2026-10-02", "last_day": "2026-10-02"}]

    \b
    Examples:
      doublelock agency apply --sender ada --first-day 2026-10-01 --last-day 2026-10-03 \\
          --offence fraud --legal-basis 'Criminal Code 263' --reference 'Case 7/2026'
      doublelock agency apply --kind metadata --sender ada --first-day 2026-10-01 \\
          --offence fraud --legal-basis 'Criminal Code 263' --reference 'Case 7/2026'
      doublelock agency apply --file scope.json --unnamed 3 --gag 30 --offence fraud \\
          --legal-basis 'Criminal Code 263' --reference 'Case 7/2026' --yes
    """
    options = (senders, conversations, without_senders, without_conversations, first_day, last_day)
    if file is not None:
        if any(options):
            terminal.fail("Give the scope by --file or by the other options, not by both.")
        plans = read_scope_file(file)
    else:
        if first_day is None:
            terminal.fail("Name the days: --first-day (and --last-day).")
        plans = (
            ItemPlan(
                first_day.date(),
                (last_day or first_day).date(),
                senders,
                tuple(map(_read_conversation, conversations)),
                without_senders,
                tuple(map(_read_conversation, without_conversations)),
            ),
        )

    async def work(desk: AgencyDesk) -> None:
        follows = None if renews is None else await resolve(desk.party, renews)
        await desk.party.look()
        handles = handles_of(plans)
        await check_people(desk, handles)
        draft = desk.draft(
            Application(
                offence,
                legal_basis,
                reference,
                make_scope(desk, plans),
                WarrantKind(kind),
                int(validity_days * DAY_MS),
                int(gag_days * DAY_MS),
                unnamed,
                urgent,
                follows,
                handles,
            )
        )
        names = name_people(bytes(desk.party.charter.terms.account_salt), handles)
        for line in describe_terms(draft.terms, names):
            terminal.note(line)
        terminal.confirm(f"Sign this as an agency, {desk.party.me.name}, and file it?", yes)
        case = (await desk.submit(draft)).commitment
        terminal.answer(
            {"case": case.hex()},
            f"Filed and logged: {case.hex()}\nIt waits for a minister and a judge.",
        )

    at_desk(open_agency(state, key_file, clock), work)


def _read_conversation(text: str) -> str:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if len(data) != 32:
        terminal.fail(f"a conversation's id has {_ID}: {text!r}")
    return data.hex()
