"""What anyone may ask: the deployment, its charters, its key epochs."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from doublelock.protocol.api import Charters, Deployment, KeyEpochs, encode_deployment
from doublelock.server.parts import Parts
from doublelock.server.routes.exchange import answer, raw


def routes(parts: Parts) -> list[Route]:
    """Return these routes."""

    async def deployment(_: Request) -> Response:
        found = Deployment(
            deployment=parts.deployment.hex(),
            http=parts.http,
            stream=parts.stream,
            time_ms=parts.config.clock(),
        )
        return raw(encode_deployment(found), "application/json")

    async def charters(_: Request) -> Response:
        documents = await parts.store.read(lambda tables: tables.law.charters())
        return answer(Charters(documents=tuple(documents)))

    async def key_epochs(_: Request) -> Response:
        documents = await parts.store.read(lambda tables: tables.law.key_epochs())
        return answer(KeyEpochs(documents=tuple(documents)))

    return [
        Route("/v1/deployment", deployment),
        Route("/v1/charters", charters),
        Route("/v1/key-epochs", key_epochs, methods=["GET"]),
    ]
