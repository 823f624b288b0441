"""`doublelock replay`: a day of real chat, and warrants that open exactly what they name."""

from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import click

from doublelock.commands.options import FILE, json_option
from doublelock.commands.terminal import answer, run, telling


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the replay's world; a temporary one unless given.",
)
@click.option(
    "--readers",
    default=10,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="How many members decrypt everything.",
)
@json_option
def replay(file: Path, state: Path | None, readers: int) -> None:
    """Replay a raw IRC log (`[HH:MM] <nick> text`) through a real deployment.

    Every nick becomes an account with a device in one group. Then warrants are taken through, and
    every message in the store is tried: what a warrant names opens, byte for byte; all else stays
    shut.

    \b
    Examples:
      doublelock replay 2010-01-04.train-c.raw.txt
      doublelock replay 2010-01-04.train-c.raw.txt --readers 3 --json
    """
    play = import_module("doublelock.demo.replay")
    replayed = run(play.run(file, telling(), state=state, readers=readers))
    answer(asdict(replayed), "")
