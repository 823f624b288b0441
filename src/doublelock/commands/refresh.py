"""A custodian's wish for fresh shares of a month. Attach with `custodian.add_command(refresh)`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from doublelock.commands import terminal
from doublelock.commands.options import json_option, key_file_option, state_option, unlock
from doublelock.holder.ceremony import request_refresh
from doublelock.keep import StateFolder
from doublelock.protocol.days import DAY_MS, key_epoch_of


@click.command()
@click.argument("month")
@state_option("custodian")
@key_file_option
@json_option
def refresh(month: str, state: Path, key_file: Path | None) -> None:
    """Ask for new shares of MONTH (2010-01): the key stays, every old share becomes worthless.

    Stop this custodian's daemon before, and start it again: it then opens the ceremony, in which
    all custodians and the court take part. For when a share may have been seen by somebody.

    \b
    Example:
      doublelock custodian refresh 2010-01
    """
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise click.BadParameter("a month is given as 2010-01", param_hint="MONTH") from None
    key_epoch = key_epoch_of(int(first.timestamp() * 1000) // DAY_MS)
    with StateFolder.open(state, unlock("this custodian", key_file)) as folder:
        request_refresh(folder, key_epoch)
    terminal.answer({"key_epoch": key_epoch}, f"Start the daemon: it refreshes {month}.")
