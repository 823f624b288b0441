"""`doublelock witness`: cosign what only grows."""

import json
import secrets
from pathlib import Path

import click

from doublelock.commands import terminal
from doublelock.commands.options import (
    FILE,
    Clock,
    clock_option,
    json_option,
    key_file_option,
    state_option,
    unlock,
)
from doublelock.keep import StateFolder
from doublelock.log.witness_service import WitnessService, keep_witness, load_witness
from doublelock.protocol import jws, limits
from doublelock.protocol.charter import genesis_id, read_terms
from doublelock.protocol.note import VerifierKey, parse_vkey


@click.group()
def witness() -> None:
    """Cosign the logs' checkpoints, so that nobody can be shown another history.

    A witness remembers the last checkpoint that it has seen of each log and signs only what grows
    from it. It speaks C2SP tlog-witness; any other witness of that protocol serves as well.

    \b
    Examples:
      doublelock witness init w1.example/witness
      doublelock witness run --charter charter.json
    """


@witness.command()
@click.argument("name")
@state_option("witness")
@key_file_option
def init(name: str, state: Path, key_file: Path | None) -> None:
    """Make this witness's key and print its line for the operator's parties file.

    NAME is what the key is known by, without spaces or a plus sign.

    \b
    Example:
      doublelock witness init w1.example/witness --key-file witness.key
    """
    unlocking = unlock("this witness", key_file, new=True)
    with StateFolder.open_or_create(state, unlocking) as folder:
        key = keep_witness(folder, name, secrets.token_bytes(32))
    click.echo(json.dumps({"role": "witness", "name": name, "key": key.encode()}))


@witness.command()
@state_option("witness")
@key_file_option
@click.option(
    "--charter",
    "charters",
    type=FILE,
    multiple=True,
    help="A deployment's genesis charter: cosign both of its logs.",
)
@click.option("--log", "logs", multiple=True, metavar="VKEY", help="A log's verifier key.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8090, show_default=True, type=click.IntRange(0, 65535))
@clock_option
@json_option
def run(
    state: Path,
    key_file: Path | None,
    charters: tuple[Path, ...],
    logs: tuple[str, ...],
    host: str,
    port: int,
    clock: Clock,
) -> None:
    """Cosign until Ctrl-C or SIGTERM.

    \b
    Examples:
      doublelock witness run --charter charter.json
      doublelock witness run --log 'harbour.example/law+3d1c...' --port 8091
    """
    keys: list[VerifierKey] = [parse_vkey(log) for log in logs]
    for path in charters:
        payload = jws.read_payload(path.read_bytes(), limits.CHARTER)
        terms = read_terms(payload)
        keys += [parse_vkey(terms.key_log), parse_vkey(terms.law_log)]
        terminal.note(f"{terms.name}: deployment {genesis_id(payload).hex()}")
    if not keys:
        terminal.fail("Name the logs: --charter FILE or --log VKEY.")
    with StateFolder.open(state, unlock("this witness", key_file)) as folder:
        service = WitnessService(state, load_witness(folder), keys, clock, host, port)
        terminal.run(_serve(service))


async def _serve(service: WitnessService) -> None:
    await service.start()
    try:
        terminal.answer({"http": service.address}, f"HTTP: {service.address}\nCtrl-C stops it.")
        await terminal.until_stopped()
    finally:
        await service.stop()
