"""Which pages may use this server: those that it serves itself (spec W-42)."""

from typing import Final
from urllib.parse import urlsplit

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def origin_of(url: str) -> str:
    """Return a URL's origin, such as `https://chat.example`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def own_origins(http: str) -> frozenset[str]:
    """Return the origins of the pages at an announced address; a loopback one has three names."""
    origin = origin_of(http)
    scheme, _, place = origin.partition("://")
    for host in _LOOPBACK:
        if place == host or place.startswith(f"{host}:"):
            port = place.removeprefix(host)
            return frozenset(f"{scheme}://{name}{port}" for name in _LOOPBACK)
    return frozenset((origin,))
