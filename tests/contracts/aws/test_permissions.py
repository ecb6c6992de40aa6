"""The names of permissions that the local run and the tests of functions ask for are names that AWS has."""

import pytest
from botocore.loaders import Loader

from local.emulator.permissions import ASKED
from tests import authorization
from tests.rights import PREFIXES, RIGHTS

# The services that Sightline calls, by boto3's name: what each operation is asked for must exist.
SERVICES = {
    "cloudformation": "cloudformation",
    "codebuild": "codebuild",
    "cognito-idp": "cognito-idp",
    "events": "events",
    "greengrassv2": "greengrass",
    "iot": "iot",
    "iot-data": "iot",
    "kms": "kms",
    "logs": "logs",
    "sagemaker": "sagemaker",
    "scheduler": "scheduler",
    "sns": "sns",
    "sqs": "sqs",
    "stepfunctions": "states",
    "sts": "sts",
}
# Operations that are younger than cfn-lint's copy of the reference, or that nobody is asked a right for.
NOT_LISTED = {
    "cognito-idp:AdminDeleteSoftwareToken",
    "cognito-idp:CompleteWebAuthnRegistration",
    "cognito-idp:DeleteWebAuthnCredential",
    "cognito-idp:DescribeTermsByClient",
    "cognito-idp:GetClientToken",
    "cognito-idp:GetUserAuthFactors",
    "cognito-idp:ListWebAuthnCredentials",
    "cognito-idp:StartWebAuthnRegistration",
    "logs:GetLogObject",
    "sagemaker:AttachClusterNodeNetworkInterface",
    "sagemaker:BatchRebootClusterNodes",
    "sagemaker:BatchReplaceClusterNodes",
    "sagemaker:DescribeTrainingPlanExtensionHistory",
    "sagemaker:ExtendTrainingPlan",
}


@pytest.mark.parametrize("service", SERVICES)
def test_the_emulator_asks_only_for_permissions_that_aws_has(service: str) -> None:
    operations = Loader().load_service_model(service, "service-2")["operations"]
    asked = {f"{SERVICES[service]}:{operation}" for operation in operations}
    unknown = {action for action in asked - NOT_LISTED if not authorization.exists(ASKED.get(action, action))}
    assert unknown == set(), "say in local/emulator/permissions.py what AWS asks for instead"


def test_what_is_asked_for_instead_is_what_aws_has_and_the_operation_is_not() -> None:
    assert [action for action in ASKED.values() if not authorization.exists(action)] == []
    assert [action for action in ASKED if authorization.exists(action)] == []


def test_tests_of_functions_ask_for_permissions_that_aws_has() -> None:
    assert [right for rights in RIGHTS.values() for right in rights if not authorization.exists(right)] == []
    renamed = {action: (right,) for action, right in ASKED.items() if action in RIGHTS}
    assert {action: RIGHTS[action] for action in renamed} == renamed
    assert {prefix for prefix in PREFIXES.values() if prefix not in authorization.reference()} == set()
