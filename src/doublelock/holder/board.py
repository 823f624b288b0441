"""What one ceremony has brought so far, by step and author; nothing on it is believed unsigned."""

from collections.abc import Sequence

from doublelock.protocol.api import CeremonyMessages
from doublelock.protocol.ceremony import CeremonyName, Round, accept_round, decode_message
from doublelock.protocol.ceremony_steps import Step
from doublelock.protocol.codes import Code
from doublelock.protocol.ed25519 import VerifyKey
from doublelock.protocol.errors import CeremonyRefused, Malformed
from doublelock.transport.http import HttpClient


class Board:
    """The messages of one ceremony, the first of each author and step."""

    def __init__(self) -> None:
        self._messages: dict[tuple[int, bytes], bytes] = {}
        self._after = 0

    def find(self, step: Step, author: bytes) -> bytes | None:
        """Return an author's message of a step, if it came."""
        return self._messages.get((step, author))

    def has(self, step: Step, author: bytes) -> bool:
        """Say whether an author's message of a step came."""
        return (step, author) in self._messages

    def add(self, step: Step, author: bytes, message: bytes) -> None:
        """Put down a message that was just posted."""
        self._messages.setdefault((step, author), message)

    def round(
        self,
        name: CeremonyName,
        step: Step,
        number: Round,
        identities: Sequence[VerifyKey],
        senders: Sequence[int] | None = None,
    ) -> tuple[bytes, ...] | None:
        """Return one payload of each sender (all unless named) in order; None while some lack.

        Raises CeremonyRefused for a message of another ceremony, round or author.
        """
        wanted = range(1, len(identities) + 1) if senders is None else senders
        found = [self.find(step, identities[sender - 1].encoded) for sender in wanted]
        whole = [data for data in found if data is not None]
        if len(whole) != len(found):
            return None
        try:
            messages = [decode_message(data) for data in whole]
        except Malformed:
            raise CeremonyRefused(Code.FORM, f"message of {step.name.lower()}") from None
        return accept_round(name, number, messages, identities, list(wanted))

    async def read(self, http: HttpClient, ceremony: bytes) -> None:
        """Take in what the server shows since the last time. Raises WireRefused, Malformed."""
        while True:
            page = await http.ask(
                "GET",
                f"/v1/ceremonies/{ceremony.hex()}/messages",
                None,
                CeremonyMessages,
                parameters={"after": self._after},
            )
            for message in page.messages:
                if message.number <= self._after:
                    raise Malformed(Code.FORM, "a ceremony's messages run backwards")
                if message.round in tuple(Step):
                    self.add(Step(message.round), message.author, message.message)
                self._after = message.number
            if not page.messages:
                return
