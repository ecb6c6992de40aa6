"""Tell people why a model was rejected, and where the report lies.

Input:   {"training_job", "judgement": what JudgeModel answered}
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
    judgement = event["judgement"]
    report = judgement["evaluation_uri"].replace("evaluation.json", "report.html")
    lines = [*judgement["reasons"], f"Decision: {judgement['decision_uri']}", f"Report: {report}"]
    notify.publish(TOPIC, f"Model rejected: {event['training_job']}", lines)
    logger.info("rejection reported", training_job=event["training_job"])
