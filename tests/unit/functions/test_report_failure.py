"""Failures are told whatever Step Functions says about them."""

from typing import Any

import pytest

from tests.fake_cloud import Cloud

EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:sightline-train-model:5d4c2a1e"


@pytest.mark.parametrize("error", [{"Error": "States.Timeout"}, {"Error": "States.Timeout", "Cause": None}])
def test_a_timeout_has_no_cause_and_is_told_all_the_same(step: Any, cloud: Cloud, error: dict[str, Any]) -> None:
    step("report_failure", error=error)
    message = cloud.mail()[0]
    assert (message["Subject"], message["Message"].splitlines()) == (
        "sightline-train-model failed: States.Timeout",
        [f"Execution: {EXECUTION}", "Error: States.Timeout", "Cause: no cause given"],
    )
