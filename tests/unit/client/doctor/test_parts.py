"""The status of a stack, as CloudFormation tells of it."""

import pytest

from client.doctor import parts
from client.doctor.deployed import Deployed
from client.doctor.findings import Verdict
from client.target import Outputs, Place


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("CREATE_COMPLETE", Verdict.OK),
        ("UPDATE_COMPLETE", Verdict.OK),
        ("UPDATE_IN_PROGRESS", Verdict.NOTE),
        # An update that an alarm took back left a whole stack, and deploying the release it runs changes nothing.
        ("UPDATE_ROLLBACK_COMPLETE", Verdict.NOTE),
        ("ROLLBACK_COMPLETE", Verdict.WRONG),
        ("UPDATE_ROLLBACK_FAILED", Verdict.WRONG),
        ("DELETE_FAILED", Verdict.WRONG),
    ],
)
def test_a_stack_that_is_not_whole_is_wrong(status: str, verdict: Verdict) -> None:
    stack = Deployed(Place("sightline", None), "sightline", "", status, "", {}, Outputs("sightline", {}))
    [found] = parts.status(stack)
    assert (found.verdict, status in found.text) == (verdict, True)
