"""The model registry: package groups, versioned packages, their approval and its event."""

import re
from datetime import UTC, datetime
from typing import Any

from local.aws_shapes import AwsError, check_request
from local.sagemaker import arn, emit, operation

_groups: dict[str, dict[str, Any]] = {}
_packages: dict[str, dict[str, Any]] = {}
_by_token: dict[str, str] = {}


def _group(name: str) -> dict[str, Any]:
    name = name.rsplit("/", 1)[-1]
    if name not in _groups:
        raise AwsError("ValidationException", f"ModelPackageGroup {arn('model-package-group', name)} does not exist.")
    return _groups[name]


def _package(name: str) -> dict[str, Any]:
    if name not in _packages:
        raise AwsError("ValidationException", f"ModelPackage {name} does not exist.")
    return _packages[name]


@operation
def create_model_package_group(request: dict[str, Any]) -> dict[str, Any]:
    name = request["ModelPackageGroupName"]
    if name in _groups:
        raise AwsError("ValidationException", f"Model Package Group already exists: {arn('model-package-group', name)}")
    group = {
        "ModelPackageGroupName": name,
        "ModelPackageGroupArn": arn("model-package-group", name),
        "CreationTime": datetime.now(UTC),
        "CreatedBy": {},
        "ModelPackageGroupStatus": "Completed",
    }
    if "ModelPackageGroupDescription" in request:
        group["ModelPackageGroupDescription"] = request["ModelPackageGroupDescription"]
    _groups[name] = group
    return {"ModelPackageGroupArn": group["ModelPackageGroupArn"]}


@operation
def describe_model_package_group(request: dict[str, Any]) -> dict[str, Any]:
    return _group(request["ModelPackageGroupName"])


@operation
def delete_model_package_group(request: dict[str, Any]) -> dict[str, Any]:
    name = _group(request["ModelPackageGroupName"])["ModelPackageGroupName"]
    if any(package["ModelPackageGroupName"] == name for package in _packages.values()):
        raise AwsError("ConflictException", f"Model Package Group {name} still has model packages.")
    del _groups[name]
    return {}


@operation
def create_model_package(request: dict[str, Any]) -> dict[str, Any]:
    token = request.get("ClientToken")
    if token and token in _by_token:
        return {"ModelPackageArn": _by_token[token]}
    name = _group(request["ModelPackageGroupName"])["ModelPackageGroupName"]
    version = 1 + max((p["ModelPackageVersion"] for p in _in_group(name)), default=0)
    package_arn = arn("model-package", f"{name}/{version}")
    now = datetime.now(UTC)
    package = {key: value for key, value in request.items() if key not in ("ClientToken", "Tags")} | {
        "ModelPackageGroupName": name,
        "ModelPackageName": f"{name}/{version}",
        "ModelPackageVersion": version,
        "ModelPackageArn": package_arn,
        "CreationTime": now,
        "LastModifiedTime": now,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "ModelApprovalStatus": request.get("ModelApprovalStatus", "PendingManualApproval"),
    }
    _packages[package_arn] = package
    if token:
        _by_token[token] = package_arn
    _announce(package)
    return {"ModelPackageArn": package_arn}


@operation
def describe_model_package(request: dict[str, Any]) -> dict[str, Any]:
    return _package(request["ModelPackageName"])


@operation
def update_model_package(request: dict[str, Any]) -> dict[str, Any]:
    package = _package(request["ModelPackageArn"])
    changes = {key: value for key, value in request.items() if key not in ("ModelPackageArn", "ClientToken")}
    remove = changes.pop("CustomerMetadataPropertiesToRemove", [])
    properties = {**package.get("CustomerMetadataProperties", {}), **changes.pop("CustomerMetadataProperties", {})}
    kept = {key: value for key, value in properties.items() if key not in remove}
    before = package["ModelApprovalStatus"]
    package |= {**changes, "CustomerMetadataProperties": kept, "LastModifiedTime": datetime.now(UTC)}
    if package["ModelApprovalStatus"] != before:
        _announce(package)
    return {"ModelPackageArn": package["ModelPackageArn"]}


@operation
def delete_model_package(request: dict[str, Any]) -> dict[str, Any]:
    del _packages[_package(request["ModelPackageName"])["ModelPackageArn"]]
    return {}


def _in_group(name: str) -> list[dict[str, Any]]:
    return [package for package in _packages.values() if package["ModelPackageGroupName"] == name]


@operation
def list_model_packages(request: dict[str, Any]) -> dict[str, Any]:
    name = request.get("ModelPackageGroupName")
    found = _in_group(_group(name)["ModelPackageGroupName"]) if name else list(_packages.values())
    status = request.get("ModelApprovalStatus")
    if status:
        found = [package for package in found if package["ModelApprovalStatus"] == status]
    newest_first = request.get("SortOrder", "Descending") == "Descending"
    found.sort(key=lambda package: package["ModelPackageVersion"], reverse=newest_first)
    start, size = int(request.get("NextToken", 0)), request.get("MaxResults", 100)
    summary = (
        "ModelPackageName", "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn",
        "ModelPackageDescription", "CreationTime", "ModelPackageStatus", "ModelApprovalStatus",
    )  # fmt: skip
    page = [{key: package[key] for key in summary if key in package} for package in found[start : start + size]]
    more = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return {"ModelPackageSummaryList": page, **more}


def _announce(package: dict[str, Any]) -> None:
    fields = ("ModelPackageName", "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn",
              "CreationTime", "ModelPackageStatus", "ModelApprovalStatus", "CustomerMetadataProperties")  # fmt: skip
    detail = {field: package[field] for field in fields if field in package}
    emit("SageMaker Model Package State Change", detail, [package["ModelPackageArn"]])


def _create_group(_logical_id: str, properties: dict[str, Any], _stack: str) -> tuple[str, dict[str, str]]:
    """CloudFormation's AWS::SageMaker::ModelPackageGroup."""
    check_request("sagemaker", "CreateModelPackageGroup", properties)
    name = properties["ModelPackageGroupName"]
    if not re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name):
        raise AwsError("ValidationException", f"{name!r} is no name of a model package group")
    if name not in _groups:
        create_model_package_group(properties)
    group_arn = _groups[name]["ModelPackageGroupArn"]
    return group_arn, {"ModelPackageGroupArn": group_arn, "ModelPackageGroupName": name}


def _delete_group(physical_id: str, *_: Any) -> None:
    _groups.pop(physical_id.rsplit("/", 1)[-1], None)


GROUP_RESOURCE = {"create": _create_group, "delete": _delete_group}
