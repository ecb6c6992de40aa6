"""The Feature Store: feature groups, and the newest record of each identifier, as the online store keeps them."""

import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from local.aws_shapes import AwsError, check_answer, check_request
from local.sagemaker import arn, operation

_SERVICE = "sagemaker-featurestore-runtime"
_groups: dict[str, dict[str, Any]] = {}
_records: dict[str, dict[str, dict[str, str]]] = {}
_ACTIONS = {"PUT": "PutRecord", "GET": "GetRecord", "DELETE": "DeleteRecord"}


def action(method: str, path: str) -> str:
    """The operation that a request of the runtime's REST protocol asks for."""
    return "BatchGetRecord" if path.startswith("/BatchGetRecord") else _ACTIONS.get(method, "PutRecord")


@operation
def create_feature_group(request: dict[str, Any]) -> dict[str, Any]:
    name = request["FeatureGroupName"]
    if name in _groups:
        raise AwsError("ResourceInUse", f"Resource Already Exists: FeatureGroup with name {name} already exists.")
    known = [feature["FeatureName"] for feature in request["FeatureDefinitions"]]
    for field in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if request[field] not in known:
            raise AwsError("ValidationException", f"{field} {request[field]!r} is not among the feature definitions.")
    keep = {key: value for key, value in request.items() if key != "Tags"}
    extra = {
        "FeatureGroupArn": arn("feature-group", name),
        "CreationTime": datetime.now(UTC),
        "FeatureGroupStatus": "Created",
    }
    _groups[name], _records[name] = keep | extra, {}
    return {"FeatureGroupArn": extra["FeatureGroupArn"]}


@operation
def describe_feature_group(request: dict[str, Any]) -> dict[str, Any]:
    return {**_group(request["FeatureGroupName"]), "NextToken": ""}


@operation
def delete_feature_group(request: dict[str, Any]) -> dict[str, Any]:
    name = _group(request["FeatureGroupName"])["FeatureGroupName"]
    del _groups[name], _records[name]
    return {}


def _group(name: str) -> dict[str, Any]:
    name = name.rsplit("/", 1)[-1]
    if name not in _groups:
        raise AwsError("ResourceNotFound", f"Resource Not Found: FeatureGroup {name} not found.", 404)
    return _groups[name]


def serve(method: str, path: str, body: bytes, query: dict[str, Any]) -> dict[str, Any]:
    """One request of the runtime API."""
    request = json.loads(body or b"{}")
    name = action(method, path)
    if name != "BatchGetRecord":
        request["FeatureGroupName"] = unquote(path.split("/")[2])
        for key in ("RecordIdentifierValueAsString", "EventTime"):
            if key in query:
                request[key] = query[key][0] if isinstance(query[key], list) else query[key]
    check_request(_SERVICE, name, request)
    return check_answer(
        _SERVICE, name, {"PutRecord": _put, "GetRecord": _get, "DeleteRecord": _delete}.get(name, _batch)(request)
    )


def _put(request: dict[str, Any]) -> dict[str, Any]:
    group = _group(request["FeatureGroupName"])
    types = {feature["FeatureName"]: feature["FeatureType"] for feature in group["FeatureDefinitions"]}
    record: dict[str, str] = {}
    for entry in request["Record"]:
        name, value = entry["FeatureName"], entry.get("ValueAsString", "")
        if name not in types:
            raise AwsError("ValidationError", f"Validation Error: FeatureName {name} is not in the feature group.")
        _check_type(name, value, types[name])
        record[name] = value
    for field in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if not record.get(group[field]):
            raise AwsError("ValidationError", f"Validation Error: the record has no {group[field]}.")
    store, identity = _records[group["FeatureGroupName"]], record[group["RecordIdentifierFeatureName"]]
    moment = group["EventTimeFeatureName"]
    if identity not in store or store[identity][moment] <= record[moment]:
        store[identity] = record  # an older record than the one that is there changes nothing online
    return {}


def _check_type(name: str, value: str, kind: str) -> None:
    try:
        {"Integral": int, "Fractional": float, "String": str}[kind](value)
    except ValueError as error:
        raise AwsError("ValidationError", f"Validation Error: {name} must be {kind}, got {value!r}.") from error


def _features(record: dict[str, str], names: list[str] | None = None) -> list[dict[str, str]]:
    return [{"FeatureName": key, "ValueAsString": value} for key, value in record.items() if not names or key in names]


def _get(request: dict[str, Any]) -> dict[str, Any]:
    record = _records[_group(request["FeatureGroupName"])["FeatureGroupName"]].get(
        request["RecordIdentifierValueAsString"]
    )
    return {"Record": _features(record, request.get("FeatureNames"))} if record else {}


def _delete(request: dict[str, Any]) -> dict[str, Any]:
    _records[_group(request["FeatureGroupName"])["FeatureGroupName"]].pop(
        request["RecordIdentifierValueAsString"], None
    )
    return {}


def _batch(request: dict[str, Any]) -> dict[str, Any]:
    found = []
    for asked in request["Identifiers"]:
        store = _records[_group(asked["FeatureGroupName"])["FeatureGroupName"]]
        for value in asked["RecordIdentifiersValueAsString"]:
            if value in store:
                found.append(
                    {
                        "FeatureGroupName": asked["FeatureGroupName"],
                        "RecordIdentifierValueAsString": value,
                        "Record": _features(store[value], asked.get("FeatureNames")),
                    }
                )
    return {"Records": found, "Errors": [], "UnprocessedIdentifiers": []}


def _create_group(_logical_id: str, properties: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
    """CloudFormation's AWS::SageMaker::FeatureGroup."""
    wanted = json.loads(json.dumps(properties))
    for place in ("OnlineStoreConfig",):
        if "EnableOnlineStore" in wanted.get(place, {}):
            wanted[place]["EnableOnlineStore"] = str(wanted[place]["EnableOnlineStore"]).lower() == "true"
    check_request("sagemaker", "CreateFeatureGroup", wanted)
    if wanted["FeatureGroupName"] not in _groups:
        create_feature_group(wanted)
    group = _groups[wanted["FeatureGroupName"]]
    attributes = {"FeatureGroupStatus": "Created", "CreationTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    return group["FeatureGroupName"], attributes


def _delete_group(physical_id: str, *_: Any) -> None:
    _groups.pop(physical_id, None)
    _records.pop(physical_id, None)


GROUP_RESOURCE = {"create": _create_group, "delete": _delete_group}
