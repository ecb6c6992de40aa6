"""Write down what the verifiers of a round said.

Input:   {"job_id", "round", "tasks_job": the verification job}
Output:  {"verdicts_uri": s3://…/verdicts.jsonl, "verdicts": how many}
"""

import os
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.labelling.answers import Answers
from sightline.runtime import Context, logger, step

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])
answers = Answers(aws, os.environ["TASKS_TABLE"])


class Request(TypedDict):
    job_id: str
    round: int
    tasks_job: str  # the verification job


class CollectedVerdicts(TypedDict):
    verdicts_uri: str
    verdicts: int


@step
def handler(event: Request, context: Context) -> CollectedVerdicts:
    key, number = names.round_prefix(event["job_id"], event["round"]) + "verdicts.jsonl", 0
    with artifacts.line_writer(key) as write:
        for image, given in answers.by_task(event["tasks_job"]):
            for verdict in given:
                write({"image_id": image["image_id"], **verdict})
                number += 1
    logger.info("verdicts collected", job_id=event["tasks_job"], verdicts=number)
    return {"verdicts_uri": artifacts.uri(key), "verdicts": number}
