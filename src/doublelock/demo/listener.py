"""One ASGI application on a loopback port of its own: how the demo runs a witness."""

import asyncio

import uvicorn
from starlette.types import ASGIApp


class Listener:
    """A running application; `address` is its `http://127.0.0.1:port`."""

    def __init__(self, application: ASGIApp, port: int = 0) -> None:
        self._server = uvicorn.Server(
            uvicorn.Config(
                application,
                host="127.0.0.1",
                port=port,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=2,
            )
        )
        self._task: asyncio.Task[None] | None = None
        self.address = ""

    async def start(self) -> str:
        """Listen and return the address. Raises OSError when the port is taken."""
        self._task = asyncio.create_task(self._server._serve())
        while not self._server.started:
            if self._task.done():
                await self._task
                raise OSError("the port is taken")
            await asyncio.sleep(0.005)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        return self.address

    async def stop(self) -> None:
        """Finish what was asked, then stop listening."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
