"""`doublelock chat`: say, answer, change, take back, send and save files, read."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from doublelock.commands import chat_view, terminal
from doublelock.commands.chat_session import Setting, connected, session_options
from doublelock.commands.options import FILE
from doublelock.keep import Unlocking
from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import GroupRefused, Malformed, VaultRefused
from doublelock.protocol.identifiers import AccountId, MessageId
from doublelock.protocol.record import (
    AnyRecord,
    Attachment,
    Delete,
    Edit,
    Reaction,
    Reply,
    Text,
    decode_record,
)

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_NUMBER = click.IntRange(min=1)
_NUMBER.name = "number; `doublelock chat history` shows it in brackets"
Make = Callable[[bytes], AnyRecord]
"""Makes the record to send from the id (16 bytes) of the message that it is about."""


def content_of(words: tuple[str, ...]) -> bytes:
    """Return a text's bytes: the words as typed, or stdin without its last newline."""
    if words:
        return b" ".join(os.fsencode(word) for word in words)
    if sys.stdin.isatty():
        terminal.note("Type the text; Ctrl-D on a line of its own sends it.")
    data = sys.stdin.buffer.read(limits.RECORD + 1)
    if len(data) > limits.RECORD:
        raise Malformed(Code.SIZE, f"text over {limits.RECORD} bytes; attach it as a file")
    data = data.removesuffix(b"\n")
    if not data:
        terminal.fail("There is nothing to send: give a text, or one on stdin.")
    return data


@click.command()
@click.argument("conversation")
@click.argument("text", nargs=-1)
@session_options
def send(conversation: str, text: tuple[str, ...], setting: Setting) -> None:
    """Send TEXT, or what comes on stdin, byte for byte but for one last newline.

    Others on this machine may see the arguments of a running command: give what they must not see
    on stdin. Name CONVERSATION by the start of its id, or as @handle for a direct one.

    \b
    Examples:
      doublelock chat send @ann See you at noon
      doublelock chat send 3f9a01bc < letter.txt
    """
    content = content_of(text)
    terminal.run(_post(setting, setting.unlock(), conversation, None, lambda _: Text(content)))


@click.command()
@click.argument("conversation")
@click.argument("message", type=_NUMBER)
@click.argument("text", nargs=-1)
@session_options
def reply(conversation: str, message: int, text: tuple[str, ...], setting: Setting) -> None:
    """Answer the message with the number MESSAGE; the text may come on stdin.

    \b
    Example:
      doublelock chat reply @ann 12 Noon is fine
    """
    content = content_of(text)
    terminal.run(
        _post(setting, setting.unlock(), conversation, message, lambda it: Reply(it, content))
    )


@click.command()
@click.argument("conversation")
@click.argument("message", type=_NUMBER)
@click.argument("mark", default="")
@session_options
def react(conversation: str, message: int, mark: str, setting: Setting) -> None:
    """Put a short MARK on a message; without one, take yours back.

    \b
    Examples:
      doublelock chat react @ann 12 +1
      doublelock chat react @ann 12
    """
    data = os.fsencode(mark)
    if len(data) > 32:
        raise Malformed(Code.SIZE, "a mark of at most 32 bytes")
    terminal.run(
        _post(setting, setting.unlock(), conversation, message, lambda it: Reaction(it, data))
    )


@click.command()
@click.argument("conversation")
@click.argument("message", type=_NUMBER)
@click.argument("text", nargs=-1)
@session_options
def edit(conversation: str, message: int, text: tuple[str, ...], setting: Setting) -> None:
    """Put another text in place of your own MESSAGE; the first one stays in evidence.

    \b
    Example:
      doublelock chat edit @ann 12 See you at one
    """
    content = content_of(text)
    terminal.run(
        _post(
            setting,
            setting.unlock(),
            conversation,
            message,
            lambda it: Edit(it, content),
            own=True,
        )
    )


@click.command()
@click.argument("conversation")
@click.argument("message", type=_NUMBER)
@session_options
def delete(conversation: str, message: int, setting: Setting) -> None:
    """Ask everybody's client to show your own MESSAGE no more.

    A wish, not a power: who has read it has read it, and a warrant may still open it.

    \b
    Example:
      doublelock chat delete @ann 12
    """
    terminal.run(_post(setting, setting.unlock(), conversation, message, Delete, own=True))


async def _post(
    setting: Setting,
    unlocking: Unlocking,
    name: str,
    about: int | None,
    make: Make,
    *,
    own: bool = False,
) -> None:
    async with connected(setting, unlocking) as chat:
        place = chat.find(name)
        target = bytes(16)
        if about is not None:
            found = chat.find_message(place, about)
            if own and found.account != chat.client.account:
                raise GroupRefused(Code.NOT_ALLOWED, f"message {about} is not yours")
            target = found.message_id
        message_id, done = await chat.client.post(place, make(target))
        _sent(place, message_id, await done)


def _sent(conversation: bytes, message: MessageId, number: int) -> None:
    terminal.answer(
        {"conversation": conversation.hex(), "number": number, "message": message.hex()},
        f"Sent as [{number}].",
    )


# --- files --------------------------------------------------------------------------------------


@click.command()
@click.argument("conversation")
@click.argument("file", type=FILE)
@click.option("--caption", default="", help="A line to show with it.")
@click.option("--type", "media_type", default="", metavar="MIME", help="Its type (image/png).")
@click.option("--reply", "about", type=_NUMBER, metavar="MESSAGE", help="Answer this message.")
@session_options
def attach(
    conversation: str,
    file: Path,
    caption: str,
    media_type: str,
    about: int | None,
    setting: Setting,
) -> None:
    """Send a FILE of up to 1 GiB, encrypted on this device; interrupted, it goes on when repeated.

    \b
    Examples:
      doublelock chat attach @ann plan.pdf --caption "The plan"
      doublelock chat attach @ann plan.pdf --reply 12
    """
    terminal.run(_attach(setting, setting.unlock(), conversation, file, caption, media_type, about))


