"""Notices: what a warrant opened of this account, told when its gag ended (spec R-16, R-25).

A notice counts only with a party's signature and a cosigned log line that commits to this account;
it is kept as it came, so that its person can show it to others.
"""

from typing import Final

from doublelock.client.core import Core
from doublelock.client.events import Notice, RefusedNotice
from doublelock.protocol.errors import Refusal
from doublelock.protocol.frames import Mail
from doublelock.protocol.notice import verify_notice

_PREFIX: Final = "notice/"


class Notices:
    """The notices of one account."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def take(self, mail: Mail) -> None:
        """Verify and keep a notice, or tell why it was refused; the caller flushes."""
        core = self._core
        try:
            notice = verify_notice(mail.payload, core.monitor.law, core.account, core.clock())
        except Refusal as refusal:
            core.tell(RefusedNotice(mail.time_ms, refusal))
            return
        name = f"{_PREFIX}{mail.sequence:020d}"
        core.write(lambda: core.vault.write_fact(name, mail.payload))
        core.tell(Notice(mail.time_ms, notice, mail.payload))

    def kept(self) -> list[bytes]:
        """Return every notice that held when it came, as signed, in the order of coming."""
        return self._core.vault.facts(_PREFIX)
