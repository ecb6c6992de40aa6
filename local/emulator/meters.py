"""What AWS meters of a stack's work, as the CloudWatch metrics that `sightline cost --used` reads.

The emulator counts only functions that are invoked directly. Here every call of a function is counted, the units that
tables consume, messages of queues, requests of the API, and bytes of logs. S3 counts requests only in buckets with
request metrics; here all buckets have them, under the filter `EntireBucket`.
"""

import json
import zlib
from collections.abc import Callable
from typing import Any

from local.emulator.aws_shapes import Query, Structure

FILTER = "EntireBucket"
LINE_BYTES = 26  # CloudWatch Logs user guide: what an event counts beside its text
LINES = 2  # that Lambda itself writes of each call: platform.start and platform.report
PLATFORM_BYTES = 300  # of each of them, by estimate
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}

Record = Callable[[str, str, float, str, dict[str, str]], None]


def request_metric(method: str, path: str) -> tuple[str, str] | None:
    """Return the bucket and S3's name of the metric that counts a request; None where it names no bucket."""
    bucket, _, key = path.lstrip("/").partition("/")
    if not bucket:
        return None
    kind = {"GET": "Get", "PUT": "Put", "POST": "Post", "HEAD": "Head", "DELETE": "Delete"}.get(method, "Get")
    return bucket, "ListRequests" if kind == "Get" and not key else f"{kind}Requests"


def consumed(answer: Structure, write: bool) -> list[tuple[dict[str, str], str, float]]:
    """Return dimensions, metric and units of an answer of DynamoDB: one entry for the table, and one for each index."""
    metric = "ConsumedWriteCapacityUnits" if write else "ConsumedReadCapacityUnits"
    told = answer.get("ConsumedCapacity") or []
    found = []
    for entry in told if isinstance(told, list) else [told]:
        table = {"TableName": str(entry["TableName"])}
        of_table = entry.get("Table", {"CapacityUnits": entry["CapacityUnits"]})["CapacityUnits"]
        found.append((table, metric, float(of_table)))
        for index, units in entry.get("GlobalSecondaryIndexes", {}).items():
            found.append((table | {"GlobalSecondaryIndexName": index}, metric, float(units["CapacityUnits"])))
    return [entry for entry in found if entry[2]]


def register() -> None:
    """Let the emulator of this process meter."""
    from ministack import app
    from ministack.services import cloudwatch

    record = cloudwatch.record_metric
    _meter_functions(record)
    _meter_queues(record)
    store, tables = (app.SERVICE_HANDLERS[service] for service in ("s3", "dynamodb"))

    async def s3_request(method: str, path: str, headers: dict[str, str], body: bytes, query: Query) -> Any:
        counted = request_metric(method, path)
        if counted:
            record("AWS/S3", counted[1], 1, "Count", {"BucketName": counted[0], "FilterId": FILTER})
        return await store(method, path, headers, body, query)

    async def dynamodb_request(method: str, path: str, headers: dict[str, str], body: bytes, query: Query) -> Any:
        """Ask for the units that a request consumes, which its caller did not ask for, and keep them from it."""
        operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        asked = json.loads(body or b"{}") if operation in WRITES | {"GetItem", "BatchGetItem", "Query", "Scan"} else {}
        if not asked or "ReturnConsumedCapacity" in asked:
            return await tables(method, path, headers, body, query)
        told = json.dumps(asked | {"ReturnConsumedCapacity": "INDEXES"}).encode()
        status, given, answer = await tables(method, path, headers, told, query)
        content = json.loads(answer or b"{}")
        if status != 200 or "ConsumedCapacity" not in content:
            return status, given, answer
        for dimensions, metric, units in consumed(content, operation in WRITES):
            record("AWS/DynamoDB", metric, units, "Count", dimensions)
        del content["ConsumedCapacity"]
        answer = json.dumps(content, ensure_ascii=False).encode()
        checked = {name: value for name, value in given.items() if name.lower() != "x-amz-crc32"}
        return status, checked | {"x-amz-crc32": str(zlib.crc32(answer))}, answer

    app.SERVICE_HANDLERS |= {"s3": s3_request, "dynamodb": dynamodb_request}


def _meter_functions(record: Record) -> None:
    """Count each call of a function where its log is written, and the API's requests where they are executed."""
    from ministack.services import apigateway, lambda_svc

    emit_logs, emit_metrics, execute = (
        lambda_svc._emit_lambda_logs,
        lambda_svc._emit_lambda_metrics,
        apigateway.handle_execute,
    )

    def emit_lambda_logs(
        func: Any, request_id: str, log_text: str, error: bool, duration_ms: int, *, log_source: Any = None
    ) -> None:
        config = func.get("config") or func
        name = str(config.get("FunctionName", "unknown"))
        emit_metrics(name, duration_ms=max(1, duration_ms), error=error, throttle=False)
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
        said = log_text.splitlines() if log_text else []
        size = sum(len(line.encode()) + LINE_BYTES for line in said) + LINES * (PLATFORM_BYTES + LINE_BYTES)
        record("AWS/Logs", "IncomingBytes", size, "Bytes", {"LogGroupName": str(group)})
        emit_logs(func, request_id, log_text, error, duration_ms, log_source=log_source)

    def emit_lambda_metrics(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        if throttle:  # what ran was counted with its log
            emit_metrics(function_name, duration_ms, error, throttle)

    async def handle_execute(api_id: str, *request: Any, **options: Any) -> Any:
        record("AWS/ApiGateway", "Count", 1, "Count", {"ApiId": api_id})
        return await execute(api_id, *request, **options)

    lambda_svc._emit_lambda_logs, lambda_svc._emit_lambda_metrics = emit_lambda_logs, emit_lambda_metrics
    apigateway.handle_execute = handle_execute


def _meter_queues(record: Record) -> None:
    """Count what is sent to queues by rules, and what their functions take."""
    from ministack.services import eventbridge, sqs

    send, receive = eventbridge._dispatch_to_sqs, sqs._receive_messages_for_esm

    def dispatch_to_sqs(spec: Any, payload: Any, sqs_parameters: Any = None) -> Any:
        name = str(spec).rsplit(":", 1)[-1]
        record("AWS/SQS", "NumberOfMessagesSent", 1, "Count", {"QueueName": name})
        return send(spec, payload, sqs_parameters)

    def receive_messages_for_esm(queue_url: str, max_number: int) -> Any:
        batch = receive(queue_url, max_number)
        if batch:
            queue = {"QueueName": queue_url.rsplit("/", 1)[-1]}
            record("AWS/SQS", "NumberOfMessagesReceived", len(batch), "Count", queue)
            record("AWS/SQS", "NumberOfMessagesDeleted", len(batch), "Count", queue)
        return batch

    eventbridge._dispatch_to_sqs, sqs._receive_messages_for_esm = dispatch_to_sqs, receive_messages_for_esm
