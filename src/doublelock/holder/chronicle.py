"""Puts a holder's looks into words, and each of them once: for its journal and its terminal."""

from collections.abc import Callable, Sequence

from doublelock.holder.ceremony import CeremonyFailed
from doublelock.holder.identity import HolderIdentity
from doublelock.holder.journal import Act, Journal, Kind
from doublelock.holder.serving import Answered
from doublelock.holder.status import keep_ready
from doublelock.holder.watch import Clock
from doublelock.keep import StateFolder
from doublelock.protocol.codes import ADVICE, Code
from doublelock.protocol.days import month_of
from doublelock.protocol.errors import Refusal


class Chronicle:
    """One run of a holder, told; `report` gets every act that goes into the journal."""

    def __init__(
        self, folder: StateFolder, me: HolderIdentity, clock: Clock, report: Callable[[Act], None]
    ) -> None:
        self._folder = folder
        self._journal = Journal(folder.path)
        self._clock = clock
        self._report = report
        self._trouble: Code | None = None
        self._ready: frozenset[int] | None = None
        self._failures = 0
        self._tell(Kind.BEGUN, f"{me.name} of committee {me.committee} begins its work")

    def tell_ceremonies(self, ready: frozenset[int], failures: Sequence[CeremonyFailed]) -> None:
        """Tell which months' keys became ready, and which ceremonies were left and why."""
        for month in sorted(ready - (self._ready or frozenset())):
            word = "is" if self._ready is None else "is now"
            words = f"the key of {month_of(month)} {word} in the law log, and its share is here"
            self._tell(Kind.CEREMONY, words)
        if ready != self._ready:
            keep_ready(self._folder, ready)
        self._ready = ready
        for failed in failures[self._failures :]:
            self._tell(Kind.CEREMONY, _describe_failure(failed), code=failed.code.value)
        self._failures = len(failures)

    def tell_acts(
        self, answers: Sequence[Answered], notices: int, destroyed: Sequence[int]
    ) -> None:
        """Tell what a look did."""
        for answer in answers:
            case = answer.warrant.hex()
            what = f"{answer.labels} labels under warrant {case[:16]}"
            if answer.refusal is None:
                self._tell(Kind.RELEASE, f"released {what}", case, answer.labels)
                continue
            detail = f" ({answer.detail})" if answer.detail else ""
            kind, verb = (Kind.WAITING, "waits with") if answer.waits else (Kind.REFUSAL, "refused")
            words = f"{verb} {what}: {answer.refusal.value}{detail}. {ADVICE[answer.refusal]}"
            self._tell(kind, words, case, answer.labels, answer.refusal.value)
        if notices:
            self._tell(Kind.NOTICE, f"told {notices} subjects of a warrant on them")
        for month in destroyed:
            words = f"the share of {month_of(month)} is destroyed: its retention is over"
            self._tell(Kind.DESTRUCTION, words)

    def tell_trouble(self, refusal: Refusal) -> None:
        """Tell what stopped a look, when it is not what stopped the last one."""
        if refusal.code is not self._trouble:
            self._tell(Kind.TROUBLE, str(refusal), code=refusal.code.value)
        self._trouble = refusal.code

    def tell_calm(self) -> None:
        """A look came through: it ends whatever trouble there was."""
        if self._trouble is not None:
            self._tell(Kind.TROUBLE, f"over: {self._trouble.value}")
            self._trouble = None

    def _tell(
        self, kind: Kind, words: str, warrant: str = "", labels: int = 0, code: str = ""
    ) -> None:
        act = Act(self._clock(), kind, words, warrant, labels, code)
        self._journal.add(act)
        self._report(act)


def _describe_failure(failed: CeremonyFailed) -> str:
    culprits = ", ".join(map(str, failed.culprits))
    named = f"; the evidence names custodian {culprits}" if culprits else ""
    month = month_of(failed.key_epoch)
    return f"left a ceremony for {month}: {failed.code.value}{named}. {ADVICE[failed.code]}"
