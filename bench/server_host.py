"""The measured process: a real server on a folder.

`python -m bench.server_host FOLDER PEOPLE GROUP` prints one JSON line when it listens and stops at
the end of its input.
"""

import asyncio
import sys
from pathlib import Path

import msgspec
import uvloop

from doublelock.protocol.charter import genesis_id, write_terms
from doublelock.protocol.charter_terms import Caps, CharterTerms, Committee, Party
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.identifiers import (
    AccountId,
    DeploymentId,
    name_account,
    name_conversation,
    name_device,
)
from doublelock.protocol.jws import Purpose, sign
from doublelock.protocol.keylog_entry import make_invitation, make_invited_entry
from doublelock.protocol.note import SignatureType, VerifierKey
from doublelock.protocol.session import DeviceSubject, session_bytes
from doublelock.server.app import Server, start
from doublelock.server.config import UNLIMITED, Bounds, Keys, ServerConfig
from doublelock.store.interface import Tables
from doublelock.store.rows import MemberRow, NewConversation

_SALT = b"s" * 32


class HostTold(msgspec.Struct):
    """What the measured process says when it listens: devices are (account, device, token)."""

    stream: str
    devices: list[tuple[str, str, str]] = []
    conversations: list[str] = []
    deployment: str = ""


def _seed(number: int) -> bytes:
    return number.to_bytes(32, "big")


RECEIPT_KEY = SigningKey(_seed(2))


def _vkey(name: str, seed: bytes) -> str:
    return VerifierKey(name, SignatureType.ED25519, SigningKey(seed).public.encoded).encode()


def make_config(folder: Path) -> ServerConfig:
    """Return a deployment without escrow and witnesses: what is measured is the server."""
    operator, genesis = SigningKey(_seed(1)), SigningKey(_seed(3))
    terms = CharterTerms(
        version=1,
        name="Bench",
        sequence=0,
        deployment=None,
        previous=None,
        issued_ms=0,
        effective_ms=0,
        operator=Party(name="operator", key=Bytes32(operator.public.encoded)),
        receipt_key=Bytes32(RECEIPT_KEY.public.encoded),
        genesis_key=Bytes32(genesis.public.encoded),
        key_log=_vkey("bench/key", _seed(4)),
        law_log=_vkey("bench/law", _seed(5)),
        witnesses=(),
        quorum=0,
        account_salt=Bytes32(_SALT),
        skew_ms=300_000,
        checkpoint_age_ms=3_600_000,
        epoch_extension_days=7,
        amendment_delay_ms=86_400_000,
        escrow="none",
        committees=(
            Committee(
                number=1,
                name="Nobody",
                jurisdiction="nowhere",
                escrow="none",
                custodians=(),
                threshold=0,
                court=None,
                agencies=(),
                ministers=(),
                judges=(),
                profiles=(),
                caps=Caps(accounts=0, labels=0),
                retention_days=30,
            ),
        ),
    )
    payload = write_terms(terms)
    return ServerConfig(
        folder=folder,
        deployment=genesis_id(payload),
        charters=(sign(payload, Purpose.CHARTER, [(operator.public.encoded, operator.sign)]),),
        keys=Keys(operator, RECEIPT_KEY, _seed(4), _seed(5)),
        rates=UNLIMITED,
        bounds=Bounds(waiting=64 * 1024 * 1024, connections=10_000),
    )


async def enrol(server: Server, number: int) -> tuple[AccountId, SigningKey]:
    """Return an account with one device, registered as anybody is."""
    parts = server.parts
    deployment = DeploymentId(parts.config.deployment)
    key, invite = SigningKey(_seed(1_000_000 + number)), SigningKey(_seed(2_000_000 + number))
    account = name_account(_SALT, f"p{number}")
    now = parts.config.clock()
    invitation = make_invitation(
        deployment, SigningKey(_seed(3)).sign, invite.public.encoded, 1, now + 86_400_000
    )
    entry = make_invited_entry(
        deployment, account, invitation, invite.sign, [(key.public.encoded, key.sign)], now
    )
    await parts.identities.register(f"p{number}", entry.encode())
    return account, key


async def serve(folder: Path, people: int, group: int) -> None:
    """Serve `people` in pairs, and the first `group` of them in one conversation."""
    server = await start(make_config(folder))
    parts = server.parts
    deployment = DeploymentId(parts.config.deployment)
    devices = []
    for number in range(people):
        account, key = await enrol(server, number)
        subject = DeviceSubject(account, name_device(key.public.encoded))
        challenge, expires_ms = parts.sessions.challenge(subject)
        signature = key.sign(session_bytes(deployment, challenge, subject, expires_ms))
        token = parts.sessions.open(subject, challenge, signature).token
        devices.append((account, subject.device, token))
    members = [devices[at : at + 2] for at in range(0, people, 2)] + [devices[:group]]
    names = []
    for number, leaves in enumerate(members):
        random = _seed(3_000_000 + number)
        names.append(name_conversation(leaves[0][1], random, deployment))

    def change(tables: Tables) -> None:
        # Groups without an MLS state: no commit is posted here, and messages need none.
        for number, (name, leaves) in enumerate(zip(names, members, strict=True)):
            random = _seed(3_000_000 + number)
            key = tables.groups.create(NewConversation(name, leaves[0][1], random, 0))
            assert key is not None
            rows = [MemberRow(account, device) for account, device, _ in leaves]
            tables.groups.change_members(key, rows, [])

    await parts.store.write(change)
    people_ = [(account.hex(), device.hex(), token.hex()) for account, device, token in devices]
    told = HostTold(server.stream, people_, [name.hex() for name in names], deployment.hex())
    await until_told(told)
    await server.stop()


async def until_told(told: HostTold) -> None:
    """Say where the process listens, and return at the end of its input."""
    print(msgspec.json.encode(told).decode(), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
