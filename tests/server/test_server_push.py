"""Waking devices that are away: once, with nothing in it, by push services alone (W-45)."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from picows import WSListener, WSMsgType, WSTransport, ws_connect
from push_endpoint import PushEndpoint, certificate, listening
from server_world import Device, World

from doublelock.protocol.api import PushState, Subscribe, encode_body
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.protocol.frames import Accepted, Hello, join
from doublelock.server.app import Server
from doublelock.server.config import Bounds, PushConfig
from doublelock.server.push_service import Outcome, PushService, check_endpoint, is_public
from doublelock.server.vapid import Vapid, make_key

QUICK = PushConfig(contact="mailto:ops@harbour.test", gather=0.01, retry=0.01, private=True)


async def subscribe(device: Device, endpoint: str) -> None:
    body = encode_body(Subscribe(endpoint=endpoint))
    await device.http.send("PUT", "/v1/push", body, kind="application/msgpack")


async def state(device: Device) -> PushState:
    return await device.http.ask("GET", "/v1/push", None, PushState)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that nobody tells of."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - looks at the server's state
            await asyncio.sleep(0.005)


async def gone(server: Server, device: Device) -> None:
    """Wait until the server has noticed that a device is away."""
    await until(lambda: server.parts.fanout.find(device.device) is None)


async def test_a_device_that_is_away_is_woken_once_until_it_is_back(world: World) -> None:
    async with listening() as service, world.serve(push=QUICK) as server:
        anna = await world.join(server, "anna", devices=2)
        bert, clara = await world.join(server, "bert"), await world.join(server, "clara")
        conversation = await anna.create()
        await anna.add(conversation, bert, clara, *anna.siblings)
        (other,) = anna.siblings
        for device, name in ((bert, "bert"), (other, "anna"), (clara, "clara")):
            await subscribe(device, f"{service.origin}/{name}?token=x")
        assert (await state(bert)).subscribed
        line, here = await anna.connect(), await clara.connect()

        async def say() -> None:
            assert isinstance(await line.ask(anna.envelope(conversation)), Accepted)

        await say()
        push = await service.wait("/bert?token=x")
        assert push.verify(service.origin) == (await state(bert)).key
        assert (push.line, push.body) == ("POST /bert?token=x HTTP/1.1", b"")
        assert {name: push.headers[name] for name in ("ttl", "urgency", "topic")} == {
            "ttl": "604800",
            "urgency": "normal",
            "topic": "doublelock",
        }
        assert not {"content-encoding", "cookie", "referer"} & push.headers.keys()
        await say()
        await here.stream.close()
        await gone(server, clara)
        await say()
        await service.wait("/clara?token=x")  # the second message woke nobody
        assert service.count("/bert?token=x") == 1
        back = await bert.connect()
        await back.stream.close()
        await gone(server, bert)
        await say()
        await service.wait("/bert?token=x", 2)
        assert service.count("/anna?token=x") == 0  # her own words are no news to her
        assert len(service.pushed) == 3


async def test_mail_wakes_and_who_left_is_not_woken(world: World) -> None:
    async with listening() as service, world.serve(push=QUICK) as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        await subscribe(bert, f"{service.origin}/bert")
        conversation = await anna.create()
        await anna.add(conversation, bert)  # the welcome is mail
        await service.wait("/bert")
        await bert.http.send("DELETE", "/v1/push", b"")
        assert not (await state(bert)).subscribed
        await subscribe(anna, f"{service.origin}/anna")
        line = await anna.connect()
        await line.ask(anna.envelope(conversation))
        await line.stream.close()
        await gone(server, anna)
        server.parts.pushes.mailed(anna.device)
        await service.wait("/anna")
        assert service.count("/bert") == 1


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_gone_is_dropped(world: World, status: int) -> None:
    async with listening() as service, world.serve(push=QUICK) as server:
        service.answers.append(status)
        anna = await world.join(server, "anna")
        await subscribe(anna, f"{service.origin}/anna")
        server.parts.pushes.mailed(anna.device)
        await service.wait("/anna")
        await until(lambda: not server.parts.pushes.is_subscribed(anna.device))
    async with world.serve(push=QUICK) as server:
        anna.reach(server)
        assert not (await state(anna)).subscribed


async def test_a_push_service_in_trouble_is_asked_again(world: World) -> None:
    async with listening() as service:
        async with world.serve(push=QUICK) as server:
            service.answers += [503, 429, 201]
            anna = await world.join(server, "anna")
            await subscribe(anna, f"{service.origin}/anna")
            server.parts.pushes.mailed(anna.device)
            await service.wait("/anna", 3)
            key = (await state(anna)).key
            assert (await state(anna)).subscribed
        async with world.serve(push=QUICK) as server:  # key and subscription outlive a restart
            anna.reach(server)
            assert await state(anna) == PushState(key=key, subscribed=True)
            server.parts.pushes.mailed(anna.device)
            assert (await service.wait("/anna", 4)).verify(service.origin) == key


class Silent(WSListener):
    """A device that went to sleep: its socket is open, and nobody answers."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.ended.set()


