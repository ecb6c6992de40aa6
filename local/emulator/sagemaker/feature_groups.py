"""The Feature Store's groups: their operations, and CloudFormation's resource."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.account import ACCOUNT, REGION
from local.emulator.aws_shapes import AwsError, Structure, check_request
from local.emulator.rights import refuse_unless_trusting
from local.emulator.sagemaker.api import arn, operation

Record = dict[str, str]  # feature: its value as a text


@dataclass
class FeatureGroup:
    """A feature group: SageMaker's description of it, and its online store."""

    description: Structure
    records: dict[str, Record] = field(default_factory=dict)  # by identifier, the newest of each


_groups: dict[str, FeatureGroup] = {}


@operation
def create_feature_group(request: Structure) -> Structure:
    name = request["FeatureGroupName"]
    if name in _groups:
        raise AwsError("ResourceInUse", f"Resource Already Exists: FeatureGroup with name {name} already exists.")
    known = [feature["FeatureName"] for feature in request["FeatureDefinitions"]]
    for named in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if request[named] not in known:
            raise AwsError("ValidationException", f"{named} {request[named]!r} is not among the feature definitions.")
    now = datetime.now(UTC)
    group = {key: value for key, value in request.items() if key != "Tags"} | {
        "FeatureGroupArn": arn("feature-group", name),
        "CreationTime": now,
        "FeatureGroupStatus": "Created",
    }
    if "OfflineStoreConfig" in request:
        if "RoleArn" not in request:
            raise AwsError("ValidationException", "RoleArn is required when OfflineStoreConfig is given.")
        refuse_unless_trusting(request["RoleArn"], "sagemaker.amazonaws.com")
        place = dict(request["OfflineStoreConfig"]["S3StorageConfig"])
        place["ResolvedOutputS3Uri"] = (
            f"{place['S3Uri'].rstrip('/')}/{ACCOUNT}/sagemaker/{REGION}/offline-store/{name}-{int(now.timestamp())}/data"
        )
        group["OfflineStoreConfig"] = {**request["OfflineStoreConfig"], "S3StorageConfig": place}
    _groups[name] = FeatureGroup(group)
    return {"FeatureGroupArn": group["FeatureGroupArn"]}


@operation
def describe_feature_group(request: Structure) -> Structure:
    return {**find(request["FeatureGroupName"]).description, "NextToken": ""}


@operation
def delete_feature_group(request: Structure) -> Structure:
    del _groups[find(request["FeatureGroupName"]).description["FeatureGroupName"]]
    return {}


def find(name: str) -> FeatureGroup:
    """Return a group by its name or ARN. Raise AwsError."""
    name = name.rsplit("/", 1)[-1]
    if name not in _groups:
        raise AwsError("ResourceNotFound", f"Resource Not Found: FeatureGroup {name} not found.", 404)
    return _groups[name]


def _create_group(_logical_id: str, properties: Structure, _stack: str) -> tuple[str, Structure]:
    """CloudFormation's AWS::SageMaker::FeatureGroup, whose parameters may be text where the API wants true or false."""
    wanted = json.loads(json.dumps(properties))
    for part, flag in (("OnlineStoreConfig", "EnableOnlineStore"), ("OfflineStoreConfig", "DisableGlueTableCreation")):
        if flag in wanted.get(part, {}):
            wanted[part][flag] = str(wanted[part][flag]).lower() == "true"
    check_request("sagemaker", "CreateFeatureGroup", wanted)
    if wanted["FeatureGroupName"] not in _groups:
        create_feature_group(wanted)
    group = _groups[wanted["FeatureGroupName"]].description
    made = group["CreationTime"].strftime("%Y-%m-%dT%H:%M:%SZ")
    return group["FeatureGroupName"], {"FeatureGroupStatus": "Created", "CreationTime": made}


def _delete_group(physical_id: str, *_: Any) -> None:
    _groups.pop(physical_id, None)


GROUP_RESOURCE = {"create": _create_group, "delete": _delete_group}
