"""Serves a log's folder over HTTP (C2SP tlog-tiles; spec L-13)."""

import asyncio
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from doublelock.protocol.errors import Malformed
from doublelock.protocol.tile import parse_tile_path

_FOREVER: Final = {"cache-control": "public, max-age=31536000, immutable"}
_BRIEFLY: Final = {"cache-control": "no-cache"}


def make_routes(folder: Path, prefix: str = "") -> list[BaseRoute]:
    """Return the routes `<prefix>/checkpoint` and `<prefix>/tile/...` of a log in a folder.

    What is served as the checkpoint is always cosigned: nothing else is ever written there.
    """

    async def checkpoint(_: Request) -> Response:
        data = await asyncio.to_thread(_read, folder / "checkpoint")
        if data is None:
            return PlainTextResponse("no checkpoint is published yet\n", 404, _BRIEFLY)
        return Response(data, 200, _BRIEFLY, "text/plain; charset=utf-8")

    async def tile(request: Request) -> Response:
        try:
            path = parse_tile_path(f"tile/{request.path_params['path']}").path()
        except Malformed as refusal:
            return PlainTextResponse(f"{refusal}\n", 400)
        data = await asyncio.to_thread(_read, folder / path)
        if data is None:
            return PlainTextResponse("no such tile\n", 404, _BRIEFLY)
        return Response(data, 200, _FOREVER, "application/octet-stream")

    return [Route(f"{prefix}/checkpoint", checkpoint), Route(f"{prefix}/tile/{{path:path}}", tile)]


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
