"""Changing the charter: the operator drafts and files, court and custodians read and consent.

Attach with `serve.add_command(amend)` and `custodian.add_command(consent_of(Role.CUSTODIAN))`.
"""

import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from doublelock.commands import terminal
from doublelock.commands.options import (
    FILE,
    Clock,
    clock_option,
    json_option,
    key_file_option,
    read_deployment,
    state_option,
    unlock,
)
from doublelock.holder.desk import file_document
from doublelock.holder.identity import IDENTITY_FILE
from doublelock.holder.membership import open_membership
from doublelock.holder.watch import LawWatch
from doublelock.keep import StateFolder, atomic
from doublelock.protocol import jws, limits
from doublelock.protocol.amendment import (
    describe_changes,
    describe_time,
    draft_amendment,
    read_editable,
    write_editable,
)
from doublelock.protocol.api import Charters
from doublelock.protocol.charter import (
    Charter,
    Role,
    read_amendment,
    verify_amendment,
    verify_genesis,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import encode_base64url
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import CharterRefused, VaultRefused
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.session import PartySubject
from doublelock.server.config import Keys
from doublelock.server.founding import load_founding, make_later_key
from doublelock.transport.http import HttpClient, Identity

T = TypeVar("T")
_ADDRESS = click.option(
    "--address", default="http://127.0.0.1:8080", show_default=True, help="The server's address."
)
_OUT = click.option(
    "--out",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the amendment; by default the file that was read.",
)


@click.group()
def amend() -> None:
    """Change the charter: edit the terms, draft, gather consents, file.

    An amendment counts once the operator, the court and a threshold of custodians of each committee
    that it concerns have signed, and takes effect after the delay of the charter in force. The
    server may be running: it has to, for it shows the charter that is amended.

    \b
    Examples:
      doublelock serve amend terms > terms.json         then edit terms.json
      doublelock serve amend draft terms.json --out amendment.json
      doublelock court consent amendment.json           each at its own machine
      doublelock serve amend file amendment.json
    """


@amend.command()
@state_option("server")
@key_file_option
@_ADDRESS
@clock_option
def terms(state: Path, key_file: Path | None, address: str, clock: Clock) -> None:
    """Print the latest charter's terms as JSON, to edit.

    Sequence, deployment, what it follows and both times are set by `draft`; leave them.
    """
    genesis, _ = _load_operator(state, key_file)
    charter = terminal.run(_with_server(address, lambda http: _latest(http, genesis, clock)))
    click.echo(write_editable(charter).decode(), nl=False)


@amend.command()
@state_option("server")
@key_file_option
@json_option
def key(state: Path, key_file: Path | None) -> None:
    """Make a key that takes the place of the operator's or of the receipts'; print its public half.

    Stop the server, make the key, start the server again; then name the key in the terms, as
    operator's key or as receipt_key, and draft. The old key signs until the
    amendment takes effect.

    \b
    Example:
      doublelock serve amend key
    """
    with StateFolder.open(state, unlock("the server", key_file)) as folder:
        made = make_later_key(folder, secrets.token_bytes(32))
    public = encode_base64url(made.public.encoded)
    terminal.answer({"key": public}, public)


@amend.command()
@click.argument("edited", type=FILE)
@click.option(
    "--out",
    "out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the amendment.",
)
@state_option("server")
@key_file_option
@_ADDRESS
@clock_option
@json_option
def draft(
    edited: Path, out: Path, state: Path, key_file: Path | None, address: str, clock: Clock
) -> None:
    """Make an amendment of the EDITED terms, signed by the operator, and say what it changes."""
    genesis, keys = _load_operator(state, key_file)
    wanted = read_editable(edited.read_bytes())
    current = terminal.run(_with_server(address, lambda http: _latest(http, genesis, clock)))
    payload = draft_amendment(current, wanted, clock())
    signers = {bytes(current.terms.operator.key): None, bytes(wanted.operator.key): None}
    if wanted.receipt_key != current.terms.receipt_key:
        signers[bytes(wanted.receipt_key)] = None
    signed_by = [(key, keys.held(key).sign) for key in signers]
    document = jws.sign(payload, jws.Purpose.CHARTER, signed_by)
    _show(current, document)
    atomic.write_whole(out, document)


@amend.command("file")
@click.argument("documents", nargs=-1, required=True, type=FILE)
@state_option("server")
@key_file_option
@_ADDRESS
@clock_option
@json_option
def file_(
    documents: tuple[Path, ...], state: Path, key_file: Path | None, address: str, clock: Clock
) -> None:
    """Put the consents of DOCUMENTS together; once nothing is lacking, have the amendment logged.

    The files are copies of one amendment, with the signatures that each has gathered.
    """
    genesis, keys = _load_operator(state, key_file)
    merged = documents[0].read_bytes()
    for path in documents[1:]:
        merged = jws.merge(merged, path.read_bytes(), limits.CHARTER)

    async def put(http: HttpClient) -> Charter:
        law = await LawWatch(http, genesis, None).update(clock())
        new = verify_amendment(law.charters[-1], merged)
        key = keys.held(law.charter(max(clock(), law.begin_ms)).terms.operator.key)
        identity = Identity(genesis.deployment, PartySubject(key.public.encoded), key.sign)
        async with HttpClient(address, identity=identity) as signed_in:
            await file_document(signed_in, "charter", merged)
        return new

    new = terminal.run(_with_server(address, put))
    when = describe_time(new.terms)
    terminal.answer(
        {"charter": new.hash.hex(), "effective_ms": new.terms.effective_ms},
        f"Logged. The charter of sequence {new.terms.sequence} takes effect {when}.",
    )


def consent_of(role: Role) -> click.Command:
    """Return the `consent` command of a custodian or a court."""

    @click.command("consent")
    @click.argument("document", type=FILE)
    @_OUT
    @click.option("--yes", is_flag=True, help="Sign without asking.")
    @state_option(role.value)
    @key_file_option
    @click.option("--address", help="The server's address, before this party has joined.")
    @click.option(
        "--deployment", metavar="ID", help="The deployment's id, before this party has joined."
    )
    @clock_option
    @json_option
    def consent(
        document: Path,
        out: Path | None,
        yes: bool,
        state: Path,
        key_file: Path | None,
        address: str | None,
        deployment: str | None,
        clock: Clock,
    ) -> None:
        """Read what the amendment in DOCUMENT changes, and sign it.

        Nothing is signed before the changes were shown against the charter that this party pinned
        and the log that the witnesses cosigned. Hand the signed file on, or back to the operator.

        \b
        Example:
          doublelock court consent amendment.json
        """
        with StateFolder.look_into(state, unlock(f"this {role.value}", key_file)) as folder:
            if deployment is None:
                joined = open_membership(folder)
                key, where, pinned = joined.signer, address or joined.address, joined.deployment
            elif address is None:
                terminal.fail("Name the server too: --address URL.")
            else:
                if not folder.has(IDENTITY_FILE):
                    raise VaultRefused(Code.VAULT_MISSING, "this party has no identity yet")
                key, where = SigningKey(folder.read(IDENTITY_FILE)), address
                pinned = read_deployment(deployment)

        async def look(http: HttpClient) -> Charter:
            return await _latest(http, await _genesis(http, pinned), clock)

        current = terminal.run(_with_server(where, look))
        data = document.read_bytes()
        proposed = read_amendment(current, data)
        if current.terms.operator.key not in proposed.signers:
            raise CharterRefused(Code.CHARTER_SIGNATURES, "operator")
        if key.public.encoded not in proposed.signers:
            _show(current, data)
            if not yes:
                click.confirm("Sign this?", abort=True, err=True)
            signer = (key.public.encoded, key.sign)
            mine = jws.sign(proposed.payload, jws.Purpose.CHARTER, [signer])
            data = jws.merge(data, mine, limits.CHARTER)
            read_amendment(current, data)  # refuses a key that has no part in it
        atomic.write_whole(out or document, data)
        _tell_lacking(current, data)

    return consent


def _show(current: Charter, document: bytes) -> None:
    """Say in words what an amendment changes, and whose signatures it lacks."""
    new = read_amendment(current, document).terms
    changes = [str(one) for one in describe_changes(current.terms, new)]
    terminal.note(f"{current.terms.name}: amendment {new.sequence} changes")
    for change in changes or ["nothing"]:
        terminal.note(f"  {click.unstyle(_printable(change))}")
    terminal.note(f"It takes effect {describe_time(new)}.")
    _tell_lacking(current, document)


def _tell_lacking(current: Charter, document: bytes) -> None:
    lacking = list(read_amendment(current, document).lacking(current))
    terminal.note(f"Signatures lacking: {', '.join(lacking) or 'none'}.")


def _printable(text: str) -> str:
    """Names come from others: nothing of them may move the cursor or hide what follows."""
    return "".join(one if one.isprintable() else "\ufffd" for one in text)


def _load_operator(state: Path, key_file: Path | None) -> tuple[Charter, Keys]:
    with StateFolder.look_into(state, unlock("the server", key_file)) as folder:
        deployment, charters, keys = load_founding(folder)
    return verify_genesis(charters[0], deployment), keys


async def _genesis(http: HttpClient, pinned: DeploymentId) -> Charter:
    shown = await http.ask("GET", "/v1/charters", None, Charters, anyone=True)
    if not shown.documents:
        raise CharterRefused(Code.CHARTER_GENESIS, "the server shows no charter")
    return verify_genesis(shown.documents[0], pinned)


async def _latest(http: HttpClient, genesis: Charter, clock: Clock) -> Charter:
    """Return the last charter by the law log, as the witnesses cosigned it."""
    law = await LawWatch(http, genesis, None).update(clock())
    return law.charters[-1]


async def _with_server(address: str, work: Callable[[HttpClient], Awaitable[T]]) -> T:
    async with HttpClient(address) as http:
        return await work(http)
