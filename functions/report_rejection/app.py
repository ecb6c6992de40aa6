"""Tell people why a model was rejected, and where the report lies.

Input:   {"training_job", "judgement": what JudgeModel answered}
Output:  none
"""

import os
from typing import TypedDict

from sightline.aws.clients import Aws
from sightline.aws.topic import Topic
from sightline.runtime import Context, logger, step

aws = Aws()
topic = Topic(aws, os.environ["NOTIFICATION_TOPIC"])


class Judgement(TypedDict):
    reasons: list[str]
    decision_uri: str
    evaluation_uri: str


class Request(TypedDict):
    training_job: str
    judgement: Judgement


@step
def handler(event: Request, context: Context) -> None:
    judgement = event["judgement"]
    report = judgement["evaluation_uri"].replace("evaluation.json", "report.html")
    lines = [*judgement["reasons"], f"Decision: {judgement['decision_uri']}", f"Report: {report}"]
    topic.publish(f"Model rejected: {event['training_job']}", lines)
    logger.info("rejection reported", training_job=event["training_job"])
