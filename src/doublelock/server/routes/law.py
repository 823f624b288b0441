"""The law desk over HTTP: documents both ways, inventories, envelopes, key epochs (spec W-36)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from doublelock.protocol import limits
from doublelock.protocol.api import AskEnvelopes, Filed, LawDocument, LawDocuments
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import encode
from doublelock.protocol.errors import WireRefused
from doublelock.protocol.frames import join
from doublelock.server.inventory import Inventories
from doublelock.server.lawdesk import NO_CASE, LawDesk
from doublelock.server.metadata import Disclosures
from doublelock.server.parts import Parts
from doublelock.server.requests import Requests
from doublelock.server.routes.exchange import (
    answer,
    path_id,
    query_number,
    raw,
    read_body,
    read_bytes,
)

_LONGEST_WAIT_MS = 30_000


def routes(
    parts: Parts, desk: LawDesk, inventories: Inventories, disclosures: Disclosures
) -> list[Route]:
    """Return these routes."""
    requests = Requests(desk, inventories, parts.config.clock)

    async def post(request: Request) -> Response:
        party = parts.gate.caller(request).party
        text = request.query_params.get("case", NO_CASE.hex())
        try:
            case = bytes.fromhex(text)
        except ValueError:
            raise WireRefused(Code.NOT_FOUND, "case") from None
        document = await read_bytes(request, limits.LAW_DOCUMENT)
        filing = await desk.file(request.path_params["kind"], party.key, document, case)
        return answer(Filed(number=filing.number, log_index=filing.log_index))

    async def documents(request: Request) -> Response:
        party = parts.gate.caller(request).party
        wait_ms = query_number(request, "wait", 0, _LONGEST_WAIT_MS)
        rows = await desk.documents(party.key, query_number(request, "after"), wait_ms / 1000)
        return answer(
            LawDocuments(
                documents=tuple(
                    LawDocument(
                        number=row.number,
                        case=row.case,
                        kind=row.kind,
                        author=row.author,
                        time_ms=row.time_ms,
                        log_index=row.log_index,
                        document=row.document,
                    )
                    for row in rows
                )
            )
        )

    async def inventory(request: Request) -> Response:
        party = parts.gate.caller(request).party
        return raw(await requests.inventory(party.key, path_id(request, "case")))

    async def draft(request: Request) -> Response:
        party = parts.gate.caller(request).party
        return raw(encode(await requests.draft(party.key, path_id(request, "case"))))

    async def post_request(request: Request) -> Response:
        party = parts.gate.caller(request).party
        signed = await read_bytes(request, limits.LOG_ENTRY)
        filing = await requests.take(party.key, path_id(request, "case"), signed)
        return answer(Filed(number=filing.number, log_index=filing.log_index))

    async def envelopes(request: Request) -> Response:
        party = parts.gate.caller(request).party
        case = path_id(request, "case")
        body = await read_body(request, AskEnvelopes, limits.REQUEST)
        opened = await desk.opened_labels(party.key, case)
        asked = [(one.conversation, one.account, one.day) for one in body.labels]
        if not opened.issuperset(asked):
            raise WireRefused(Code.NOT_PERMITTED, "a label that no logged request names")
        most = parts.config.bounds.envelopes
        return raw(join(await inventories.envelopes(asked, body.after, most)))

    async def ask_metadata(request: Request) -> Response:
        party = parts.gate.caller(request).party
        filing = await disclosures.request(party.key, path_id(request, "case"))
        return answer(Filed(number=filing.number, log_index=filing.log_index))

    async def metadata(request: Request) -> Response:
        party = parts.gate.caller(request).party
        return raw(await disclosures.sign(party.key, path_id(request, "case")))

    async def key_epoch(request: Request) -> Response:
        parts.gate.caller(request).party  # noqa: B018 - a party; the statement's signatures decide
        filing = await desk.file_key_epoch(await read_bytes(request, limits.KEY_EPOCH + 8192))
        return answer(Filed(number=filing.number, log_index=filing.log_index))

    return [
        Route("/v1/law/documents/{kind}", post, methods=["POST"]),
        Route("/v1/law/documents", documents),
        Route("/v1/law/cases/{case}/draft", draft),
        Route("/v1/law/cases/{case}/requests", post_request, methods=["POST"]),
        Route("/v1/law/cases/{case}/inventory", inventory),
        Route("/v1/law/cases/{case}/envelopes", envelopes, methods=["POST"]),
        Route("/v1/law/cases/{case}/metadata", ask_metadata, methods=["POST"]),
        Route("/v1/law/cases/{case}/metadata", metadata, methods=["GET"]),
        Route("/v1/key-epochs", key_epoch, methods=["POST"]),
    ]
