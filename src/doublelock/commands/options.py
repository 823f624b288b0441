"""The options that many commands share, and what becomes of their values."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from doublelock.commands.terminal import set_json
from doublelock.keep import KeyFile, Unlocking, ask_passphrase, make_key_file
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.lawlog import Ground

F = TypeVar("F", bound=Callable[..., Any])
Clock = Callable[[], int]
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""A file that is there."""


def state_option(role: str) -> Callable[[F], F]:
    """Add `--state DIR`, by default the role's folder among the user's data (XDG)."""
    return click.option(
        "--state",
        "state",
        type=click.Path(file_okay=False, path_type=Path),
        default=lambda: default_state(role),
        show_default=f"~/.local/share/doublelock/{role}",
        help="Folder that holds this role's state, and nothing else.",
    )


def default_state(role: str) -> Path:
    """Return a role's folder among the user's data."""
    home = os.environ.get("XDG_DATA_HOME", "")
    base = Path(home) if home else Path.home() / ".local" / "share"
    return base / "doublelock" / role


def key_file_option(command: F) -> F:
    """Add `--key-file FILE`; without it the passphrase is asked for at the terminal."""
    return click.option(
        "--key-file",
        "key_file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Key file that opens the state folder; made if new where the folder is made. "
        "Without it, a passphrase is asked for.",
    )(command)


def json_option(command: F) -> F:
    """Add `--json`: answers on stdout and refusals on stderr as JSON."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=set_json,
        help="Answer in JSON, for scripts.",
    )(command)


def clock_option(command: F) -> F:
    """Add `--clock TIME`; the command gets a `clock` in milliseconds since 1970 UTC."""
    return click.option(
        "--clock",
        "clock",
        metavar="TIME",
        callback=_read_clock,
        help="Let the deployment's clock start at this time (2010-01-04T12:00:00Z), or run so many "
        "seconds beside the machine's (-3600); for replays and tests.",
    )(command)


def deployment_option(command: F) -> F:
    """Add `--deployment ID`, the pinned genesis hash."""
    return click.option(
        "--deployment",
        "deployment",
        metavar="ID",
        required=True,
        callback=_read_deployment,
        help="The deployment's id (64 hexadecimal digits), from somebody you trust.",
    )(command)


def unlock(what: str, key_file: Path | None, *, new: bool = False) -> Unlocking:
    """Return what opens a state folder. Raises VaultRefused.

    A key file that is not there is made where the folder is `new`, and nowhere else.
    """
    if key_file is None:
        return ask_passphrase(what, new=new)
    return make_key_file(key_file) if new and not key_file.exists() else KeyFile(key_file)


def _read_clock(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Clock:
    return make_clock(value)


def make_clock(value: str | None) -> Clock:
    """Return the clock that a `--clock` asks for. Raises click.BadParameter."""
    offset = 0 if value is None else _offset_ms(value)
    return lambda: time.time_ns() // 1_000_000 + offset


def _offset_ms(value: str) -> int:
    try:
        return int(float(value) * 1000)
    except (ValueError, OverflowError):
        pass
    try:
        start = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("neither a time nor a number of seconds") from None
    start = start.replace(tzinfo=UTC) if start.tzinfo is None else start
    return int(start.timestamp() * 1000) - time.time_ns() // 1_000_000


def address_option(command: F) -> F:
    """Add `--address URL`, the server's HTTP address."""
    return click.option(
        "--address", required=True, metavar="URL", help="The server's HTTP address."
    )(command)


def yes_option(command: F) -> F:
    """Add `--yes`: nothing is asked before signing; for scripts."""
    return click.option(
        "--yes", is_flag=True, help="Sign without asking at the terminal; for scripts."
    )(command)


def ground_option(default: Ground | None = None) -> Callable[[F], F]:
    """Add `--ground WORD`, one of the coarse grounds that the law log knows."""
    return click.option(
        "--ground",
        type=click.Choice([one.value for one in Ground]),
        required=default is None,
        default=None if default is None else default.value,
        show_default=default is not None,
        callback=lambda _, __, value: Ground(value),
        help="Why, as everybody will read it in the law log.",
    )


def _read_deployment(
    _ctx: click.Context, _parameter: click.Parameter, value: str | None
) -> DeploymentId | None:
    return None if value is None else read_deployment(value)


def read_deployment(value: str) -> DeploymentId:
    """Return the deployment id in 64 hexadecimal digits. Raises click.BadParameter."""
    try:
        data = bytes.fromhex(value)
    except ValueError:
        data = b""
    if len(data) != 32:
        raise click.BadParameter("a deployment id is 64 hexadecimal digits")
    return DeploymentId(data)
