"""The rules, pure: no I/O, no clock, no randomness, no logging; time and random bytes are arguments."""
