"""The agency's desk: draft, sign and file a warrant, ask for releases, open, write evidence."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from doublelock.agency.evidence import write_package
from doublelock.agency.metadata import fetch_metadata
from doublelock.agency.opening import Opening, open_case
from doublelock.agency.party import LawParty
from doublelock.agency.request import RequestMade, make_request
from doublelock.holder.watch import Clock
from doublelock.keep import Unlocking
from doublelock.protocol import jws, limits
from doublelock.protocol.charter import Role
from doublelock.protocol.charter_terms import WarrantKind
from doublelock.protocol.days import DAY_MS
from doublelock.protocol.documents import Bytes32, decode, encode
from doublelock.protocol.identifiers import AccountId, name_account
from doublelock.protocol.lawlog import Cancellation, Ground
from doublelock.protocol.lawrecords import WarrantStatus
from doublelock.protocol.metadata import Metadata
from doublelock.protocol.scope import ScopeItem
from doublelock.protocol.warrant import (
    Warrant,
    WarrantTerms,
    describe_filing,
    verify_warrant,
    write_warrant,
)
from doublelock.seal import SealKey


@dataclass(frozen=True, slots=True)
class Application:
    """What an agency asks for; times are spans in ms from now on."""

    offence: str
    legal_basis: str
    reference: str
    scope: tuple[ScopeItem, ...]
    kind: WarrantKind = WarrantKind.CONTENT_STORED
    validity_ms: int = 7 * DAY_MS
    gag_ms: int = 7 * DAY_MS
    unnamed_senders: int = 0
    urgent: bool = False
    renews: bytes | None = None
    handles: tuple[str, ...] = ()
    """The people's handles behind the scope, as far as the agency knows them; they stay with it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Terms that nobody signed yet, with the secret half (32 bytes) of their release key."""

    terms: WarrantTerms
    release_secret: bytes = field(repr=False)
    handles: tuple[str, ...]


class AgencyDesk:
    """An agency at work; every act is signed by its key and logged before it counts."""

    def __init__(self, party: LawParty) -> None:
        self.party = party

    @classmethod
    def open(cls, path: Path, unlocking: Unlocking, clock: Clock) -> "AgencyDesk":
        """Open an agency's state folder once it has joined. Raises VaultRefused, CharterRefused."""
        return cls(LawParty.open(path, unlocking, clock, (Role.AGENCY,)))

    def account(self, handle: str) -> AccountId:
        """Return the account of a handle: how a warrant names a person."""
        return name_account(bytes(self.party.charter.terms.account_salt), handle)

    async def apply(self, application: Application) -> Warrant:
        """Draft, sign and file a warrant; return it, as yet approved by nobody.

        Raises WarrantRefused, CharterRefused, WireRefused.
        """
        await self.party.look()
        return await self.submit(self.draft(application))

    def draft(self, application: Application) -> Draft:
        """Return the terms that an application comes to now, to be read before they are signed."""
        now, me = self.party.clock(), self.party.me
        secret = secrets.token_bytes(32)
        terms = WarrantTerms(
            version=1,
            deployment=Bytes32(self.party.deployment),
            committee=me.committee or 0,
            kind=application.kind,
            agency=self.party.name,
            agency_key=Bytes32(me.key),
            release_key=Bytes32(SealKey.make(secret).public.encoded),
            offence=application.offence,
            legal_basis=application.legal_basis,
            reference=application.reference,
            scope=application.scope,
            unnamed_senders=application.unnamed_senders,
            valid_from_ms=now,
            valid_until_ms=now + application.validity_ms,
            gag_end_ms=now + application.gag_ms,
            urgent=application.urgent,
            renews=None if application.renews is None else Bytes32(application.renews),
            salt=Bytes32(secrets.token_bytes(32)),
        )
        return Draft(terms, secret, application.handles)

    async def submit(self, draft: Draft) -> Warrant:
        """Sign and file a draft; its release key is kept sealed here before anything leaves.

        Raises WarrantRefused, CharterRefused, WireRefused.
        """
        signer = (self.party.me.key, self.party.signer.sign)
        document = jws.sign(write_warrant(draft.terms), jws.Purpose.WARRANT, [signer])
        warrant = verify_warrant(document, self.party.charter)
        self.party.folder.write(_release_key(warrant.commitment), draft.release_secret)
        self.party.folder.write(_handles(warrant.commitment), encode(draft.handles))
        await self.party.file("warrant", document)
        await self.party.log(describe_filing(warrant))
        return warrant

    async def status(self, case: bytes) -> WarrantStatus | None:
        """Return a warrant's state by the cosigned law log, None before it is logged there."""
        await self.party.look()
        record = self.party.watch.state.warrants.get(case)
        return None if record is None else record.status(self.party.clock())

    async def request(self, case: bytes) -> RequestMade:
        """Ask custodians and court for exactly what the warrant covers. See `make_request`."""
        await self.party.look()
        return await make_request(self.party, case)

    async def metadata(self, case: bytes, patience_s: float = 60.0) -> tuple[Metadata, bytes]:
        """Fetch what a metadata warrant gives, logged first. See `metadata.fetch_metadata`."""
        await self.party.look()
        return await fetch_metadata(self.party, case, patience_s)

    async def open_case(
        self, case: bytes, progress: Callable[[int, int], None] = lambda _, __: None
    ) -> Opening:
        """Combine the releases that came and open every message. See `opening.open_case`."""
        await self.party.look()
        key = SealKey.make(self.party.folder.read(_release_key(case)))
        return await open_case(self.party, case, key, progress)

    def handles(self, case: bytes) -> tuple[str, ...]:
        """Return the handles that were written down with a case's application."""
        data = self.party.folder.find(_handles(case))
        return () if data is None else decode(data, tuple[str, ...], limits.WARRANT)

    async def write(
        self, opening: Opening, path: Path, handles: tuple[str, ...] = ()
    ) -> Mapping[str, int]:
        """Write the evidence package of an opening: a folder, and a zip of it beside it.

        Returns each file's size. Raises EvidenceRefused when it does not verify before signing.
        """
        return await write_package(self.party, opening, path, handles)

    async def cancel(self, case: bytes, ground: Ground = Ground.WITHDRAWN) -> bytes:
        """Cancel a warrant; return the signed entry, which stops a holder who gets it from anyone.

        Raises WireRefused.
        """
        return await self.party.log(Cancellation(warrant=Bytes32(case), ground=ground))

    async def close(self) -> None:
        """Close the desk."""
        await self.party.close()


def _release_key(case: bytes) -> str:
    return f"cases/{case.hex()}"


def _handles(case: bytes) -> str:
    return f"handles/{case.hex()}"
