"""Blobs: started, grown, resumed, read in ranges (spec W-35)."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from doublelock.protocol import limits
from doublelock.protocol.api import Blob, StartBlob
from doublelock.server.blobs import read_range
from doublelock.server.parts import Parts
from doublelock.server.routes.exchange import (
    answer,
    path_id,
    query_number,
    read_body,
    read_bytes,
)

_RANGE: Final = re.compile(r"bytes=([0-9]{1,15})-([0-9]{0,15})")
_PIECE: Final = 256 * 1024
_UPLOAD: Final = 16 * limits.BLOB_CHUNK


def routes(parts: Parts) -> list[Route]:
    """Return these routes."""

    async def start(request: Request) -> Response:
        me = parts.gate.caller(request).device
        body = await read_body(request, StartBlob)
        name = await parts.blobs.start(me, body.size, body.digest)
        return answer(Blob(blob=name, size=body.size, received=0), 201)

    async def add(request: Request) -> Response:
        me = parts.gate.caller(request).device
        row = await parts.blobs.mine(me, path_id(request, "id"))
        offset = query_number(request, "offset")
        data = await read_bytes(request, _UPLOAD)
        received = await parts.blobs.add(row, offset, data)
        return answer(Blob(blob=row.blob, size=row.size, received=received))

    async def look(request: Request) -> Response:
        me = parts.gate.caller(request).device
        row = await parts.blobs.mine(me, path_id(request, "id"))
        received = await parts.blobs.received(row)
        return Response(headers={"x-received": str(received), "x-size": str(row.size)})

    async def read(request: Request) -> Response:
        if request.method == "HEAD":
            return await look(request)
        parts.gate.caller(request)
        path, size = await parts.blobs.open(path_id(request, "id"))
        start, end, status = 0, size, 200
        found = _RANGE.fullmatch(request.headers.get("range", ""))
        if found:
            start = int(found[1])
            end = min(size, int(found[2]) + 1) if found[2] else size
            status = 206
            if start >= end:
                return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
        headers = {
            "accept-ranges": "bytes",
            "cache-control": "no-store",
            "content-length": str(end - start),
        }
        if status == 206:
            headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
        return StreamingResponse(
            _pieces(path, start, end), status, headers, "application/octet-stream"
        )

    return [
        Route("/v1/blobs", start, methods=["POST"]),
        Route("/v1/blobs/{id}", add, methods=["PATCH"]),
        Route("/v1/blobs/{id}", read, methods=["GET", "HEAD"]),
    ]


async def _pieces(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    while start < end:
        piece = await asyncio.to_thread(read_range, path, start, min(_PIECE, end - start))
        if not piece:
            return
        start += len(piece)
        yield piece
