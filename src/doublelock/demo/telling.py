"""How a story is told at a terminal: chapters, lines, bars on what takes long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

Told = Callable[[int, int], None]
"""Told how many of how many are done."""


class Telling:
    """Writes a story to a console; what people wrote is never markup."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._chapter = 0

    def chapter(self, title: str) -> None:
        """Begin a numbered chapter."""
        self._chapter += 1
        self._console.print(f"\n[bold]{self._chapter}. {title}[/]")

    def item(self, text: str, style: str = "") -> None:
        """Print a line of the chapter; what is too long goes on under its beginning."""
        words = text.lstrip(" ")
        indent = 3 + len(text) - len(words)
        line = Padding(Text(words, style=style), (0, 0, 0, indent), expand=False)
        self._console.print(line, highlight=False)

    def raw(self, text: str) -> None:
        """Print text to copy: neither wrapped nor marked up."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def bar(self, what: str) -> Iterator[Told]:
        """Show a bar while something takes its time; its number is known once it is told."""
        columns = (TextColumn("   {task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=self._console) as progress:
            task = progress.add_task(what, total=None)

            def told(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)

            yield told
