"""The double lock's two halves: a minister's and a judge's desk. They read, then sign or refuse."""

from dataclasses import dataclass
from pathlib import Path

from doublelock.agency.party import LawParty
from doublelock.agency.words import describe_warrant
from doublelock.holder.watch import Clock
from doublelock.keep import Unlocking
from doublelock.protocol import jws, limits
from doublelock.protocol.charter import Role
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import Bytes32
from doublelock.protocol.errors import Refusal, WarrantRefused
from doublelock.protocol.lawlog import Approval, Cancellation, Ground
from doublelock.protocol.lawlog import WarrantRefused as RefusalEntry
from doublelock.protocol.lawrecords import WarrantRecord, WarrantStatus
from doublelock.protocol.warrant import Warrant

_PENDING = (WarrantStatus.AWAITING_APPROVAL, WarrantStatus.EMERGENCY_APPROVAL)


@dataclass(frozen=True, slots=True)
class Asked:
    """A warrant that waits for this party, and what it asks, in plain words."""

    case: bytes
    warrant: Warrant
    words: tuple[str, ...]


class ApprovalDesk:
    """A minister's or judge's desk; it signs what it verified, and nothing that it was shown."""

    def __init__(self, party: LawParty) -> None:
        self.party = party

    @classmethod
    def open(
        cls,
        path: Path,
        unlocking: Unlocking,
        clock: Clock,
        roles: tuple[Role, ...] = (Role.MINISTER, Role.JUDGE),
    ) -> "ApprovalDesk":
        """Open the state folder of a minister or judge. Raises VaultRefused, CharterRefused."""
        return cls(LawParty.open(path, unlocking, clock, roles))

    async def pending(self) -> list[Asked]:
        """Return every logged warrant of the committee that this party has not answered."""
        await self.party.look()
        found = []
        for case in self.party.cases():
            record = self.party.watch.state.warrants.get(case)
            if record is None or record.status(self.party.clock()) not in _PENDING:
                continue
            if any(approval.key == self.party.me.key for approval in record.approvals):
                continue
            try:
                warrant = self.party.warrant(case)
            except Refusal:
                continue
            found.append(Asked(case, warrant, describe_warrant(warrant)))
        return found

    async def approve(self, case: bytes) -> None:
        """Sign the warrant's own bytes and log the approval.

        Raises WarrantRefused (not logged, or its log entry differs; conflict: a party of this role
        has approved it), Malformed, WireRefused.
        """
        await self.party.look()
        warrant = self.party.warrant(case)
        record = self.party.watch.state.warrants.get(case)
        if record is None or not _same(warrant, record):
            raise WarrantRefused(Code.WARRANT_UNLOGGED, "the log has other terms for it")
        role = self.party.me.role.value
        if any(approval.role.value == role for approval in record.approvals):
            raise WarrantRefused(Code.CONFLICT, f"a {role} has approved it")
        payload = jws.read_payload(warrant.document, limits.WARRANT)
        signer = (self.party.me.key, self.party.signer.sign)
        mine = jws.sign(payload, jws.Purpose.WARRANT, [signer])
        await self.party.file("warrant", jws.merge(warrant.document, mine, limits.WARRANT))
        await self.party.log(Approval(warrant=Bytes32(case)))

    async def refuse(self, case: bytes, ground: Ground) -> None:
        """Refuse a warrant: final, logged and counted. Raises WireRefused."""
        await self.party.log(RefusalEntry(warrant=Bytes32(case), ground=ground))

    async def cancel(self, case: bytes, ground: Ground) -> bytes:
        """Cancel a warrant that was approved; return the signed entry. Raises WireRefused."""
        return await self.party.log(Cancellation(warrant=Bytes32(case), ground=ground))

    async def close(self) -> None:
        """Close the desk."""
        await self.party.close()


def _same(warrant: Warrant, record: WarrantRecord) -> bool:
    terms = warrant.terms
    return (
        record.agency == warrant.agency.key
        and record.committee == terms.committee
        and record.kind == terms.kind
        and record.urgent == terms.urgent
        and record.valid_from_ms == terms.valid_from_ms
        and record.valid_until_ms == terms.valid_until_ms
        and record.gag_end_ms == terms.gag_end_ms
    )
