"""Tell people why a model was rejected, and where the report lies.

Input:   {"training_job", "judgement": what JudgeModel answered}
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
    judgement = event["judgement"]
    report = judgement["evaluation_uri"].replace("evaluation.json", "report.html")
    lines = [*judgement["reasons"], f"Decision: {judgement['decision_uri']}", f"Report: {report}"]
    topic.publish(f"Model rejected: {event['training_job']}", lines)
    logger.info("rejection reported", training_job=event["training_job"])
