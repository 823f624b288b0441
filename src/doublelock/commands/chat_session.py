"""What every `doublelock chat` command does around its work: open, connect, name things, close."""

import functools
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from doublelock.client.client import Client
from doublelock.client.vault import Shown
from doublelock.commands import chat_news, chat_view, terminal
from doublelock.commands.options import (
    Clock,
    clock_option,
    json_option,
    key_file_option,
    state_option,
    unlock,
)
from doublelock.keep import Unlocking
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import (
    GroupRefused,
    KeyLogRefused,
    Malformed,
    VaultRefused,
    WireRefused,
)
from doublelock.protocol.identifiers import AccountId, ConversationId
from doublelock.protocol.record import display

F = TypeVar("F", bound=Callable[..., Any])
WHAT: Final = "your chat folder"
_SHORT: Final = 8
_STDIN: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Setting:
    """Whose state a command works on, and by which clock."""

    state: Path
    key_file: Path | None
    clock: Clock

    @property
    def is_new(self) -> bool:
        """Whether there is no state folder yet."""
        return not (self.state / "folder.key").is_file()

    def unlock(self) -> Unlocking:
        """Return what opens the folder of an account that is there. Raises VaultRefused."""
        if self.is_new:
            raise VaultRefused(Code.VAULT_MISSING, f"nobody has registered in {self.state}")
        return unlock(WHAT, self.key_file)

    def unlock_or_make(self) -> Unlocking:
        """Return what opens the folder, or will open it once it is made. Raises VaultRefused."""
        return unlock(WHAT, self.key_file, new=self.is_new)


def session_options(command: F) -> F:
    """Add `--state`, `--key-file`, `--clock` and `--json`; the command gets a `setting`."""

    @functools.wraps(command)
    def with_setting(
        *args: Any, state: Path, key_file: Path | None, clock: Clock, **others: Any
    ) -> Any:
        return command(*args, setting=Setting(state, key_file, clock), **others)

    wrapped: F = with_setting  # type: ignore[assignment]
    return state_option("chat")(key_file_option(clock_option(json_option(wrapped))))


class Chat:
    """A connected client, and the names by which its person calls things."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._names: dict[AccountId, str] = {client.account: client.handle}

    # --- people ----------------------------------------------------------------------------

    async def learn(self, accounts: Iterable[AccountId]) -> None:
        """Ask for the handles of accounts that are not known yet; without an answer, go on."""
        unknown = {account for account in accounts if account not in self._names}
        if unknown:
            try:
                self._names.update(await self.client.handles(unknown))
            except WireRefused:
                return

    def name(self, account: bytes) -> str:
        """Return an account's handle for the eye, or the start of its id."""
        handle = self._names.get(AccountId(account))
        return (
            chat_view.one_line(handle.encode("utf-8", "replace"))
            if handle
            else f"account {account.hex()[:12]}"
        )

    def account(self, handle: str) -> AccountId:
        """Return a registered person's account id. Raises KeyLogRefused(unknown-account)."""
        account = self.client.account_of(handle)
        if not self.client.monitor.key_log.has_account(account):
            raise KeyLogRefused(
                Code.UNKNOWN_ACCOUNT, chat_view.one_line(handle.encode("utf-8", "replace"))
            )
        return account

    async def members(self, conversation: ConversationId) -> list[AccountId]:
        """Return the people of a conversation, oneself included, and learn their handles."""
        accounts = list(dict.fromkeys(leaf.account for leaf in self.client.members(conversation)))
        await self.learn(accounts)
        return accounts

    # --- conversations -----------------------------------------------------------------------

    def short(self, conversation: ConversationId) -> str:
        """Return enough of a conversation's id to name it here: 8 digits, or more at need."""
        others = [one.hex() for one in self.client.conversations() if one != conversation]
        name, size = conversation.hex(), _SHORT
        while any(other.startswith(name[:size]) for other in others):
            size += 1
        return name[:size]

    def other(self, handle: str) -> AccountId:
        """Return another registered person's account id. Raises KeyLogRefused, click.UsageError."""
        account = self.account(handle)
        if account == self.client.account:
            terminal.fail("That is you: give somebody else's handle.")
        return account

    def direct_with(self, handle: str) -> list[ConversationId]:
        """Return the direct conversations with a person."""
        account = self.other(handle)
        return [
            one
            for one in self.client.conversations()
            if self.client.is_direct(one) and account in self.client.admins(one)
        ]

    def find(self, name: str) -> ConversationId:
        """Return the conversation that a person names: `@handle`, or the start of its id.

        Raises GroupRefused(not-found), click.UsageError where several fit.
        """
        if name.startswith("@"):
            found = self.direct_with(name[1:])
        else:
            start = name.lower()
            found = [one for one in self.client.conversations() if one.hex().startswith(start)]
        if len(found) > 1:
            names = ", ".join(self.short(one) for one in found)
            terminal.fail(f"Several conversations fit; name one of {names}.")
        if not found or not name:
            raise GroupRefused(Code.NOT_FOUND, self._where(name))
        return found[0]

    def _where(self, name: str) -> str:
        """Return what to do about a name that fits no conversation."""
        shown = chat_view.one_line(name.encode("utf-8", "replace"))
        if name.startswith("@"):
            return f"no conversation with {shown}: open it with `doublelock chat direct {shown}`"
        log = self.client.monitor.key_log
        if name.isprintable() and log.has_account(self.client.account_of(name)):
            return f"{shown}: a direct conversation is named @{shown}"
        return f"{shown}: see `doublelock chat list`"

    def hides(self, conversation: ConversationId) -> bool:
        """Say whether a conversation is not listed: the direct one with somebody blocked."""
        return self.client.is_member(conversation) and self.client.is_hidden(conversation)

    def folds(self, conversation: ConversationId, account: bytes) -> bool:
        """Say whether a message is folded: of somebody blocked, where others are too."""
        return account in self.client.blocked and not self.hides(conversation)

    def find_message(self, conversation: ConversationId, number: int) -> Shown:
        """Return a readable message by its number. Raises GroupRefused(not-found)."""
        found = self.client.history(conversation, number - 1, 1)
        if not found or found[0].sequence != number or not found[0].record:
            raise GroupRefused(Code.NOT_FOUND, f"message {number}: see `doublelock chat history`")
        return found[0]

    # --- news ----------------------------------------------------------------------------------

    def tell_alarms(self) -> None:
        """Say on stderr what a person must not miss, whatever the command was about."""
        for event in self.client.pending_events():
            text = chat_news.alarm(event)
            if text:
                click.echo(f"ALARM: {text}", err=True)


@asynccontextmanager
async def connected(setting: Setting, unlocking: Unlocking) -> AsyncIterator[Chat]:
    """Open an account's folder, connect, take in what waits; close in good order at the end.

    Raises VaultRefused, LogRefused, CharterRefused, KeyLogRefused(device-removed), WireRefused.
    """
    client = await Client.open(setting.state, unlocking, clock=setting.clock)
    try:
        await client.connect()
        await client.refill_key_packages()
        await client.settled()
        chat = Chat(client)
        yield chat
        chat.tell_alarms()
    finally:
        await client.close()


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Say what a line should have been where it is not of that form. Raises Malformed."""
    try:
        yield
    except Malformed:
        raise Malformed(Code.FORM, what) from None


def read_line(value: str) -> str:
    """Return a line given as an argument, or for `-` the first 64 KiB of stdin."""
    if value != "-":
        return value
    return display(sys.stdin.buffer.read(_STDIN)).strip()
