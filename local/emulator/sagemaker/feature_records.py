"""The Feature Store's runtime API: records go online, the newest of each identifier, and offline, all of them."""

import json
import re
import threading
from datetime import datetime
from urllib.parse import unquote

from local.emulator.aws_shapes import AwsError, Query, Structure, check_answer, check_request, values_of
from local.emulator.sagemaker import feature_groups, offline_store
from local.emulator.sagemaker.feature_groups import Record

SERVICE = "sagemaker-featurestore-runtime"
ACTIONS = {"PUT": "PutRecord", "GET": "GetRecord", "DELETE": "DeleteRecord"}

_lock = threading.Lock()


def action(method: str, path: str) -> str:
    """Return the operation that a request of the runtime's REST protocol asks for."""
    return "BatchGetRecord" if path.startswith("/BatchGetRecord") else ACTIONS.get(method, "PutRecord")


def serve(method: str, path: str, body: bytes, query: Query) -> Structure:
    """Answer one request of the runtime API. Raise AwsError."""
    request = json.loads(body or b"{}")
    name = action(method, path)
    if name != "BatchGetRecord":
        request["FeatureGroupName"] = unquote(path.split("/")[2])
        for key in ("RecordIdentifierValueAsString", "EventTime", "DeletionMode", "ExpirationTimeResponse"):
            if key in query:
                request[key] = values_of(query, key)[0]
        if "FeatureName" in query:
            request["FeatureNames"] = values_of(query, "FeatureName")
    check_request(SERVICE, name, request)
    operations = {"PutRecord": _put, "GetRecord": _get, "DeleteRecord": _delete, "BatchGetRecord": _batch}
    return check_answer(SERVICE, name, operations[name](request))


def _put(request: Structure) -> Structure:
    feature_group = feature_groups.find(request["FeatureGroupName"])
    group, store = feature_group.description, feature_group.records
    types = {feature["FeatureName"]: feature["FeatureType"] for feature in group["FeatureDefinitions"]}
    record: Record = {}
    for entry in request["Record"]:
        name, value = entry["FeatureName"], entry.get("ValueAsString", "")
        if name not in types:
            raise AwsError("ValidationError", f"Validation Error: FeatureName {name} is not in the feature group.")
        _check_type(name, value, types[name])
        record[name] = value
    for field in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if not record.get(group[field]):
            raise AwsError("ValidationError", f"Validation Error: the record has no {group[field]}.")
    moment, identity = group["EventTimeFeatureName"], record[group["RecordIdentifierFeatureName"]]
    at = _moment(moment, record[moment], types[moment])
    with _lock:
        if identity not in store or _moment(moment, store[identity][moment], types[moment]) <= at:
            store[identity] = record  # an older record than the one that is there changes nothing online
    offline_store.append(group, {key: _typed(value, types[key]) for key, value in record.items()}, deleted=False)
    _meter(request["FeatureGroupName"], sum(len(name) + len(value.encode()) for name, value in record.items()))
    return {}


def _meter(group: str, size: int) -> None:
    """Count the units that a write consumes: one for each KB."""
    from ministack.services import cloudwatch

    of = {"FeatureGroupName": group.rsplit("/", 1)[-1], "OperationName": "PutRecord"}
    units = -(-size // 1024)
    cloudwatch.record_metric("AWS/SageMaker/FeatureStore", "ConsumedWriteRequestsUnits", units, "Count", of)


def _check_type(name: str, value: str, kind: str) -> None:
    try:
        _typed(value, kind)
    except ValueError as error:
        raise AwsError("ValidationError", f"Validation Error: {name} must be {kind}, got {value!r}.") from error


def _typed(value: str, kind: str) -> int | float | str:
    types: dict[str, type[int | float | str]] = {"Integral": int, "Fractional": float, "String": str}
    return types[kind](value)


def _moment(name: str, value: str, kind: str) -> float:
    """Return an event time in seconds since 1970: Unix seconds in a Fractional feature, ISO 8601 in a String one."""
    if kind == "Fractional":
        return float(value)
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", value):
        raise AwsError(
            "ValidationError", f"Validation Error: {name} must be in the format yyyy-MM-dd'T'HH:mm:ssZ, got {value!r}."
        )
    return datetime.fromisoformat(value).timestamp()


def _features(record: Record, names: list[str] | None = None) -> list[dict[str, str]]:
    return [{"FeatureName": key, "ValueAsString": value} for key, value in record.items() if not names or key in names]


def _get(request: Structure) -> Structure:
    record = feature_groups.find(request["FeatureGroupName"]).records.get(request["RecordIdentifierValueAsString"])
    return {"Record": _features(record, request.get("FeatureNames"))} if record else {}


def _delete(request: Structure) -> Structure:
    feature_group = feature_groups.find(request["FeatureGroupName"])
    group = feature_group.description
    identity = request["RecordIdentifierValueAsString"]
    with _lock:
        feature_group.records.pop(identity, None)
    row = {group["RecordIdentifierFeatureName"]: identity, group["EventTimeFeatureName"]: request["EventTime"]}
    offline_store.append(group, row, deleted=True)
    return {}


def _batch(request: Structure) -> Structure:
    found = []
    for asked in request["Identifiers"]:
        store = feature_groups.find(asked["FeatureGroupName"]).records
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