async def test_a_silent_connection_is_cut_and_its_device_woken(world: World) -> None:
    bounds = Bounds(silence_seconds=0.2)
    async with listening() as service, world.serve(bounds=bounds, push=QUICK) as server:
        anna, bert = await world.join(server, "anna"), await world.join(server, "bert")
        conversation = await anna.create()
        await anna.add(conversation, bert)
        asleep = Silent()
        transport, _ = await ws_connect(lambda: asleep, server.stream, enable_auto_pong=False)
        hello = Hello(await bert.http.session(), (), 10**6)
        transport.send(WSMsgType.BINARY, join([hello]))
        await until(lambda: server.parts.fanout.find(bert.device) is not None)
        await subscribe(bert, f"{service.origin}/bert")
        line = await anna.connect()
        await line.ask(anna.envelope(conversation))
        await service.wait("/bert")
        await asyncio.wait_for(asleep.ended.wait(), 10)
        assert isinstance(await line.ask(anna.envelope(conversation)), Accepted)  # she is here


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example/x",
        "https://push.example:8443/x",
        "https://user:pass@push.example/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https:///x",
        "ftp://push.example/x",
        "https://push.example/x#y",
    ],
)
async def test_an_endpoint_is_https_and_public(world: World, endpoint: str) -> None:
    with pytest.raises(WireRefused):
        check_endpoint(endpoint)


async def test_the_route_refuses_what_is_no_push_service(world: World) -> None:
    async with world.serve() as server:
        anna = await world.join(server, "anna")
        long = "https://push.example/" + "x" * 1024
        for endpoint in ("http://push.example/x", "https://10.0.0.1/x", "file:///etc/passwd", long):
            with pytest.raises(WireRefused) as refused:
                await subscribe(anna, endpoint)
            assert refused.value.code is Code.FORM
        await subscribe(anna, "https://push.example/x")
        assert (await state(anna)).subscribed


def test_addresses_are_public_or_not_whatever_they_are_wrapped_in() -> None:
    inside = (
        "127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 "
        "255.255.255.255 240.0.0.1 ::1 :: fe80::1 fe80::1%eth0 fc00::1 ff02::1 ::ffff:127.0.0.1 "
        "64:ff9b::7f00:1 2002:7f00:1:: 2001:0:1:2:3:4:5:6 nonsense"
    )
    assert [one for one in inside.split() if is_public(one)] == []
    outside = "93.184.216.34 2606:2800:220:1::1 64:ff9b::5db8:d822 ::ffff:93.184.216.34"
    assert all(map(is_public, outside.split()))


async def push_over_tls(
    service: PushEndpoint, trust: object, address: str, config: PushConfig, host: str
) -> Outcome:
    async def find(_host: str, _port: int) -> list[str]:
        return [address]

    pushing = PushService(config, Vapid(make_key(), "", lambda: 1e9), find, trust)  # type: ignore[arg-type]
    try:
        return await pushing.push(service.origin.replace("push.example", host) + "/x")
    finally:
        await pushing.close()


async def test_a_push_goes_to_the_address_that_was_looked_at(tmp_path: Path) -> None:
    served, trust = certificate(tmp_path, "push.example")
    async with listening("push.example", served) as service:
        sent = await push_over_tls(service, trust, "127.0.0.1", QUICK, "push.example")
        assert sent is Outcome.SENT
        (push,) = service.pushed
        assert f"https://{push.headers['host']}" == service.origin
        push.verify(service.origin, 1e9)
        # Another name at the same address is no reason to trust its certificate.
        other = await push_over_tls(service, trust, "127.0.0.1", QUICK, "other.example")
        assert other is Outcome.LATER
        # A name that leads inside leads nowhere.
        public = PushConfig()
        for address in ("127.0.0.1", "::1", "10.0.0.1"):
            inside = await push_over_tls(service, trust, address, public, "push.example")
            assert inside is Outcome.REFUSED
        assert len(service.pushed) == 1


async def test_a_name_that_leads_inside_is_never_connected_to() -> None:
    asked: list[tuple[str, int]] = []

    async def find(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["93.184.216.34", "127.0.0.1"]

    pushing = PushService(PushConfig(), Vapid(make_key(), "", lambda: 1e9), find)
    assert await pushing.push("https://push.example/x") is Outcome.REFUSED
    assert await pushing.push("https://push.example:1/x") is Outcome.REFUSED
    assert asked == [("push.example", 443)]
    await pushing.close()


def test_one_token_serves_for_hours_and_is_renewed_before_its_end() -> None:
    now = [1e9]
    vapid = Vapid(make_key(), "mailto:ops@harbour.test", lambda: now[0])
    first = vapid.authorization("https://push.example")
    assert vapid.authorization("https://push.example") == first
    assert vapid.authorization("https://other.example") != first
    now[0] += 11.5 * 3600
    assert vapid.authorization("https://push.example") != first
