"""Patterns of the template against the events that AWS documents: a field of another name never matches, and nobody
is told.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from sightline.images.events import ObjectEvent
from sightline.line.messages import ComponentBroken, DeploymentFailed, parse_reports
from tests.named import OWN
from tests.project import functions, resources, state_machines
from tests.resolved import Resolver

RESOLVER = Resolver()
S3_DETAIL = {
    "version": "0",
    "bucket": {"name": "images"},
    "object": {
        "key": "incoming/a.jpg",
        "size": 5,
        "etag": "b1946ac9",
        "version-id": "v1",
        "sequencer": "617f08299329d189",
    },
    "request-id": "N4N7GDK58NMKJ12R",
    "requester": "123456789012",
    "source-ip-address": "1.2.3.4",
    "reason": "PutObject",
}
# The details of documented events, by detail-type. Sources: S3 user guide, "EventBridge event message structure";
# Greengrass developer guide, "Get deployment and component health status notifications"; SageMaker developer guide,
# "Events that Amazon SageMaker AI sends to Amazon EventBridge"; CodeBuild user guide, "Build notifications input format
# reference"; CloudFormation user guide, "Managing events with CloudFormation and Amazon EventBridge"; Step Functions
# developer guide, "Automating Step Functions event delivery with EventBridge".
SAMPLES: dict[tuple[str, str], dict[str, Any]] = {
    ("aws.s3", "Object Created"): S3_DETAIL,
    ("aws.s3", "Object Deleted"): {
        **S3_DETAIL,
        "object": {"key": "incoming/a.jpg", "etag": "b1946ac9", "version-id": "v2", "sequencer": "617f08299329d18a"},
        "reason": "DeleteObject",
        "deletion-type": "Delete Marker Created",
    },
    ("aws.greengrass", "Greengrass V2 Effective Deployment Status Change"): {
        "deployment-id": "4f38f1a7-3dd0-42a1-af48-EXAMPLE09681",
        "coreDeviceExecutionStatus": "FAILED",
        "statusDetails": {"errorStack": ["DEPLOYMENT_FAILURE", "S3_ERROR"], "errorTypes": ["PERMISSION_ERROR"]},
        "reason": "S3_HEAD_OBJECT_ACCESS_DENIED",
    },
    ("aws.greengrass", "Greengrass V2 Installed Component Status Change"): {
        "components": [
            {
                "componentName": "com.sightline.plant.Model",
                "componentVersion": "1.0.0",
                "root": True,
                "lifecycleState": "BROKEN",
                "lifecycleStatusCodes": ["STARTUP_ERROR"],
                "lifecycleStateDetails": "The startup script exited with code 1.",
            }
        ]
    },
    ("aws.sagemaker", "SageMaker Model Package State Change"): {
        "ModelPackageName": "models/2",
        "ModelPackageGroupName": "models",
        "ModelPackageVersion": 2,
        "ModelPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/models/2",
        "CreationTime": 1622695255225,
        "InferenceSpecification": {},
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "ModelApprovalStatus": "Approved",
    },
    ("aws.codebuild", "CodeBuild Build State Change"): {
        "build-status": "SUCCEEDED",
        "project-name": "my-sample-project",
        "build-id": "arn:aws:codebuild:us-west-2:123456789012:build/my-sample-project:8745a7a9",
        "additional-information": {},
        "current-phase": "COMPLETED",
        "current-phase-context": "[]",
        "version": "1",
    },
    ("aws.states", "Step Functions Execution Status Change"): {
        "executionArn": "arn:aws:states:us-east-1:123456789012:execution:state-machine-name:execution-name",
        "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:state-machine",
        "name": "execution-name",
        "status": "TIMED_OUT",
        "startDate": 1551224926156,
        "stopDate": 1551224927157,
        "input": "{}",
        "inputDetails": {"included": True},
        "output": None,
        "outputDetails": None,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "REDRIVABLE",
        "redriveStatusReason": None,
        "error": None,
        "cause": None,
    },
    ("aws.cloudformation", "CloudFormation Stack Status Change"): {
        "stack-id": "arn:aws:cloudformation:us-west-1:111122223333:stack/teststack/0a",
        "status-details": {"status": "CREATE_COMPLETE", "status-reason": ""},
        "client-request-token": "0a",
    },
}


def event(source: str, kind: str) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "cd4d811e-ab12-322b-8255-EXAMPLEb1bc8",
        "detail-type": kind,
        "source": source,
        "account": "123456789012",
        "region": "us-east-1",
        "time": "2026-11-20T09:30:00Z",
        "resources": ["arn:aws:greengrass:us-east-1:123456789012:coreDevices:line-1"],
        "detail": SAMPLES[source, kind],
    }


def patterns() -> dict[str, dict[str, Any]]:
    """Every pattern of the template by the name of what has it."""
    found = {name: rule["Properties"]["EventPattern"] for name, rule in resources("AWS::Events::Rule").items()}
    for owner, properties in {**functions(), **state_machines()}.items():
        for name, entry in properties.get("Events", {}).items():
            if entry["Type"] == "EventBridgeRule":
                found[f"{owner}-{name}"] = entry["Properties"]["Pattern"]
    return {name: RESOLVER.value(pattern) for name, pattern in found.items()}


def leaves(pattern: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    for key, entry in pattern.items():
        if isinstance(entry, dict):
            yield from leaves(entry, (*path, key))
        else:
            yield (*path, key), entry


def has(detail: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(detail, dict) or key not in detail:
            return False
        detail = detail[key]
    return not isinstance(detail, dict)


@pytest.mark.parametrize("name", sorted(patterns()))
def test_a_pattern_asks_only_for_fields_that_the_event_has(name: str) -> None:
    """One that may be missing has `exists: false` beside its values."""
    pattern = patterns()[name]
    kinds = [(source, kind) for source in pattern["source"] for kind in pattern["detail-type"]]
    assert [kind for kind in kinds if kind not in SAMPLES] == [], "add the documented sample of this event"
    unknown = {
        path
        for kind in kinds
        for path, values in leaves(pattern.get("detail", {}))
        if not has(SAMPLES[kind], path) and {"exists": False} not in values
    }
    assert unknown == set()


def test_uploads_are_read_from_documented_events() -> None:
    for kind in ("Object Created", "Object Deleted"):
        assert ObjectEvent.from_event(event("aws.s3", kind)) == ObjectEvent("images", "incoming/a.jpg")


@pytest.mark.parametrize("field", ["deployment-id", "deploymentId"])
def test_a_failed_deployment_is_read_by_either_name_of_its_id(field: str) -> None:
    """The guide writes `deployment-id`, the API `deploymentId`."""
    given = event("aws.greengrass", "Greengrass V2 Effective Deployment Status Change")
    number = given["detail"]["deployment-id"]
    rest = {key: value for key, value in given["detail"].items() if key != "deployment-id"}
    [report] = parse_reports({**given, "detail": {**rest, field: number}}, OWN)
    assert report == DeploymentFailed(
        "line-1", given["time"], number, "deployment failed: S3_HEAD_OBJECT_ACCESS_DENIED"
    )


def test_a_broken_component_is_read_from_the_documented_event() -> None:
    given = event("aws.greengrass", "Greengrass V2 Installed Component Status Change")
    reason = "com.sightline.plant.Model broken: The startup script exited with code 1."
    assert parse_reports(given, OWN) == [ComponentBroken("line-1", given["time"], reason)]
