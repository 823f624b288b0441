"""`doublelock serve`: the operator's commands."""

import secrets
from pathlib import Path

import click
import uvloop

from doublelock.client.invite import make_invite
from doublelock.commands import bundle, operator, parties_example, terminal
from doublelock.commands.amendments import amend
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
from doublelock.protocol.days import DAY_MS
from doublelock.server.app import start
from doublelock.server.config import UNLIMITED, PushConfig, Rates, ServerConfig
from doublelock.server.founding import found as found_deployment
from doublelock.server.founding import load_founding, load_genesis_key, read_plan


@click.group(cls=terminal.InOrder)
def serve() -> None:
    """Found a deployment, run its server, make the first invites, answer to the law.

    The server stores ciphertext, orders it, and runs both logs. It holds no content key and no
    share of one.

    \b
    Examples:
      doublelock serve example > parties.json
      doublelock serve found parties.json
      doublelock serve run --witness https://w1.example --witness https://w2.example
      doublelock serve invite --address https://chat.example > invite.txt
    """


@serve.command()
def example() -> None:
    """Print a parties file to fill in.

    Every custodian, court, agency, minister, judge and witness makes its key by its own `init`
    command, and hands over the line that this prints; the lines go into this file as they are.

    \b
    Example:
      doublelock serve example > parties.json
    """
    click.echo(parties_example.TEXT, nl=False)


@serve.command()
@click.argument("parties", type=FILE)
@state_option("server")
@key_file_option
@clock_option
@json_option
def found(parties: Path, state: Path, key_file: Path | None, clock: Clock) -> None:
    """Make the operator's keys and the genesis charter from PARTIES, a JSON file.

    Prints the deployment's id: everybody who joins pins it, so hand it over by a way that nobody
    can change, and keep it. The key of the first invites lies in the folder `genesis` of the state
    folder and may be taken off this machine once people can invite each other.

    \b
    Examples:
      doublelock serve found parties.json
      doublelock serve found parties.json --state /srv/doublelock --key-file /etc/doublelock.key
    """
    plan = read_plan(parties.read_bytes())
    unlocking = unlock("the server", key_file, new=True)
    with (
        StateFolder.open_or_create(state, unlocking) as folder,
        StateFolder.open_or_create(state / "genesis", unlocking) as genesis,
    ):
        deployment = found_deployment(folder, genesis, plan, clock(), secrets.token_bytes)
    charter = state / "charters" / "00000000"
    terminal.answer(
        {"deployment": deployment.hex(), "charter": str(charter)},
        f"Deployment: {deployment.hex()}\nCharter:    {charter}",
    )


@serve.command()
@state_option("server")
@key_file_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--http-port", default=8080, show_default=True, type=click.IntRange(0, 65535))
@click.option("--stream-port", default=8081, show_default=True, type=click.IntRange(0, 65535))
@click.option("--http-public", default="", help="The HTTP address that others use, behind a proxy.")
@click.option("--stream-public", default="", help="The stream's address that others use (wss://).")
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="URL",
    help="A witness's address, in any order; give it once for each, those to come included.",
)
@click.option(
    "--web",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Serve the web client in this folder, as its bundle.json names it; the law log has it.",
)
@click.option(
    "--contact",
    default="",
    metavar="ADDRESS",
    help="mailto: or https: address that push services may write to; the public one otherwise.",
)
@click.option("--unlimited", is_flag=True, help="No rate limits: for replays and measurements.")
@clock_option
@json_option
def run(
    state: Path,
    key_file: Path | None,
    host: str,
    http_port: int,
    stream_port: int,
    http_public: str,
    stream_public: str,
    witnesses: tuple[str, ...],
    web: Path | None,
    contact: str,
    unlimited: bool,
    clock: Clock,
) -> None:
    """Run the server until Ctrl-C or SIGTERM; then finish what was accepted, and stop.

    Port 0 takes a free port. Prints the addresses once both listeners are open.

    \b
    Examples:
      doublelock serve run --witness http://127.0.0.1:8090
      doublelock serve run --web web/dist --witness http://127.0.0.1:8090
      doublelock serve run --host 0.0.0.0 --http-public https://chat.example \\
          --stream-public wss://chat.example/v1/stream --witness https://w1.example
    """
    unlocking = unlock("the server", key_file)
    with StateFolder.open(state, unlocking) as folder:
        deployment, charters, keys = load_founding(folder)
        config = ServerConfig(
            folder=state / "data",
            deployment=deployment,
            charters=charters,
            keys=keys,
            host=host,
            http_port=http_port,
            stream_port=stream_port,
            http_public=http_public,
            stream_public=stream_public,
            witnesses=witnesses,
            web=web,
            clock=clock,
            report=lambda words: click.echo(words, err=True),
            rates=UNLIMITED if unlimited else Rates(),
            push=PushConfig(contact=contact),
        )
        uvloop.run(_serve(config))


async def _serve(config: ServerConfig) -> None:
    server = await start(config)
    try:
        terminal.answer(
            {
                "deployment": config.deployment.hex(),
                "http": server.http,
                "stream": server.stream,
            },
            f"Deployment: {config.deployment.hex()}\nHTTP:       {server.http}\n"
            f"Stream:     {server.stream}\nCtrl-C stops the server.",
        )
        await terminal.until_stopped()
        terminal.note("Stopping: what was accepted is being finished.")
    finally:
        await server.stop()


@serve.command()
@state_option("server")
@key_file_option
@click.option("--address", required=True, metavar="URL", help="The server's HTTP address.")
@click.option(
    "--committee",
    default=1,
    show_default=True,
    type=click.IntRange(0, 0xFFFF),
    help="The committee that the newcomer belongs to, by its number in the charter.",
)
@click.option(
    "--count",
    default=1,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="How many invites; each is used once.",
)
@click.option(
    "--days",
    default=7,
    show_default=True,
    type=click.IntRange(1, 365),
    help="How many days they are good for.",
)
@clock_option
@json_option
def invite(
    state: Path,
    key_file: Path | None,
    address: str,
    committee: int,
    count: int,
    days: int,
    clock: Clock,
) -> None:
    """Make the first people's invites, one line each; the server may be running.

    Whoever has an invite can use it: send it by a way that only its receiver reads. From then on
    people invite each other (`doublelock chat invite`).

    \b
    Examples:
      doublelock serve invite --address https://chat.example > invite.txt
      doublelock serve invite --address https://chat.example --count 20 --committee 2
    """
    unlocking = unlock("the server", key_file)
    with StateFolder.open(state / "genesis", unlocking) as genesis:
        deployment, key = load_genesis_key(genesis)
    for _ in range(count):
        made = make_invite(
            address,
            deployment,
            key.sign,
            secrets.token_bytes(32),
            committee,
            clock() + days * DAY_MS,
        )
        terminal.answer({"invite": made.encode()}, made.encode())


serve.add_command(bundle.bundle)
serve.add_command(bundle.withdraw)
serve.add_command(operator.refuse)
serve.add_command(amend)
serve.add_command(operator.statistics)
