"""Tell people which execution failed, and why.

Input:   {"execution": its ARN, "state_machine": its name, "error": {"Error", "Cause"} as Step Functions gives it}
Output:  none
"""

import os
from typing import TypedDict

from sightline.aws.clients import Aws
from sightline.aws.topic import Topic
from sightline.runtime import Context, logger, step

aws = Aws()
topic = Topic(aws, os.environ["NOTIFICATION_TOPIC"])


class Failure(TypedDict, total=False):
    """What Step Functions says of an error; a timeout has no cause."""

    Error: str
    Cause: str


class Request(TypedDict):
    execution: str
    state_machine: str
    error: Failure


@step
def handler(event: Request, context: Context) -> None:
    error = event["error"]
    name, cause = error.get("Error") or "unknown", error.get("Cause") or "no cause given"  # a timeout has no cause
    subject = f"{event['state_machine']} failed: {name}"
    topic.publish(subject, [f"Execution: {event['execution']}", f"Error: {name}", f"Cause: {cause}"])
    logger.error("execution failed", execution=event["execution"], error=name, cause=cause[:2000])
