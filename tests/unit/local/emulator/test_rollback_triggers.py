"""What alarms of a change set do to an update; tests/integration/test_pipeline_steps.py has it whole."""

import pytest

from local.emulator.rollback_triggers import broken, given

ONE, TWO = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:one", "arn:aws:cloudwatch:us-east-1:000000000000:alarm:two"
MEMBER = "RollbackConfiguration.RollbackTriggers.member"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"StackName": "x"}, None),  # the stack keeps those that it has
        ({"RollbackConfiguration.MonitoringTimeInMinutes": ["5"]}, None),
        ({"RollbackConfiguration.RollbackTriggers": [""]}, []),  # an empty list, as botocore sends it
        ({f"{MEMBER}.1.Arn": [ONE], f"{MEMBER}.1.Type": ["x"], f"{MEMBER}.2.Arn": TWO}, [ONE, TWO]),
    ],
)
def test_the_alarms_of_a_request(request_: dict[str, object], expected: list[str] | None) -> None:
    assert given(request_) == expected


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({ONE: "OK", TWO: "INSUFFICIENT_DATA"}, ""),
        ({ONE: "OK", TWO: "ALARM"}, f"Rollback trigger in ALARM state: {TWO}"),
        ({ONE: "ALARM"}, f"Rollback trigger not found: {TWO}"),
    ],
)
def test_an_alarm_that_is_on_or_not_there_rolls_back(states: dict[str, str], said: str) -> None:
    assert broken([ONE, TWO], states) == said
    assert broken([], states) == ""
