"""`doublelock demo`: the whole world on loopback."""

from dataclasses import asdict
from datetime import datetime
from importlib import import_module
from pathlib import Path

import click

from doublelock.commands.options import FILE, json_option
from doublelock.commands.terminal import answer, fail, run, telling


@click.command()
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the demo's world; a temporary one unless given.",
)
@click.option("--chat", type=FILE, help="A raw IRC log, `[HH:MM] <nick> text`, to replay.")
@click.option(
    "--date",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day on which the chat took place; read from the file's name where it says.",
)
@click.option("--new", is_flag=True, help="Remove the deployment in the folder; found another.")
@click.option(
    "--web",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of a built web client, with its bundle.json, to serve as well.",
)
@click.option("--keep-running", is_flag=True, help="Let people use the deployment afterwards.")
@json_option
def demo(
    state: Path | None,
    chat: Path | None,
    date: datetime | None,
    new: bool,
    web: Path | None,
    keep_running: bool,
) -> None:
    """Run a whole deployment on this machine and tell what happens as a story.

    A server, three witnesses, five custodians, a court, an agency and people: keys are made, people
    talk, one warrant is applied for, approved, logged, released and opened, another is refused,
    the person concerned is told, and everything is verified offline at the end.

    A folder that has a deployment already is not told again: it goes on running for people to use
    (with --keep-running), or is begun anew (--new).

    \b
    Examples:
      doublelock demo
      doublelock demo --chat 2010-01-04.train-c.raw.txt --date 2010-01-04
      doublelock demo --state world --keep-running
    """
    story = import_module("doublelock.demo.story")
    if state is not None and not new and not keep_running and story.is_there(state):
        fail("There is a deployment in this folder: --keep-running goes on, --new begins again.")
    summary = run(
        story.run(
            telling(),
            state=state,
            chat=chat,
            date=date,
            new=new,
            keep_running=keep_running,
            web=web,
        )
    )
    if summary is not None:
        answer(asdict(summary), "")
