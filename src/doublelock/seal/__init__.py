"""HPKE sealing to a key named in a signed document, and nothing else."""

from doublelock.seal.hpke import OVERHEAD, SealKey, SealPublicKey

__all__ = ["OVERHEAD", "SealKey", "SealPublicKey"]
