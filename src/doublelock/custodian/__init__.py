"""A custodian's release daemon: outbound only, over the shared holder."""

from doublelock.custodian.daemon import open_custodian

__all__ = ["open_custodian"]
