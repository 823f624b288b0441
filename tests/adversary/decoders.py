"""Every function of the protocol that takes bytes or text from outside, with valid inputs of it."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from functools import cache

import doublelock.protocol

from .decoder_target import Target
from .decoders_ceremonies import ceremonies
from .decoders_envelopes import envelopes, handed_over, plain
from .decoders_law import law
from .decoders_logs import logs
from .decoders_people import people

_INPUT = re.compile(r"^(accept_step|(decode|display|frames|merge|open|parse|read|split|verify).*)$")


NOT_FROM_OUTSIDE = {
    "package.Files.read": "a file of a package, read whole under a limit",
    "evidence.verify_message": "verify_line without its reading; held to it in test_evidence",
    "dkg.open_room": "makes a room of keys that were accepted",
    "resharing.open_room": "makes a room of keys that were accepted",
    "prime_group.PrimeGroup.open": "the interface of the two below",
}
"""What the pattern finds and no stranger's bytes reach."""


def find_decoders() -> Iterator[str]:
    """Yield the names of public functions and methods that take in bytes or text."""
    for module in pkgutil.iter_modules(doublelock.protocol.__path__):
        found = importlib.import_module(f"doublelock.protocol.{module.name}")
        for name, value in vars(found).items():
            if name.startswith("_") or getattr(value, "__module__", "") != found.__name__:
                continue
            if inspect.isfunction(value):
                members = {name: value}
            elif inspect.isclass(value):
                members = {
                    f"{name}.{one}": getattr(value, one)
                    for one in vars(value)
                    if not one.startswith("_") and callable(getattr(value, one))
                }
            else:
                continue
            for full, function in members.items():
                if _INPUT.match(full.rpartition(".")[2]) and _takes_input(function):
                    yield f"{module.name}.{full}"


def _takes_input(function: Callable[..., object]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return False
    words = [
        one.annotation.__name__ if isinstance(one.annotation, type) else str(one.annotation)
        for one in parameters
    ]
    return any(re.search(r"\b(bytes|str)\b", word) for word in words)


@cache
def targets() -> dict[str, Target]:
    """Return the table: a decoder's name, and how to feed it."""
    return {
        **envelopes(),
        **logs(),
        **law(),
        **people(),
        **ceremonies(),
        **plain(),
        **handed_over(),
    }
