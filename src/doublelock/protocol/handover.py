"""Whose cosignatures a checkpoint needs, and how one set of witnesses gives way to another (R-40).

An amendment alone does not make the new witnesses: a handover in the law log does, which holds both
logs' checkpoints under the cosignatures of the old ones. So whoever starts from genesis goes from
set to set, and neither of two sets can speak for the other's part of the log.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from doublelock.protocol.charter import Charter
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import LogRefused, WarrantRefused
from doublelock.protocol.lawlog import HandoverLogged
from doublelock.protocol.note import Note
from doublelock.protocol.policy import CosignedCheckpoint, Policy

if TYPE_CHECKING:
    from doublelock.protocol.lawstate import LawState


class LogName(StrEnum):
    """One of a deployment's two logs."""

    KEY = "key"
    LAW = "law"

    def policy(self, charter: Charter) -> Policy:
        """Return this log's policy under a charter."""
        return charter.key_policy() if self is LogName.KEY else charter.law_policy()


@dataclass(frozen=True, slots=True)
class Handover:
    """A handover that counts: its line, whose witnesses it brings, and the key log's head before.

    The law log's head before it is that of its first `index` lines. `key_root` has 32 bytes.
    """

    index: int
    charter: Charter
    key_size: int
    key_root: bytes


def same_witnesses(one: Charter, other: Charter) -> bool:
    """Say whether two charters name the same witnesses and quorum, in whatever order."""
    return (set(one.terms.witnesses), one.terms.quorum) == (
        set(other.terms.witnesses),
        other.terms.quorum,
    )


def needed_charters(state: "LawState", time_ms: int) -> tuple[Charter, ...]:
    """Return the charters whose quorums a checkpoint of a time needs: one, or two (R-40).

    Two once an amendment with other witnesses is in force and they have not taken over: both logs
    then need the old ones', who hold them, and the new ones', who are the law.
    """
    held, present = state.witnessed, state.charter(max(time_ms, state.begin_ms))
    return (held,) if same_witnesses(held, present) else (held, present)


def verify_checkpoint(
    log: LogName, state: "LawState", note: bytes | Note, now_ms: int | None = None
) -> CosignedCheckpoint:
    """Return a log's checkpoint once those have cosigned it who must, as the law log has it.

    `state` is, for the law log, the state of the very lines that the checkpoint is of; for the key
    log the newest that one knows. With a clock, what only the old witnesses cosigned counts no
    longer once the amendment is in force for longer than a checkpoint's age. Raises Malformed,
    LogRefused (what `Policy.verify` raises) (R-40).
    """
    held = state.witnessed
    cosigned = log.policy(held).verify(note)
    times = [state.time_ms] if log is LogName.LAW else [0]
    skew_ms = held.terms.skew_ms
    if cosigned.quorum_time_s is not None:
        times.append(cosigned.quorum_time_s * 1000 - skew_ms)
    if now_ms is not None:
        times.append(now_ms - held.terms.checkpoint_age_ms - skew_ms)
    for charter in needed_charters(state, max(times))[1:]:
        try:
            cosigned = log.policy(charter).verify(cosigned.note)
        except LogRefused as refusal:
            detail = f"charter {charter.terms.sequence}'s witnesses: {refusal.detail}"
            raise LogRefused(refusal.code, detail) from None
    return cosigned


def verify_signed(log: LogName, charter: Charter, note: bytes) -> CosignedCheckpoint:
    """Return a checkpoint that the log's own key signed, whoever cosigned it: to read on from.

    Whoever relies on it calls `verify_checkpoint` once the lines up to it are folded. Any charter
    of the chain does: its log keys never change (C-9). Raises Malformed, LogRefused.
    """
    return signed_policy(log, charter).verify(note)


def signed_policy(log: LogName, charter: Charter) -> Policy:
    """Return the policy that asks for a log's own signature alone; see `verify_signed`."""
    return Policy(log.policy(charter).logs, (), (), "none")


def judge_handover(state: "LawState", charter: Charter, entry: HandoverLogged) -> Handover:
    """Return what a handover line comes to, `state` being that of the lines above it (R-40).

    Raises WarrantRefused(entry-void), LogRefused or Malformed: then the line is void.
    """
    held = state.witnessed
    if same_witnesses(held, charter):
        raise WarrantRefused(Code.ENTRY_VOID, "the witnesses are the charter's")
    seen = held.law_policy().verify(bytes(entry.law))
    law = seen.checkpoint
    if (law.size, law.root) != (state.size, state.root):
        raise WarrantRefused(Code.ENTRY_VOID, "not the checkpoint of the lines above")
    seen_key = held.key_policy().verify(bytes(entry.key))
    key = seen_key.checkpoint
    # An old head of the key log would leave what came after it to the new witnesses' word.
    apart_s = abs((seen.quorum_time_s or 0) - (seen_key.quorum_time_s or 0))
    if apart_s * 1000 > held.terms.checkpoint_age_ms:
        raise WarrantRefused(Code.ENTRY_VOID, "heads that were not seen together")
    if state.handovers and key.size < state.handovers[-1].key_size:
        raise WarrantRefused(Code.ENTRY_VOID, "a key log smaller than handed over before")
    return Handover(state.size, charter, key.size, key.root)
