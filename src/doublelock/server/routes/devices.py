"""One's own devices, mail between devices, push subscriptions (spec W-41, W-43, W-45)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from doublelock.protocol import limits
from doublelock.protocol.api import (
    Devices,
    DeviceUse,
    KeepDays,
    PushState,
    SendMail,
    Subscribe,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import KeyLogRefused, Malformed, WireRefused
from doublelock.protocol.identifiers import AccountId, DeviceId
from doublelock.protocol.mail import Relayed
from doublelock.server.parts import Parts
from doublelock.server.push_service import check_endpoint
from doublelock.server.routes.exchange import answer, read_body

_MAIL = limits.OWN_MAIL + 1024


def routes(parts: Parts) -> list[Route]:
    """Return these routes."""

    async def listed(request: Request) -> Response:
        me = parts.gate.caller(request).device
        days = await parts.store.read(lambda tables: tables.devices.days(me.account))
        return answer(
            Devices(
                devices=tuple(
                    DeviceUse(
                        device=device,
                        day=days.get(device, -1),
                        push=parts.pushes.is_subscribed(device),
                    )
                    for device in parts.identities.key_log.account(me.account).devices
                ),
                days=parts.last_use.keeps(me.account),
            )
        )

    async def keep(request: Request) -> Response:
        me = parts.gate.caller(request).device
        body = await read_body(request, KeepDays)
        await parts.last_use.keep(me.account, body.days, me.device)
        return Response(status_code=204)

    async def mail(request: Request) -> Response:
        me = parts.gate.caller(request).device
        body = await read_body(request, SendMail, _MAIL)
        account, device = AccountId(body.account), DeviceId(body.device)
        if account != me.account:
            if len(body.sealed) > limits.OTHERS_MAIL:
                raise Malformed(Code.SIZE, f"at most {limits.OTHERS_MAIL} bytes to others")
            parts.gate.spend_letter(account=me.account)
        try:
            parts.identities.key_log.current_device(account, device)
        except KeyLogRefused as refusal:
            raise WireRefused(Code.NOT_FOUND, refusal.code.value) from None
        letter = Relayed(me.account, me.device, body.sealed)
        await parts.mailboxes.relay(letter, account, device)
        return Response(status_code=204)

    async def push(request: Request) -> Response:
        me = parts.gate.caller(request).device
        subscribed = parts.pushes.is_subscribed(me.device)
        return answer(PushState(key=parts.pushes.key, subscribed=subscribed))

    async def subscribe(request: Request) -> Response:
        me = parts.gate.caller(request).device
        body = await read_body(request, Subscribe)
        check_endpoint(body.endpoint, private=parts.config.push.private)
        await parts.pushes.subscribe(me.device, body.endpoint)
        return Response(status_code=204)

    async def unsubscribe(request: Request) -> Response:
        me = parts.gate.caller(request).device
        await parts.pushes.unsubscribe(me.device)
        return Response(status_code=204)

    return [
        Route("/v1/devices", listed, methods=["GET"]),
        Route("/v1/devices", keep, methods=["PUT"]),
        Route("/v1/mail", mail, methods=["POST"]),
        Route("/v1/push", push, methods=["GET"]),
        Route("/v1/push", subscribe, methods=["PUT"]),
        Route("/v1/push", unsubscribe, methods=["DELETE"]),
    ]
