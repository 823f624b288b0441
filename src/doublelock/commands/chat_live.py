"""`doublelock chat follow` and `talk`: what comes, as it comes."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Coroutine

import click

from doublelock.client import events
from doublelock.client.session import FATAL
from doublelock.client.vault import Shown
from doublelock.commands import chat_news, chat_view, terminal
from doublelock.commands.chat_session import Chat, Setting, connected, session_options
from doublelock.keep import Unlocking
from doublelock.protocol import limits
from doublelock.protocol.errors import Malformed
from doublelock.protocol.identifiers import AccountId, ConversationId
from doublelock.protocol.record import Text, encode_record

_READ = 64 * 1024


@click.command()
@click.argument("conversation", required=False)
@session_options
def follow(conversation: str | None, setting: Setting) -> None:
    """Show what is new, then what comes, in CONVERSATION or in all; Ctrl-C ends it (exit code 0).

    A message that breaks a rule is shown as refused, with the reason and never with its text. With
    --json each message and event is one line. While it runs, the folder is in use: to write at the
    same time, use `talk`, or a second device.

    \b
    Examples:
      doublelock chat follow
      doublelock chat follow @ann --json
    """
    terminal.run(_follow(setting, setting.unlock(), conversation))


async def _follow(setting: Setting, unlocking: Unlocking, name: str | None) -> None:
    async with connected(setting, unlocking) as chat:
        view = _View(chat, None if name is None else chat.find(name))
        await _first(view.run(), terminal.until_stopped())


@click.command()
@click.argument("conversation")
@session_options
def talk(conversation: str, setting: Setting) -> None:
    """Talk in CONVERSATION: each line that you type is sent, what comes is shown.

    Ctrl-D sends what is on its way and ends; Ctrl-C ends at once (what waits goes out next time).

    \b
    Example:
      doublelock chat talk @ann
    """
    terminal.run(_talk(setting, setting.unlock(), conversation))


async def _talk(setting: Setting, unlocking: Unlocking, name: str) -> None:
    async with connected(setting, unlocking) as chat:
        place = chat.find(name)
        names = [chat.name(one) for one in await chat.members(place)]
        terminal.note(f"{chat.short(place)}: {', '.join(names)}. Ctrl-D ends.")
        view = _View(chat, place, echo=terminal.wants_json())
        await _first(view.run(), _say(chat, place), terminal.until_stopped())


async def _say(chat: Chat, place: ConversationId) -> None:
    """Send each line of stdin; return once the server has them all."""
    sent: list[asyncio.Future[int]] = []
    async for line in _lines():
        record = Text(line)
        if not line:
            continue
        try:
            encode_record(record)
            sent.append((await chat.client.post(place, record))[1])
        except Malformed as refusal:
            click.echo(f"Not sent: {refusal}", err=True)
    await asyncio.gather(*sent, return_exceptions=True)  # each failure is told as it happens


async def _lines() -> AsyncIterator[bytes]:
    """Yield the lines of stdin, whatever it is: a terminal, a pipe or a file."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(16)
    loop = asyncio.get_running_loop()

    def read() -> None:
        # A thread of its own and no buffered reader: a process may end while this still waits.
        rest = b""
        while data := os.read(0, _READ):
            *whole, rest = (rest + data).split(b"\n")
            if len(rest) > limits.RECORD:
                whole, rest = [*whole, rest], b""
            for line in whole:
                asyncio.run_coroutine_threadsafe(queue.put(line), loop).result()
        for last in (rest, None):
            asyncio.run_coroutine_threadsafe(queue.put(last), loop).result()

    def quietly() -> None:
        try:
            read()
        except (OSError, RuntimeError, asyncio.CancelledError):
            return  # the terminal has gone, or the loop ended while this waited

    threading.Thread(target=quietly, daemon=True).start()
    while (line := await queue.get()) is not None:
        yield line


async def _first(*works: Coroutine[None, None, None]) -> None:
    """Run until the first is done, and end the others; what it raised is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _View:
    """Prints what is new in one conversation or in all, and marks it as shown."""

    def __init__(self, chat: Chat, place: ConversationId | None, *, echo: bool = True) -> None:
        self._chat = chat
        self._place = place
        self._echo = echo
        self._printed: dict[ConversationId, int] = {}
        self._places: dict[bytes, int] = {}

    async def run(self) -> None:
        """Print until cancelled. Raises what ends a connection for good."""
        client = self._chat.client
        for event in client.pending_events():
            if not isinstance(event, events.Connection):
                await self._take(event)
        listed = [one for one in client.conversations() if not self._chat.hides(one)]
        for place in listed if self._place is None else [self._place]:
            await self._catch_up(place)
        client.presence.set_here(True)
        if self._place is None or self._echo:
            terminal.note("Following; Ctrl-C ends it.")
        async for event in client.receive():
            await self._take(event)

    async def _catch_up(self, place: ConversationId) -> None:
        client = self._chat.client
        after = max(client.shown(place), self._printed.get(place, 0))
        items = client.history(place, after)
        await self._chat.learn({AccountId(item.account) for item in items})
        for item in items:
            self._print(place, item)
        self._printed[place] = client.sequence(place)
        client.mark_shown(place, client.sequence(place))

    async def _take(self, event: events.Event) -> None:
        where = getattr(event, "conversation", None)
        if where is not None and self._place not in (None, where):
            return
        if self._place is None and where is not None and self._chat.hides(where):
            return
        await self._chat.learn(chat_news.accounts_in(event))
        if isinstance(event, events.Message | events.RefusedItem):
            # The history is the one truth: it holds the item before the event is told.
            await self._catch_up(event.conversation)
            return
        chat = self._chat
        if terminal.wants_json():
            data = chat_news.event_json(event, chat.name)
            if data is not None:
                terminal.answer(data, "")
        else:
            text = chat_news.event_text(event, chat.name, self._short)
            if text:
                click.echo(text)
        refusal = event.refusal if isinstance(event, events.Connection) else None
        if refusal is not None and refusal.code in FATAL:
            raise refusal

    def _short(self, place: bytes) -> str:
        return self._chat.short(ConversationId(place))

    def _print(self, place: ConversationId, item: Shown) -> None:
        chat = self._chat
        if item.message_id:
            self._places[item.message_id] = item.sequence
        if not self._echo and item.device == chat.client.device:
            return
        line = chat_view.unfolded(item)
        line.folded = chat.folds(place, item.account)
        where = "" if self._place is not None else f"{chat.short(place)} "
        terminal.answer(
            chat_view.line_json(line, place, chat.name),
            where + chat_view.line_text(line, chat.name, self._places),
        )


COMMANDS = (follow, talk)
"""The commands of this module, in the order of the help."""
