"""A party's side of the law desk: file documents, follow them, read warrants; believe nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from doublelock.protocol import limits
from doublelock.protocol.api import Filed, LawDocument, LawDocuments, decode_body
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.transport.http import HttpClient

_PATIENCE_S: Final = 600.0


@asynccontextmanager
async def patiently() -> AsyncIterator[None]:
    """Give up what a server never finishes to answer. Raises WireRefused(server-unreachable)."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            yield
    except TimeoutError:
        raise WireRefused(Code.SERVER_UNREACHABLE, "an answer without end") from None


async def file_document(
    http: HttpClient, kind: str, document: bytes, case: bytes | None = None
) -> Filed:
    """Hand a document of a kind to the server; the same one again is filed once. WireRefused."""
    parameters = None if case is None else {"case": case.hex()}
    data = await http.send(
        "POST", f"/v1/law/documents/{kind}", document, parameters=parameters, again=True
    )
    return decode_body(data, Filed)


class DeskReader:
    """Follows the documents that concern a party, in the order in which the server took them."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._after = 0

    async def news(self, patience_ms: int = 0) -> list[LawDocument]:
        """Return everything new; wait up to `patience_ms` for the first.

        Raises WireRefused, Malformed.
        """
        found: list[LawDocument] = []
        after = self._after
        while True:
            data = await self._http.get(
                "/v1/law/documents",
                parameters={"after": after, "wait": 0 if found else patience_ms},
                limit=limits.LAW_PAGE,
                patience_s=patience_ms / 1000,
            )
            page = decode_body(data, LawDocuments).documents
            if not page:
                self._after = after  # only now: what came before a failure comes again
                return found
            for document in page:
                if document.number <= after:
                    raise WireRefused(Code.SERVER_ANSWER, "documents out of their order")
                after = document.number
            found += page
