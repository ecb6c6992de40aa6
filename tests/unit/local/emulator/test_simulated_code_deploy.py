"""CodeDeploy from a template: what CloudFormation hands on is what CodeDeploy takes."""

import pytest

from local.emulator.aws_shapes import AwsError, check_request
from local.emulator.simulated_code_deploy import group_request

PROPERTIES = {
    "ApplicationName": "sightline-codedeploy",
    "AutoRollbackConfiguration": {"Enabled": "true", "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]},
    "AlarmConfiguration": {"Enabled": True, "Alarms": [{"Name": "predict-failed"}]},
    "DeploymentConfigName": "CodeDeployDefault.LambdaCanary10Percent5Minutes",
    "DeploymentStyle": {"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"},
    "ServiceRoleArn": "arn:aws:iam::000000000000:role/code-deploy",
}


def test_a_group_of_the_template_is_one_that_codedeploy_takes() -> None:
    request = group_request(PROPERTIES, "sightline", "PredictDeploymentGroup")
    assert request["deploymentGroupName"] == "sightline-PredictDeploymentGroup"
    assert request["autoRollbackConfiguration"]["enabled"] is True
    assert request["alarmConfiguration"] == {"enabled": True, "alarms": [{"name": "predict-failed"}]}
    check_request("codedeploy", "CreateDeploymentGroup", request)


@pytest.mark.parametrize(
    ("property_", "value"),
    [
        ("ServiceRoleArn", None),
        ("DeploymentStyle", {"DeploymentType": "CANARY"}),
        ("DeploymentGroupName", "a" * 101),
        ("AutoRollbackConfiguration", {"Enabled": True, "Events": ["DEPLOYMENT_SLOW"]}),
    ],
)
def test_another_is_refused(property_: str, value: object) -> None:
    changed = {key: one for key, one in (PROPERTIES | {property_: value}).items() if one is not None}
    with pytest.raises(AwsError):
        check_request("codedeploy", "CreateDeploymentGroup", group_request(changed, "sightline", "Group"))
