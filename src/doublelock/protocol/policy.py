"""Policies: which logs and how many of which witnesses one trusts (C2SP tlog-policy; spec L-10).

A policy is the one way to a `CosignedCheckpoint`, and so to anything that relies on a log.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from doublelock.protocol import limits
from doublelock.protocol.checkpoint import Checkpoint
from doublelock.protocol.codes import Code
from doublelock.protocol.cosignature import VerifiedCosignature, verify_cosignature, verify_log
from doublelock.protocol.errors import LogRefused, Malformed, Refusal
from doublelock.protocol.note import (
    Note,
    NoteSignature,
    SignatureType,
    VerifierKey,
    decode_decimal,
    parse_note,
    parse_vkey,
)

_NONE: Final = "none"
_AHEAD_S: Final = 60
_SPACE: Final = re.compile(r"[ \t]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_COSIGNS: Final = (SignatureType.COSIGNATURE_ED25519, SignatureType.COSIGNATURE_MLDSA44)


@dataclass(frozen=True, slots=True)
class PolicyLog:
    """A log that the policy accepts; its key's name is its origin."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyWitness:
    """A witness under the name that groups use; `url` is its submission prefix."""

    name: str
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyGroup:
    """A group that has seen a checkpoint when `threshold` of its members have."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CosignedCheckpoint:
    """A checkpoint signed by a known log and cosigned by a policy's quorum (spec L-12).

    `quorum_time_s` is the latest POSIX second at which a whole quorum had seen it as the log's
    largest, and None under a policy that asks for no witness; hold it against a clock when age
    matters.
    """

    checkpoint: Checkpoint
    note: Note
    cosignatures: tuple[VerifiedCosignature, ...]
    quorum_time_s: int | None


@dataclass(frozen=True, slots=True)
class Policy:
    """Logs, witnesses, groups and the quorum; `quorum` names a witness, a group, or is "none"."""

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[PolicyGroup, ...]
    quorum: str

    def __post_init__(self) -> None:
        """Raise Malformed unless every name is defined before its use, and used once."""
        _check(self)

    def verify(self, data: bytes | Note) -> CosignedCheckpoint:
        """Return the checkpoint of a signed note that this policy accepts (spec L-10, L-12).

        Raises Malformed, or LogRefused: LOG_UNKNOWN (no log key), BAD_SIGNATURE (one by a known
        key does not hold), LOG_QUORUM (naming the witnesses that are missing).
        """
        note = parse_note(data) if isinstance(data, bytes) else data
        verified = verify_log(note, tuple(log.key for log in self.logs))
        found: dict[str, VerifiedCosignature] = {}
        for witness in self.witnesses:
            for line in note.by(witness.key):
                seen = verify_cosignature(line, witness.key, verified.checkpoint)
                if seen.time_s == 0:
                    raise LogRefused(Code.BAD_SIGNATURE, f"{witness.name} states no time")
                if witness.name not in found or seen.time_s > found[witness.name].time_s:
                    found[witness.name] = seen
        if not self.fulfilled(found):
            missing = [w.name for w in self.witnesses if w.name not in found]
            raise LogRefused(Code.LOG_QUORUM, f"missing of {self.quorum}: {', '.join(missing)}")
        return CosignedCheckpoint(
            verified.checkpoint, note, tuple(found.values()), self._quorum_time(found)
        )

    def accept(self, note: Note, lines: Iterable[NoteSignature]) -> tuple[VerifiedCosignature, ...]:
        """Return those of a witness's answering lines that hold for a note; drop all others.

        Only for gathering: what counts is what `verify` says of the note with the lines added.
        """
        checkpoint = verify_log(note, tuple(log.key for log in self.logs)).checkpoint
        kept = []
        for line in lines:
            for witness in self.witnesses:
                try:
                    seen = verify_cosignature(line, witness.key, checkpoint)
                except Refusal:
                    continue
                if seen.time_s:
                    kept.append(seen)
        return tuple(kept)

    def fulfilled(self, names: Iterable[str]) -> bool:
        """Say whether these witnesses, by their names in the policy, make the quorum."""
        if self.quorum == _NONE:
            return True
        seen = set(names)
        for group in self.groups:
            if sum(member in seen for member in group.members) >= group.threshold:
                seen.add(group.name)
        return self.quorum in seen

    def _quorum_time(self, found: Mapping[str, VerifiedCosignature]) -> int | None:
        if self.quorum == _NONE:
            return None
        times = sorted({seen.time_s for seen in found.values()}, reverse=True)
        return next(
            time_s
            for time_s in times
            if self.fulfilled(name for name, seen in found.items() if seen.time_s >= time_s)
        )

    def encode(self) -> bytes:
        """Return the policy as a file that `parse_policy` and third parties read."""
        lines = [_words("log", log.key.encode(), log.url) for log in self.logs]
        lines += [_words("witness", w.name, w.key.encode(), w.url) for w in self.witnesses]
        lines += [_words("group", g.name, str(g.threshold), *g.members) for g in self.groups]
        lines.append(_words("quorum", self.quorum))
        return "".join(lines).encode("utf-8", "surrogateescape")


def refuse_stale(cosigned: CosignedCheckpoint, now_ms: int, age_s: int) -> None:
    """Raise LogRefused LOG_STALE unless a quorum saw a checkpoint within `age_s` before now.

    A time more than a minute ahead of the clock is refused as well (spec L-12).
    """
    seen_s = cosigned.quorum_time_s
    now_s = now_ms // 1000
    if seen_s is None or not now_s - age_s <= seen_s <= now_s + _AHEAD_S:
        raise LogRefused(Code.LOG_STALE, "cosigned too long ago, or in the future")


def parse_policy(data: bytes) -> Policy:
    """Return a policy from its file. Raises Malformed naming the line (spec L-10).

    Names are opaque bytes: those above 0x7F that are no UTF-8 are kept as lone surrogates.
    """
    if len(data) > limits.POLICY:
        raise Malformed(Code.SIZE, f"policy of {len(data)} bytes")
    text = data.decode("utf-8", "surrogateescape")
    if _CONTROL.search(text):
        raise Malformed(Code.FORM, "policy with a control character")
    logs: list[PolicyLog] = []
    witnesses: list[PolicyWitness] = []
    groups: list[PolicyGroup] = []
    quorums: list[str] = []
    known: set[str] = set()
    for number, line in enumerate(text.split("\n"), 1):
        words = [word for word in _SPACE.split(line) if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            match words:
                case ["log", vkey, *url] if len(url) <= 1:
                    logs.append(PolicyLog(parse_vkey(vkey), *url))
                case ["witness", name, vkey, *url] if len(url) <= 1:
                    witnesses.append(PolicyWitness(name, parse_vkey(vkey), *url))
                    known.add(name)
                case ["group", name, threshold, *members] if members:
                    if not known.issuperset(members):
                        raise Malformed(Code.FORM, "group of names that are not defined yet")
                    groups.append(
                        PolicyGroup(name, _threshold(threshold, len(members)), tuple(members))
                    )
                    known.add(name)
                case ["quorum", name]:
                    if name != _NONE and name not in known:
                        raise Malformed(Code.FORM, "quorum of a name that is not defined yet")
                    quorums.append(name)
                case _:
                    raise Malformed(Code.FORM, "neither log, witness, group nor quorum")
        except Malformed as problem:
            raise Malformed(problem.code, f"policy line {number}: {problem.detail}") from None
    if len(quorums) != 1:
        raise Malformed(Code.FORM, f"policy with {len(quorums)} quorum lines")
    return Policy(tuple(logs), tuple(witnesses), tuple(groups), quorums[0])


def _threshold(word: str, count: int) -> int:
    if word == "any":
        return 1
    return count if word == "all" else decode_decimal(word)


def _check(policy: Policy) -> None:
    if len(policy.logs) + len(policy.witnesses) + len(policy.groups) > limits.POLICY_COMPONENTS:
        raise Malformed(Code.SIZE, "policy with too many components")
    log_keys = [log.key.public for log in policy.logs]
    witness_keys = [witness.key.public for witness in policy.witnesses]
    for keys in (log_keys, witness_keys):
        if len(set(keys)) != len(keys):
            raise Malformed(Code.FORM, "policy with one key twice")
    known: set[str] = set()
    members: set[str] = set()
    for witness in policy.witnesses:
        if witness.key.type not in _COSIGNS:
            raise Malformed(Code.FORM, "witness key that cannot cosign")
        _define(witness.name, known)
    for group in policy.groups:
        if not known.issuperset(group.members) or not group.members:
            raise Malformed(Code.FORM, "group of names that are not defined yet")
        if len(set(group.members)) != len(group.members) or members.intersection(group.members):
            raise Malformed(Code.FORM, "name that is a member twice")
        if not 1 <= group.threshold <= len(group.members):
            raise Malformed(Code.FORM, "group whose threshold its members cannot meet")
        members.update(group.members)
        _define(group.name, known)
    if policy.quorum != _NONE and policy.quorum not in known:
        raise Malformed(Code.FORM, "quorum of a name that is not defined")


def _define(name: str, known: set[str]) -> None:
    if not name or name == _NONE or name in known or _SPACE.search(name) or "\n" in name:
        raise Malformed(Code.FORM, "name that is taken or not allowed")
    known.add(name)


def _words(*words: str | None) -> str:
    return " ".join(word for word in words if word is not None) + "\n"
