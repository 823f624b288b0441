"""Key ceremonies over HTTP: the server relays signed messages and is trusted with nothing (K-9)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from doublelock.protocol import limits
from doublelock.protocol.api import (
    Ceremonies,
    Ceremony,
    CeremonyMessage,
    CeremonyMessages,
    OpenCeremony,
    PostCeremonyMessage,
)
from doublelock.protocol.ceremony_steps import Step, decode_opening
from doublelock.protocol.charter import Role
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.errors import WireRefused
from doublelock.protocol.succession import check_opening
from doublelock.server.lawdesk import LawDesk
from doublelock.server.parts import Parts
from doublelock.server.routes.exchange import answer, path_id, query_number, read_body
from doublelock.store.interface import Tables
from doublelock.store.rows import CeremonyMessageRow, CeremonyRow


def routes(parts: Parts, desk: LawDesk) -> list[Route]:
    """Return these routes."""

    def holder(request: Request) -> bytes:
        """Who holds keys, will, or did: a resharing brings them together (K-16)."""
        key = parts.gate.caller(request).party.key
        party = parts.charter.party(key)
        if party is None or party.role not in (Role.CUSTODIAN, Role.COURT):
            raise WireRefused(Code.NOT_PERMITTED, "custodians and court only")
        return key

    async def listed(request: Request) -> Response:
        holder(request)
        rows = await parts.store.read(lambda tables: tables.law.ceremonies())
        return answer(
            Ceremonies(
                ceremonies=tuple(
                    Ceremony(ceremony=row.ceremony, document=row.document, time_ms=row.time_ms)
                    for row in rows
                )
            )
        )

    async def opened(request: Request) -> Response:
        author = holder(request)
        body = await read_body(request, OpenCeremony)
        name = decode_opening(body.document).name
        if body.ceremony != name.digest or name.deployment != parts.deployment:
            raise WireRefused(Code.CEREMONY_MISMATCH)
        party = parts.charter.party(author)
        if party is None or (party.role, party.committee) != (Role.CUSTODIAN, name.committee):
            raise WireRefused(Code.NOT_PERMITTED, "a custodian of the committee opens")
        now = parts.config.clock()
        check_opening(desk.state, name, now)
        row = CeremonyRow(body.ceremony, now, body.document, author)

        def put(tables: Tables) -> None:
            if _opened_lately(tables, row) >= limits.OPENINGS_A_DAY:
                raise WireRefused(Code.CEREMONY_OPENINGS, f"month {name.key_epoch}")
            if not tables.law.put_ceremony(row):
                raise WireRefused(Code.CONFLICT, "ceremony")

        await parts.store.write(put)
        return answer(
            Ceremony(ceremony=row.ceremony, document=row.document, time_ms=row.time_ms), 201
        )

    async def messages(request: Request) -> Response:
        holder(request)
        ceremony = path_id(request, "ceremony")
        after = query_number(request, "after")
        rows = await parts.store.read(lambda tables: tables.law.ceremony_messages(ceremony, after))
        return answer(CeremonyMessages(messages=tuple(map(_message, rows))))

    async def post(request: Request) -> Response:
        author = holder(request)
        ceremony = path_id(request, "ceremony")
        body = await read_body(request, PostCeremonyMessage, limits.CEREMONY_MESSAGE + 1024)
        if body.round not in tuple(Step):
            raise WireRefused(Code.CEREMONY_MISMATCH, "no step of a ceremony")
        row = CeremonyMessageRow(0, ceremony, body.round, author, body.message)

        def put(tables: Tables) -> CeremonyMessageRow:
            if tables.law.ceremony(ceremony) is None:
                raise WireRefused(Code.NOT_FOUND, "ceremony")
            number = tables.law.put_ceremony_message(row)
            if number:
                return row._replace(number=number)
            for known in tables.law.ceremony_messages(ceremony, 0):
                if (known.round, known.author) == (row.round, row.author):
                    if known.message == row.message:
                        return known
                    break
            raise WireRefused(Code.CONFLICT, "another message of this author and round")

        return answer(_message(await parts.store.write(put)))

    return [
        Route("/v1/ceremonies", listed, methods=["GET"]),
        Route("/v1/ceremonies", opened, methods=["POST"]),
        Route("/v1/ceremonies/{ceremony}/messages", messages, methods=["GET"]),
        Route("/v1/ceremonies/{ceremony}/messages", post, methods=["POST"]),
    ]


def _opened_lately(tables: Tables, new: CeremonyRow) -> int:
    """Return how many for the same month and kind its author opened within a day (K-22)."""
    name = decode_opening(new.document).name
    rows = tables.law.opened_after(new.author, new.time_ms - DAY_MS)
    lately = (decode_opening(row.document).name for row in rows)
    return sum((one.kind, one.key_epoch) == (name.kind, name.key_epoch) for one in lately)


def _message(row: CeremonyMessageRow) -> CeremonyMessage:
    return CeremonyMessage(
        number=row.number, round=row.round, author=row.author, message=row.message
    )
