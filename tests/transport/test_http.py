"""The HTTP client: bounded, patient with what may be repeated, and never more than once else."""

from collections.abc import Callable

import httpx
import pytest

from doublelock.protocol.api import (
    Challenge,
    Charters,
    OpenSession,
    Problem,
    Session,
    decode_body,
    encode_body,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import Malformed, WireRefused
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.session import PartySubject, decode_subject, verify_session
from doublelock.transport.http import HttpClient, Identity

DEPLOYMENT = DeploymentId(bytes(32))
KEY = SigningKey(b"\x05" * 32)
Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler, identity: Identity | None = None) -> HttpClient:
    async def pause(_: float) -> None:
        return

    return HttpClient(
        "http://server.test",
        identity=identity,
        transport=httpx.MockTransport(handler),
        pause=pause,
    )


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, content=encode_body(Problem(code=code, detail="why")))


async def test_reads_are_repeated_and_writes_are_not() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        if len(seen) < 3:
            return problem(503, "size")
        return httpx.Response(200, content=b"here")

    async with client(handler) as http:
        assert await http.get("/x") == b"here"
        assert seen == ["GET"] * 3
        seen.clear()
        with pytest.raises(WireRefused):
            await http.send("POST", "/x", b"once")
        assert seen == ["POST"]
        seen.clear()
        assert await http.send("POST", "/x", b"once", again=True) == b"here"


async def test_retries_are_bounded_and_a_dead_server_has_a_name() -> None:
    attempts = 0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal attempts
        attempts += 1
        raise httpx.ConnectError("refused", request=request)

    async with client(handler) as http:
        with pytest.raises(WireRefused) as caught:
            await http.get("/x")
    assert caught.value.code is Code.SERVER_UNREACHABLE
    assert attempts == 4


async def test_the_servers_refusal_keeps_its_code_and_noise_has_its_own() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/named":
                return problem(422, "bad-signature")
            case "/unknown":
                return problem(422, "no-such-code")
            case "/moved":
                return httpx.Response(302, headers={"location": "http://elsewhere.test/"})
            case _:
                return httpx.Response(500, content=b"<html>")

    async with client(handler) as http:
        for path, code in (
            ("/named", Code.BAD_SIGNATURE),
            ("/unknown", Code.SERVER_ANSWER),
            ("/moved", Code.SERVER_ANSWER),
            ("/noise", Code.SERVER_ANSWER),
        ):
            with pytest.raises(WireRefused) as caught:
                await http.get(path)
            assert caught.value.code is code


async def test_answers_are_bounded_and_typed() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"x" * 1000)

    async with client(handler) as http:
        with pytest.raises(WireRefused) as caught:
            await http.get("/x", limit=999)
        assert caught.value.code is Code.SERVER_ANSWER
        assert len(await http.get("/x", limit=1000)) == 1000
        with pytest.raises(Malformed):
            await http.ask("GET", "/x", None, Charters)


async def test_a_session_opens_when_needed_and_again_when_it_ended() -> None:
    tokens: list[str] = []
    opened = 0

    def handler(request: httpx.Request) -> httpx.Response:
        nonlocal opened
        match request.url.path:
            case "/v1/session/challenge":
                return httpx.Response(
                    200, content=encode_body(Challenge(challenge=b"c" * 32, expires_ms=9))
                )
            case "/v1/session":
                body = decode_body(request.content, OpenSession)
                subject = decode_subject(body.subject)
                verify_session(
                    DEPLOYMENT, body.challenge, subject, 9, KEY.public.encoded, body.signature
                )
                opened += 1
                token = bytes([opened]) * 32
                return httpx.Response(200, content=encode_body(Session(token=token, expires_ms=9)))
            case _:
                tokens.append(request.headers.get("authorization", ""))
                if opened < 2:
                    return problem(401, "no-session")
                return httpx.Response(200, content=b"yes")

    who = Identity(DEPLOYMENT, PartySubject(KEY.public.encoded), KEY.sign)
    async with client(handler, who) as http:
        assert await http.get("/x") == b"yes"
        assert len(set(tokens)) == 2
        assert await http.get("/open", anyone=True) == b"yes"
        assert tokens[-1] == ""


async def test_a_session_that_is_refused_twice_is_refused() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/v1/session/challenge":
                body: Challenge | Session = Challenge(challenge=b"c" * 32, expires_ms=9)
            case "/v1/session":
                body = Session(token=b"t" * 32, expires_ms=9)
            case _:
                return problem(401, "no-session")
        return httpx.Response(200, content=encode_body(body))

    who = Identity(DEPLOYMENT, PartySubject(KEY.public.encoded), KEY.sign)
    async with client(handler, who) as http:
        with pytest.raises(WireRefused) as caught:
            await http.get("/x")
    assert caught.value.code is Code.NO_SESSION


@pytest.mark.parametrize(
    "address", ["", "nonsense", "ftp://host", "http://", "http://[::1", "http://127.0.0.1:99999"]
)
def test_what_is_no_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(Malformed) as refused:
        HttpClient(address)
    assert refused.value.code is Code.FORM
    assert not address or address not in str(refused.value)
