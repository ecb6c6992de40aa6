"""Buckets with versions, tables and a queue in memory, called without the layers that make and read requests: for tests
and benchmarks of ten thousands of calls. The tables are the emulator's own.
"""

import importlib
import io
import itertools
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from tests.project import template

PAGE = 1000


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


@dataclass
class Version:
    """A version of an object; a delete marker has no body."""

    id: str
    body: bytes | None
    metadata: dict[str, str]

    @property
    def etag(self) -> str:
        return f'"{hash((self.id, self.body)):x}"'  # differs for each version, as with a KMS key


class MemoryBucket:
    """S3 with one bucket whose objects have versions."""

    def __init__(self) -> None:
        self.keys: dict[str, list[Version]] = defaultdict(list)  # the newest last
        self.numbers = itertools.count(1)

    def _add(self, key: str, body: bytes | None, metadata: dict[str, str]) -> Version:
        version = Version(f"v{next(self.numbers)}", body, metadata)
        self.keys[key].append(version)
        return version

    def _find(self, operation: str, key: str, version_id: str | None) -> Version:
        versions = self.keys.get(key, [])
        found = [one for one in versions if one.id == version_id] if version_id else versions[-1:]
        if not found or found[0].body is None:
            code = "404" if operation == "HeadObject" else "NoSuchVersion" if version_id else "NoSuchKey"
            raise refusal(code, operation)
        return found[0]

    def _said(self, version: Version) -> dict[str, Any]:
        return {
            "VersionId": version.id,
            "ETag": version.etag,
            "ContentLength": len(version.body or b""),
            "Metadata": version.metadata,
            "LastModified": datetime(2026, 11, 20, 9, tzinfo=UTC),
        }

    def put_object(self, **asked: Any) -> dict[str, Any]:
        body = asked["Body"] if isinstance(asked["Body"], bytes) else asked["Body"].read()
        return self._said(self._add(asked["Key"], body, asked.get("Metadata", {})))

    def head_object(self, **asked: Any) -> dict[str, Any]:
        return self._said(self._find("HeadObject", asked["Key"], asked.get("VersionId")))

    def get_object(self, **asked: Any) -> dict[str, Any]:
        version = self._find("GetObject", asked["Key"], asked.get("VersionId"))
        body = version.body or b""
        return {**self._said(version), "Body": StreamingBody(io.BytesIO(body), len(body))}

    def copy_object(self, **asked: Any) -> dict[str, Any]:
        source = self._find("CopyObject", asked["CopySource"]["Key"], asked["CopySource"].get("VersionId"))
        return self._said(self._add(asked["Key"], source.body, asked.get("Metadata", {})))

    def delete_object(self, **asked: Any) -> dict[str, Any]:
        key = asked["Key"]
        if "IfMatch" in asked and self._find("DeleteObject", key, None).etag != asked["IfMatch"]:
            raise refusal("PreconditionFailed", "DeleteObject")
        if "VersionId" in asked:
            self.keys[key] = [one for one in self.keys[key] if one.id != asked["VersionId"]]
            return {"VersionId": asked["VersionId"]}
        return {"VersionId": self._add(key, None, {}).id, "DeleteMarker": True}

    def list_object_versions(self, **asked: Any) -> dict[str, Any]:
        after, prefix = asked.get("KeyMarker", ""), asked.get("Prefix", "")
        keys = sorted(key for key in self.keys if key.startswith(prefix) and key > after and self.keys[key])
        page = keys[:PAGE]
        every = [(key, one, one is self.keys[key][-1]) for key in page for one in reversed(self.keys[key])]
        entries = [
            {
                "Key": key,
                "Size": len(one.body or b""),
                "IsLatest": is_latest,
                **self._said(one),
                "Marker": one.body is None,
            }
            for key, one, is_latest in every
        ]
        return {
            "Versions": [one for one in entries if not one["Marker"]],
            "DeleteMarkers": [one for one in entries if one["Marker"]],
            "IsTruncated": len(keys) > len(page),
            "NextKeyMarker": page[-1] if page else "",
        }

    def get_paginator(self, name: str) -> Any:
        """All keys with an object, in one page."""
        assert name == "list_objects_v2"
        live = [(key, self.keys[key][-1]) for key in sorted(self.keys) if self.keys[key]]

        def paginate(**asked: str) -> list[Any]:
            contents = [
                {"Key": key, "Size": len(one.body), "LastModified": datetime(2026, 11, 20, 9, tzinfo=UTC)}
                for key, one in live
                if one.body is not None and key.startswith(asked["Prefix"])
            ]
            return [{"Contents": contents}]

        return SimpleNamespace(paginate=paginate)


