"""The Feature Store: feature groups, the newest record of each identifier online, and every record offline in S3."""

import json
import logging
import re
import threading
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from local.account import ACCOUNT, REGION
from local.emulator.aws_shapes import AwsError, Structure, check_answer, check_request
from local.emulator.rights import RoleSession, refuse_unless_trusting
from local.emulator.sagemaker.api import arn, operation

logger = logging.getLogger("sightline.features")

SERVICE = "sagemaker-featurestore-runtime"
ACTIONS = {"PUT": "PutRecord", "GET": "GetRecord", "DELETE": "DeleteRecord"}
FLUSH_SECONDS = 2.0  # the offline store follows later, here as there; records that come together share a file

_groups: dict[str, Structure] = {}
_records: dict[str, dict[str, dict[str, str]]] = {}  # by group and identifier
_rows: dict[str, list[Structure]] = {}  # by group: what is yet to be written to S3
_lock = threading.Lock()


# ------------------------------------------------------------------------------------------------------- feature groups
@operation
def create_feature_group(request: Structure) -> Structure:
    name = request["FeatureGroupName"]
    if name in _groups:
        raise AwsError("ResourceInUse", f"Resource Already Exists: FeatureGroup with name {name} already exists.")
    known = [feature["FeatureName"] for feature in request["FeatureDefinitions"]]
    for field in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if request[field] not in known:
            raise AwsError("ValidationException", f"{field} {request[field]!r} is not among the feature definitions.")
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
    _groups[name], _records[name] = group, {}
    return {"FeatureGroupArn": group["FeatureGroupArn"]}


@operation
def describe_feature_group(request: Structure) -> Structure:
    return {**_group(request["FeatureGroupName"]), "NextToken": ""}


@operation
def delete_feature_group(request: Structure) -> Structure:
    name = _group(request["FeatureGroupName"])["FeatureGroupName"]
    del _groups[name], _records[name]
    return {}


def _group(name: str) -> Structure:
    name = name.rsplit("/", 1)[-1]
    if name not in _groups:
        raise AwsError("ResourceNotFound", f"Resource Not Found: FeatureGroup {name} not found.", 404)
    return _groups[name]


# ------------------------------------------------------------------------------------------------------ the runtime API
def action(method: str, path: str) -> str:
    """The operation that a request of the runtime's REST protocol asks for."""
    return "BatchGetRecord" if path.startswith("/BatchGetRecord") else ACTIONS.get(method, "PutRecord")


def serve(method: str, path: str, body: bytes, query: Structure) -> Structure:
    """Answer one request of the runtime API. Raises AwsError."""
    request = json.loads(body or b"{}")
    name = action(method, path)
    if name != "BatchGetRecord":
        request["FeatureGroupName"] = unquote(path.split("/")[2])
        for key in ("RecordIdentifierValueAsString", "EventTime", "DeletionMode", "ExpirationTimeResponse"):
            if key in query:
                request[key] = query[key][0] if isinstance(query[key], list) else query[key]
        if "FeatureName" in query:
            names = query["FeatureName"]
            request["FeatureNames"] = names if isinstance(names, list) else [names]
    check_request(SERVICE, name, request)
    operations = {"PutRecord": _put, "GetRecord": _get, "DeleteRecord": _delete, "BatchGetRecord": _batch}
    return check_answer(SERVICE, name, operations[name](request))


def _put(request: Structure) -> Structure:
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
    moment, identity = group["EventTimeFeatureName"], record[group["RecordIdentifierFeatureName"]]
    at = _moment(moment, record[moment], types[moment])
    with _lock:
        store = _records[group["FeatureGroupName"]]
        if identity not in store or _moment(moment, store[identity][moment], types[moment]) <= at:
            store[identity] = record  # an older record than the one that is there changes nothing online
    _append(group, {key: _typed(value, types[key]) for key, value in record.items()}, deleted=False)
    return {}


def _check_type(name: str, value: str, kind: str) -> None:
    try:
        _typed(value, kind)
    except ValueError as error:
        raise AwsError("ValidationError", f"Validation Error: {name} must be {kind}, got {value!r}.") from error


def _typed(value: str, kind: str) -> Any:
    return {"Integral": int, "Fractional": float, "String": str}[kind](value)


