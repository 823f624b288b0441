"""`doublelock chat`: whom one hears, and what others may know of one's being here."""

import click

from doublelock.commands import chat_view, terminal
from doublelock.commands.chat_session import Setting, connected, session_options
from doublelock.keep import Unlocking


@click.command()
@click.argument("wish", required=False, type=click.Choice(["on", "off"]))
@session_options
def presence(wish: str | None, setting: Setting) -> None:
    """Turn on or off that others see when you are here, and you see it of them; or say which.

    Off until you turn it on. It is told in direct conversations alone, from device to device, while
    `talk` or `follow` runs: the service keeps nothing of it. Who tells nothing sees nothing.

    \b
    Examples:
      doublelock chat presence
      doublelock chat presence on
    """
    terminal.run(_presence(setting, setting.unlock(), wish))


async def _presence(setting: Setting, unlocking: Unlocking, wish: str | None) -> None:
    async with connected(setting, unlocking) as chat:
        presence = chat.client.presence
        if wish is not None:
            presence.turn(wish == "on")
        said = (
            "On: who talks with you directly sees when you are here, where they tell it too."
            if presence.on
            else "Off: nobody is told when you are here, and you see it of nobody."
        )
        terminal.answer({"presence": presence.on}, said)


@click.command()
@click.argument("handle")
@session_options
def block(handle: str, setting: Setting) -> None:
    """Hear nothing of HANDLE any more; they are not told, and still see what you write.

    Your conversation with them is not listed and counts as nothing new, they see nothing of your
    being here, and cannot ask to join your groups. In groups that you share their messages are
    folded. It holds on this device; `doublelock chat unblock` ends it.

    \b
    Example:
      doublelock chat block bob
    """
    terminal.run(_block(setting, setting.unlock(), handle.removeprefix("@"), True))


@click.command()
@click.argument("handle")
@session_options
def unblock(handle: str, setting: Setting) -> None:
    """Hear HANDLE again, and see what they wrote in between.

    \b
    Example:
      doublelock chat unblock bob
    """
    terminal.run(_block(setting, setting.unlock(), handle.removeprefix("@"), False))


async def _block(setting: Setting, unlocking: Unlocking, handle: str, wish: bool) -> None:
    async with connected(setting, unlocking) as chat:
        account = chat.other(handle)
        if wish:
            chat.client.blocked.block(account)
        else:
            chat.client.blocked.unblock(account)
        name = chat_view.one_line(handle.encode("utf-8", "replace"))
        said = (
            f"You hear nothing of {name} here any more; `doublelock chat unblock` ends it."
            if wish
            else f"You hear {name} again."
        )
        terminal.answer({"handle": name, "account": account.hex(), "blocked": wish}, said)


@click.command()
@session_options
def blocked(setting: Setting) -> None:
    """List whom you have blocked on this device.

    \b
    Example:
      doublelock chat blocked
    """
    terminal.run(_blocked(setting, setting.unlock()))


async def _blocked(setting: Setting, unlocking: Unlocking) -> None:
    async with connected(setting, unlocking) as chat:
        accounts = chat.client.blocked.accounts()
        await chat.learn(accounts)
        for account in accounts:
            name = chat.name(account)
            terminal.answer({"handle": name, "account": account.hex()}, name)
        if not accounts and not terminal.wants_json():
            click.echo("You have blocked nobody.")


COMMANDS = (presence, block, unblock, blocked)
"""The commands of this module, in the order of the help."""
