"""What every party of the law does first: make its key, hand its line over, join."""

import secrets
from pathlib import Path

import click

from doublelock.commands import terminal
from doublelock.commands.options import (
    address_option,
    deployment_option,
    json_option,
    key_file_option,
    state_option,
    unlock,
)
from doublelock.holder.membership import join, make_party, write_line
from doublelock.keep import StateFolder
from doublelock.protocol.charter import Charter, PartyRef, Role
from doublelock.protocol.identifiers import DeploymentId

_INIT = """Make this {role}'s key and print its line for the operator's parties file.

NAME is how the charter calls the {role}: everybody reads it. The key itself stays in the state
folder, sealed; the printed line is public.

\b
Examples:
  doublelock {role} init '{example}'
  doublelock {role} init '{example}' --key-file /etc/doublelock/{role}.key
"""

_JOIN = """Pin a deployment, once its charter names this {role}.

The deployment's id has to come from somebody whom you trust, by another way than the server. It
fixes the charter, and with it everybody's keys: from then on everything is checked against it. Join
again when the server has moved.

\b
Example:
  doublelock {role} join --address https://chat.example --deployment 3f2a...
"""


def add_party_commands(group: click.Group, role: Role, example: str) -> None:
    """Add `init` and `join` for a role to its group; `example` is a name of such a party."""
    name = role.value

    @group.command(
        short_help="Make the key and print its line.", help=_INIT.format(role=name, example=example)
    )
    @click.argument("name")
    @state_option(name)
    @key_file_option
    def init(name: str, state: Path, key_file: Path | None) -> None:
        unlocking = unlock(f"this {role.value}", key_file, new=True)
        with StateFolder.open_or_create(state, unlocking) as folder:
            line = make_party(folder, role, name, secrets.token_bytes(32))
        click.echo(write_line(line))

    @group.command("join", short_help="Pin a deployment.", help=_JOIN.format(role=name))
    @state_option(name)
    @key_file_option
    @address_option
    @deployment_option
    @json_option
    def join_(state: Path, key_file: Path | None, address: str, deployment: DeploymentId) -> None:
        unlocking = unlock(f"this {role.value}", key_file)
        with StateFolder.open(state, unlocking) as folder:
            charter, party = terminal.run(join(folder, address, deployment, role))
        terminal.answer(_place(charter, party), _welcome(charter, party))


def _place(charter: Charter, party: PartyRef) -> dict[str, object]:
    return {
        "deployment": charter.deployment.hex(),
        "name": charter.terms.name,
        "role": party.role.value,
        "party": party.name,
        "committee": party.committee,
        "index": party.index,
    }


def _welcome(charter: Charter, party: PartyRef) -> str:
    committee = charter.committee(party.committee or 0)
    custodians = len(committee.custodians)
    place = f"{_what(party)} of {committee.name} ({committee.jurisdiction})"
    rule = (
        "Nothing can be opened there: it has no escrow."
        if committee.escrow == "none"
        else f"Nothing opens there without {committee.threshold} of {custodians} custodians and "
        "the court, on a warrant that minister and judge approved."
    )
    return (
        f"Joined {charter.terms.name}, deployment {charter.deployment.hex()}.\n"
        f"Here you are {party.name}, {place}.\n{rule}"
    )


def _what(party: PartyRef) -> str:
    return f"custodian {party.index}" if party.role is Role.CUSTODIAN else party.role.value