class MemoryBuckets:
    """S3 with several buckets. It counts requests."""

    def __init__(self, *names: str) -> None:
        self.buckets = {name: MemoryBucket() for name in names}
        self.requests: dict[str, int] = defaultdict(int)  # by operation

    def __getattr__(self, operation: str) -> Any:
        def call(**asked: Any) -> Any:
            self.requests[operation] += 1
            return getattr(self.buckets[asked["Bucket"]], operation)(**asked)

        return call

    def copy_object(self, **asked: Any) -> dict[str, Any]:
        self.requests["copy_object"] += 1
        source = asked["CopySource"]
        found = self.buckets[source["Bucket"]].get_object(**source)
        return self.buckets[asked["Bucket"]].put_object(**{**asked, "Body": found["Body"].read()})


class MemoryTables:
    """DynamoDB with tables of the template, which have their logical names. It counts the units that AWS would."""

    def __init__(self, *names: str) -> None:
        self.units: dict[str, float] = defaultdict(float)  # that were consumed, by operation
        self.lock = Lock()  # the emulator's own is around its requests
        self.service = importlib.import_module("ministack.services.dynamodb")
        self.exceptions: Any = boto3.client("dynamodb", region_name="us-east-1").exceptions
        fields = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
        for name in names or ("ImagesTable",):
            given = template()["Resources"][name]["Properties"]
            self.service._delete_table({"TableName": name})
            self.service._create_table({"TableName": name, **{field: given[field] for field in fields}})

    def _call(self, operation: str, do: Any, asked: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            status, _, body = do({**asked, "ReturnConsumedCapacity": "TOTAL"})
        answer: dict[str, Any] = json.loads(body or b"{}")
        told = answer.get("ConsumedCapacity") or []
        self.units[operation] += sum(one["CapacityUnits"] for one in (told if isinstance(told, list) else [told]))
        if status >= 400:
            code = str(answer.pop("__type")).rsplit("#", 1)[-1]
            error = {"Error": {"Code": code, "Message": answer.get("message", "")}, **answer}
            raise self.exceptions.from_code(code)(error, operation)
        return answer

    def get_item(self, **asked: Any) -> dict[str, Any]:
        return self._call("GetItem", self.service._get_item, asked)

    def batch_get_item(self, **asked: Any) -> dict[str, Any]:
        return self._call("BatchGetItem", self.service._batch_get_item, asked)

    def batch_write_item(self, **asked: Any) -> dict[str, Any]:
        return self._call("BatchWriteItem", self.service._batch_write_item, asked)

    def put_item(self, **asked: Any) -> dict[str, Any]:
        return self._call("PutItem", self.service._put_item, asked)

    def update_item(self, **asked: Any) -> dict[str, Any]:
        return self._call("UpdateItem", self.service._update_item, asked)

    def delete_item(self, **asked: Any) -> dict[str, Any]:
        return self._call("DeleteItem", self.service._delete_item, asked)

    def query(self, **asked: Any) -> dict[str, Any]:
        return self._call("Query", self.service._query, asked)

    def scan(self, **asked: Any) -> dict[str, Any]:
        return self._call("Scan", self.service._scan, asked)

    def get_paginator(self, name: str) -> Any:
        """All of a query, in one page."""
        assert name == "query"
        return SimpleNamespace(paginate=lambda **asked: [self.query(**asked)])

    def transact_write_items(self, **asked: Any) -> dict[str, Any]:
        return self._call("TransactWriteItems", self.service._transact_write_items, asked)


class MemoryQueue:
    """SQS with one queue, and nobody who reads it."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send_message(self, **asked: Any) -> None:
        raise AssertionError(f"a message was set aside: {asked}")

    def send_message_batch(self, **asked: Any) -> dict[str, Any]:
        self.bodies += [entry["MessageBody"] for entry in asked["Entries"]]
        return {}
