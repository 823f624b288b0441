"""Key packages: each given out once, the last resort again and again (spec W-32)."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from doublelock.protocol import limits
from doublelock.protocol.api import (
    ClaimedKeyPackages,
    ClaimKeyPackages,
    KeyPackageCount,
    PublishKeyPackages,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.server.parts import Parts
from doublelock.server.routes.exchange import answer, read_body
from doublelock.store.interface import Tables

_PUBLISH: Final = (limits.KEY_PACKAGES + 1) * (limits.MLS_KEY_PACKAGE + 8)


def routes(parts: Parts) -> list[Route]:
    """Return these routes."""

    async def publish(request: Request) -> Response:
        me = parts.gate.caller(request).device
        body = await read_body(request, PublishKeyPackages, _PUBLISH)
        await parts.ordering.check_key_packages(
            me.account, me.device, [*body.packages, *([body.last_resort] * bool(body.last_resort))]
        )

        def change(tables: Tables) -> int:
            devices = tables.devices
            if devices.count_key_packages(me.device) + len(body.packages) > limits.KEY_PACKAGES:
                raise WireRefused(Code.QUOTA, f"at most {limits.KEY_PACKAGES} key packages")
            devices.put_key_packages(me.account, me.device, body.packages, body.last_resort)
            return devices.count_key_packages(me.device)

        return answer(KeyPackageCount(left=await parts.store.write(change)))

    async def count(request: Request) -> Response:
        me = parts.gate.caller(request).device
        left = await parts.store.read(lambda tables: tables.devices.count_key_packages(me.device))
        return answer(KeyPackageCount(left=left))

    async def claim(request: Request) -> Response:
        caller = parts.gate.caller(request)
        body = await read_body(request, ClaimKeyPackages, limits.CLAIM_DEVICES * 128)
        parts.gate.spend_claims(caller.device, len(body.devices))

        def change(tables: Tables) -> tuple[bytes, ...]:
            return tuple(
                tables.devices.claim_key_package(name.account, name.device) for name in body.devices
            )

        return answer(ClaimedKeyPackages(packages=await parts.store.write(change)))

    return [
        Route("/v1/key-packages", publish, methods=["POST"]),
        Route("/v1/key-packages", count, methods=["GET"]),
        Route("/v1/key-packages/claim", claim, methods=["POST"]),
    ]
