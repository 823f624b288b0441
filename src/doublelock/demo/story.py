"""The demo: a deployment comes to life on loopback, its people talk, and the law opens one day.

Each chapter is a function, in the order of the story.
"""

import asyncio
import shlex
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from doublelock.audit import copy_deployment, verify_evidence, verify_logs
from doublelock.client.events import Notice
from doublelock.demo.attempts import stored_messages
from doublelock.demo.chatting import (
    Said,
    check_reader,
    gather_people,
    make_room,
    nicks_of,
    replay_lines,
)
from doublelock.demo.clock import ReplayClock
from doublelock.demo.exactness import Case, open_exactly
from doublelock.demo.founding import HOUR_MS, Plan
from doublelock.demo.irc import Line, read_chat
from doublelock.demo.lawpath import Desks, LawPath, busiest, name_sender, open_desks
from doublelock.demo.telling import Telling
from doublelock.demo.world import World
from doublelock.holder.daemon import HolderDaemon
from doublelock.protocol.codes import ADVICE
from doublelock.protocol.days import date_of, day_of, day_of_date, iso_time
from doublelock.protocol.errors import Refusal
from doublelock.protocol.identifiers import ConversationId
from doublelock.protocol.lawlog import Ground
from doublelock.protocol.record import display

READERS: Final = 10
_SHOWN: Final = 6
_DAYS_AGO: Final = 9
"""How long ago the sample chat took place: long enough for a gag of seven days to end."""
_SUSPECT: Final = "viktor"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a story came to, for scripts."""

    deployment: str
    people: int
    messages: int
    opened: int
    shut: int
    evidence: str


def is_there(state: Path) -> bool:
    """Say whether a state folder has a deployment already."""
    return World.exists(state)


async def run(
    telling: Telling,
    *,
    state: Path | None = None,
    chat: Path | None = None,
    date: datetime | None = None,
    new: bool = False,
    keep_running: bool = False,
    web: Path | None = None,
) -> Summary | None:
    """Tell the story in a state folder, a temporary one unless given; `web` is a client's bundle.

    A folder with a deployment in it is begun anew if `new`; else it goes on running, untold.
    Raises what any step refuses; the world is stopped cleanly either way.
    """
    with tempfile.TemporaryDirectory(prefix="doublelock-") as spare:
        folder = Path(spare) / "world" if state is None else state
        if new:
            World.discard(folder)
        if World.exists(folder):
            await _go_on(folder, telling, web)
            return None
        now_ms = time.time_ns() // 1_000_000
        if chat is None:
            sample = next(Path(__file__).parent.glob("harbour.*.txt"))
            lines = read_chat(sample, day_of(now_ms) - _DAYS_AGO)
        else:
            lines = read_chat(chat, None if date is None else day_of_date(date.date()))
        clock = ReplayClock(lines[0].time_ms - HOUR_MS)
        world = World.open(folder, clock, Plan(now_ms=clock()))
        world.web = web
        try:
            summary = await _tell(world, lines, telling, _evidence_place(state, folder))
            if keep_running or (web is not None and state is not None):
                clock.advance_to(now_ms)
                await (_stay if keep_running else _leave_invites)(world, telling)
        finally:
            await world.stop()
    return summary


def _evidence_place(state: Path | None, folder: Path) -> Path:
    """A temporary world leaves its evidence where the person stands, beside any that is there."""
    if state is not None:
        return folder / "evidence"
    names = ("doublelock-evidence", *(f"doublelock-evidence-{n}" for n in range(2, 1000)))
    return next(
        place
        for place in map(Path.cwd().joinpath, names)
        if not place.exists() and not place.with_name(f"{place.name}.zip").exists()
    )


async def _tell(world: World, lines: Sequence[Line], telling: Telling, place: Path) -> Summary:
    await found_world(world, telling)
    telling.chapter("People talk, end-to-end encrypted")
    _, said = await chat_in(world, lines, READERS, telling)
    await _show_store(world, telling)
    desks = open_desks(world)
    try:
        path = LawPath(world, desks, telling)
        await path.pass_over()
        nick = _SUSPECT if any(one.nick == _SUSPECT for one in said) else busiest(said)
        case = await _open_one(world, path, desks, said, nick, telling)
        await _refuse_one(path, desks, said, nick, telling)
        await _tell_the_people(world, path, case, nick, telling)
        await path.write(case.opening, place, (nick,))
        await check_offline(world, place, telling)
    finally:
        await desks.close()
    return Summary(
        world.deployment.hex(),
        len(world.people),
        len(said),
        len(case.attempted.opened),
        case.attempted.shut,
        str(place),
    )


async def found_world(world: World, telling: Telling) -> None:
    """Start every part and hold the key ceremonies, telling what happens."""
    telling.chapter("A deployment is founded")
    await world.start()
    terms = world.monitor.charter.terms
    telling.item(f"{terms.name}, deployment {world.deployment.hex()[:16]}…")
    telling.item(f"its clock stands at {iso_time(world.clock())[:16]} UTC")
    telling.item(f"server at {world.server.http}; it holds no key to any message")
    telling.item(f"{len(terms.witnesses)} witnesses; {terms.quorum} must cosign what is logged")
    for one in terms.committees:
        court = one.court.name if one.court else "no court"
        telling.item(f"{one.name}: any {one.threshold} of {len(one.custodians)} custodians, and")
        telling.item(f"  always {court}: without its share nothing opens")
    telling.chapter("Custodians and court make the keys together; nobody ever has a whole one")
    world.open_holders()
    with telling.bar("key ceremonies (COCKTAIL-DKG), this month and three ahead") as told:
        await world.hold_ceremonies(told)


async def chat_in(
    world: World, lines: Sequence[Line], readers: int, telling: Telling
) -> tuple[ConversationId, list[Said]]:
    """Let everybody of a chat talk in one group; every reader's view is compared at the end."""
    nicks = nicks_of(lines)
    reading = nicks[:readers]
    with telling.bar("people register, each with an invite and a device") as told:
        await gather_people(world, nicks, reading, told)
    conversation = await make_room(world, nicks)
    telling.item(f"one MLS group of {len(nicks)} people")
    with telling.bar("messages sealed, sent and receipted") as told:
        said = await replay_lines(world, conversation, lines, told)
    for one in said[:_SHOWN]:
        telling.item(f"  <{one.nick}> {display(one.text)}", "green")
    await compare_readers(world, conversation, reading, said, telling)
    return conversation, said


