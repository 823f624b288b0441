"""The one HTTP client of devices and parties: bounded in time, size and retries (spec W-30).

It decides nothing. What the server refuses is raised as WireRefused with the server's own code;
what it answers is handed on as bytes, or as a typed body. A redirect is never followed.
"""

import asyncio
import functools
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import httpx

from doublelock.protocol import limits
from doublelock.protocol.api import (
    AUTHORIZATION,
    CONTENT_TYPE,
    AnyBody,
    AskChallenge,
    Body,
    Challenge,
    Deployment,
    OpenSession,
    Problem,
    Session,
    decode_body,
    decode_deployment,
    encode_body,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import encode_base64url
from doublelock.protocol.errors import Malformed, WireRefused
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.session import Subject, encode_subject, session_bytes

_OCTETS: Final = "application/octet-stream"
_AGAIN: Final = frozenset({429, 502, 503, 504})
_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404
_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who opens sessions: a device or a party, with what signs for it (bytes in, 64 bytes out)."""

    deployment: DeploymentId
    subject: Subject
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes


class HttpClient:
    """One server's HTTP side. With an `identity`, a session is opened when first needed.

    `attempts` bounds retries of what can be repeated: reads, and writes that the caller marks
    `again`. Errors: WireRefused with the server's code; SERVER_UNREACHABLE; SERVER_ANSWER.
    Raises Malformed(FORM) for what is no `http://` or `https://` address.
    """

    def __init__(
        self,
        address: str,
        *,
        identity: Identity | None = None,
        attempts: int = 4,
        timeout_s: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        _check_address(address)
        self.address = address
        self.identity = identity
        self._attempts = attempts
        self._pause = pause
        self._token: bytes | None = None
        self._opening = asyncio.Lock()
        self._client = httpx.AsyncClient(
            base_url=address,
            verify=_trust(address.startswith("https:")),
            timeout=httpx.Timeout(timeout_s, connect=10.0),
            transport=transport,
            follow_redirects=False,
            # Compression would let a small answer grow past its bound.
            headers={"accept-encoding": "identity"},
            # A proxy or credentials from the environment would be somebody else's decision.
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def session(self) -> bytes:
        """Return the present session token (32 bytes, secret), opening a session if there is none.

        Raises WireRefused, or WireRefused(NO_SESSION) without an identity.
        """
        async with self._opening:
            if self._token is None:
                self._token = await self._open_session()
            return self._token

    def forget_session(self) -> None:
        """Open a new session before the next request that needs one."""
        self._token = None

    async def deployment(self) -> Deployment:
        """Return where everything is (`GET /v1/deployment`); nothing to rely on."""
        return decode_deployment(await self.get("/v1/deployment", limit=limits.NOTE, anyone=True))

    async def get(
        self,
        path: str,
        *,
        limit: int = limits.HTTP_ANSWER,
        parameters: Mapping[str, int | str] | None = None,
        span: tuple[int, int] | None = None,
        anyone: bool = False,
        patience_s: float = 0.0,
    ) -> bytes:
        """Return the bytes at a path, at most `limit`; `span` is a first and last byte to return.

        `anyone` sends no session. `patience_s` is how long the server may hold the answer back.
        """
        headers = {} if span is None else {"range": f"bytes={span[0]}-{span[1]}"}
        return await self._request(
            "GET",
            path,
            headers=headers,
            limit=limit,
            parameters=parameters,
            anyone=anyone,
            again=True,
            patience_s=patience_s,
        )

    async def head(self, path: str) -> Mapping[str, str]:
        """Return the headers of a path, names in lower case."""
        response = await self._answer("HEAD", path, {}, None, None, 0, anyone=False, patience_s=0)
        if response.status >= 400:
            raise _refusal(response.status, b"")
        return response.headers

    async def send(
        self,
        method: str,
        path: str,
        content: bytes,
        *,
        kind: str = _OCTETS,
        limit: int = limits.HTTP_ANSWER,
        parameters: Mapping[str, int | str] | None = None,
        anyone: bool = False,
        again: bool = False,
    ) -> bytes:
        """Send bytes and return the answer's; `again` says that the server takes it once only."""
        return await self._request(
            method,
            path,
            content=content,
            headers={"content-type": kind},
            limit=limit,
            parameters=parameters,
            anyone=anyone,
            again=again,
            patience_s=0.0,
        )

    async def ask(
        self,
        method: str,
        path: str,
        body: Body | None,
        answer: type[AnyBody],
        *,
        limit: int = limits.HTTP_ANSWER,
        parameters: Mapping[str, int | str] | None = None,
        anyone: bool = False,
        again: bool = False,
        patience_s: float = 0.0,
    ) -> AnyBody:
        """Send a typed body (or none) and return the typed answer. Raises Malformed(FORM)."""
        if body is None:
            data = await self._request(
                method,
                path,
                limit=limit,
                parameters=parameters,
                anyone=anyone,
                again=again or method == "GET",
                patience_s=patience_s,
            )
        else:
            data = await self._request(
                method,
                path,
                content=encode_body(body),
                headers={"content-type": CONTENT_TYPE},
                limit=limit,
                parameters=parameters,
                anyone=anyone,
                again=again,
                patience_s=patience_s,
            )
        return decode_body(data, answer)

    @asynccontextmanager
    async def pieces(
        self, path: str, *, span: tuple[int, int] | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Stream a large answer piece by piece; the caller counts and bounds what it takes."""
        headers = await self._headers({}, anyone=False)
        if span is not None:
            headers["range"] = f"bytes={span[0]}-{span[1]}"
        try:
            async with self._client.stream("GET", path, headers=headers) as response:
                if response.status_code >= 400:
                    raise _refusal(response.status_code, await _bounded(response, limits.NOTE))
                yield _plain(response)
        except httpx.HTTPError as problem:
            raise WireRefused(Code.SERVER_UNREACHABLE, type(problem).__name__) from None

    async def _request(
        self,
        method: str,
        path: str,
        *,
        limit: int,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, int | str] | None = None,
        anyone: bool,
        again: bool,
        patience_s: float,
    ) -> bytes:
        renewed = False
        attempt = 0
        while True:
            attempt += 1
            last = attempt >= (self._attempts if again else 1)
            try:
                response = await self._answer(
                    method,
                    path,
                    headers or {},
                    content,
                    parameters,
                    limit,
                    anyone=anyone,
                    patience_s=patience_s,
                )
            except httpx.ConnectError:
                # Nothing was sent: even what must not be repeated may be tried again.
                if attempt >= self._attempts:
                    raise WireRefused(Code.SERVER_UNREACHABLE) from None
            except httpx.HTTPError as problem:
                if last:
                    raise WireRefused(Code.SERVER_UNREACHABLE, type(problem).__name__) from None
            else:
                status = response.status
                if 200 <= status < 300:
                    return response.content
                if status == _UNAUTHORIZED and not renewed and self._may_renew(anyone):
                    renewed, attempt = True, attempt - 1
                    self.forget_session()
                    continue
                if status not in _AGAIN or last:
                    raise _refusal(status, response.content)
            longest = min(_FIRST_WAIT_S * 2.0**attempt, _LONGEST_WAIT_S)
            await self._pause(longest * (0.5 + secrets.randbelow(512) / 1024))

    def _may_renew(self, anyone: bool) -> bool:
        return self.identity is not None and not anyone

    async def _answer(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes | None,
        parameters: Mapping[str, int | str] | None,
        limit: int,
        *,
        anyone: bool,
        patience_s: float,
    ) -> _Answer:
        request = self._client.build_request(
            method,
            path,
            headers=await self._headers(headers, anyone=anyone),
            content=content,
            params=None if parameters is None else {k: str(v) for k, v in parameters.items()},
        )
        if patience_s:
            wait = dict(request.extensions["timeout"])
            wait["read"] = wait["read"] + patience_s
            request.extensions["timeout"] = wait
        response = await self._client.send(request, stream=True)
        try:
            size = limit if response.status_code < 400 else limits.NOTE
            content = await _bounded(response, size)
        finally:
            await response.aclose()
        return _Answer(response.status_code, dict(response.headers), content)

    async def _headers(self, headers: Mapping[str, str], *, anyone: bool) -> dict[str, str]:
        if anyone or self.identity is None:
            return dict(headers)
        token = encode_base64url(await self.session())
        return {**headers, AUTHORIZATION: f"Bearer {token}"}

    async def _open_session(self) -> bytes:
        who = self.identity
        if who is None:
            raise WireRefused(Code.NO_SESSION)
        subject = encode_subject(who.subject)
        asked = AskChallenge(subject=subject)
        challenge = await self.ask(
            "POST", "/v1/session/challenge", asked, Challenge, anyone=True, again=True
        )
        signature = who.sign(
            session_bytes(who.deployment, challenge.challenge, who.subject, challenge.expires_ms)
        )
        opened = await self.ask(
            "POST",
            "/v1/session",
            OpenSession(subject=subject, challenge=challenge.challenge, signature=signature),
            Session,
            anyone=True,
        )
        return opened.token


def _check_address(address: str) -> None:
    """Refuse what is no address of a server; it is not repeated, since it may be an invite."""
    try:
        url = httpx.URL(address)
        good = url.scheme in ("http", "https") and url.host and (url.port or 1) in range(1, 0x10000)
    except httpx.InvalidURL:
        good = False
    if not good:
        raise Malformed(Code.FORM, "an address has http or https, a host, and a port at need")


@functools.cache
def _trust(needed: bool) -> ssl.SSLContext:
    """Return what verifies a server's certificate; read once, since reading it is slow.

    Where no TLS is spoken, nobody is trusted: a connection that spoke it after all would fail.
    """
    return httpx.create_ssl_context() if needed else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _plain(response: httpx.Response) -> AsyncIterator[bytes]:
    """Return a response's content as it travels; nobody asked for compression."""
    if "content-encoding" in response.headers:
        raise WireRefused(Code.SERVER_ANSWER, "a compressed answer")
    return response.aiter_bytes()


async def _bounded(response: httpx.Response, limit: int) -> bytes:
    """Return a response's content, refusing it as soon as it is over `limit` bytes."""
    pieces: list[bytes] = []
    size = 0
    async for piece in _plain(response):
        size += len(piece)
        if size > limit:
            raise WireRefused(Code.SERVER_ANSWER, f"an answer over {limit} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _refusal(status: int, content: bytes) -> WireRefused:
    """Return the server's refusal; a code that we do not know is no reason to guess."""
    try:
        problem = decode_body(content, Problem)
        return WireRefused(Code(problem.code), problem.detail)
    except (Malformed, ValueError):
        if status == _NOT_FOUND:  # files of a log are served without our bodies
            return WireRefused(Code.NOT_FOUND)
        return WireRefused(Code.SERVER_ANSWER, f"HTTP status {status}")
