"""SageMaker's API: operations by name, with requests and answers checked against botocore's model."""

import json
from collections.abc import Callable

from local.account import ACCOUNT, REGION
from local.emulator.aws_shapes import AwsError, Structure, check_answer, check_request, in_milliseconds

PAGE_SIZE = 10  # what SageMaker's lists give unless MaxResults asks for more
Operation = Callable[[Structure], Structure]
OPERATIONS: dict[str, Operation] = {}


def arn(kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name.lower() if kind.endswith('-job') else name}"


def operation(function: Operation) -> Operation:
    """Register `create_training_job` as the operation CreateTrainingJob."""
    OPERATIONS["".join(word.capitalize() for word in function.__name__.split("_"))] = function
    return function


def call(name: str, request: Structure) -> Structure:
    """Run one operation of the SageMaker API, request and answer checked. Raise AwsError."""
    check_request("sagemaker", name, request)
    if name not in OPERATIONS:
        raise AwsError("UnknownOperationException", f"the local run has no sagemaker:{name}")
    return check_answer("sagemaker", name, OPERATIONS[name](request))


def page(field: str, entries: list[Structure], keep: tuple[str, ...], order: str, request: Structure) -> Structure:
    """Return one page of a List operation: `entries` with the fields `keep`, sorted by `order` as `request` says."""
    entries = sorted(entries, key=lambda entry: entry[order], reverse=request.get("SortOrder") == "Descending")
    start, size = int(request.get("NextToken", 0)), request.get("MaxResults", PAGE_SIZE)
    found = [{key: entry[key] for key in keep if key in entry} for entry in entries[start : start + size]]
    more = {"NextToken": str(start + size)} if start + size < len(entries) else {}
    return {field: found, **more}


def emit(detail_type: str, detail: Structure, resources: list[str]) -> None:
    """Put an event of source `aws.sagemaker` on the default bus, as SageMaker does."""
    from ministack.services import eventbridge

    entry = {
        "Source": "aws.sagemaker",
        "DetailType": detail_type,
        "Detail": json.dumps(in_milliseconds(detail)),
        "Resources": resources,
        "EventBusName": "default",
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
