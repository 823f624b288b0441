"""`doublelock verify`: check evidence and logs offline, trusting the deployment's id alone."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from doublelock.audit import VerifiedLogs, copy_deployment, verify_evidence, verify_logs
from doublelock.commands import terminal
from doublelock.commands.options import address_option, deployment_option, json_option
from doublelock.protocol.bundle import BundleRecord
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.lawstate import LawState

_PATH: Final = click.Path(exists=True, path_type=Path)


@click.group(cls=terminal.InOrder)
def verify() -> None:
    """Check an evidence package or a deployment's logs; trusts nobody.

    All that is trusted is the deployment's id, 64 hexadecimal digits that you have from somebody
    you trust: it is the hash of the charter, which names every key. Whatever does not hold is
    refused by name, with exit code 1.

    \b
    Examples:
      doublelock verify package evidence --deployment 3f2a...
      doublelock verify package evidence.zip --deployment 3f2a...
      doublelock verify logs --address https://chat.example --deployment 3f2a...
      doublelock verify mirror copy --address https://chat.example --deployment 3f2a...
      doublelock verify logs copy --deployment 3f2a...
    """


@verify.command(short_help="Check an evidence package, folder or zip.")
@click.argument("path", type=_PATH)
@click.option(
    "--mirror",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A copy of the logs from elsewhere: the package must tell the same history.",
)
@deployment_option
@json_option
def package(path: Path, mirror: Path | None, deployment: DeploymentId) -> None:
    """Check the evidence package at PATH, a folder or a zip of it, without any network.

    Says each check that it passed. The page and the lines that people read are made again from the
    evidence and compared. A log forked by the operator and the witnesses together holds in itself;
    only a mirror that somebody else made shows it.

    \b
    Examples:
      doublelock verify package evidence --deployment 3f2a...
      doublelock verify package evidence --mirror copy --deployment 3f2a...
      doublelock verify package evidence.zip --deployment 3f2a... --json
    """
    with terminal.working("Verifying the evidence package"):
        verified = verify_evidence(path, deployment, mirror)
    content = verified.content
    _answer(
        {
            "warrant": content.warrant.commitment.hex(),
            "reference": content.warrant.terms.reference,
            "messages": len(content.messages),
        },
        verified.checks,
        f"{path.name} holds: {len(content.messages)} messages under the warrant "
        f"{content.warrant.terms.reference}.",
    )


@verify.command(short_help="Check both logs, and say what the law did.")
@click.argument(
    "path", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False
)
@click.option("--address", metavar="URL", help="Copy the logs from this server first.")
@deployment_option
@json_option
def logs(path: Path | None, address: str | None, deployment: DeploymentId) -> None:
    """Check both logs of the mirror at PATH, or of a running server, from their first line.

    Every line is replayed by the rules that custodians and court use; the operator's statistics are
    counted again. Says what the law did: warrants filed, approved and refused, requests, labels,
    releases, notices.

    \b
    Examples:
      doublelock verify logs copy --deployment 3f2a...
      doublelock verify logs --address https://chat.example --deployment 3f2a... --json
    """
    if (path is None) == (address is None):
        terminal.fail("Give either a mirror's folder or --address.")
    if path is not None:
        return _tell_logs(verify_logs(path, deployment), deployment)
    with tempfile.TemporaryDirectory(prefix="doublelock-") as spare:
        with terminal.working("Copying and verifying both logs"):
            terminal.run(copy_deployment(str(address), deployment, Path(spare)))
            verified = verify_logs(Path(spare), deployment)
        _tell_logs(verified, deployment)


@verify.command(short_help="Copy a deployment's public record.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@address_option
@deployment_option
@json_option
def mirror(folder: Path, address: str, deployment: DeploymentId) -> None:
    """Copy charters and both logs into FOLDER, each checked as it is read.

    What was copied can be checked at any time, without the server (`verify logs FOLDER`). Copy
    into the same folder again for what came since.

    \b
    Example:
      doublelock verify mirror copy --address https://chat.example --deployment 3f2a...
    """
    with terminal.working("Copying both logs"):
        terminal.run(copy_deployment(address, deployment, folder))
    verified = verify_logs(folder, deployment)
    size, entries = verified.law.state.size, verified.keys.key_log.size
    terminal.answer(
        {"folder": str(folder), "law_log": size, "key_log": entries},
        f"{folder}: the law log's {size} lines, the key log's {entries} entries.",
    )


def _tell_logs(verified: VerifiedLogs, deployment: DeploymentId) -> None:
    state = verified.law.state
    _answer(
        {
            "law_log": state.size,
            "void": state.void,
            "key_log": verified.keys.key_log.size,
            "accounts": len(verified.keys.key_log.accounts()),
            "committees": _tallies(state),
            "bundles": [
                {"bundle": one.manifest.hex(), "version": one.version, "withdrawn": one.withdrawn}
                for one in state.bundles.values()
            ],
        },
        (*verified.checks, *map(_tell_bundle, state.bundles.values())),
        f"Both logs of deployment {deployment.hex()[:16]}... hold.",
    )


def _tell_bundle(one: BundleRecord) -> str:
    """Return a web client's line, with the whole hash: whoever built it compares that."""
    fate = ", withdrawn" if one.withdrawn else ""
    return f"web client {one.version}{fate}, bundle {one.manifest.hex()}"


def _tallies(state: LawState) -> dict[str, dict[str, int]]:
    return {str(number): asdict(tally) for number, tally in sorted(state.tallies.items())}


def _answer(data: dict[str, object], checks: Sequence[str], last: str) -> None:
    terminal.answer(
        {"holds": True, **data, "checks": list(checks)},
        "\n".join((*(f"ok  {check}" for check in checks), last)),
    )