async def _attach(
    setting: Setting,
    unlocking: Unlocking,
    name: str,
    file: Path,
    caption: str,
    media_type: str,
    about: int | None,
) -> None:
    async with connected(setting, unlocking) as chat:
        place = chat.find(name)
        target = b"" if about is None else chat.find_message(place, about).message_id
        with _bar(f"Sending {file.name}") as progress:
            record = await chat.client.attachments.upload(
                file,
                name=os.fsencode(file.name)[:255],
                media_type=os.fsencode(media_type)[:255],
                caption=os.fsencode(caption),
                target=target,
                progress=progress,
            )
        message_id, done = await chat.client.post(place, record)
        _sent(place, message_id, await done)


@click.command()
@click.argument("conversation")
@click.argument("message", type=_NUMBER)
@click.argument("path", type=click.Path(path_type=Path))
@session_options
def save(conversation: str, message: int, path: Path, setting: Setting) -> None:
    """Save the file of MESSAGE as PATH; nothing that is there is ever overwritten.

    PATH is yours to choose: a name that the sender gave is shown and never used.

    \b
    Example:
      doublelock chat save @ann 14 plan.pdf
    """
    terminal.run(_save(setting, setting.unlock(), conversation, message, path))


async def _save(setting: Setting, unlocking: Unlocking, name: str, number: int, path: Path) -> None:
    async with connected(setting, unlocking) as chat:
        place = chat.find(name)
        record = decode_record(chat.find_message(place, number).record)
        if not isinstance(record, Attachment):
            raise GroupRefused(Code.NOT_FOUND, f"message {number} holds no file")
        with _claimed(path), _bar(f"Saving {path.name}") as progress:
            await chat.client.attachments.download(record, path, progress)
        terminal.answer(
            {"path": str(path), "size": record.size}, f"Saved {path} ({record.size:,} bytes)."
        )


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    """Make the file, for its owner alone; the name is ours now, or another's already.

    It is gone if the work fails. Raises VaultRefused(vault-exists).
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        raise VaultRefused(Code.VAULT_EXISTS, path.name) from None
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far something is, where a person sees it."""
    if terminal.wants_json() or not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # only where it is seen: it is slow to import
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    console = Console(stderr=True)
    with Progress(*columns, TransferSpeedColumn(), console=console, transient=True) as progress:
        task = progress.add_task(chat_view.one_line(os.fsencode(what)), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


# --- reading and time ------------------------------------------------------------------------


@click.command()
@click.argument("conversation")
@click.option(
    "--last", default=50, show_default=True, type=click.IntRange(0), help="How many; 0 for all."
)
@click.option("--unfold", is_flag=True, help="Show messages of people whom you blocked too.")
@session_options
def history(conversation: str, last: int, unfold: bool, setting: Setting) -> None:
    """Show the messages of CONVERSATION, with their numbers and times in UTC.

    A message that breaks a rule is shown as refused, with the reason and without its text.

    \b
    Examples:
      doublelock chat history @ann
      doublelock chat history 3f9a01bc --last 0 --json
    """
    terminal.run(_history(setting, setting.unlock(), conversation, last, unfold))


async def _history(
    setting: Setting, unlocking: Unlocking, name: str, last: int, unfold: bool
) -> None:
    async with connected(setting, unlocking) as chat:
        place = chat.find(name)
        items = chat.client.history(place)
        await chat.learn({AccountId(item.account) for item in items})
        places = chat_view.numbers(items)
        for line in chat_view.fold(items)[-last:]:
            line.folded = not unfold and chat.folds(place, line.item.account)
            terminal.answer(
                chat_view.line_json(line, place, chat.name),
                chat_view.line_text(line, chat.name, places),
            )
        chat.client.mark_shown(place, chat.client.sequence(place))


@click.command()
@click.argument("conversation")
@click.argument("after")
@session_options
def timer(conversation: str, after: str, setting: Setting) -> None:
    """Let later messages of CONVERSATION disappear AFTER a time (30s, 5m, 12h, 7d), or `off`.

    Every member's client and the server delete them then. Who wants to keep a copy can; until it is
    deleted a warrant may open it.

    \b
    Examples:
      doublelock chat timer @ann 7d
      doublelock chat timer @ann off
    """
    terminal.run(_timer(setting, setting.unlock(), conversation, read_seconds(after)))


def read_seconds(value: str) -> int:
    """Return the seconds in `30s`, `5m`, `12h`, `7d` or `off`. Raises click.UsageError."""
    if value == "off":
        return 0
    number, unit = value[:-1], value[-1:]
    if unit in _UNITS and number.isascii() and number.isdigit() and len(number) <= 9:
        seconds = int(number) * _UNITS[unit]
        if 0 < seconds < 2**32:
            return seconds
    terminal.fail("A time is a number with s, m, h or d (7d), or `off`.")


async def _timer(setting: Setting, unlocking: Unlocking, name: str, seconds: int) -> None:
    async with connected(setting, unlocking) as chat:
        place = chat.find(name)
        number = await chat.client.set_timer(place, seconds)
        what = f"disappear after {chat_view.seconds_text(seconds)}" if seconds else "stay"
        terminal.answer(
            {"conversation": place.hex(), "number": number, "seconds": seconds},
            f"Messages of {chat.short(place)} {what} from [{number}] on.",
        )


COMMANDS = (send, reply, react, edit, delete, attach, save, history, timer)
"""The commands of this module, in the order of the help."""
