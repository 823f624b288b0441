"""A witness as a service of its own: its key in a state folder, its one listener (spec L-17)."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import uvicorn

from doublelock.keep import StateFolder
from doublelock.log.witness import make_app
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.errors import VaultRefused
from doublelock.protocol.note import SignatureType, VerifierKey
from doublelock.transport.listening import listen

_SEED: Final = "witness-key"
_NAME: Final = "witness-name"
_RECORDS: Final = "records"


def keep_witness(folder: StateFolder, name: str, seed: bytes) -> VerifierKey:
    """Keep a new witness's name and 32-byte seed; return the key that others put in a charter.

    Raises VaultRefused(vault-exists), Malformed for a name that no key may have.
    """
    if folder.has(_NAME):
        raise VaultRefused(Code.VAULT_EXISTS, "this witness has its key")
    key = NoteSigner(name, SignatureType.COSIGNATURE_ED25519, seed).key
    folder.write(_SEED, seed)
    folder.write_open(_NAME, name.encode())
    return key


def load_witness(folder: StateFolder) -> NoteSigner:
    """Return the witness's signer. Raises VaultRefused(vault-missing)."""
    try:
        name = folder.read_open(_NAME).decode()
    except UnicodeDecodeError:
        raise VaultRefused(Code.VAULT_DAMAGED, _NAME) from None
    return NoteSigner(name, SignatureType.COSIGNATURE_ED25519, folder.read(_SEED))


class WitnessService:
    """A listening witness; `address` is what the server is told."""

    def __init__(
        self,
        folder: Path,
        signer: NoteSigner,
        logs: Sequence[VerifierKey],
        clock: Callable[[], int],
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.address = ""
        self._host = host
        self._port = port
        self._server = uvicorn.Server(
            uvicorn.Config(
                make_app(folder / _RECORDS, [signer], logs, clock),
                host=host,
                port=port,
                log_level="warning",
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        sockets = await listen(self._host, self._port)
        # Signals are the process's own, not one listener's.
        self._serving = asyncio.create_task(self._server._serve(sockets))
        while not self._server.started:
            if self._serving.done():
                await self._serving
                raise OSError("cannot listen on this address")
            await asyncio.sleep(0.005)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://{self._host}:{port}"

    async def stop(self) -> None:
        """Finish what was asked, then stop listening."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
            self._serving = None
