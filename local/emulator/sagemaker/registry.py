"""The model registry: package groups, versioned packages, their approval and its event."""

from datetime import UTC, datetime
from typing import Any

from local.emulator.aws_shapes import AwsError, Structure, check_request
from local.emulator.sagemaker.api import arn, emit, operation, page

SUMMARY = (
    "ModelPackageName", "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn",
    "ModelPackageDescription", "CreationTime", "ModelPackageStatus", "ModelApprovalStatus",
)  # fmt: skip

_groups: dict[str, Structure] = {}
_packages: dict[str, Structure] = {}
_by_token: dict[str, str] = {}


def _group(name: str) -> Structure:
    name = name.rsplit("/", 1)[-1]
    if name not in _groups:
        raise AwsError("ValidationException", f"ModelPackageGroup {arn('model-package-group', name)} does not exist.")
    return _groups[name]


def _package(name: str) -> Structure:
    if name not in _packages:
        raise AwsError("ValidationException", f"ModelPackage {name} does not exist.")
    return _packages[name]


@operation
def create_model_package_group(request: Structure) -> Structure:
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
def describe_model_package_group(request: Structure) -> Structure:
    return _group(request["ModelPackageGroupName"])


@operation
def delete_model_package_group(request: Structure) -> Structure:
    name = _group(request["ModelPackageGroupName"])["ModelPackageGroupName"]
    if any(package["ModelPackageGroupName"] == name for package in _packages.values()):
        raise AwsError("ConflictException", f"Model Package Group {name} still has model packages.")
    del _groups[name]
    return {}


@operation
def create_model_package(request: Structure) -> Structure:
    token = request.get("ClientToken")
    if token and token in _by_token:
        return {"ModelPackageArn": _by_token[token]}
    name = _group(request["ModelPackageGroupName"])["ModelPackageGroupName"]
    version = 1 + max((p["ModelPackageVersion"] for p in _in_group(name)), default=0)
    package_arn = arn("model-package", f"{name}/{version}")
    now = datetime.now(UTC)
    package = {key: value for key, value in request.items() if key not in ("ClientToken", "Tags")} | {
        "ModelPackageGroupName": name,
        "ModelPackageName": name,
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
def describe_model_package(request: Structure) -> Structure:
    return _package(request["ModelPackageName"])


@operation
def update_model_package(request: Structure) -> Structure:
    package = _package(request["ModelPackageArn"])
    changes = {key: value for key, value in request.items() if key not in ("ModelPackageArn", "ClientToken")}
    updated = [key for key in changes if key != "CustomerMetadataPropertiesToRemove"]
    remove = changes.pop("CustomerMetadataPropertiesToRemove", [])
    properties = {**package.get("CustomerMetadataProperties", {}), **changes.pop("CustomerMetadataProperties", {})}
    kept = {key: value for key, value in properties.items() if key not in remove}
    package |= {**changes, "CustomerMetadataProperties": kept, "LastModifiedTime": datetime.now(UTC)}
    if remove and "CustomerMetadataProperties" not in updated:
        updated.append("CustomerMetadataProperties")
    _announce(package, {"UpdatedModelPackageFields": updated})
    return {"ModelPackageArn": package["ModelPackageArn"]}


@operation
def delete_model_package(request: Structure) -> Structure:
    del _packages[_package(request["ModelPackageName"])["ModelPackageArn"]]
    return {}


def _in_group(name: str) -> list[Structure]:
    return [package for package in _packages.values() if package["ModelPackageGroupName"] == name]


@operation
def list_model_packages(request: Structure) -> Structure:
    name = request.get("ModelPackageGroupName")
    if name:
        found = _in_group(_group(name)["ModelPackageGroupName"])
    else:  # every package here is a version of a group, and without a group's name AWS lists those only when asked to
        asked = request.get("ModelPackageType", "Unversioned")
        found = [] if asked == "Unversioned" else list(_packages.values())
    status, part = request.get("ModelApprovalStatus"), request.get("NameContains", "")
    found = [
        package
        for package in found
        if status in (None, package["ModelApprovalStatus"]) and part in package["ModelPackageName"]
    ]
    order = "ModelPackageVersion" if name else "CreationTime"  # versions are given out in time's order
    return page("ModelPackageSummaryList", found, SUMMARY, order, request)


def _announce(package: Structure, more: Structure | None = None) -> None:
    """Send the event of a package that was made or changed; AWS sends it for a change of any field, and names those."""
    hidden = ("CreatedBy", "LastModifiedBy", "LastModifiedTime")
    detail = {key: value for key, value in package.items() if key not in hidden} | (more or {})
    emit("SageMaker Model Package State Change", detail, [package["ModelPackageArn"]])


def _create_group(_logical_id: str, properties: Structure, _stack: str) -> tuple[str, dict[str, str]]:
    """CloudFormation's AWS::SageMaker::ModelPackageGroup."""
    check_request("sagemaker", "CreateModelPackageGroup", properties)
    name = properties["ModelPackageGroupName"]
    if name not in _groups:
        create_model_package_group(properties)
    group_arn = _groups[name]["ModelPackageGroupArn"]
    return group_arn, {"ModelPackageGroupArn": group_arn, "ModelPackageGroupName": name}


def _delete_group(physical_id: str, *_: Any) -> None:
    """A group with packages stays: CloudFormation reports the failure, as on AWS."""
    if physical_id.rsplit("/", 1)[-1] in _groups:
        delete_model_package_group({"ModelPackageGroupName": physical_id})


def _import_group(identifier: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Adopt a group that is there, as a change set of the type IMPORT does."""
    group_arn = identifier["ModelPackageGroupArn"]
    return group_arn, {"ModelPackageGroupArn": group_arn, "ModelPackageGroupName": group_arn.rsplit("/", 1)[-1]}


def import_problem(group_arn: str) -> str | None:
    """Return why a group can't be imported, None where it can."""
    if any(group["ModelPackageGroupArn"] == group_arn for group in _groups.values()):
        return None
    return f"Resource of type 'AWS::SageMaker::ModelPackageGroup' with identifier '{group_arn}' was not found."


GROUP_RESOURCE = {"create": _create_group, "delete": _delete_group, "import": _import_group}
