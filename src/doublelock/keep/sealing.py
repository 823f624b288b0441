"""The bytes of sealed files. Two forms, both under `dlkeep`, a version byte and a form byte:

- forms 1 and 2, the folder's key: salt 16 ‖ u32 memory (KiB) ‖ u32 passes ‖ u8 lanes ‖ sealed key
  (1, a passphrase through Argon2id), or salt 32 ‖ sealed key (2, a key file);
- form 3, everything else: salt 32 ‖ sealed content, under the folder's key.

Every write draws a new salt, and HKDF-SHA256 gives each (salt, purpose) an AES-256-GCM key and
nonce of its own: no nonce can repeat under a key however many files there are.
"""

import secrets

from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from doublelock.keep.secrets import KeyFile, Unlocking
from doublelock.protocol import limits
from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import Reader, tagged, u8, u32
from doublelock.protocol.errors import Malformed, VaultRefused

MAGIC = b"dlkeep\x01"
_UNDER_PASSPHRASE, _UNDER_KEY_FILE, _UNDER_FOLDER = 1, 2, 3
_KEY, _NONCE, _TAG, _SALT, _ARGON_SALT = 32, 12, 16, 32, 16


def seal(key: bytes, purpose: str, content: bytes) -> bytes:
    """Return content sealed under a 32-byte key for one purpose: 56 bytes longer."""
    salt = secrets.token_bytes(_SALT)
    head = MAGIC + u8(_UNDER_FOLDER)
    return head + salt + _encrypt(key, salt, head, purpose, content)


def unseal(key: bytes, purpose: str, data: bytes) -> bytes:
    """Return the content of `seal`.

    Raises VaultRefused: VAULT_DAMAGED (empty, cut, changed, another purpose or another key).
    """
    head = MAGIC + u8(_UNDER_FOLDER)
    if len(data) < len(head) + _SALT + _TAG or not data.startswith(head):
        raise VaultRefused(Code.VAULT_DAMAGED, f"{purpose} is no whole sealed file")
    at = len(head) + _SALT
    content = _decrypt(key, data[len(head) : at], head, purpose, data[at:])
    if content is None:
        raise VaultRefused(Code.VAULT_DAMAGED, f"{purpose} does not verify")
    return content


def wrap_key(unlocking: Unlocking, key: bytes) -> bytes:
    """Return a folder's 32-byte key sealed under what unlocks it."""
    if isinstance(unlocking, KeyFile):
        head = MAGIC + u8(_UNDER_KEY_FILE)
        salt = secrets.token_bytes(_SALT)
        return head + salt + _encrypt(unlocking.read(), salt, head, "folder key", key)
    head = (
        MAGIC
        + u8(_UNDER_PASSPHRASE)
        + secrets.token_bytes(_ARGON_SALT)
        + u32(limits.ARGON2_MEMORY_KIB)
        + u32(limits.ARGON2_PASSES)
        + u8(limits.ARGON2_LANES)
    )
    salt, outer = _stretch(unlocking.text, head)
    return head + _encrypt(outer, salt, head, "folder key", key)


def unwrap_key(unlocking: Unlocking, data: bytes) -> bytes:
    """Return a folder's 32-byte key.

    Raises VaultRefused: VAULT_WRONG_KEY (another passphrase or key file), VAULT_DAMAGED (form,
    version or Argon2 parameters that no version of ours writes).
    """
    try:
        reader = Reader(data)
        if reader.take(len(MAGIC)) != MAGIC:
            raise VaultRefused(Code.VAULT_DAMAGED, "the folder's key is of no known version")
        form = reader.u8()
        if form == _UNDER_KEY_FILE:
            if not isinstance(unlocking, KeyFile):
                raise VaultRefused(Code.VAULT_WRONG_KEY, "this folder opens with a key file")
            head = data[: len(MAGIC) + 1]
            salt, outer = reader.take(_SALT), unlocking.read()
        elif form == _UNDER_PASSPHRASE:
            if isinstance(unlocking, KeyFile):
                raise VaultRefused(Code.VAULT_WRONG_KEY, "this folder opens with a passphrase")
            reader.take(_ARGON_SALT + 4 + 4 + 1)
            head = data[: len(MAGIC) + 1 + _ARGON_SALT + 9]
            salt, outer = _stretch(unlocking.text, head)
        else:
            raise VaultRefused(Code.VAULT_DAMAGED, "the folder's key is of no known form")
        key = _decrypt(outer, salt, head, "folder key", reader.rest())
    except Malformed:
        raise VaultRefused(Code.VAULT_DAMAGED, "the folder's key is cut short") from None
    if key is None or len(key) != _KEY:
        raise VaultRefused(Code.VAULT_WRONG_KEY, "wrong passphrase or key file")
    return key


def derive(key: bytes, purpose: str) -> bytes:
    """Return a 32-byte key of its own for a purpose, from a folder's key."""
    return HKDF(
        SHA256(), _KEY, None, tagged(b"doublelock/v1/keep/derived", purpose.encode())
    ).derive(key)


def _stretch(passphrase: str, head: bytes) -> tuple[bytes, bytes]:
    """Return (salt, key) for the head of form 1; its parameters come from disk and are bounded."""
    reader = Reader(head[len(MAGIC) + 1 :])
    salt = reader.take(_ARGON_SALT)
    memory, passes, lanes = reader.u32(), reader.u32(), reader.u8()
    if (
        not 8 * 1024 <= memory <= limits.ARGON2_MEMORY_KIB_MAX
        or not 1 <= passes <= limits.ARGON2_PASSES_MAX
        or not 1 <= lanes <= limits.ARGON2_LANES_MAX
    ):
        raise VaultRefused(Code.VAULT_DAMAGED, "Argon2 parameters out of range")
    try:
        key = hash_secret_raw(passphrase.encode(), salt, passes, memory, lanes, _KEY, Type.ID)
    except HashingError:
        raise VaultRefused(Code.VAULT_DAMAGED, "too little memory for Argon2") from None
    return salt, key


def _cipher(key: bytes, salt: bytes, purpose: str) -> tuple[AESGCM, bytes]:
    info = tagged(b"doublelock/v1/keep/file", purpose.encode())
    both = HKDF(SHA256(), _KEY + _NONCE, salt, info).derive(key)
    return AESGCM(both[:_KEY]), both[_KEY:]


def _aad(head: bytes, purpose: str) -> bytes:
    return tagged(b"doublelock/v1/keep", head, purpose.encode())


def _encrypt(key: bytes, salt: bytes, head: bytes, purpose: str, content: bytes) -> bytes:
    cipher, nonce = _cipher(key, salt, purpose)
    return cipher.encrypt(nonce, content, _aad(head, purpose))


def _decrypt(key: bytes, salt: bytes, head: bytes, purpose: str, sealed: bytes) -> bytes | None:
    cipher, nonce = _cipher(key, salt, purpose)
    try:
        return cipher.decrypt(nonce, sealed, _aad(head, purpose))
    except InvalidTag:
        return None
