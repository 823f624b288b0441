"""What agency, minister and judge share: state folder, session, and the law log as they saw it."""

from pathlib import Path
from typing import Self

from doublelock.holder.desk import DeskReader, file_document, merge_warrant
from doublelock.holder.enrolment import read_charters
from doublelock.holder.identity import IDENTITY_FILE
from doublelock.holder.watch import Clock, LawWatch
from doublelock.keep import StateFolder, Unlocking
from doublelock.protocol.api import Filed, LawDocument
from doublelock.protocol.charter import Charter, PartyRef, Role
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import SigningKey
from doublelock.protocol.errors import CharterRefused
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.lawlog import AnyEntry, sign_entry
from doublelock.protocol.session import PartySubject
from doublelock.protocol.warrant import Warrant
from doublelock.transport.http import HttpClient, Identity


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
    def open(
        cls,
        path: Path,
        unlocking: Unlocking,
        address: str,
        deployment: DeploymentId,
        clock: Clock,
        roles: tuple[Role, ...],
    ) -> Self:
        """Open a state folder with an identity and the pinned charter.

        Raises VaultRefused, CharterRefused(ENTRY_AUTHOR) when the key has none of these roles.
        """
        folder = StateFolder.open(path, unlocking)
        try:
            charters = read_charters(folder, deployment)
            genesis = charters[0]
            signer = SigningKey(folder.read(IDENTITY_FILE))
            places = (charter.party(signer.public.encoded) for charter in reversed(charters))
            me = next((one for one in places if one is not None and one.role in roles), None)
            if me is None:
                raise CharterRefused(Code.ENTRY_AUTHOR, "no charter gives this key such a role")
            identity = Identity(deployment, PartySubject(me.key), signer.sign)
            http = HttpClient(address, identity=identity)
        except BaseException:
            folder.close()
            raise
        return cls(folder, http, genesis, signer, me, clock)

    @property
    def deployment(self) -> DeploymentId:
        """The deployment, 32 bytes."""
        return self.watch.state.deployment

    @property
    def charter(self) -> Charter:
        """The charter in force."""
        return self.watch.state.charter(self.clock())

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

    def documents(self, case: bytes, kind: str) -> list[LawDocument]:
        """Return a case's documents of a kind, as relayed: nothing is verified."""
        return [one for one in self._documents.get(case, ()) if one.kind == kind]

    def warrant(self, case: bytes) -> Warrant:
        """Return a case's warrant with every good signature. Raises WarrantRefused, Malformed."""
        documents = [one.document for one in self.documents(case, "warrant")]
        return merge_warrant(documents, case, self.charter)

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
