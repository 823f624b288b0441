"""Anyone's check: verify logs and evidence packages offline."""

from doublelock.audit.lines import describe_line
from doublelock.audit.mirror import copy_deployment
from doublelock.audit.verify import (
    VerifiedLogs,
    read_deployment,
    verify_evidence,
    verify_logs,
)

__all__ = [
    "VerifiedLogs",
    "copy_deployment",
    "describe_line",
    "read_deployment",
    "verify_evidence",
    "verify_logs",
]
