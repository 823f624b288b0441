"""Safety codes: what two people compare out of band to know that no key was swapped (spec Y-11)."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from doublelock.protocol.codes import Code
from doublelock.protocol.encoding import tagged, u8, u32
from doublelock.protocol.errors import Malformed
from doublelock.protocol.identifiers import DeploymentId
from doublelock.protocol.keylog import AccountVersion

_TAG_ACCOUNT: Final = b"doublelock/v1/safety-code/account"
_TAG_PAIR: Final = b"doublelock/v1/safety-code/pair"
_GROUPS: Final = 12
_LINE: Final = re.compile(r"doublelock-safety:(01[0-9a-f]{128})")


@dataclass(frozen=True, slots=True)
class SafetyCode:
    """The code of two accounts: equal on both sides, changed by any device or lineage change.

    `digits` is 12 groups of 5 digits (199 bits) to read aloud; `qr` is 65 bytes to scan.
    """

    digits: str
    qr: bytes

    @property
    def line(self) -> str:
        """Return the text that a QR shows: scanners give bytes back in some charset or other."""
        return f"doublelock-safety:{self.qr.hex()}"


def make_safety_code(
    deployment: DeploymentId, one: AccountVersion, other: AccountVersion
) -> SafetyCode:
    """Return the safety code of two accounts as the key log lists them now; the order is free."""
    first, second = sorted(_digest(deployment, version) for version in (one, other))
    digest = hashlib.sha512(tagged(_TAG_PAIR, deployment, first, second)).digest()
    groups = (int.from_bytes(digest[5 * i : 5 * i + 5], "big") % 100_000 for i in range(_GROUPS))
    return SafetyCode(" ".join(f"{group:05d}" for group in groups), u8(1) + first + second)


def read_safety_line(text: str) -> bytes:
    """Return the 65 bytes of a scanned line, space around it allowed. Raises Malformed(form)."""
    found = _LINE.fullmatch(text.strip())
    if found is None:
        raise Malformed(Code.FORM, "not a safety code's line")
    return bytes.fromhex(found[1])


def _digest(deployment: DeploymentId, version: AccountVersion) -> bytes:
    return hashlib.sha256(
        tagged(_TAG_ACCOUNT, deployment, version.account, u32(version.lineage), *version.keys)
    ).digest()
