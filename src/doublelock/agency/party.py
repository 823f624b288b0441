"""What agency, minister and judge share: state folder, session, and the law log as they saw it."""

from pathlib import Path
from typing import Self

from doublelock.holder.desk import DeskReader, file_document
from doublelock.holder.membership import open_membership
from doublelock.holder.watch import Clock, LawWatch
from doublelock.keep import StateFolder, Unlocking
from doublelock.protocol.api import Filed, LawDocument
from doublelock.protocol.case import merge_warrant
from doublelock.protocol.charter import Charter, PartyRef, Role
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import WarrantRefused
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.lawlog import AnyEntry, sign_entry
from doublelock.protocol.warrant import Warrant
from doublelock.transport.http import HttpClient


class LawParty:
    """A party of the law at its own machine; made by `open`, closed by `close`."""

    def __init__(
        self,
        folder: StateFolder,
        http: HttpClient,
        genesis: Charter,
        signer: SigningKey,
        me: PartyRef,
        clock: Clock,
    ) -> None:
        self.folder = folder
        self.http = http
        self.signer = signer
        self.me = me
        self.clock = clock
        self.watch = LawWatch(http, genesis, folder)
        self._desk = DeskReader(http)
        self._documents: dict[bytes, list[LawDocument]] = {}

    @classmethod
    def open(cls, path: Path, unlocking: Unlocking, clock: Clock, roles: tuple[Role, ...]) -> Self:
        """Open the state folder of a party that has joined (`membership.join`).

        Raises VaultRefused, CharterRefused(not-a-holder) when the key has none of these roles.
        """
        folder = StateFolder.open(path, unlocking)
        try:
            member = open_membership(folder)
            me = member.party(roles)
        except BaseException:
            folder.close()
            raise
        return cls(folder, member.connect(), member.genesis, member.signer, me, clock)

    @property
    def deployment(self) -> DeploymentId:
        """The deployment, 32 bytes."""
        return self.watch.state.deployment

    @property
    def charter(self) -> Charter:
        """The charter in force."""
        return self.watch.state.charter(self.clock())

    @property
    def name(self) -> str:
        """This party's name in the charter in force: an amendment may have changed it."""
        found = self.charter.party(self.me.key)
        return self.me.name if found is None else found.name

    async def look(self) -> None:
        """Bring law log and documents up to date. Raises WireRefused, LogRefused."""
        await self.watch.update(self.clock())
        for document in await self._desk.news():
            self._documents.setdefault(document.case, []).append(document)

    def cases(self) -> list[bytes]:
        """Return every case that has a warrant document, in the order of their coming."""
        return [
            case
            for case, found in self._documents.items()
            if any(document.kind == "warrant" for document in found)
        ]

    def find_case(self, text: str) -> bytes:
        """Return the case whose commitment begins with hexadecimal digits, by log or document.

        Raises WarrantRefused(not-found) when none does, or more than one.
        """
        known = {*self.cases(), *self.watch.state.warrants}
        found = [case for case in known if case.hex().startswith(text.lower())] if text else []
        if len(found) == 1:
            return found[0]
        many = f"{len(found)} cases begin" if found else "no case begins"
        raise WarrantRefused(Code.NOT_FOUND, f"{many} with {text[:64]!r}")

    def documents(self, case: bytes, kind: str) -> list[LawDocument]:
        """Return a case's documents of a kind, as relayed: nothing is verified."""
        return [one for one in self._documents.get(case, ()) if one.kind == kind]

    def warrant(self, case: bytes) -> Warrant:
        """Return a case's warrant with every good signature. Raises WarrantRefused, Malformed."""
        documents = [one.document for one in self.documents(case, "warrant")]
        return merge_warrant(documents, case, self.watch.state, self.clock())

    async def file(self, kind: str, document: bytes) -> Filed:
        """Hand a document to the server. Raises WireRefused."""
        return await file_document(self.http, kind, document)

    async def log(self, entry: AnyEntry) -> bytes:
        """Sign an entry and have it logged; return the signed entry. Raises WireRefused."""
        signed = self.sign(entry)
        await self.file("entry", signed)
        return signed

    def sign(self, entry: AnyEntry) -> bytes:
        """Return a law-log entry under this party's signature."""
        return sign_entry(self.deployment, entry, self.me.key, self.signer.sign)

    async def close(self) -> None:
        """Close connections and folder."""
        await self.http.close()
        self.folder.close()
