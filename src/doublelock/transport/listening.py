"""Sockets that listen: an address that cannot be had is an OSError that names it."""

import asyncio
import socket


async def listen(host: str, port: int) -> list[socket.socket]:
    """Return a bound socket for each address of a host; port 0 takes a free one.

    The caller closes them. Raises OSError whose `filename` is `host:port`: taken, not ours, unknown
    or not allowed. A server that binds by itself might end the process instead.
    """
    bound: list[socket.socket] = []
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in dict.fromkeys(found):
            one = socket.socket(family, kind, protocol)
            bound.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
            one.setblocking(False)
    except OSError as problem:
        for one in bound:
            one.close()
        raise OSError(problem.errno, problem.strerror, f"{host}:{port}") from None
    return bound
