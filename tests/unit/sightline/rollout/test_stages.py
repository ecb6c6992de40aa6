"""The thing groups of a stack, in the order in which they get a model."""

import pytest

from sightline.rollout.stages import Groups, Stage

FLEET = "arn:aws:iot:us-east-1:123456789012:thinggroup/sightline-fleet"
CANARY = "arn:aws:iot:us-east-1:123456789012:thinggroup/sightline-canary"


@pytest.mark.parametrize(
    ("outputs", "groups"),
    [
        ({"ThingGroupArn": FLEET}, [(Stage.FLEET, FLEET)]),
        ({"ThingGroupArn": FLEET, "CanaryThingGroupName": ""}, [(Stage.FLEET, FLEET)]),
        (
            {"ThingGroupArn": FLEET, "CanaryThingGroupName": "sightline-canary"},
            [(Stage.CANARY, CANARY), (Stage.FLEET, FLEET)],
        ),
    ],
)
def test_the_canary_group_comes_first_where_there_is_one(
    outputs: dict[str, str], groups: list[tuple[Stage, str]]
) -> None:
    assert list(Groups.from_outputs(outputs).by_stage().items()) == groups
