"""Give back what an execution held that ended before its work was done, and tell people.

No Catch runs when an execution is stopped, is out of time or breaks a limit. So no workflow cleans up by itself: this
does, for all of them, from what the records say. An event may come late, twice, out of order or not at all.

Input:   EventBridge's event "Step Functions Execution Status Change" of an execution that ended badly ("detail"), or
         null for it from a schedule: what executions hold of whose end no event has told
Output:  {"images": given back, "jobs": withdrawn, "answers": that people gave in them, "rollouts": that let the
         devices go}
"""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.topic import Topic
from sightline.aws.workflows import EndedExecution, StateMachine, bad_end, is_running
from sightline.clock import SKEW_SECONDS
from sightline.images.ledger import Ledger
from sightline.labelling.endings import Endings
from sightline.labelling.jobs import Jobs
from sightline.labelling.tasks import JobKind
from sightline.rollout.deployments import Deployments
from sightline.rollout.record import OPEN, Rollout
from sightline.runtime import Context, correlate, logger, step

WAITING = (  # an engineer who stops a labelling wants it stopped: nothing begins another one at once
    "Images without a label wait for the next upload or the schedule (LabelingSchedule). To have them labelled now, "
    "start an execution of this state machine with the input {}."
)
MAX_ROUNDS = int(os.environ["MAX_ROUNDS"])
# A function goes on for as long as 15 minutes after its execution has ended, and may claim until then.
GRACE = timedelta(minutes=20)

aws = Aws()
topic = Topic(aws, os.environ["NOTIFICATION_TOPIC"])
images = Ledger(aws, os.environ["IMAGES_TABLE"])
jobs = Jobs(aws, os.environ["TASKS_TABLE"])
endings = Endings(aws, os.environ["TASKS_TABLE"])
deployments = Deployments(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])
label_images = StateMachine(aws, os.environ["LABEL_IMAGES_ARN"])


class Ended(TypedDict):
    """What this needs of EventBridge's event."""

    detail: object


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What was given back, in numbers."""

    images: int = 0
    jobs: int = 0
    answers: int = 0
    rollouts: int = 0

    def lines(self) -> Iterator[str]:
        if self.images:
            yield f"Images given back: {self.images}."
        if self.jobs:
            yield f"Jobs withdrawn from the page: {self.jobs}. Answers in them, which are kept: {self.answers}."


def labelling(job_id: str) -> GivenBack:
    """Give back what a labelling holds: its jobs leave the page, its images are new again, its answers stay.

    The note comes first: a function of it that runs still opens no job from then on.
    """
    endings.note_ended(job_id)
    open_ones = [
        withdrawn
        for kind in JobKind
        for number in range(1, MAX_ROUNDS + 1)
        if (withdrawn := jobs.withdraw(names.task_job(job_id, kind, number)))
    ]
    asked = any(jobs.was_opened(names.task_job(job_id, kind, 1)) for kind in JobKind)
    return GivenBack(images.release(job_id, asked=asked), len(open_ones), sum(job.answered for job in open_ones))


def left(rollout: Rollout) -> str:
    return (
        f"The roll-out of {rollout.model_version} let the devices go in its stage {rollout.stage}. They run on as they "
        "are: approve a model, or take this one back with `sightline device rollback`."
    )


def ended(end: EndedExecution) -> GivenBack:
    """Give back what one execution held, and tell people once."""
    of_labelling = end.machine_arn == label_images.arn
    what = names.short(end.name) if of_labelling else end.arn
    given = labelling(what) if of_labelling else GivenBack()
    rollout = None if of_labelling else deployments.abandon(end.arn)
    if endings.told(what) < end.redrives:
        lines = [f"Execution: {end.arn}", f"Error: {end.error or 'none'}", f"Cause: {end.cause or 'no cause given'}"]
        lines += [*given.lines(), *([left(rollout)] if rollout else []), *([WAITING] if of_labelling else [])]
        topic.publish(f"{end.machine} {end.status.said(end.error)}", lines)
        endings.note_told(what, end.redrives)
    logger.error("execution ended", status=end.status, error=end.error, cause=end.cause[:2000], given=asdict(given))
    return GivenBack(given.images, given.jobs, given.answers, int(rollout is not None))


def unheard_of() -> GivenBack:
    """Give back what executions hold that have ended, whatever became of the event."""
    current = deployments.current()
    end = bad_end(aws, current.execution) if current and current.status in OPEN else None
    rollouts = ended(end).rollouts if end else 0
    labellings = unheard_labellings()
    return GivenBack(labellings.images, labellings.jobs, labellings.answers, rollouts)


def unheard_labellings() -> GivenBack:
    now = datetime.now(UTC)
    ahead = now + timedelta(seconds=SKEW_SECONDS)  # claimed by a wrong clock
    old = sorted(job_id for job_id, since in images.claims().items() if not now - GRACE <= since <= ahead)
    running = {names.short(name) for name in label_images.running()} if old else set()
    total = GivenBack()
    for job_id in (holder for holder in old if holder not in running):
        given = labelling(job_id)
        logger.error("execution ended unheard", job_id=job_id, given=asdict(given))
        topic.publish(f"What {job_id} held was given back late", ["No event has told of its end.", *given.lines()])
        total = GivenBack(total.images + given.images, total.jobs + given.jobs, total.answers + given.answers)
    return total


@step
def handler(event: Ended, context: Context) -> dict[str, int]:
    if event["detail"] is None:
        return asdict(unheard_of())
    end = EndedExecution.from_event(event["detail"])
    correlate(end.name)
    if is_running(aws, end.arn):  # redriven meanwhile: what it holds is its own again
        logger.info("execution goes on", execution=end.arn)
        return asdict(GivenBack())
    return asdict(ended(end))
