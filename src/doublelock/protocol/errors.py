"""The one tree of errors. Every refusal has a code that wire, Python and TypeScript share.

::

    DoublelockError
    └── Refusal                  something was refused, by name
        ├── Malformed            bytes that no rule of ours accepts (size, form, canonicity)
        ├── EnvelopeRefused      a message that the receive rule refuses (spec G, W)
        ├── GroupRefused         a change of a group that its rules refuse (spec G)
        ├── KeyLogRefused        a device, account or key-log entry without proof (spec L)
        ├── LogRefused           a checkpoint, cosignature or proof that does not hold (spec L)
        ├── CeremonyRefused      a DKG, refresh or resharing step (spec E); names the culprit
        ├── CharterRefused       a charter, amendment or key epoch (spec E, R)
        ├── WarrantRefused       a warrant document, its signatures or its state (spec R)
        ├── ReleaseRefused       key material that `release` does not permit (spec R)
        ├── EvidenceRefused      an evidence package that does not verify (spec R)
        ├── VaultRefused         local state: wrong passphrase, tampered or rolled back
        └── WireRefused          a request that the server refuses (limits, rates, rights)
"""

from doublelock.protocol.codes import ADVICE, Code


class DoublelockError(Exception):
    """Root of every error that Doublelock raises on purpose."""


class Refusal(DoublelockError):  # noqa: N818 - "refusal" is the design's word
    """A named refusal: `code` is for machines, `str()` tells a person what to do.

    `detail` must never hold a secret: it may reach a log line or the wire.
    """

    def __init__(self, code: Code, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(code, detail)

    def __str__(self) -> str:
        """Return the code, the detail if any, and what to do."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.code.value}{detail}: {ADVICE[self.code]}"


class Malformed(Refusal):
    """Bytes that no rule accepts: wrong size, form or a non-canonical encoding."""


class EnvelopeRefused(Refusal):
    """A message that the receive rule refuses."""


class GroupRefused(Refusal):
    """A change of a group that its rules refuse."""


class KeyLogRefused(Refusal):
    """An account, device or key-log entry without proof."""


class LogRefused(Refusal):
    """A note, checkpoint, cosignature, tile or proof that does not hold."""


class CeremonyRefused(Refusal):
    """A step of a key ceremony that does not hold.

    `culprits` are the participant indices (1-based) that the evidence names.
    """

    def __init__(self, code: Code, detail: str = "", culprits: tuple[int, ...] = ()) -> None:
        self.culprits = culprits
        super().__init__(code, detail)


class CharterRefused(Refusal):
    """A charter, an amendment or a key epoch that does not hold."""


class WarrantRefused(Refusal):
    """A warrant document, its signatures or its state."""


class ReleaseRefused(Refusal):
    """Key material that the release rule does not permit, or that a holder made wrongly.

    `culprits` are the holders' indices that the evidence names: custodians from 1, the court 0.
    """

    def __init__(self, code: Code, detail: str = "", culprits: tuple[int, ...] = ()) -> None:
        self.culprits = culprits
        super().__init__(code, detail)


class EvidenceRefused(Refusal):
    """An evidence package that does not verify."""


class VaultRefused(Refusal):
    """Local state that cannot be opened or was changed from outside."""


class WireRefused(Refusal):
    """A request that the server refuses."""


def refused_by_server(code: str, detail: str) -> WireRefused:
    """Return the server's refusal; a code that we do not know is named as such."""
    try:
        return WireRefused(Code(code), detail)
    except ValueError:
        return WireRefused(Code.SERVER_ANSWER, detail)


def name_fault(problem: Exception) -> WireRefused:
    """Name what nobody expected by its kind alone: its words may hold a secret."""
    return WireRefused(Code.DEFECT, type(problem).__name__)
