"""The rules, pure: no I/O, clock, randomness or logging; time and random bytes are arguments."""
