"""`doublelock chat`: the people's commands."""

import io
import re
import shlex
import sys
from pathlib import Path
from typing import Final

import click

from doublelock.client.client import Client
from doublelock.client.invite import Invite, decode_invite, invite_in
from doublelock.commands import (
    chat_devices,
    chat_links,
    chat_live,
    chat_members,
    chat_messages,
    chat_news,
    chat_people,
    chat_view,
    terminal,
)
from doublelock.commands.chat_session import (
    Setting,
    connected,
    read_line,
    reading,
    session_options,
)
from doublelock.commands.options import FILE
from doublelock.keep import Unlocking
from doublelock.protocol import limits
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.group_link import GroupLink, decode_group_link, is_group_link
from doublelock.protocol.notice import verify_notice
from doublelock.protocol.safety_code import SafetyCode, read_safety_line

_PROMISE = (
    "End-to-end encrypted, with a disclosed judge-and-quorum contingency: what a warrant names can "
    "be opened by a quorum of custodians together with the court, is logged, and is told to you."
)
_NO_CONTINGENCY = "End-to-end encrypted; this deployment's charter has no contingency."
_NO_OWN_CONTINGENCY = (
    "End-to-end encrypted; your committee has no contingency. What people of other committees "
    "write, a warrant there can open."
)


_LINES: Final = {
    "register": "Join a deployment with an invite.",
    "whoami": "Say who you are here, and how to add a device.",
    "direct": "Talk with one person.",
    "group": "Make a group.",
    "list": "List your conversations, and what is new.",
    "send": "Send a text.",
    "talk": "Type and read, line by line.",
    "follow": "Show what comes, as it comes.",
    "history": "Show earlier messages.",
    "attach": "Send a file.",
    "save": "Save a file that was sent.",
    "reply": "Answer a message.",
    "react": "Put a mark on a message.",
    "edit": "Change a message of yours.",
    "delete": "Take back a message of yours.",
    "timer": "Let messages disappear after a time.",
    "members": "List who is in a conversation.",
    "add": "Add people.",
    "remove": "Remove people.",
    "admins": "Name the admins of a group.",
    "leave": "Leave a conversation.",
    "group-link": "Make a link into a group.",
    "join": "Ask to join a group by its link.",
    "requests": "List who asks to join.",
    "admit": "Let somebody in who asked.",
    "refuse": "Do not let somebody in who asked.",
    "presence": "Let others see when you are here, or not.",
    "block": "Hear nothing of somebody any more.",
    "unblock": "Hear somebody again.",
    "blocked": "List whom you have blocked.",
    "safety": "Show the code to compare with somebody.",
    "invite": "Make an invite for a newcomer.",
    "notices": "List the warrants that concerned you.",
    "devices": "List your devices.",
    "link": "Make this a further device of yours.",
    "approve": "Approve a further device of yours.",
    "revoke": "End a device of yours.",
}
"""The commands in the order of the help, each with its line there."""


_DIFFERENT: Final = (
    "The codes DIFFER: a key was swapped, or has changed since. Do not write there; compare again, "
    "face to face."
)


class _Commands(click.Group):
    """The group, in the order in which a person needs its commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table."""
        return list(_LINES)


