"""Tell people which execution failed, and why.

Input:   {"execution": its ARN, "state_machine": its name, "error": {"Error", "Cause"} as Step Functions gives it}
Output:  none
"""

import os

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline.aws.clients import Aws
from sightline.aws.topic import Topic

logger = Logger()
aws = Aws()
topic = Topic(aws, os.environ["NOTIFICATION_TOPIC"])


@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> None:
    error = event["error"]
    name, cause = error.get("Error") or "unknown", error.get("Cause") or "no cause given"  # a timeout has no cause
    subject = f"{event['state_machine']} failed: {name}"
    topic.publish(subject, [f"Execution: {event['execution']}", f"Error: {name}", f"Cause: {cause}"])
    logger.error("execution failed", execution=event["execution"], error=name, cause=cause[:2000])
