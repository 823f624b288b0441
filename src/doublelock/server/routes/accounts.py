"""Sessions, registration, the key log's way in, handles (spec W-20, W-21, W-31)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from doublelock.protocol.api import (
    Appended,
    AppendEntry,
    AskChallenge,
    Challenge,
    Directory,
    Handles,
    OpenSession,
    Register,
    Session,
)
from doublelock.protocol.session import decode_subject
from doublelock.server.parts import Parts
from doublelock.server.routes.exchange import answer, read_body


def routes(parts: Parts) -> list[Route]:
    """Return these routes."""

    async def challenge(request: Request) -> Response:
        parts.gate.anyone(request)
        body = await read_body(request, AskChallenge)
        data, expires_ms = parts.sessions.challenge(decode_subject(body.subject))
        return answer(Challenge(challenge=data, expires_ms=expires_ms))

    async def open_session(request: Request) -> Response:
        parts.gate.anyone(request)
        body = await read_body(request, OpenSession)
        opened = parts.sessions.open(decode_subject(body.subject), body.challenge, body.signature)
        return answer(Session(token=opened.token, expires_ms=opened.expires_ms))

    async def close_session(request: Request) -> Response:
        parts.sessions.close(parts.gate.caller(request).token)
        return Response(status_code=204)

    async def register(request: Request) -> Response:
        parts.gate.anyone(request)
        body = await read_body(request, Register)
        return answer(Appended(index=await parts.identities.register(body.handle, body.entry)))

    async def append(request: Request) -> Response:
        parts.gate.anyone(request)
        body = await read_body(request, AppendEntry)
        return answer(Appended(index=await parts.identities.append(body.entry)))

    async def directory(request: Request) -> Response:
        parts.gate.caller(request)
        body = await read_body(request, Handles)
        handles = await parts.store.read(lambda tables: tables.devices.handles(body.accounts))
        return answer(Directory(handles=tuple(handles)))

    return [
        Route("/v1/session/challenge", challenge, methods=["POST"]),
        Route("/v1/session", open_session, methods=["POST"]),
        Route("/v1/session", close_session, methods=["DELETE"]),
        Route("/v1/register", register, methods=["POST"]),
        Route("/v1/key-log/entries", append, methods=["POST"]),
        Route("/v1/directory", directory, methods=["POST"]),
    ]
