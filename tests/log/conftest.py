"""Fixtures of the log's tests."""

from loopback import serve

__all__ = ["serve"]