async def compare_readers(
    world: World,
    conversation: ConversationId,
    reading: Sequence[str],
    said: Sequence[Said],
    telling: Telling,
) -> None:
    """Compare what each reader has with what was sent. Raises EvidenceRefused."""
    for nick in reading:
        await check_reader(world.people[nick], conversation, said)
    telling.item(f"{len(reading)} members decrypted all {len(said):,}, byte for byte and in order")


async def _show_store(world: World, telling: Telling) -> None:
    """Show one message as it lies in the server's store."""
    one = (await stored_messages(world))[0]
    telling.item("what the server has of the first one:")
    telling.item(
        f"  conversation {one.label.conversation.hex()[:8]}…, account "
        f"{one.label.account.hex()[:8]}…, {date_of(one.label.day)}, text {one.body.hex()[:32]}…",
        "dim",
    )


async def _open_one(
    world: World, path: LawPath, desks: Desks, said: list[Said], nick: str, telling: Telling
) -> Case:
    telling.chapter(f"A warrant on {nick}: two approvals, a public log, a quorum and the court")
    last = max(one.day for one in said)
    first = min(one.day for one in said)
    scope = name_sender(desks, nick, first, last)
    return await open_exactly(world, path, telling, "7 Js 12", scope, said, quorum_of(world))


def quorum_of(world: World) -> list[HolderDaemon]:
    """Return just as many custodians as are needed, and the court: the others are away."""
    needed = world.founded.committees[0].threshold
    holders = [one for one in world.holders if one.me.committee == 1]
    return [one for one in holders if one.me.index <= needed]


async def _refuse_one(
    path: LawPath, desks: Desks, said: list[Said], nick: str, telling: Telling
) -> None:
    """A judge refuses, and the agency gets nothing: refused, logged and counted."""
    others = [one for one in said if one.nick != nick]
    if not others:
        return
    telling.chapter("Another warrant: the judge refuses")
    day = others[0].day
    warrant = await path.apply("7 Js 13", name_sender(desks, busiest(others), day, day))
    await path.refuse(warrant, Ground.PROPORTIONALITY)
    try:
        await path.request(warrant)
    except Refusal as refusal:
        telling.item(f"the agency asks all the same: {refusal.code.value}", "red")
        telling.item(f"  {ADVICE[refusal.code]}")
    else:
        raise RuntimeError("a refused warrant was served")


