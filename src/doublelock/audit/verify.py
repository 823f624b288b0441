"""Verify an evidence package or a deployment's mirrored logs, offline, trusting nobody.

All that is trusted is the deployment id; everything else proves itself, or is refused by name.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from doublelock.audit.mirror import MirroredLogs, read_mirror
from doublelock.keep.package import FolderFiles, open_package
from doublelock.protocol import package
from doublelock.protocol.charter import charter_at
from doublelock.protocol.charter_terms import WarrantKind
from doublelock.protocol.codes import Code
from doublelock.protocol.documents import encode
from doublelock.protocol.errors import EvidenceRefused, LogRefused
from doublelock.protocol.evidence import ProvenKeyLog, prove_key_log
from doublelock.protocol.identifiers import DEPLOYMENT_SIZE, DeploymentId
from doublelock.protocol.lawstate import LawState
from doublelock.protocol.package import VerifiedPackage
from doublelock.protocol.release import LawProof, prove_law
from doublelock.protocol.report import readable_line, render_report
from doublelock.protocol.statistics import Counts

_REPORT_MAX = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class VerifiedLogs:
    """Both logs of a deployment, replayed from their first entry; `checks` says what was."""

    law: LawProof
    keys: ProvenKeyLog
    checks: tuple[str, ...]


def verify_evidence(
    path: Path, deployment: DeploymentId, mirror: Path | None = None
) -> VerifiedPackage:
    """Return the verified package in a folder or zip (spec R-27, R-29, R-38, R-39).

    The readable page and lines are made again and compared, so that they say what the evidence
    says. With a `mirror` (`copy_deployment`), the package's logs must be that one's too: a log
    forked under the keys of operator and witnesses holds together by itself, but not beside a
    copy from elsewhere. Raises EvidenceRefused by the name of the rule that broke, log-fork.
    """
    files = open_package(path)
    verified = package.verify_package(files, deployment)
    content = verified.content
    again = {
        package.REPORT: render_report(content),
        package.READABLE: package.write_lines(
            readable_line(content, one) for one in content.messages
        ),
        package.CUSTODY: package.write_lines(map(encode, verified.manifest.manifest.custody)),
    }
    for name, expected in again.items():
        if files.read(name, _REPORT_MAX) != expected:
            raise EvidenceRefused(Code.EVIDENCE_MANIFEST, f"{name} is not the evidence's")
    if mirror is not None:
        _compare_logs(files, mirror)
    return verified


def _compare_logs(files: package.Files, mirror: Path) -> None:
    """The shorter of two copies of a log must be the beginning of the longer."""
    other = FolderFiles(mirror)
    for name in (package.LAW_LOG, package.KEY_LOG):
        here, there = package.read_entries(files, name), package.read_entries(other, name)
        both = min(len(here), len(there))
        if here[:both] != there[:both]:
            raise EvidenceRefused(Code.LOG_FORK, f"{name} is not the mirror's")


def verify_logs(path: Path, deployment: DeploymentId) -> VerifiedLogs:
    """Return both logs of a mirror (`mirror.copy_deployment`), replayed and proved.

    Raises LogRefused, CharterRefused, EvidenceRefused, ReleaseRefused(CHECKPOINT_FOREIGN).
    """
    found: MirroredLogs = read_mirror(path, deployment)
    documents = {hashlib.sha256(one).digest(): one for one in found.amendments}
    state = LawState.begin(found.genesis)
    for index, line in enumerate(found.law.entries):
        state = state.apply(index, line, documents)
    law = prove_law(charter_at(state.charters, state.time_ms), state, found.law.note)
    keys = prove_key_log(state, found.keys.entries, found.keys.note)
    counts = Counts(found.genesis, found.law.entries, documents)
    stated = counts.check()
    for one in stated:
        if not one.holds:
            raise LogRefused(Code.ENTRY_VOID, f"statistics of line {one.index} are not the log's")
    checks = (
        f"The charter is that of deployment {deployment.hex()}.",
        f"The law log: {state.size} lines, those of a checkpoint cosigned by "
        f"{len(law.checkpoint.cosignatures)} witnesses; {state.void} lines are void.",
        f"{len(state.charters) - 1} amendments; {len(state.epochs)} key epochs, each signed by "
        "all its custodians and the court.",
        f"What the law did: {'; '.join(_describe_tallies(state)) or 'nothing'}.",
        f"{_count_metadata(state)} of these requests gave metadata, the others keys.",
        f"{len(stated)} statistics of the operator say what the log says.",
        f"The key log: {keys.key_log.size} entries of {len(keys.key_log.accounts())} accounts, "
        "those of a cosigned checkpoint.",
    )
    return VerifiedLogs(law, keys, checks)


def _count_metadata(state: LawState) -> int:
    """Count the requests by which metadata was given: their warrant's kind says so (R-36)."""
    return sum(
        state.warrants[request.warrant].kind is WarrantKind.METADATA
        for request in state.requests.values()
        if not request.over_cap
    )


def _describe_tallies(state: LawState) -> list[str]:
    return [
        f"committee {number}: {tally.filed} warrants filed, {tally.approved} approved, "
        f"{tally.refused} refused, {tally.cancelled} cancelled, {tally.requests} requests, "
        f"{tally.labels} labels, {tally.accounts} accounts, {tally.releases} releases, "
        f"{tally.notices} notices"
        for number, tally in sorted(state.tallies.items())
    ]


def read_deployment(text: str) -> DeploymentId:
    """Return the deployment id of 64 hexadecimal digits. Raises EvidenceRefused(FORM)."""
    try:
        data = bytes.fromhex(text.strip())
    except ValueError:
        data = b""
    if len(data) != DEPLOYMENT_SIZE:
        raise EvidenceRefused(Code.FORM, "a deployment id has 64 hexadecimal digits")
    return DeploymentId(data)
