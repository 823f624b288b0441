"""Writes the evidence package, folder and zip: verified by the public rule before it is signed."""

import hashlib
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

from doublelock.agency.opening import Opening
from doublelock.agency.party import LawParty
from doublelock.keep.atomic import write_whole
from doublelock.keep.package import FolderFiles, write_zip
from doublelock.protocol import jws, package
from doublelock.protocol.attachment import SEALED_CHUNK, open_attachment, sealed_size
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import Bytes32, encode
from doublelock.protocol.errors import EnvelopeRefused, Refusal, VaultRefused
from doublelock.protocol.evidence import CustodyEntry, EvidenceFile, Manifest, add_custody
from doublelock.protocol.lawlog import (
    Approval,
    ReleaseLogged,
    ReleaseRequest,
    WarrantFiled,
    verify_line,
)
from doublelock.protocol.record import Attachment
from doublelock.protocol.report import readable_line, render_report


async def write_package(
    party: LawParty, opening: Opening, path: Path, handles: tuple[str, ...]
) -> Mapping[str, int]:
    """Write the package of an opening to a new folder; return each file's size.

    Raises VaultRefused(VAULT_EXISTS) when the folder is there already, or the refusal of
    whatever does not verify: then nothing is signed, and the folder shows what there is.
    """
    _make_folders(path)
    written: dict[str, tuple[int, bytes]] = {}

    def keep(name: str, data: bytes) -> None:
        write_whole(path / name, data)
        written[name] = len(data), hashlib.sha256(data).digest()

    for name, data in _proofs(party, opening, handles):
        keep(name, data)
    await _fetch_attachments(party, opening, path)
    _drop_if_empty(path / "attachments")
    files = FolderFiles(path)
    written |= {name: package.measure(files, name) for name in files.names() if name not in written}
    content = package.verify_content(files, party.deployment)
    keep(package.READABLE, package.write_lines(readable_line(content, o) for o in content.messages))
    keep(package.REPORT, render_report(content))
    chain = _custody(party, opening)
    keep(package.CUSTODY, package.write_lines(map(encode, chain)))
    write_whole(path / package.MANIFEST, _sign(party, opening, chain, written))
    # Read again and hashed: what lies there is what was verified, and need not be so twice.
    files = FolderFiles(path)
    package.complete_package(files, content)
    write_zip(path, files.names())
    return {name: size for name, (size, _) in written.items()}


def _make_folders(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True)
        (path / "proofs").mkdir(mode=0o700)
        (path / "attachments").mkdir(mode=0o700)
    except FileExistsError:
        raise VaultRefused(Code.VAULT_EXISTS, path.name) from None
    except OSError as problem:
        raise VaultRefused(Code.VAULT_WRITE, f"{path.name}: {problem.strerror}") from None


def _drop_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()


def _proofs(
    party: LawParty, opening: Opening, handles: tuple[str, ...]
) -> Iterator[tuple[str, bytes]]:
    watch = party.watch
    yield package.CHARTER, watch.state.charters[0].document
    yield package.AMENDMENTS, package.write_entries(watch.amendments)
    yield package.LAW_LOG, package.write_entries(watch.lines[: opening.law.state.size])
    yield package.LAW_CHECKPOINT, opening.law.checkpoint.note.encode()
    yield package.KEY_LOG, package.write_entries(opening.keys.entries)
    yield package.KEY_CHECKPOINT, opening.keys.note
    yield package.INVENTORY, opening.inventory
    yield package.WARRANT, opening.warrant.document
    for number, request in enumerate(opening.requests, start=1):
        yield package.request_name(number), request
    for number, holder, release in opening.releases:
        yield f"proofs/release-{number}-{holder}.bin", release
    yield package.PEOPLE, package.write_people(handles)
    yield package.MESSAGES, package.write_lines(one.line for one in opening.messages)
    if opening.unreadable:
        yield package.UNREADABLE, package.write_lines(opening.unreadable)


async def _fetch_attachments(party: LawParty, opening: Opening, path: Path) -> None:
    """Fetch and decrypt what messages refer to; what the server has no more is left out."""
    for one in opening.messages:
        record = one.message.body.record
        if not isinstance(record, Attachment):
            continue
        target = path / package.attachment_name(record)
        if target.exists():
            continue
        try:
            await _fetch_attachment(party, record, target)
        except Refusal:
            target.unlink(missing_ok=True)


async def _fetch_attachment(party: LawParty, record: Attachment, target: Path) -> None:
    sealed: list[bytes] = []
    size = 0
    async with party.http.pieces(f"/v1/blobs/{record.blob.hex()}") as pieces:
        async for chunk in _rechunk(pieces):
            size += len(chunk)
            if size > sealed_size(record.size):
                raise EnvelopeRefused(Code.ATTACHMENT_DAMAGED, "larger than referred to")
            sealed.append(chunk)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        for plain in open_attachment(record, sealed):
            file.write(plain)
        file.flush()
        os.fsync(file.fileno())


async def _rechunk(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    held = bytearray()
    async for piece in pieces:
        held += piece
        while len(held) >= SEALED_CHUNK:
            yield bytes(held[:SEALED_CHUNK])
            del held[:SEALED_CHUNK]
    if held:
        yield bytes(held)


def _custody(party: LawParty, opening: Opening) -> tuple[CustodyEntry, ...]:
    """Return who did what when: the law log's acts under the warrant, then the opening."""
    chain: tuple[CustodyEntry, ...] = ()
    state, case = opening.law.state, opening.warrant.commitment
    for line in party.watch.lines[: state.size]:
        try:
            logged = verify_line(party.deployment, line)
        except Refusal:
            continue
        entry = logged.signed.entry
        if getattr(entry, "warrant", None) != case:
            continue
        who = state.charter(logged.time_ms).party(logged.signed.author)
        name = who.name if who is not None else "nobody"
        match entry:
            case WarrantFiled():
                act = "filed the warrant"
            case Approval():
                act = "approved the warrant"
            case ReleaseRequest():
                act = f"asked for {entry.labels} labels of {entry.accounts} accounts"
            case ReleaseLogged():
                act = f"released key material for {entry.labels} labels"
            case _:
                act = f"logged {type(entry).__name__}"
        chain = add_custody(chain, logged.time_ms, name, act, logged.signed.hash)
    digest = hashlib.sha256(package.write_lines(one.line for one in opening.messages)).digest()
    now = max(party.clock(), chain[-1].time_ms if chain else 0)
    act = f"opened and verified {len(opening.messages)} messages"
    return add_custody(chain, now, party.me.name, act, digest)


def _sign(
    party: LawParty,
    opening: Opening,
    chain: tuple[CustodyEntry, ...],
    written: Mapping[str, tuple[int, bytes]],
) -> bytes:
    listed = [
        EvidenceFile(name, size, Bytes32(digest))
        for name, (size, digest) in sorted(written.items())
    ]
    manifest = Manifest(
        version=1,
        deployment=Bytes32(party.deployment),
        warrant=Bytes32(opening.warrant.commitment),
        requests=tuple(map(Bytes32, opening.request_hashes)),
        created_ms=max(party.clock(), chain[-1].time_ms),
        files=tuple(listed),
        custody=chain,
    )
    signer = (party.me.key, party.signer.sign)
    return jws.sign(encode(manifest), jws.Purpose.EVIDENCE, [signer])
