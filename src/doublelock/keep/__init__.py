"""Files at rest: sealed under a passphrase or key file, written atomically, mode 0600.

`StateFolder` is what a role uses; `atomic` and `sealing` are the two halves below it.
"""

from doublelock.keep.folder import StateFolder
from doublelock.keep.secrets import KeyFile, Passphrase, Unlocking, ask_passphrase, make_key_file

__all__ = [
    "KeyFile",
    "Passphrase",
    "StateFolder",
    "Unlocking",
    "ask_passphrase",
    "make_key_file",
]