@click.group(cls=_Commands)
def chat() -> None:
    """Talk: register, conversations, messages, attachments, safety codes.

    Name a conversation by the start of its id, or a direct one as @handle. One folder (--state) is
    one device; one command at a time uses it.

    \b
    Examples:
      doublelock chat register --as ann          asks for the invite
      doublelock chat direct bob
      doublelock chat send @bob                  reads the text from stdin
      doublelock chat talk @bob
      doublelock chat safety bob
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # no character of a message may end a command
            stream.reconfigure(errors="replace")


@chat.command()
@click.argument("invite", required=False)
@click.option("--as", "handle", metavar="HANDLE", required=True, help="What others call you.")
@click.option("--from", "file", type=FILE, help="A file that holds the invite.")
@session_options
def register(invite: str | None, handle: str, file: Path | None, setting: Setting) -> None:
    """Join a deployment with an INVITE and make this your first device.

    An invite is a secret until it is used: whoever has it can use it. Arguments may be seen by
    others on this machine, so rather let it be asked for, or give it on stdin (`-`) or in a file
    (--from). An invite that leads into a group asks to join it. One to reset an account starts it
    anew, with another safety code.

    \b
    Examples:
      doublelock chat register --as ann
      doublelock chat register - --as ann < invite.txt
      doublelock chat register --from invite.txt --as ann --key-file ann.key
    """
    if file is not None:
        if invite is not None:
            terminal.fail("Give INVITE or --from FILE, not both.")
        invite = file.read_bytes()[:4096].decode("utf-8", "replace")
    if invite is None:
        invite = click.prompt("Invite", hide_input=True, err=True)
    line = read_line(invite)
    with reading("no whole invite: it is one line, from http to its end"):
        link = decode_group_link(line) if is_group_link(line) else None
        decoded = decode_invite(line) if link is None else invite_in(link)
    name = handle.removeprefix("@")
    if not 1 <= len(name.encode("utf-8", "replace")) <= limits.HANDLE:
        terminal.fail(f"A handle has 1 to {limits.HANDLE} bytes: give another one with --as.")
    terminal.run(_register(setting, setting.unlock_or_make(), decoded, name, link))


async def _register(
    setting: Setting, unlocking: Unlocking, invite: Invite, handle: str, link: GroupLink | None
) -> None:
    with terminal.working("waiting for the witnesses"):
        client = await Client.register(
            setting.state, unlocking, invite, handle, clock=setting.clock
        )
    try:
        if link is not None:
            await client.links.ask(link)
        terminal.answer(_me(client), _me_text(client))
    finally:
        await client.close()


@chat.command()
@session_options
def whoami(setting: Setting) -> None:
    """Say who you are here, and how to add a device.

    \b
    Example:
      doublelock chat whoami
    """
    terminal.run(_whoami(setting, setting.unlock()))


async def _whoami(setting: Setting, unlocking: Unlocking) -> None:
    async with connected(setting, unlocking) as session:
        terminal.answer(_me(session.client), _me_text(session.client))


def _me(client: Client) -> dict[str, object]:
    return {
        "handle": client.handle,
        "account": client.account.hex(),
        "device": client.device.hex(),
        "deployment": client.address.deployment.hex(),
        "address": client.address.encode(),
        "escrow": _has_contingency(client),
    }


def _me_text(client: Client) -> str:
    charter = client.monitor.charter
    promise = _PROMISE if _has_contingency(client) else _NO_OWN_CONTINGENCY
    if charter.terms.escrow == "none":
        promise = _NO_CONTINGENCY
    return (
        f"You are {client.handle} at {charter.terms.name}, on device "
        f"{chat_view.device_text(client.device)}.\n{promise}\n"
        "A further device: doublelock chat link "
        f"{client.address.encode()} --as {_quoted(client.handle)}"
    )


def _quoted(handle: str) -> str:
    """Return a handle as a shell takes it."""
    return shlex.quote(chat_view.one_line(handle.encode("utf-8", "replace")))


def _has_contingency(client: Client) -> bool:
    """Say whether a warrant can open what this account writes: its committee escrows."""
    committee = client.monitor.key_log.committee(client.account)
    return client.monitor.charter.committee(committee).requires_capsule


@chat.command()
@click.argument("handle")
@click.option("--compare", metavar="CODE", help="What the other one sees: the digits, or the line.")
@session_options
def safety(handle: str, compare: str | None, setting: Setting) -> None:
    """Show the safety code with HANDLE, to compare by voice or face to face.

    Both see the same code: as digits to read aloud, and as the line that a browser shows as a QR.
    Where it differs, somebody's key was swapped: do not write there. It changes when one of you
    adds or revokes a device, or starts anew. With --compare, a code that differs ends with exit
    code 1.

    \b
    Examples:
      doublelock chat safety bob
      doublelock chat safety bob --compare doublelock-safety:01...
    """
    terminal.run(_safety(setting, setting.unlock(), handle.removeprefix("@"), compare))


def _same_code(code: SafetyCode, given: str) -> bool:
    """Compare with what was read aloud or scanned. Raises Malformed when it is neither."""
    digits = re.sub(r"\s", "", given)
    if re.fullmatch(r"[0-9]{60}", digits):
        return digits == code.digits.replace(" ", "")
    with reading("a safety code is 60 digits, or the line that begins with doublelock-safety:"):
        return read_safety_line(given) == code.qr


async def _safety(setting: Setting, unlocking: Unlocking, handle: str, compare: str | None) -> None:
    async with connected(setting, unlocking) as session:
        session.other(handle)
        code = await session.client.safety_code(handle)
        groups = code.digits.split()
        rows = "\n".join("  " + " ".join(groups[at : at + 4]) for at in range(0, len(groups), 4))
        found = {"handle": handle, "digits": code.digits, "qr": code.qr.hex(), "line": code.line}
        if compare is None:
            terminal.answer(
                found,
                f"Safety code of {session.client.handle} and {handle}:\n{rows}\n{code.line}\n"
                "Read it to each other by another way than this chat.",
            )
            return
        same = _same_code(code, compare)
        said = "The codes are the same." if same else _DIFFERENT
        terminal.answer({**found, "same": same}, said)
    if not same:
        click.get_current_context().exit(1)


@chat.command()
@click.option("--reset", metavar="HANDLE", help="For somebody you invited who lost every device.")
@click.option(
    "--days", default=7, show_default=True, type=click.IntRange(1, 365), help="How long it is good."
)
@session_options
def invite(reset: str | None, days: int, setting: Setting) -> None:
    """Make an invite, one line, for a newcomer; it is good once.

    Whoever has it can use it: hand it over by a way that only its receiver reads. The newcomer
    belongs to your committee. With --reset, somebody whom you invited starts their account anew:
    be sure that it is they who ask.

    \b
    Examples:
      doublelock chat invite > invite.txt
      doublelock chat invite --reset bob
    """
    terminal.run(_invite(setting, setting.unlock(), reset, days))


async def _invite(setting: Setting, unlocking: Unlocking, reset: str | None, days: int) -> None:
    async with connected(setting, unlocking) as session:
        client = session.client
        subject = None if reset is None else session.account(reset.removeprefix("@"))
        made = client.invite(setting.clock() + days * DAY_MS, reset_of=subject)
        terminal.answer({"invite": made.encode()}, made.encode())


@chat.command()
@session_options
def notices(setting: Setting) -> None:
    """List the notices of warrants that concerned you, each checked against the law log.

    \b
    Example:
      doublelock chat notices --json
    """
    terminal.run(_notices(setting, setting.unlock()))


async def _notices(setting: Setting, unlocking: Unlocking) -> None:
    async with connected(setting, unlocking) as session:
        client = session.client
        kept = client.notices()
        for document in kept:
            found = verify_notice(document, client.monitor.law, client.account, setting.clock())
            terminal.answer(chat_news.notice_json(found), chat_news.notice_text(found))
        if not kept and not terminal.wants_json():
            click.echo("No warrant's notice has come to this device.")


for command in (
    *chat_members.COMMANDS,
    *chat_messages.COMMANDS,
    *chat_live.COMMANDS,
    *chat_devices.COMMANDS,
    *chat_links.COMMANDS,
    *chat_people.COMMANDS,
):
    chat.add_command(command)
for name, line in _LINES.items():
    chat.commands[name].short_help = line
