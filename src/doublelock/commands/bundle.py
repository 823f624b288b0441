"""`serve bundle` and `serve withdraw`: what the web client is, and that the log says so."""

from pathlib import Path

import click

from doublelock.commands import terminal
from doublelock.commands.operator import ADDRESS, as_operator
from doublelock.commands.options import (
    Clock,
    clock_option,
    json_option,
    key_file_option,
    state_option,
)
from doublelock.protocol.bundle import write_manifest
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.lawlog import AnyEntry, BundleLogged, BundleWithdrawn
from doublelock.server.bundle import MANIFEST, read_bundle, read_files


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--release", metavar="VERSION", help="Write the manifest, under this version.")
@click.option("--wasm", is_flag=True, help="Its code needs WebAssembly, though no file is any.")
@click.option("--log", "logs", is_flag=True, help="Log it now, through the running server.")
@ADDRESS
@state_option("server")
@key_file_option
@clock_option
@json_option
def bundle(
    folder: Path,
    release: str | None,
    wasm: bool,
    logs: bool,
    address: str,
    state: Path,
    key_file: Path | None,
    clock: Clock,
) -> None:
    """Check the web client built in FOLDER against its manifest, or write that.

    The manifest, bundle.json, names every file with its hashes; the same files give the same one,
    on any machine. Its SHA-256 is what the law log has of a web client, and what browsers look for.
    `serve run --web FOLDER` logs it by itself; --log does so before.

    \b
    Examples:
      doublelock serve bundle web/dist --release 0.1.0
      doublelock serve bundle web/dist
      doublelock serve bundle web/dist --log --address https://chat.example
    """
    if release is not None:
        files, _ = read_files(folder)
        (folder / MANIFEST).write_bytes(write_manifest(release, files, wasm=wasm))
    elif wasm:
        raise click.UsageError("--wasm goes with --release: it stands in the manifest.")
    served = read_bundle(folder)
    version, name = served.manifest.version, served.name.hex()
    size = sum(file.size for file in served.manifest.files)
    count = len(served.manifest.files)
    found = {"version": version, "bundle": name, "files": count, "bytes": size}
    text = f"Web client {version}: {count} files, {size:,} bytes\nBundle: {name}"
    if logs:
        entry = BundleLogged(bundle=Bytes32(served.name), version=version)
        index = terminal.run(_log(entry, state, key_file, address, clock))
        found["log_index"] = index
        text += f"\nLaw log: line {index}"
    terminal.answer(found, text)


@click.command()
@click.argument("name", metavar="BUNDLE")
@ADDRESS
@state_option("server")
@key_file_option
@clock_option
@json_option
def withdraw(name: str, address: str, state: Path, key_file: Path | None, clock: Clock) -> None:
    """Withdraw a logged web client, by its 64 hexadecimal digits, for good.

    The running server serves it no more, and browsers that follow the law log refuse it.

    \b
    Example:
      doublelock serve withdraw 3f2a... --address https://chat.example
    """
    try:
        digest = Bytes32(bytes.fromhex(name))
    except ValueError:
        digest = Bytes32(b"")
    if len(digest) != 32 or digest.hex() != name:
        raise click.BadParameter("a bundle's name is 64 hexadecimal digits", param_hint="BUNDLE")
    index = terminal.run(_log(BundleWithdrawn(bundle=digest), state, key_file, address, clock))
    terminal.answer({"bundle": name, "log_index": index}, f"Law log: line {index}")


async def _log(
    entry: AnyEntry, state: Path, key_file: Path | None, address: str, clock: Clock
) -> int:
    """Log an entry of the operator's through the running server; return its line."""
    async with as_operator(state, key_file, address, clock) as operator:
        return await operator.log(entry)
