"""Attachments: files encrypted on the device, uploaded and fetched in pieces that resume (V-15)."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import DecodeError, Struct, msgpack
from msgspec.structs import asdict

from doublelock.client.core import Core
from doublelock.protocol.api import Blob, StartBlob, decode_body
from doublelock.protocol.attachment import (
    CHUNK,
    SEALED_CHUNK,
    count_chunks,
    locate_range,
    open_attachment,
    open_range,
    seal_chunk,
    sealed_size,
)
from doublelock.protocol.codes import Code
from doublelock.protocol.errors import EnvelopeRefused, VaultRefused, WireRefused
from doublelock.protocol.record import Attachment, Media

_PIECE: Final = 14 * SEALED_CHUNK


Progress = Callable[[int, int], None]
"""Told how many of how many encrypted bytes have gone over."""


def _untold(_done: int, _total: int) -> None:
    """Tell nobody."""


class _Upload(Struct, frozen=True):
    key: bytes
    blob: bytes
    digest: bytes


class Attachments:
    """Uploads and downloads of one client."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def upload(
        self,
        path: Path,
        *,
        name: bytes = b"",
        media_type: bytes = b"",
        caption: bytes = b"",
        target: bytes = b"",
        progress: Progress = _untold,
    ) -> Attachment:
        """Encrypt a file and bring it to the server; called again, it goes on where it stopped.

        Returns the record to send; with a `target` (a message's id, 16 bytes) it answers that (spec
        V-17). Raises Malformed for a file over 1 GiB, WireRefused.
        """
        size = _size(path)
        upload = await self._begin(path, size)
        url = f"/v1/blobs/{upload.blob.hex()}"
        received = int((await self._core.http.head(url)).get("x-received", "0"))
        with path.open("rb") as file:
            for offset, piece in _sealed_pieces(file, upload.key, size, received):
                answer = await self._core.http.send(
                    "PATCH", url, piece, parameters={"offset": offset}
                )
                decode_body(answer, Blob)
                progress(offset + len(piece), sealed_size(size))
        self._core.vault.drop_upload(_name_upload(path, size))
        record = Attachment(
            upload.blob,
            upload.key,
            size,
            upload.digest,
            name or path.name.encode()[:255],
            media_type,
            caption,
        )
        return Media(**asdict(record), target=target) if target else record

    async def _begin(self, path: Path, size: int) -> _Upload:
        """Return the upload that was begun, or begin one: its key is in the vault first."""
        core = self._core
        name = _name_upload(path, size)
        data = core.vault.upload(name)
        if data is not None:
            try:
                upload = msgpack.decode(data, type=_Upload)
            except DecodeError:
                raise VaultRefused(Code.VAULT_DAMAGED, "upload") from None
            if _digest(path, upload.key, size) == upload.digest:
                return upload
        key = core.random(32)
        digest = _digest(path, key, size)
        body = StartBlob(size=sealed_size(size), digest=digest)
        blob = await core.http.ask("POST", "/v1/blobs", body, Blob)
        upload = _Upload(key, blob.blob, digest)
        core.vault.write_upload(name, msgpack.encode(upload))
        return upload

    async def download(
        self, reference: Attachment, path: Path, progress: Progress = _untold
    ) -> None:
        """Fetch a whole file; nothing is left at `path` unless all of it verifies.

        A part that was fetched before is kept beside it and not fetched again. Raises
        EnvelopeRefused(attachment-damaged), WireRefused.
        """
        # Named for this very file, so that nobody else's is ever taken for a part of it.
        name = f".{reference.blob.hex()[:32]}"
        sealed = path.with_name(f"{name}.part")
        total = sealed_size(reference.size)
        url = f"/v1/blobs/{reference.blob.hex()}"
        with _for_owner(sealed, os.O_APPEND) as file:
            while (at := file.tell()) < total:
                end = min(at + _PIECE, total)
                piece = await self._core.http.get(url, span=(at, end - 1), limit=_PIECE)
                if len(piece) != end - at:
                    raise WireRefused(Code.SERVER_ANSWER, "range of another size")
                file.write(piece)
                progress(end, total)
        opened = path.with_name(f"{name}.open")
        try:
            with sealed.open("rb") as source, _for_owner(opened, os.O_TRUNC) as target:
                for plain in open_attachment(reference, _read_chunks(source)):
                    target.write(plain)
        except EnvelopeRefused:
            opened.unlink(missing_ok=True)
            sealed.unlink(missing_ok=True)
            raise
        opened.replace(path)
        sealed.unlink()

    async def read(self, reference: Attachment, start: int, end: int) -> bytes:
        """Return plaintext [start, end) of a file, fetching only the chunks that hold it."""
        _, first, last = locate_range(reference.size, start, end)
        url = f"/v1/blobs/{reference.blob.hex()}"
        sealed = await self._core.http.get(url, span=(first, last - 1), limit=last - first)
        return open_range(reference, start, end, sealed)


def _size(path: Path) -> int:
    size = path.stat().st_size
    count_chunks(size)
    return size


def _name_upload(path: Path, size: int) -> bytes:
    return hashlib.sha256(f"{path.resolve()}\n{size}".encode()).digest()


def _chunks(file: BinaryIO, key: bytes, size: int, first: int = 0) -> Iterator[bytes]:
    last = count_chunks(size) - 1
    file.seek(first * CHUNK)
    for index in range(first, last + 1):
        yield seal_chunk(key, index, index == last, file.read(CHUNK))


def _digest(path: Path, key: bytes, size: int) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in _chunks(file, key, size):
            digest.update(chunk)
    return digest.digest()


def _sealed_pieces(
    file: BinaryIO, key: bytes, size: int, received: int
) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, ciphertext) from `received` on, in pieces of about a megabyte."""
    first, skip = divmod(received, SEALED_CHUNK)
    if received >= sealed_size(size):
        return
    offset, piece = received, b""
    for chunk in _chunks(file, key, size, first):
        piece += chunk[skip:]
        skip = 0
        if len(piece) >= _PIECE:
            yield offset, piece
            offset, piece = offset + len(piece), b""
    if piece:
        yield offset, piece


def _read_chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(SEALED_CHUNK):
        yield chunk


def _for_owner(path: Path, flags: int) -> BinaryIO:
    """Open a file to write, made for its owner alone whatever the umask."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
    return os.fdopen(handle, "ab" if flags & os.O_APPEND else "wb")
