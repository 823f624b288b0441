"""Reading a request and writing an answer: limits first, then who asks, then the body's form."""

import binascii
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from doublelock.protocol import limits
from doublelock.protocol.api import (
    AUTHORIZATION,
    CONTENT_TYPE,
    AnyBody,
    Body,
    Problem,
    decode_body,
    encode_body,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import decode_base64url
from doublelock.protocol.errors import Malformed, Refusal, WireRefused
from doublelock.protocol.identifiers import AccountId
from doublelock.protocol.session import DeviceSubject, PartySubject, Subject
from doublelock.server.config import Rates
from doublelock.server.rates import Bucket
from doublelock.server.sessions import Sessions

_STATUS: Final = {
    Code.NO_SESSION: 401,
    Code.CHALLENGE_SPENT: 401,
    Code.NOT_PERMITTED: 403,
    Code.NOT_A_MEMBER: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.EPOCH_SUPERSEDED: 409,
    Code.GROUP_DUPLICATE: 409,
    Code.ACCOUNT_EXISTS: 409,
    Code.BLOB_OFFSET: 409,
    Code.BUNDLE_WITHDRAWN: 410,
    Code.SIZE: 413,
    Code.QUOTA: 413,
    Code.TOO_FAST: 429,
    Code.STORAGE: 503,
    Code.STOPPING: 503,
    Code.LOG_CLOSED: 503,
}
_NO_SNIFFING: Final = {"x-content-type-options": "nosniff"}
_REFUSED: Final = 422
_BUCKETS: Final = 50_000
_SMALL: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, by the session's token."""

    subject: Subject
    token: bytes

    @property
    def device(self) -> DeviceSubject:
        """The caller as a device. Raises WireRefused(not-permitted)."""
        if not isinstance(self.subject, DeviceSubject):
            raise WireRefused(Code.NOT_PERMITTED, "devices only")
        return self.subject

    @property
    def party(self) -> PartySubject:
        """The caller as a party of the law. Raises WireRefused(not-permitted)."""
        if not isinstance(self.subject, PartySubject):
            raise WireRefused(Code.NOT_PERMITTED, "parties of the charter only")
        return self.subject


class Gate:
    """Lets requests in: sessions, and how fast each subject or address may ask."""

    def __init__(self, sessions: Sessions, rates: Rates) -> None:
        self._sessions = sessions
        self._rates = rates
        self._buckets: OrderedDict[object, Bucket] = OrderedDict()

    def caller(self, request: Request) -> Caller:
        """Return who asks. Raises WireRefused(no-session, too-fast)."""
        scheme, _, text = request.headers.get(AUTHORIZATION, "").partition(" ")
        if scheme.lower() != "bearer" or len(text) > 64:
            raise WireRefused(Code.NO_SESSION)
        try:
            token = decode_base64url(text)
        except (ValueError, binascii.Error):
            raise WireRefused(Code.NO_SESSION) from None
        subject = self._sessions.subject(token)
        self._spend(subject, self._rates.requests, self._rates.requests_burst)
        return Caller(subject, token)

    def spend_claims(self, subject: Subject, count: int) -> None:
        """Slow down who empties others' key packages. Raises WireRefused(too-fast)."""
        rate, burst = self._rates.claims, self._rates.claims_burst
        self._spend(("claims", subject), rate, burst, float(count))

    def spend_handshake(self, subject: Subject, conversation: bytes) -> None:
        """Slow down who commits without end in a conversation. Raises WireRefused(too-fast)."""
        rate, burst = self._rates.handshakes, self._rates.handshakes_burst
        self._spend(("handshakes", subject, conversation), rate, burst)

    def spend_letter(self, account: AccountId) -> None:
        """Slow down who writes to strangers' devices. Raises WireRefused(too-fast)."""
        self._spend(("letters", account), self._rates.letters, self._rates.letters_burst)

    def anyone(self, request: Request) -> None:
        """Let an unknown caller in, at the rate of its address. Raises WireRefused(too-fast)."""
        address = request.client.host if request.client else ""
        self._spend(address, self._rates.challenges, self._rates.challenges_burst)

    def _spend(self, who: object, rate: float, burst: float, cost: float = 1.0) -> None:
        bucket = self._buckets.get(who)
        if bucket is None:
            bucket = self._buckets[who] = Bucket(rate, burst)
            if len(self._buckets) > _BUCKETS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(who)
        bucket.take(time.monotonic(), cost)


async def read_bytes(request: Request, limit: int) -> bytes:
    """Return the body, at most `limit` bytes. Raises Malformed(size)."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise Malformed(Code.SIZE, f"at most {limit} bytes")
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > limit:
            raise Malformed(Code.SIZE, f"at most {limit} bytes")
    return bytes(data)


async def read_body(request: Request, kind: type[AnyBody], limit: int = _SMALL) -> AnyBody:
    """Return the typed body. Raises Malformed(size, form)."""
    if request.headers.get("content-type") != CONTENT_TYPE:
        raise Malformed(Code.FORM, f"content type is not {CONTENT_TYPE}")
    return decode_body(await read_bytes(request, min(limit, limits.REQUEST)), kind)


def path_id(request: Request, name: str, size: int = 32) -> bytes:
    """Return an id of the path, given in hexadecimal. Raises WireRefused(not-found)."""
    text = request.path_params[name]
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if len(data) != size or data.hex() != text:
        raise WireRefused(Code.NOT_FOUND)
    return data


def query_number(request: Request, name: str, default: int = 0, most: int = 2**63 - 1) -> int:
    """Return a number of the query. Raises Malformed(form)."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 19) or int(text) > most:
        raise Malformed(Code.FORM, name)
    return int(text)


def answer(body: Body, status: int = 200) -> Response:
    """Return a typed answer."""
    return Response(encode_body(body), status, _NO_SNIFFING, media_type=CONTENT_TYPE)


def raw(data: bytes, media_type: str = "application/octet-stream") -> Response:
    """Return bytes as they are."""
    return Response(data, 200, _NO_SNIFFING, media_type=media_type)


def refuse(_: Request, error: Exception) -> Response:
    """Return the answer for a refusal (spec W-30)."""
    if not isinstance(error, Refusal):
        return answer(Problem(code=Code.STORAGE.value), 500)
    problem = Problem(code=error.code.value, detail=error.detail[:512])
    return answer(problem, _STATUS.get(error.code, _REFUSED))
