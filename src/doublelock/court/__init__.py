"""The court's release daemon: outbound only, over the shared holder."""

from doublelock.court.daemon import open_court

__all__ = ["open_court"]
