"""`doublelock chat`: conversations and who is in them."""

import click

from doublelock.commands import chat_view, terminal
from doublelock.commands.chat_session import Chat, Setting, connected, session_options
from doublelock.keep import Unlocking
from doublelock.protocol.group_rules import AddPolicy
from doublelock.protocol.identifiers import ConversationId

_RECENT = 20


@click.command()
@click.argument("handle")
@session_options
def direct(handle: str, setting: Setting) -> None:
    """Talk with one person: open the conversation with HANDLE, or name the one that is there.

    \b
    Examples:
      doublelock chat direct ann
      doublelock chat send @ann
    """
    terminal.run(_direct(setting, setting.unlock(), handle.removeprefix("@")))


async def _direct(setting: Setting, unlocking: Unlocking, handle: str) -> None:
    async with connected(setting, unlocking) as chat:
        found = chat.direct_with(handle)
        made = found[0] if found else await chat.client.create_conversation([handle], direct=True)
        _answer(chat, made, f"Conversation {chat.short(made)} with {handle}; also @{handle}.")


@click.command()
@click.argument("handles", nargs=-1, required=True)
@click.option("--open", "is_open", is_flag=True, help="Every member may add people.")
@session_options
def group(handles: tuple[str, ...], is_open: bool, setting: Setting) -> None:
    """Make a group with one or more people; you are its admin.

    A group has no name: a name would be one more thing that the service could read.

    \b
    Examples:
      doublelock chat group ann bob
      doublelock chat group ann bob cid --open
    """
    terminal.run(_group(setting, setting.unlock(), handles, is_open))


async def _group(
    setting: Setting, unlocking: Unlocking, handles: tuple[str, ...], is_open: bool
) -> None:
    policy = AddPolicy.MEMBERS if is_open else AddPolicy.ADMINS
    async with connected(setting, unlocking) as chat:
        for handle in _plain(handles):
            chat.other(handle)
        made = await chat.client.create_conversation(_plain(handles), add_policy=policy)
        people = ", ".join(_plain(handles))
        _answer(chat, made, f"Conversation {chat.short(made)} with {people}.")


def _answer(chat: Chat, conversation: ConversationId, text: str) -> None:
    terminal.answer({"conversation": conversation.hex(), "short": chat.short(conversation)}, text)


@click.command("list")
@session_options
def list_conversations(setting: Setting) -> None:
    """List your conversations: id, kind, what is new, who is in it, the last message.

    \b
    Example:
      doublelock chat list
    """
    terminal.run(_list(setting, setting.unlock()))


async def _list(setting: Setting, unlocking: Unlocking) -> None:
    async with connected(setting, unlocking) as chat:
        client = chat.client
        places = [one for one in client.conversations() if not chat.hides(one)]
        await chat.learn({leaf.account for one in places for leaf in client.members(one)})
        entries = []
        for one in places:
            people = [who for who in await chat.members(one) if who != client.account]
            shown = client.shown(one)
            unread = client.history(one, shown)
            heard = [item for item in unread if item.account not in client.blocked]
            new = sum(item.account != client.account for item in heard)
            last = client.history(one, max(0, client.sequence(one) - _RECENT))[-1:]
            entries.append((last[0].time_ms if last else 0, one, people, new, last))
        entries.sort(key=lambda entry: entry[0], reverse=True)
        for time_ms, one, people, new, last in entries:
            kind = "direct" if client.is_direct(one) else "group"
            names = [chat.name(who) for who in people]
            said = ""
            if last:
                line = chat_view.Line(last[0], None)
                if not last[0].refusal:
                    line = chat_view.fold(last)[0]
                line.folded = last[0].account in client.blocked
                said = chat_view.shortened(chat_view.line_text(line, chat.name, {}))
            terminal.answer(
                {
                    "conversation": one.hex(),
                    "short": chat.short(one),
                    "kind": kind,
                    "members": names,
                    "new": new,
                    "last_ms": time_ms,
                },
                f"{chat.short(one)}  {kind:6}  {f'{new} new' if new else '':8}"
                f"{', '.join(names) or '(only you)'}{f'{chr(10)}          {said}' if said else ''}",
            )
        if not entries and not terminal.wants_json():
            click.echo("No conversations yet. Begin one: doublelock chat direct HANDLE")


@click.command()
@click.argument("conversation")
@session_options
def members(conversation: str, setting: Setting) -> None:
    """List who is in CONVERSATION, with the number of their devices, and who rules it.

    \b
    Example:
      doublelock chat members 3f9a01bc
    """
    terminal.run(_members(setting, setting.unlock(), conversation))


