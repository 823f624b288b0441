"""Doublelock: end-to-end encrypted messaging with a disclosed judge-and-quorum contingency."""

__version__ = "0.1.0"
