"""A founded deployment's charter verifies against its own id, and names everybody once."""

import os

import pytest

from doublelock.demo.founding import Plan, found
from doublelock.protocol.charter import Role, verify_genesis
from doublelock.protocol.errors import CharterRefused
from doublelock.protocol.identifiers import DeploymentId


def test_the_genesis_charter_holds_and_names_everybody() -> None:
    founded = found(Plan(now_ms=1_262_600_000_000, jurisdictions=("A", "B")), os.urandom)
    charter = verify_genesis(founded.charter, founded.deployment)
    roles = [party.role for party in charter.parties]
    assert roles.count(Role.CUSTODIAN) == 10
    assert roles.count(Role.COURT) == roles.count(Role.JUDGE) == 2
    assert [committee.number for committee in charter.terms.committees] == [1, 2]


def test_two_foundings_share_nothing() -> None:
    first, second = (found(Plan(), os.urandom) for _ in range(2))
    with pytest.raises(CharterRefused):
        verify_genesis(first.charter, DeploymentId(second.deployment))


def test_a_deployment_may_have_no_contingency() -> None:
    founded = found(Plan(escrow=False), os.urandom)
    charter = verify_genesis(founded.charter, founded.deployment)
    assert charter.terms.escrow == "none"
    assert not charter.terms.committees[0].requires_capsule