async def _members(setting: Setting, unlocking: Unlocking, name: str) -> None:
    async with connected(setting, unlocking) as chat:
        place = chat.find(name)
        rulers = chat.client.admins(place)
        leaves = chat.client.members(place)
        for account in await chat.members(place):
            devices = [leaf.device.hex() for leaf in leaves if leaf.account == account]
            count = f"{len(devices)} device{'s' * (len(devices) != 1)}"
            marks = ["admin"] * (account in rulers) + ["you"] * (account == chat.client.account)
            marks += ["blocked"] * (account in chat.client.blocked)
            seen = chat.client.presence.of(account)
            if seen is not None:
                marks.append("here" if seen.here else f"here {chat_view.clock_text(seen.last_ms)}")
            terminal.answer(
                {
                    "handle": chat.name(account),
                    "account": account.hex(),
                    "devices": devices,
                    "admin": account in rulers,
                    "blocked": account in chat.client.blocked,
                    "here": seen is not None and seen.here,
                    "last_seen_ms": None if seen is None else seen.last_ms,
                },
                f"{chat.name(account)}  {', '.join([count, *marks])}",
            )


@click.command()
@click.argument("conversation")
@click.argument("handles", nargs=-1, required=True)
@session_options
def add(conversation: str, handles: tuple[str, ...], setting: Setting) -> None:
    """Add people to CONVERSATION. They read what comes from then on, and nothing before.

    \b
    Example:
      doublelock chat add 3f9a01bc dan eve
    """
    terminal.run(_change(setting, setting.unlock(), "add", conversation, handles))


@click.command()
@click.argument("conversation")
@click.argument("handles", nargs=-1, required=True)
@session_options
def remove(conversation: str, handles: tuple[str, ...], setting: Setting) -> None:
    """Remove people from CONVERSATION. They keep what they have and get nothing more.

    \b
    Example:
      doublelock chat remove 3f9a01bc eve
    """
    terminal.run(_change(setting, setting.unlock(), "remove", conversation, handles))


@click.command()
@click.argument("conversation")
@click.argument("handles", nargs=-1, required=True)
@session_options
def admins(conversation: str, handles: tuple[str, ...], setting: Setting) -> None:
    """Name the admins of CONVERSATION: these people, all of them members, and nobody else.

    \b
    Example:
      doublelock chat admins 3f9a01bc ann bob
    """
    terminal.run(_change(setting, setting.unlock(), "admins", conversation, handles))


async def _change(
    setting: Setting, unlocking: Unlocking, what: str, name: str, handles: tuple[str, ...]
) -> None:
    async with connected(setting, unlocking) as chat:
        place, people = chat.find(name), _plain(handles)
        client = chat.client
        for handle in people:
            chat.account(handle)  # "no such handle" is another thing than "not a member"
        if what == "add":
            await client.add(place, people)
        elif what == "remove":
            await client.remove(place, people)
        else:
            await client.set_admins(place, people)
        now = [chat.name(account) for account in await chat.members(place)]
        rulers = [chat.name(account) for account in client.admins(place)]
        terminal.answer(
            {"conversation": place.hex(), "members": now, "admins": rulers},
            f"Members of {chat.short(place)}: {', '.join(now)}\nAdmins: {', '.join(rulers)}",
        )


@click.command()
@click.argument("conversation")
@session_options
def leave(conversation: str, setting: Setting) -> None:
    """Leave CONVERSATION with all your devices.

    It is over once a member who stays has been online: only those who stay can change the keys. An
    only admin names another one first (`doublelock chat admins`).

    \b
    Example:
      doublelock chat leave 3f9a01bc
    """
    terminal.run(_leave(setting, setting.unlock(), conversation))


async def _leave(setting: Setting, unlocking: Unlocking, name: str) -> None:
    async with connected(setting, unlocking) as chat:
        place = chat.find(name)
        short = chat.short(place)
        await chat.client.leave(place)
        out = place not in chat.client.conversations()
        terminal.answer(
            {"conversation": place.hex(), "asked": not out},
            f"You are out of {short}."
            if out
            else f"You asked to leave {short}; it is over once another member has been online.",
        )


def _plain(handles: tuple[str, ...]) -> list[str]:
    return [handle.removeprefix("@") for handle in handles]


COMMANDS = (direct, group, list_conversations, members, add, remove, admins, leave)
"""The commands of this module, in the order of the help."""
