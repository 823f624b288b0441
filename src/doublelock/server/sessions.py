"""Challenges and tokens, in memory only (spec W-20, W-21)."""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from doublelock.protocol.codes import Code
from doublelock.protocol.errors import Refusal, WireRefused
from doublelock.protocol.identifiers import DeploymentId, DeviceId
from doublelock.protocol.session import (
    CHALLENGE_SIZE,
    TOKEN_SIZE,
    DeviceSubject,
    Subject,
    verify_session,
)
from doublelock.server.config import Bounds, Clock

KeyOf = Callable[[Subject], bytes]
"""Returns the Ed25519 key (32 bytes) that the key log or charter gives a subject, or raises."""


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A token just given out; the server keeps only its hash."""

    token: bytes
    expires_ms: int


class Sessions:
    """Who is signed in. A restart signs everybody out: they sign again with their keys."""

    def __init__(
        self, deployment: DeploymentId, key_of: KeyOf, clock: Clock, bounds: Bounds
    ) -> None:
        self._deployment = deployment
        self._key_of = key_of
        self._clock = clock
        self._bounds = bounds
        self._challenges: OrderedDict[bytes, tuple[Subject, int]] = OrderedDict()
        self._tokens: OrderedDict[bytes, tuple[Subject, int]] = OrderedDict()

    def challenge(self, subject: Subject) -> tuple[bytes, int]:
        """Return 32 random bytes for a subject to sign, and until when; known or not."""
        challenge = secrets.token_bytes(CHALLENGE_SIZE)
        expires_ms = self._clock() + self._bounds.challenge_ms
        self._challenges[challenge] = (subject, expires_ms)
        while len(self._challenges) > self._bounds.sessions:
            self._challenges.popitem(last=False)
        return challenge, expires_ms

    def open(self, subject: Subject, challenge: bytes, signature: bytes) -> OpenedSession:
        """Return a session for a signed challenge.

        Raises WireRefused: challenge-spent, or no-session when the signature or subject fails.
        """
        known = self._challenges.pop(challenge, None)
        now = self._clock()
        if known is None or known[0] != subject or known[1] < now:
            raise WireRefused(Code.CHALLENGE_SPENT)
        try:
            key = self._key_of(subject)
            verify_session(self._deployment, challenge, subject, known[1], key, signature)
        except Refusal as refusal:
            raise WireRefused(Code.NO_SESSION, refusal.code.value) from refusal
        token = secrets.token_bytes(TOKEN_SIZE)
        expires_ms = now + self._bounds.session_ms
        self._tokens[_name(token)] = (subject, expires_ms)
        while len(self._tokens) > self._bounds.sessions:
            self._tokens.popitem(last=False)
        return OpenedSession(token, expires_ms)

    def subject(self, token: bytes) -> Subject:
        """Return who holds a token. Raises WireRefused(no-session)."""
        # Looked up by hash, so that comparing takes no time that depends on the token.
        found = self._tokens.get(_name(token))
        if found is None or found[1] < self._clock():
            raise WireRefused(Code.NO_SESSION)
        return found[0]

    def close(self, token: bytes) -> None:
        """Forget a token."""
        self._tokens.pop(_name(token), None)

    def drop_device(self, device: DeviceId) -> None:
        """Forget every token of a device that the key log no longer lists."""
        gone = [
            name
            for name, (subject, _) in self._tokens.items()
            if isinstance(subject, DeviceSubject) and subject.device == device
        ]
        for name in gone:
            del self._tokens[name]

    def sweep(self) -> None:
        """Forget what has expired."""
        now = self._clock()
        for held in (self._challenges, self._tokens):
            for name in [name for name, (_, end) in held.items() if end < now]:
                del held[name]


def _name(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
