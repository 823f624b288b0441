"""The web client: its files at the root, and the proof that the law log has it (W-40, W-42)."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from doublelock.protocol.api import Bundle
from doublelock.protocol.bundle import INDEX, check_logged
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Refusal, WireRefused
from doublelock.server.bundle import ServedBundle, ServedFile
from doublelock.server.law import Law
from doublelock.server.origins import origin_of
from doublelock.server.parts import Parts
from doublelock.server.routes.exchange import answer

_FOREVER: Final = "public, max-age=31536000, immutable"
_ASK: Final = "no-cache"
_PREFERRED: Final = ("br", "gzip")
_NO_FEATURES: Final = (
    "accelerometer",
    "browsing-topics",
    "display-capture",
    "geolocation",
    "gyroscope",
    "hid",
    "magnetometer",
    "midi",
    "payment",
    "serial",
    "usb",
)
_PERMISSIONS: Final = ", ".join(
    ("camera=(self)", "microphone=(self)", *(f"{name}=()" for name in _NO_FEATURES))
)
_HSTS: Final = "max-age=31536000"


def routes(parts: Parts, law: Law, bundle: ServedBundle | None) -> list[Route]:
    """Return these routes; the one for files takes every path, so they come last."""
    if bundle is None:
        return [Route("/v1/bundle", _none, methods=["GET"])]

    async def proof(request: Request) -> Response:
        parts.gate.anyone(request)
        record = check_logged(law.desk.state.bundles, bundle.name)
        line, data = await law.prove(record.index)
        return answer(Bundle(manifest=bundle.data, line=line, proof=data))

    headers: dict[str, str] = {}

    async def file(request: Request) -> Response:
        if not headers:  # the addresses are known once the server listens
            headers.update(_headers(parts.http, parts.stream, wasm=bundle.manifest.wasm))
        try:
            check_logged(law.desk.state.bundles, bundle.name)
        except Refusal as refusal:
            return PlainTextResponse(f"{refusal}\n", 410, {**headers, "cache-control": "no-store"})
        found = bundle.files.get(request.path_params["path"] or INDEX)
        if found is None:
            return PlainTextResponse("There is no such file.\n", 404, headers)
        return _answer(request, found, headers)

    return [
        Route("/v1/bundle", proof, methods=["GET"]),
        Route("/{path:path}", file, methods=["GET", "HEAD"]),
    ]


def content_policy(stream: str, *, wasm: bool) -> str:
    """Return the Content-Security-Policy of every file: the bundle's own code, and nothing else."""
    scripts = "'self' 'wasm-unsafe-eval'" if wasm else "'self'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self'",
            "img-src 'self' blob:",
            "media-src blob:",
            f"connect-src 'self' {origin_of(stream)}",
            "worker-src 'self'",
            "manifest-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def _headers(http: str, stream: str, *, wasm: bool) -> dict[str, str]:
    headers = {
        "content-security-policy": content_policy(stream, wasm=wasm),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": _PERMISSIONS,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    if http.startswith("https://"):
        headers["strict-transport-security"] = _HSTS
    return headers


def _answer(request: Request, found: ServedFile, headers: Mapping[str, str]) -> Response:
    accepted = _accepted(request.headers.get("accept-encoding", ""))
    choices = (one for one in _PREFERRED if one in found.bodies and one in accepted)
    coding = next(choices, "identity")
    tag = f'"{found.digest}"' if coding == "identity" else f'"{found.digest}-{coding}"'
    own = {
        **headers,
        "cache-control": _FOREVER if found.lasting else _ASK,
        "etag": tag,
        "vary": "accept-encoding",
    }
    if coding != "identity":
        own["content-encoding"] = coding
    known = request.headers.get("if-none-match", "")
    if tag in (one.strip().removeprefix("W/") for one in known.split(",")):
        return Response(status_code=304, headers=own)
    return Response(found.bodies[coding], 200, {**own, "content-type": found.kind})


def _accepted(text: str) -> set[str]:
    """Return the content codings that a client takes (RFC 9110 §12.5.3)."""
    found = set()
    for part in text.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        weights = [one.removeprefix("q=") for one in parameters if one.startswith("q=")]
        if not any(weight.strip("0.") == "" for weight in weights):
            found.add(coding)
    return found


async def _none(_: Request) -> Response:
    raise WireRefused(Code.NOT_FOUND, "this server has no web client")
