"""`doublelock chat`: links into groups, and who asks to join by them."""

import click

from doublelock.commands import terminal
from doublelock.commands.chat_session import (
    Chat,
    Setting,
    connected,
    read_line,
    reading,
    session_options,
)
from doublelock.keep import Unlocking
from doublelock.protocol.group_link import decode_group_link
from doublelock.protocol.record import display


@click.command("group-link")
@click.argument("conversation")
@click.option("--at-once", is_flag=True, help="Let in whoever asks, without asking you.")
@click.option("--revoke", is_flag=True, help="Switch the link off.")
@session_options
def group_link(conversation: str, at_once: bool, revoke: bool, setting: Setting) -> None:
    """Make a link into CONVERSATION: whoever has it can ask to join. A newer one ends the older.

    What is asked waits for this device: `doublelock chat requests`, then `admit` or `refuse`. The
    server does not learn which group a link leads into. A link is good for 30 days.

    \b
    Examples:
      doublelock chat group-link 3f9a01bc
      doublelock chat group-link 3f9a01bc --revoke
    """
    if at_once and revoke:
        terminal.fail("--at-once makes a link and --revoke ends one.")
    terminal.run(_group_link(setting, setting.unlock(), conversation, at_once, revoke))


async def _group_link(
    setting: Setting, unlocking: Unlocking, name: str, at_once: bool, revoke: bool
) -> None:
    async with connected(setting, unlocking) as chat:
        place, links = chat.find(name), chat.client.links
        if revoke:
            links.revoke(place)
            terminal.answer({"conversation": place.hex(), "link": None}, "The link is off.")
            return
        known = chat.client.details(place)
        link = links.make(place, b"" if known is None else known.name, at_once=at_once)
        terminal.answer(
            {
                "conversation": place.hex(),
                "link": link.encode(),
                "expires_ms": link.expires_ms,
                "at_once": at_once,
            },
            link.encode(),
        )


@click.command()
@click.argument("link")
@session_options
def join(link: str, setting: Setting) -> None:
    """Ask to be let into the group of LINK (- reads it from standard input).

    An admin's device is told your handle. You are in once it lets you in.

    \b
    Example:
      doublelock chat join https://chat.example/#AnUUnH...
    """
    terminal.run(_join(setting, setting.unlock(), read_line(link)))


async def _join(setting: Setting, unlocking: Unlocking, text: str) -> None:
    with reading("no whole link into a group: it is one line, from http to its end"):
        link = decode_group_link(text)
    async with connected(setting, unlocking) as chat:
        await chat.client.links.ask(link)
        name = " ".join(display(link.name).split())
        terminal.answer(
            {"conversation": link.conversation.hex(), "asked": True},
            f"Asked to join {name or 'the group'}; you are in once an admin's device lets you in.",
        )


@click.command()
@session_options
def requests(setting: Setting) -> None:
    """List who asks to join your groups.

    \b
    Example:
      doublelock chat requests
    """
    terminal.run(_requests(setting, setting.unlock()))


async def _requests(setting: Setting, unlocking: Unlocking) -> None:
    async with connected(setting, unlocking) as chat:
        found = chat.client.links.requests()
        await chat.learn({each.account for each in found})
        for each in found:
            handle = chat.name(each.account)
            terminal.answer(
                {
                    "conversation": each.conversation.hex(),
                    "handle": handle,
                    "account": each.account.hex(),
                    "time_ms": each.time_ms,
                },
                f"{chat.short(each.conversation)}  {handle}",
            )
        if not found and not terminal.wants_json():
            click.echo("Nobody asks to join.")


@click.command()
@click.argument("conversation")
@click.argument("handle")
@session_options
def admit(conversation: str, handle: str, setting: Setting) -> None:
    """Let HANDLE, who asked, into CONVERSATION.

    \b
    Example:
      doublelock chat admit 3f9a01bc dan
    """
    terminal.run(_answer(setting, setting.unlock(), conversation, handle, accept=True))


@click.command()
@click.argument("conversation")
@click.argument("handle")
@session_options
def refuse(conversation: str, handle: str, setting: Setting) -> None:
    """Do not let HANDLE into CONVERSATION; nobody is told.

    \b
    Example:
      doublelock chat refuse 3f9a01bc dan
    """
    terminal.run(_answer(setting, setting.unlock(), conversation, handle, accept=False))


async def _answer(
    setting: Setting, unlocking: Unlocking, name: str, handle: str, *, accept: bool
) -> None:
    async with connected(setting, unlocking) as chat:
        place, account = chat.find(name), chat.account(handle.removeprefix("@"))
        await chat.client.links.answer(place, account, accept=accept)
        await _tell(chat, place.hex(), chat.short(place), accept=accept)


async def _tell(chat: Chat, conversation: str, short: str, *, accept: bool) -> None:
    await chat.client.settled()
    said = f"Let into {short}." if accept else "Not let in; nobody is told."
    terminal.answer({"conversation": conversation, "admitted": accept}, said)


COMMANDS = (group_link, join, requests, admit, refuse)
"""The commands of this module, in the order of the help."""
