"""Limits of requests that AWS refuses and the emulator takes: SNS subjects, S3 keys and metadata, executions.

What runs into one works here and fails on AWS, with the first long name or the first large state.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from local.emulator.aws_shapes import AwsError, Query, check_request

Handler = Callable[[str, str, dict[str, str], bytes, Query], Awaitable[Any]]

# SNS API reference, Publish: ASCII that begins with a letter, number or punctuation mark, no line breaks or control
# characters, at most 100 characters.
SUBJECT = re.compile(r"[!-~][ -~]{0,99}")
KEY_BYTES, METADATA_BYTES = 1024, 2048  # S3 user guide, "Naming Amazon S3 objects" and "Working with object metadata"
# Step Functions API reference, StartExecution: characters that a name may not have.
IN_NO_NAME = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
STATE_BYTES = 262_144  # Step Functions developer guide, "Service quotas": input and output of a state


def check_subject(body: bytes) -> None:
    """Raise AwsError for a Publish with a subject that SNS does not take."""
    form = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    for subject in form.get("Subject", []) if form.get("Action") == ["Publish"] else []:
        if not SUBJECT.fullmatch(subject):
            raise AwsError("InvalidParameter", "Invalid parameter: Subject")


def check_object(method: str, path: str, headers: dict[str, str]) -> None:
    """Raise AwsError for an object that S3 does not take. `path` is /<bucket>/<key>, not encoded."""
    key = path.lstrip("/").partition("/")[2]
    if len(key.encode()) > KEY_BYTES:
        raise AwsError("KeyTooLongError", "Your key is too long")
    told = {name: value for name, value in headers.items() if name.lower().startswith("x-amz-meta-")}
    size = sum(len(name.encode()) - len("x-amz-meta-") + len(value.encode()) for name, value in told.items())
    if method in ("PUT", "POST") and size > METADATA_BYTES:
        raise AwsError("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")


def check_execution(headers: dict[str, str], body: bytes) -> None:
    """Raise AwsError for a request that Step Functions does not take, by its own model and by its rule for names."""
    operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return  # the emulator says so
    check_request("stepfunctions", operation, request)
    name = request.get("name", "")
    if operation in ("StartExecution", "CreateStateMachine") and IN_NO_NAME.search(name):
        raise AwsError("InvalidName", f"Invalid Name: '{name}'")


def is_too_large(value: Any) -> bool:
    """Return whether a state may not have this as its input or output."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > STATE_BYTES


def register() -> None:
    """Let the emulator of this process keep the limits."""
    from ministack import app
    from ministack.core.responses import error_response_json
    from ministack.services import s3, sns, stepfunctions

    publish, store, run = (app.SERVICE_HANDLERS[service] for service in ("sns", "s3", "states"))
    execute_task = stepfunctions._execute_task

    async def sns_request(method: str, path: str, headers: dict[str, str], body: bytes, query: Query) -> Any:
        try:
            check_subject(body)
        except AwsError as error:
            return sns._error(error.code, error.message, error.status)
        return await publish(method, path, headers, body, query)

    async def s3_request(method: str, path: str, headers: dict[str, str], body: bytes, query: Query) -> Any:
        try:
            check_object(method, path, headers)
        except AwsError as error:
            return s3._error(error.code, error.message, error.status)
        return await store(method, path, headers, body, query)

    async def states_request(method: str, path: str, headers: dict[str, str], body: bytes, query: Query) -> Any:
        try:
            check_execution(headers, body)
        except AwsError as error:
            return error_response_json(error.code, error.message, error.status)
        return await run(method, path, headers, body, query)

    def execute(state: Any, raw_input: Any, execution: Any, context: Any) -> Any:
        output = execute_task(state, raw_input, execution, context)
        if is_too_large(output[0]):
            raise stepfunctions._ExecutionError(
                "States.DataLimitExceeded",
                f"The state's output is larger than {STATE_BYTES} bytes, the maximum that Step Functions takes.",
            )
        return output

    app.SERVICE_HANDLERS |= {"sns": sns_request, "s3": s3_request, "states": states_request}
    stepfunctions._execute_task = execute
