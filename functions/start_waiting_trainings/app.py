"""Start the trainings that wait for the training image, or tell people why it could not be built.

Input:   EventBridge's event "CodeBuild Build State Change" of a build that has ended ("detail")
Output:  {"started": how many trainings}
Effects: executions of train_model; a message to people after a build that failed, and then the trainings wait on.
"""

import os
from typing import TypedDict

from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.aws.topic import Topic
from sightline.aws.workflows import StateMachine
from sightline.fields import Fields
from sightline.models.training_image import SUCCEEDED, WaitingTrainings
from sightline.runtime import Context, logger, step

aws = Aws()
topic = Topic(aws, os.environ["NOTIFICATION_TOPIC"])
train_model = StateMachine(aws, os.environ["TRAIN_MODEL_ARN"])
waiting = WaitingTrainings(ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"]))


class BuildEnded(TypedDict):
    """What this needs of EventBridge's event."""

    detail: object


class Started(TypedDict):
    started: int


@step
def handler(event: BuildEnded, context: Context) -> Started:
    build = Fields(event["detail"], "of the build's event")
    status, build_id = build.text("build-status"), build.text("build-id").rpartition(":")[2]
    if status != SUCCEEDED:
        lines = [
            f"CodeBuild's build {build_id} ended {status}. Labelling goes on; trainings wait for the image.",
            f"Log: {build.fields('additional-information').fields('logs').text('deep-link', 'none')}",
            "`sightline train` starts another build.",
        ]
        topic.publish("The training image could not be built", lines)
        logger.error("training image not built", build=build_id, status=status)
        return {"started": 0}
    started = waiting.start(train_model, build_id)
    logger.info("training image built", build=build_id, started=started)
    return {"started": started}
