"""Transparency logs: sequencer, tiles, witness client and a small witness."""
