"""The agency's desk: apply, inventory, open, evidence; and the minister's and judge's."""

from doublelock.agency.approvals import ApprovalDesk, Asked
from doublelock.agency.combining import Culprit
from doublelock.agency.desk import AgencyDesk, Application
from doublelock.agency.opening import Fault, Opening

__all__ = [
    "AgencyDesk",
    "Application",
    "ApprovalDesk",
    "Asked",
    "Culprit",
    "Fault",
    "Opening",
]
