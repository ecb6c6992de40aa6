"""The model registry: versions, approval, its events, and lists."""

from typing import Any

import pytest

from local.emulator.aws_shapes import AwsError
from local.emulator.sagemaker import registry
from local.emulator.sagemaker.api import arn


@pytest.fixture
def packages(call: Any) -> list[str]:
    """The ARNs of three packages of the group `models`."""
    call("CreateModelPackageGroup", ModelPackageGroupName="models")
    return [call("CreateModelPackage", ModelPackageGroupName="models")["ModelPackageArn"] for _ in range(3)]


def listed(call: Any, **request: Any) -> list[int]:
    answer = call("ListModelPackages", ModelPackageGroupName="models", **request)
    return [entry["ModelPackageVersion"] for entry in answer["ModelPackageSummaryList"]]


def test_packages_are_numbered_within_their_group(packages: list[str]) -> None:
    assert packages == [arn("model-package", f"models/{version}") for version in (1, 2, 3)]


def test_the_same_client_token_gives_the_same_package(call: Any, packages: list[str]) -> None:
    twice = [call("CreateModelPackage", ModelPackageGroupName="models", ClientToken="once") for _ in range(2)]
    assert twice == [{"ModelPackageArn": arn("model-package", "models/4")}] * 2


def test_lists_are_ascending_unless_asked_otherwise_and_come_in_pages(call: Any, packages: list[str]) -> None:
    assert listed(call) == [1, 2, 3]
    assert listed(call, SortBy="CreationTime", SortOrder="Descending", MaxResults=1) == [3]
    first = call("ListModelPackages", ModelPackageGroupName="models", MaxResults=2)
    assert listed(call, MaxResults=2, NextToken=first["NextToken"]) == [3]


def test_lists_can_be_of_one_approval_status(call: Any, packages: list[str]) -> None:
    call("UpdateModelPackage", ModelPackageArn=packages[1], ModelApprovalStatus="Approved")
    assert listed(call, ModelApprovalStatus="Approved") == [2]
    assert listed(call, ModelApprovalStatus="PendingManualApproval") == [1, 3]


def test_each_creation_and_each_update_is_told_with_what_changed(call: Any, events: Any) -> None:
    call("CreateModelPackageGroup", ModelPackageGroupName="models")
    properties = {"training_job": "job"}
    package = call("CreateModelPackage", ModelPackageGroupName="models", CustomerMetadataProperties=properties)
    changes: list[dict[str, Any]] = [
        {"ModelApprovalStatus": "Approved"},
        {"CustomerMetadataProperties": {"stage": "canary"}},
    ]
    for change in changes:
        call("UpdateModelPackage", **package, **change)
    assert {kind for kind, _ in events} == {"SageMaker Model Package State Change"}
    fields = ("ModelApprovalStatus", "UpdatedModelPackageFields", "CustomerMetadataProperties")
    assert [[detail.get(field) for field in fields] for _, detail in events] == [
        ["PendingManualApproval", None, {"training_job": "job"}],
        ["Approved", ["ModelApprovalStatus"], {"training_job": "job"}],
        ["Approved", ["CustomerMetadataProperties"], {"training_job": "job", "stage": "canary"}],
    ]


def test_a_property_can_be_removed(call: Any) -> None:
    call("CreateModelPackageGroup", ModelPackageGroupName="models")
    properties = {"a": "1", "b": "2"}
    package = call("CreateModelPackage", ModelPackageGroupName="models", CustomerMetadataProperties=properties)
    call("UpdateModelPackage", **package, CustomerMetadataPropertiesToRemove=["a"])
    described = call("DescribeModelPackage", ModelPackageName=package["ModelPackageArn"])
    assert described["CustomerMetadataProperties"] == {"b": "2"}


@pytest.mark.parametrize(
    ("name", "request_", "code"),
    [
        ("CreateModelPackageGroup", {"ModelPackageGroupName": "models"}, "ValidationException"),
        ("CreateModelPackage", {"ModelPackageGroupName": "others"}, "ValidationException"),
        ("DescribeModelPackage", {"ModelPackageName": arn("model-package", "models/9")}, "ValidationException"),
        ("DeleteModelPackageGroup", {"ModelPackageGroupName": "models"}, "ConflictException"),
    ],
)
def test_what_cannot_be_done_is_refused(
    call: Any, packages: list[str], name: str, request_: dict[str, Any], code: str
) -> None:
    with pytest.raises(AwsError) as caught:
        call(name, **request_)
    assert caught.value.code == code


def test_cloudformation_makes_a_group_and_deletes_it_when_it_is_empty(call: Any) -> None:
    resource: dict[str, Any] = dict(registry.GROUP_RESOURCE)
    create, delete = resource["create"], resource["delete"]
    physical, attributes = create("Models", {"ModelPackageGroupName": "models"}, "stack")
    assert (physical, attributes["ModelPackageGroupArn"]) == (arn("model-package-group", "models"),) * 2
    package = call("CreateModelPackage", ModelPackageGroupName="models")["ModelPackageArn"]
    with pytest.raises(AwsError, match="still has model packages"):
        delete(physical, {}, "stack")
    call("DeleteModelPackage", ModelPackageName=package)
    delete(physical, {}, "stack")
    with pytest.raises(AwsError, match="does not exist"):
        call("DescribeModelPackageGroup", ModelPackageGroupName="models")
