"""What a device's report means for the roll-out."""

from typing import Any

import pytest

from sightline.line.messages import ComponentBroken, DeploymentFailed, Health, Report, Telemetry
from sightline.rollout.findings import Compared, Failed, Proven, concerns, finding
from sightline.rollout.record import Rollout
from tests.rollouts import rollout


def health(version: str, thing: str = "line-1", reason: str = "") -> Health:
    return Health(thing, "", version, healthy=not reason, reason=reason)


def waiting(**changes: Any) -> Rollout:
    return rollout(**{"status": "WAITING"} | changes)


@pytest.mark.parametrize(
    ("report", "current", "expected"),
    [
        (health("1.0.1"), waiting(), True),
        (health("1.0.1"), waiting(status="HEALTHY"), True),
        (health("1.0.1"), waiting(status="ROLLED_BACK"), False),
        (health("1.0.2"), waiting(), False),
        (health("1.0.1", "line-9"), waiting(), False),
        (DeploymentFailed("line-1", "", "deployment-1", "no"), waiting(), True),
        (DeploymentFailed("line-1", "", "deployment-0", "no"), waiting(), False),
        (ComponentBroken("line-1", "", "broken"), waiting(), False),
        (ComponentBroken("line-1", "", "broken"), waiting(healthy={"line-1"}), True),
    ],
)
def test_a_report_concerns_only_its_roll_out(report: Report, current: Rollout, expected: bool) -> None:
    assert concerns(report, current) is expected


def test_a_report_proves_the_model_or_says_why_not() -> None:
    found = [health("1.0.1"), health("1.0.1", reason="no"), DeploymentFailed("line-1", "", "1", "no space")]
    assert [finding(report, waiting(), max_latency_ms=2000) for report in found] == [
        Proven("line-1"),
        Failed("line-1", "no"),
        Failed("line-1", "no space"),
    ]


def test_a_window_that_is_too_slow_is_a_failure_while_the_stage_bakes() -> None:
    slow = Telemetry("line-1", "", "", "1.0.1", images=40, disagreements=1, latency_ms=2001)
    reason = "too slow: 95 % of images took up to 2001 ms, allowed are 2000"
    assert finding(slow, waiting(status="BAKING"), max_latency_ms=2000) == Failed("line-1", reason)
    assert finding(slow, waiting(status="BAKING"), max_latency_ms=2001) == Compared("line-1", slow)
    assert finding(slow, waiting(), max_latency_ms=2000) == Compared("line-1", slow)
