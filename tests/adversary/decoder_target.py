"""One decoder to be fed, and the scene whose valid bytes it is fed with."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from test_evidence import Scene


@dataclass(frozen=True)
class Target:
    """A decoder as a function of the bytes from outside.

    `seeds` are inputs that it accepts; `encode` writes what it returned again, where the encoding
    is canonical, and must give the same bytes.
    """

    call: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    encode: Callable[[Any], bytes] | None = None
    also: tuple[type[Exception], ...] = ()

    @property
    def text(self) -> bool:
        """Whether it takes text: what is no UTF-8 never reaches it."""
        return self.call.__name__ == "of_text"


def from_text(call: Callable[[str], object]) -> Callable[[bytes], object]:
    def of_text(data: bytes) -> object:
        return call(data.decode())

    return of_text


def chunks_of(data: bytes, size: int = 32) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@cache
def scene() -> Scene:
    return Scene()
