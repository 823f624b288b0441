"""A socket that cannot be had is an OSError that names the address, and nothing stays open."""

import errno

import pytest

from doublelock.transport.listening import listen


async def test_a_free_port_is_taken_and_a_taken_one_is_named() -> None:
    (first,) = await listen("127.0.0.1", 0)
    first.listen()
    port = first.getsockname()[1]
    try:
        with pytest.raises(OSError, match="in use") as refused:
            await listen("127.0.0.1", port)
    finally:
        first.close()
    assert refused.value.errno == errno.EADDRINUSE
    assert refused.value.filename == f"127.0.0.1:{port}"


async def test_an_unknown_host_and_a_foreign_address_are_named() -> None:
    with pytest.raises(OSError) as unknown:
        await listen("host.invalid", 0)
    assert unknown.value.filename == "host.invalid:0"
    with pytest.raises(OSError, match=r"192\.0\.2\.1:0"):
        await listen("192.0.2.1", 0)