def _moment(name: str, value: str, kind: str) -> float:
    """An event time as seconds since 1970: Unix seconds in a Fractional feature, ISO 8601 in UTC in a String one."""
    if kind == "Fractional":
        return float(value)
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", value):
        raise AwsError(
            "ValidationError", f"Validation Error: {name} must be in the format yyyy-MM-dd'T'HH:mm:ssZ, got {value!r}."
        )
    return datetime.fromisoformat(value).timestamp()


def _features(record: dict[str, str], names: list[str] | None = None) -> list[dict[str, str]]:
    return [{"FeatureName": key, "ValueAsString": value} for key, value in record.items() if not names or key in names]


def _get(request: Structure) -> Structure:
    store = _records[_group(request["FeatureGroupName"])["FeatureGroupName"]]
    record = store.get(request["RecordIdentifierValueAsString"])
    return {"Record": _features(record, request.get("FeatureNames"))} if record else {}


def _delete(request: Structure) -> Structure:
    group = _group(request["FeatureGroupName"])
    identity = request["RecordIdentifierValueAsString"]
    with _lock:
        _records[group["FeatureGroupName"]].pop(identity, None)
    row = {group["RecordIdentifierFeatureName"]: identity, group["EventTimeFeatureName"]: request["EventTime"]}
    _append(group, row, deleted=True)
    return {}


def _batch(request: Structure) -> Structure:
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


# ---------------------------------------------------------------------------------------------------- the offline store
def _append(group: Structure, row: Structure, *, deleted: bool) -> None:
    """Note a row for the offline store; the first one of a batch sets the clock."""
    if "OfflineStoreConfig" not in group:
        return
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    with _lock:
        waiting = _rows.setdefault(group["FeatureGroupName"], [])
        waiting.append({**row, "write_time": now, "api_invocation_time": now, "is_deleted": deleted})
        if len(waiting) > 1:
            return
    timer = threading.Timer(FLUSH_SECONDS, flush, [group])
    timer.daemon = True
    timer.start()


def flush(group: Structure) -> None:
    """Write the waiting rows of a group as one file of JSON lines, with the rights of the group's role.

    AWS writes Parquet; the folders and the columns are the same.
    """
    with _lock:
        rows = _rows.pop(group["FeatureGroupName"], [])
    place = urlsplit(group["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"])
    now = datetime.now(UTC)
    hour = f"{place.path.lstrip('/')}/{now:year=%Y/month=%m/day=%d/hour=%H}"
    key = f"{hour}/{now:%Y%m%dT%H%M%SZ}_{uuid.uuid4().hex[:16]}.jsonl"
    body = "".join(json.dumps(row) + "\n" for row in rows).encode()
    config = group["OfflineStoreConfig"]["S3StorageConfig"]
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": config["KmsKeyId"]} if "KmsKeyId" in config else {}
    try:
        RoleSession(group["RoleArn"]).client("s3").put_object(Bucket=place.netloc, Key=key, Body=body, **extra)
    except (ClientError, BotoCoreError, Boto3Error) as error:
        logger.exception("offline store of %s", group["FeatureGroupName"])
        group["OfflineStoreStatus"] = {"Status": "Blocked", "BlockedReason": str(error)[:1024]}


# ------------------------------------------------------------------------------------------------------- CloudFormation
def _create_group(_logical_id: str, properties: Structure, _stack: str) -> tuple[str, Structure]:
    """CloudFormation's AWS::SageMaker::FeatureGroup, whose parameters may be text where the API wants true or false."""
    wanted = json.loads(json.dumps(properties))
    for part, field in (("OnlineStoreConfig", "EnableOnlineStore"), ("OfflineStoreConfig", "DisableGlueTableCreation")):
        if field in wanted.get(part, {}):
            wanted[part][field] = str(wanted[part][field]).lower() == "true"
    check_request("sagemaker", "CreateFeatureGroup", wanted)
    if wanted["FeatureGroupName"] not in _groups:
        create_feature_group(wanted)
    group = _groups[wanted["FeatureGroupName"]]
    made = group["CreationTime"].strftime("%Y-%m-%dT%H:%M:%SZ")
    return group["FeatureGroupName"], {"FeatureGroupStatus": "Created", "CreationTime": made}


def _delete_group(physical_id: str, *_: Any) -> None:
    _groups.pop(physical_id, None)
    _records.pop(physical_id, None)


GROUP_RESOURCE = {"create": _create_group, "delete": _delete_group}