async def _tell_the_people(
    world: World, path: LawPath, case: Case, nick: str, telling: Telling
) -> None:
    """The gag ends, and whoever was concerned is told, on their own device."""
    telling.chapter("The gag ends, and the person is told")
    person = world.people[nick]
    person.pending_events()
    world.clock.advance_to(case.warrant.terms.gag_end_ms + HOUR_MS)
    telling.item(f"it is {iso_time(world.clock())[:16]} UTC now")
    await path.be_seen()
    await world.look()
    await path.be_seen()
    notice = await _next_notice(world, nick)
    terms = notice.notice.terms
    telling.item(f"{nick}'s own device shows, and has checked against the log:")
    telling.item(
        f"  {terms.agency} opened what you sent from {date_of(terms.first_day)} to "
        f"{date_of(terms.last_day)} ({terms.offence}; {terms.legal_basis}). It stands in the law "
        f"log at line {notice.notice.log_index}.",
        "yellow",
    )


async def _next_notice(world: World, nick: str) -> Notice:
    async with asyncio.timeout(30):
        async for event in world.people[nick].receive():
            if isinstance(event, Notice):
                return event
    raise RuntimeError("no notice came")


async def check_offline(world: World, place: Path, telling: Telling) -> None:
    """Verify both logs and the package from files alone, trusting the deployment's id."""
    telling.chapter("Anyone can check it, offline")
    with tempfile.TemporaryDirectory(prefix="doublelock-mirror-") as spare:
        mirror = Path(spare) / "mirror"
        await copy_deployment(world.server.http, world.deployment, mirror)
        for check in verify_logs(mirror, world.deployment).checks:
            telling.item(f"✓ {check}")
    telling.item("and the evidence package:")
    for check in verify_evidence(place, world.deployment).checks:
        telling.item(f"✓ {check}")
    telling.item("it lies here, folder and zip; report.html is for reading:")
    telling.raw(f"   {place}")
    telling.item("check it yourself:")
    telling.raw(
        f"   doublelock verify package {shlex.quote(str(place))} "
        f"--deployment {world.deployment.hex()}"
    )


async def _go_on(folder: Path, telling: Telling, web: Path | None) -> None:
    clock = ReplayClock(time.time_ns() // 1_000_000)
    world = World.open(folder, clock)
    world.web = web
    try:
        telling.item(f"the deployment in {folder} goes on")
        await world.start()
        world.open_holders()
        with telling.bar("keys for this month and three ahead") as told:
            await world.hold_ceremonies(told)
        await _stay(world, telling)
    finally:
        await world.stop()


def _named(address: str) -> str:
    """Return an address by its name: passkeys belong to one, and 127.0.0.1 is none."""
    return address.replace("//127.0.0.1:", "//localhost:", 1)


async def _leave_invites(world: World, telling: Telling) -> None:
    """End with the web address and two invites for whenever the deployment goes on."""
    telling.chapter("Now you: talk in a browser")
    telling.item("`make up` keeps this deployment running, with its web client at:")
    telling.raw(f"   {_named(world.server.http)}/")
    telling.item("Two invites, one use each, good for a week; open one as it is:")
    for _ in range(2):
        telling.raw(f"\n{_named(world.invite().encode())}")


async def _stay(world: World, telling: Telling) -> None:
    telling.chapter("It keeps running: talk")
    telling.item(f"server at {world.server.http}; Ctrl-C stops it.")
    if world.web is not None:
        telling.item("The web client:")
        telling.raw(f"   {_named(world.server.http)}/")
        telling.item("In it, open an invite as it is.")
    telling.item("Two invites, one use each:")
    for name in ("ann", "bob"):
        invite = world.invite().encode()
        telling.raw(f"\n{invite if world.web is None else _named(invite)}")
        telling.raw(f"   doublelock chat register --as {name} --state {name}   asks for that line")
    telling.item("then, each in a terminal of their own (docs/chat.md says more):")
    telling.raw("   doublelock chat direct bob --state ann")
    telling.raw("   doublelock chat talk @bob --state ann")
    telling.raw("   doublelock chat talk @ann --state bob")
    while True:
        try:
            await world.look()
        except Refusal as refusal:
            telling.item(f"holders: {refusal}")
        await asyncio.sleep(1)
