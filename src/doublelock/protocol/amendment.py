"""Drafting an amendment, and saying in words what it changes (spec C-9, C-12).

Pure: who signs is in `charter.read_amendment`; the document goes from hand to hand until nothing is
lacking, and then to the operator, who files it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from doublelock.protocol.charter import Charter, CharterTerms, write_terms
from doublelock.protocol.charter_terms import Committee, Custodian, Party
from doublelock.protocol.codes import Code
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32, Opaque, encode_base64url
from doublelock.protocol.errors import Malformed

_UNITS: Final = ((DAY_MS, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second"))
_LOOSE: Final = frozenset({"sequence", "deployment", "previous", "issued_ms", "effective_ms"})
_PEOPLE: Final = ("custodians", "agencies", "ministers", "judges")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: where it is, what it was and what it will be; empty: it was not, or goes."""

    where: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"{self.where}: new: {self.after}"
        if not self.after:
            return f"{self.where}: gone: {self.before}"
        return f"{self.where}: {self.before} -> {self.after}"


def draft_amendment(
    current: Charter, edited: CharterTerms, now_ms: int, effective_ms: int | None = None
) -> bytes:
    """Return the payload of the amendment that gives `current` the edited terms.

    Sequence, deployment, what it follows and its times are set here; by default it takes effect
    an hour after the delay, which the law log counts from its own line (C-10). Raises
    CharterRefused(charter-terms).
    """
    earliest = now_ms + current.terms.amendment_delay_ms
    return write_terms(
        msgspec.structs.replace(
            edited,
            sequence=current.terms.sequence + 1,
            deployment=Bytes32(current.deployment),
            previous=Bytes32(current.hash),
            issued_ms=now_ms,
            effective_ms=effective_ms or max(earliest + 3_600_000, current.terms.effective_ms),
        )
    )


def write_editable(charter: Charter) -> bytes:
    """Return a charter's terms as indented JSON, for a person to edit."""
    return msgspec.json.format(write_terms(charter.terms), indent=2) + b"\n"


def read_editable(data: bytes) -> CharterTerms:
    """Return edited terms. Raises Malformed, saying where the file is wrong: it is public."""
    try:
        terms = msgspec.json.decode(data, type=CharterTerms, dec_hook=_from_text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        raise Malformed(Code.FORM, f"terms file: {problem}") from None
    return terms


def _from_text(kind: type, text: object) -> object:
    if issubclass(kind, Opaque) and isinstance(text, str):
        return kind.from_text(text)
    raise ValueError("a key is unpadded base64url text")


def describe_changes(old: CharterTerms, new: CharterTerms) -> tuple[Change, ...]:
    """Return every difference between two charters' terms, the times aside, in words."""
    return tuple(_changes(old, new))


def describe_time(new: CharterTerms) -> str:
    """Return when an amendment takes effect, and how long that is after it was issued."""
    moment = datetime.fromtimestamp(new.effective_ms / 1000, UTC).isoformat(timespec="seconds")
    return f"{moment} ({_span(new.effective_ms - new.issued_ms)} after it was issued)"


def _changes(old: CharterTerms, new: CharterTerms) -> Iterator[Change]:
    for name in CharterTerms.__struct_fields__:
        if name in _LOOSE or name == "committees":
            continue
        yield from _difference("charter", name, getattr(old, name), getattr(new, name))
    before = {committee.number: committee for committee in old.committees}
    after = {committee.number: committee for committee in new.committees}
    for number in sorted(before | after):
        where = f"committee {number}"
        if number not in after:
            yield Change(where, before[number].name, "")
        elif number not in before:
            yield Change(where, "", after[number].name)
            yield from _people(where, None, after[number])
        else:
            yield from _committee(where, before[number], after[number])


def _committee(where: str, old: Committee, new: Committee) -> Iterator[Change]:
    for name in Committee.__struct_fields__:
        if name not in (*_PEOPLE, "profiles", "caps"):
            yield from _difference(where, name, getattr(old, name), getattr(new, name))
    yield from _people(where, old, new)
    for name in ("accounts", "labels"):
        yield from _difference(
            f"{where}, caps", name, getattr(old.caps, name), getattr(new.caps, name)
        )
    before = {profile.kind: profile for profile in old.profiles}
    after = {profile.kind: profile for profile in new.profiles}
    for kind in sorted(before | after):
        place = f"{where}, {kind.value} warrants"
        if kind not in before or kind not in after:
            yield Change(
                place,
                "" if kind not in before else "allowed",
                "" if kind not in after else "allowed",
            )
            continue
        for name in after[kind].__struct_fields__:
            yield from _difference(
                place, name, getattr(before[kind], name), getattr(after[kind], name)
            )


def _people(where: str, old: Committee | None, new: Committee) -> Iterator[Change]:
    for name in _PEOPLE:
        before: Sequence[Party | Custodian] = () if old is None else getattr(old, name)
        after: Sequence[Party | Custodian] = getattr(new, name)
        was, will = ({bytes(one.key): one for one in group} for group in (before, after))
        for key in [*was, *(key for key in will if key not in was)]:
            yield from _difference(where, name, was.get(key), will.get(key))


def _difference(where: str, name: str, before: object, after: object) -> Iterator[Change]:
    if before != after:
        yield Change(f"{where}, {name.removesuffix('_ms')}", _say(name, before), _say(name, after))


def _say(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Custodian):
        return f"number {value.index}, {value.name} (key {encode_base64url(value.key)})"
    if isinstance(value, Party):
        return f"{value.name} (key {encode_base64url(value.key)})"
    if isinstance(value, bytes):
        return encode_base64url(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, int) and name.endswith("_ms"):
        return _span(value)
    return str(value)


def _span(ms: int) -> str:
    for size, unit in _UNITS:
        if ms >= size and ms % size == 0:
            count = ms // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{ms} ms"
