"""Tell people which execution failed, and why.

Input:   {"execution": its ARN, "state_machine": its name, "error": {"Error", "Cause"} as Step Functions gives it}
Output:  none
"""

import os

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline.aws import topic as notify

TOPIC = os.environ["NOTIFICATION_TOPIC"]

logger = Logger()
tracer = Tracer()


@tracer.capture_lambda_handler
@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> None:
    error = event["error"]
    name, cause = error.get("Error") or "unknown", error.get("Cause") or "no cause given"  # a timeout has no cause
    subject = f"{event['state_machine']} failed: {name}"
    notify.publish(TOPIC, subject, [f"Execution: {event['execution']}", f"Error: {name}", f"Cause: {cause}"])
    logger.error("execution failed", execution=event["execution"], error=name, cause=cause[:2000])
