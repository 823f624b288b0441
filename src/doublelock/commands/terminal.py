"""How every command asks, answers and ends."""

import asyncio
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

from doublelock.protocol.codes import ADVICE, Code
from doublelock.protocol.errors import Refusal

if TYPE_CHECKING:
    from doublelock.demo.telling import Telling

REFUSED: Final = 1
FAULT: Final = 70
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130
_JSON: Final = "doublelock.json"
T = TypeVar("T")


def explain(ctx: click.Context, problem: BaseException) -> int | None:
    """Tell what went wrong on stderr and return the exit code; None for what is click's own.

    A fault of ours is no traceback either: it is named, and the person told where to report it.
    """
    if isinstance(problem, KeyboardInterrupt | click.Abort):
        return INTERRUPTED
    if isinstance(problem, BrokenPipeError | click.ClickException | click.exceptions.Exit):
        return None
    while isinstance(problem, ExceptionGroup):
        problem = problem.exceptions[0]
    if isinstance(problem, Refusal):
        _tell(ctx, problem.code.value, problem.detail, ADVICE[problem.code])
        return UNREACHABLE if problem.code is Code.SERVER_UNREACHABLE else REFUSED
    if isinstance(problem, OSError):
        what = problem.strerror or str(problem) or type(problem).__name__
        where = f"{problem.filename}: " if problem.filename else ""
        _tell(ctx, "system", f"{where}{what}", "See that the file or address is right and free.")
        return REFUSED
    if not isinstance(problem, Exception):
        return None
    _tell(
        ctx, "fault", _place(problem), "This is a fault of Doublelock: please report these words."
    )
    return FAULT


def _place(problem: BaseException) -> str:
    """Say what kind of fault it was and where; never its words, which may hold a secret."""
    frames = traceback.extract_tb(problem.__traceback__)
    ours = [one for one in frames if f"{os.sep}doublelock{os.sep}" in one.filename]
    at = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"{type(problem).__name__}{at}"


def _tell(ctx: click.Context, code: str, detail: str, advice: str) -> None:
    if ctx.meta.get(_JSON):
        click.echo(json.dumps({"code": code, "detail": detail, "advice": advice}), err=True)
    else:
        click.echo(f"Refused: {code}{f' ({detail})' if detail else ''}\n{advice}", err=True)


def wants_json() -> bool:
    """Say whether the running command was asked for JSON."""
    return bool(click.get_current_context().meta.get(_JSON))


def set_json(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    """Remember `--json` for answers and refusals alike."""
    ctx.meta[_JSON] = value


def answer(data: Mapping[str, object], text: str) -> None:
    """Print an answer: `data` as one line of JSON where that was asked for, else `text`."""
    if wants_json():
        click.echo(json.dumps(data, ensure_ascii=False))
    elif text:
        click.echo(text)


def note(text: str) -> None:
    """Tell a person something beside the answer, on stderr; scripts do not see it."""
    if not wants_json():
        click.echo(text, err=True)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's asynchronous part; Ctrl-C and SIGTERM end it in good order."""

    async def whole() -> T:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        # SIGTERM as Ctrl-C: the work is cancelled, closes what it opened, and then it ends.
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(whole())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def until_stopped() -> None:
    """Wait for Ctrl-C or SIGTERM; for daemons, whose regular end this is."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()


async def until_stopped_or_done(work: Coroutine[Any, Any, None]) -> None:
    """Do work that never ends by itself until Ctrl-C or SIGTERM; what it raises is raised."""
    task = asyncio.ensure_future(work)
    stopped = asyncio.ensure_future(until_stopped())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        for one in (task, stopped):
            one.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many of how many are done; silent where stderr is no terminal or JSON is asked."""
    if wants_json() or not sys.stderr.isatty():
        yield lambda _, __: None
        return
    from rich.console import Console  # only where it is seen: it is slow to import
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def confirm(question: str, yes: bool) -> None:
    """Ask a person before something is signed; `yes` was said beforehand. Raises click.Abort."""
    if yes:
        return
    if not sys.stdin.isatty():
        fail("Nobody is at the terminal to confirm this: give --yes if it is meant.")
    # asyncio answers the first Ctrl-C by a cancellation, which a person at a prompt waits for.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort:
        click.echo(err=True)
        raise
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show that something takes its time; silent where stderr is no terminal or JSON is asked."""
    if wants_json() or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # only where it is seen: it is slow to import
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        progress.add_task(what, total=None)
        yield


def telling() -> "Telling":
    """Return how a story is told: on stdout, or on stderr where the answer is JSON."""
    from rich.console import Console

    from doublelock.demo.telling import Telling

    return Telling(Console(stderr=wants_json(), highlight=False))


class InOrder(click.Group):
    """A group whose help lists its commands in the order in which a person needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands as they were added."""
        return list(self.commands)


def fail(text: str) -> NoReturn:
    """End with exit code 2: the arguments make no sense together."""
    raise click.UsageError(text)
