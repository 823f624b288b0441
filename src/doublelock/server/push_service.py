"""Reaching push services, whose addresses devices choose: nowhere else, and with nothing in it.

An endpoint is a URL from outside, so it must not become a way into the operator's own network: only
HTTPS on its usual port, to addresses that are public, and to those very addresses that were looked
at (spec W-45).
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final

import httpx

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import WireRefused
from doublelock.server.config import PushConfig
from doublelock.server.vapid import Vapid

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_PORTS: Final = {"https": 443, "http": 80}
_GONE: Final = (404, 410)
_ADDRESSES: Final = 4
_TOPIC: Final = "doublelock"
"""A push service keeps the latest push of a topic alone: one is enough to wake."""
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host. Raises OSError."""


class Outcome(Enum):
    """What became of a push."""

    SENT = "sent"
    GONE = "gone"
    LATER = "later"
    REFUSED = "refused"


async def resolve(host: str, port: int) -> list[str]:
    """Return a host's addresses by the machine's resolver. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def is_public(text: str) -> bool:
    """Say whether an address is one of the public internet, whatever it is wrapped in."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address.teredo is not None:
            return False
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast and not address.is_reserved


def check_endpoint(endpoint: str, *, private: bool = False) -> httpx.URL:
    """Return the URL of an endpoint that may be pushed to. Raises WireRefused(form)."""
    try:
        url = httpx.URL(endpoint)
        host = url.host
    except (httpx.InvalidURL, ValueError):
        raise WireRefused(Code.FORM, "push endpoint") from None
    if not host or url.userinfo or url.fragment:
        raise WireRefused(Code.FORM, "push endpoint")
    if private and url.scheme in _PORTS:
        return url
    if url.scheme != "https" or (url.port or 443) != 443:
        raise WireRefused(Code.FORM, "a push endpoint is https, on its usual port")
    if _is_address(host) and not is_public(host):
        raise WireRefused(Code.FORM, "a push endpoint is on the public internet")
    return url


class PushService:
    """Sends empty pushes; `close` it. `trust` is for tests: which certificates to believe."""

    def __init__(
        self,
        config: PushConfig,
        vapid: Vapid,
        find: Resolve = resolve,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._config = config
        self._vapid = vapid
        self.key = vapid.public
        self._find = find
        self._trust = trust
        self._made: httpx.AsyncClient | None = None

    @property
    def _http(self) -> httpx.AsyncClient:
        # No connection is kept: one that was made for one host must not serve another that has
        # the same address. Made when first needed: reading the machine's certificates takes time.
        if self._made is None:
            config = self._config
            self._made = httpx.AsyncClient(
                verify=self._trust or ssl.create_default_context(),
                timeout=config.patience,
                limits=httpx.Limits(max_connections=config.at_once, max_keepalive_connections=0),
                trust_env=False,
                follow_redirects=False,
            )
        return self._made

    async def push(self, endpoint: str) -> Outcome:
        """Send one empty push and return what became of it; never raises for what is out there."""
        try:
            url = check_endpoint(endpoint, private=self._config.private)
        except WireRefused:
            return Outcome.REFUSED
        port = url.port or _PORTS[url.scheme]
        try:
            async with asyncio.timeout(self._config.patience):
                return await self._post(url, port)
        except (OSError, TimeoutError, httpx.HTTPError):
            return Outcome.LATER
        except (httpx.InvalidURL, ValueError):
            return Outcome.REFUSED

    async def _post(self, url: httpx.URL, port: int) -> Outcome:
        addresses = await self._find(url.host, port)
        if not self._config.private and not all(map(is_public, addresses)):
            return Outcome.REFUSED
        for address in addresses[:_ADDRESSES]:
            with contextlib.suppress(httpx.ConnectError):
                return await self._post_to(address, url)
        return Outcome.LATER

    async def _post_to(self, address: str, url: httpx.URL) -> Outcome:
        name = url.netloc.decode("ascii")
        request = self._http.build_request(
            "POST",
            url.copy_with(host=address),
            headers={
                "host": name,
                "authorization": self._vapid.authorization(f"{url.scheme}://{name}"),
                "ttl": str(self._config.life),
                "urgency": "normal",
                "topic": _TOPIC,
                "content-length": "0",
            },
            extensions={"sni_hostname": url.host},
        )
        response = await self._http.send(request, stream=True)
        await response.aclose()
        if response.status_code in _GONE:
            return Outcome.GONE
        if response.status_code == 429 or response.status_code >= 500:
            return Outcome.LATER
        return Outcome.SENT if response.status_code < 300 else Outcome.REFUSED

    async def close(self) -> None:
        """Close what is open."""
        if self._made is not None:
            await self._made.aclose()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
