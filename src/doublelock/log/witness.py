"""A small witness: it cosigns what grows from what it has cosigned (C2SP tlog-witness; spec L-17).

Its record of a log is the last note it cosigned, one file per origin, in place before the answer.
"""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from doublelock.log.tree import write_public
from doublelock.protocol.checkpoint import Checkpoint, parse_checkpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import NoteSigner
from doublelock.protocol.errors import LogRefused, Malformed
from doublelock.protocol.note import Note, VerifierKey, parse_note
from doublelock.protocol.witnessing import REQUEST_MAX, parse_request, permit_cosignature

_STATUS: Final = {
    Code.LOG_UNKNOWN: 403,
    Code.BAD_SIGNATURE: 403,
    Code.LOG_STALE: 409,
    Code.LOG_PROOF: 422,
}


class Witness:
    """The witness itself, without HTTP; `signers` are its Ed25519 and, if any, ML-DSA-44 keys.

    `logs` are the keys that it knows, each under its origin as name; `clock` is in milliseconds.
    """

    def __init__(
        self,
        folder: Path,
        signers: Sequence[NoteSigner],
        logs: Sequence[VerifierKey],
        clock: Callable[[], int],
    ) -> None:
        self._folder = folder
        self._signers = tuple(signers)
        self._keys: dict[str, list[VerifierKey]] = {}
        for key in logs:
            self._keys.setdefault(key.name, []).append(key)
        self._clock = clock
        # Held from reading the record to its replacement, so that no two requests pass one check.
        self._one_at_a_time = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def knows(self, origin: str) -> bool:
        """Say whether a log is one that this witness looks after."""
        return origin in self._keys

    def add_checkpoint(self, body: bytes) -> bytes:
        """Return signature lines for a request's checkpoint, recorded before they are returned.

        Raises KeyError for an unknown log, Malformed, or what `permit_cosignature` raises.
        """
        request = parse_request(body)
        origin = parse_checkpoint(request.note.text).origin
        keys = self._keys[origin]
        with self._one_at_a_time:
            verified = permit_cosignature(request, self._last(origin), keys)
            time_s = max(1, self._clock() // 1000)
            lines = tuple(s.sign(verified.checkpoint, time_s) for s in self._signers)
            # Only the log's own signatures that held are kept; a stranger's would be served on.
            kept = tuple(line for key in keys for line in request.note.by(key))
            note = Note(request.note.text, kept + lines)
            write_public(self._path(origin), note.encode(), durable=True)
        return "".join(line.encode() for line in lines).encode()

    def record(self, origin_hash: str) -> bytes | None:
        """Return the last note cosigned for the log whose origin has this hash in hex, or None."""
        for origin in self._keys:
            if hashlib.sha256(origin.encode()).hexdigest() == origin_hash:
                path = self._path(origin)
                return path.read_bytes() if path.exists() else None
        return None

    def _path(self, origin: str) -> Path:
        return self._folder / hashlib.sha256(origin.encode()).hexdigest()

    def _last(self, origin: str) -> Checkpoint | None:
        try:
            data = self._path(origin).read_bytes()
        except FileNotFoundError:
            return None
        try:
            return parse_checkpoint(parse_note(data).text)
        except Malformed:
            # A witness that has lost its memory must not sign: it could be made to forget a fork.
            raise LogRefused(Code.LOG_CORRUPT, "the witness's record") from None


def make_app(
    folder: Path,
    signers: Sequence[NoteSigner],
    logs: Sequence[VerifierKey],
    clock: Callable[[], int],
) -> Starlette:
    """Return the witness as an ASGI app: `POST /add-checkpoint`, `GET /<origin hash>/checkpoint`.

    Its state folder is made if new, and is one process's alone.
    """
    witness = Witness(folder, signers, logs, clock)

    async def add(request: Request) -> Response:
        body = bytearray()
        try:
            async for piece in request.stream():
                body += piece
                if len(body) > REQUEST_MAX:
                    return PlainTextResponse("request too large\n", 413)
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            lines = await asyncio.to_thread(witness.add_checkpoint, bytes(body))
        except KeyError:
            return PlainTextResponse("unknown log\n", 404)
        except Malformed as refusal:
            return PlainTextResponse(f"{refusal}\n", 400)
        except LogRefused as refusal:
            if refusal.code is Code.LOG_STALE:
                kind = {"content-type": "text/x.tlog.size"}
                return Response(f"{refusal.detail}\n", 409, kind)
            return PlainTextResponse(f"{refusal}\n", _STATUS.get(refusal.code, 500))
        return Response(lines, media_type="text/plain; charset=utf-8")

    async def last(request: Request) -> Response:
        data = await asyncio.to_thread(witness.record, request.path_params["origin"])
        if data is None:
            return PlainTextResponse("nothing cosigned\n", 404)
        return Response(data, media_type="text/plain; charset=utf-8")

    return Starlette(
        routes=[
            Route("/add-checkpoint", add, methods=["POST"]),
            Route("/{origin}/checkpoint", last, methods=["GET"]),
        ]
    )
