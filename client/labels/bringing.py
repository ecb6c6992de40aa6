"""Labels that are brought until each is taken: a labelling may claim images while they are on their way."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from client import pipeline
from client.formats.checks import BadLabelError, shown
from client.formats.report import Report
from client.labels import importing
from client.labels.claimed import Claimed
from client.labels.importing import Matched
from client.target import Target
from sightline import names
from sightline.images.image import ImageStatus

TRIES = 3
SECONDS = 120.0  # of one execution until it has taken its labels
PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of labels: the executions that have them, and how many were taken."""

    executions: list[str]
    taken: int


def bring(target: Target, labels: Sequence[Matched], report: Report, *, approved: bool) -> Brought:
    """Bring labels, those again whose image a labelling has claimed meanwhile. What is left out is in the report."""
    executions: list[str] = []
    rest, taken = list(labels), 0
    for attempt in range(1, TRIES + 1):
        lines = importing.lines_of(rest)
        started = importing.bring(target, lines, approved=approved)
        executions += started
        got = sum(claimed(target, execution) for execution in started)
        taken += got
        if got >= len(rest):
            return Brought(executions, taken)
        rest = _left(target, rest, executions, report)
        if attempt == TRIES or not rest:
            break
    for label in rest:
        report.refuse("a labelling had it when its label came; import again", shown(label.name))
    return Brought(executions, taken)


def claimed(target: Target, execution_arn: str) -> int:
    """Return how many labels an execution has taken, as soon as it says so."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        for event in pipeline.history(target, execution_arn):
            entered = event.get("stateEnteredEventDetails")
            if entered and entered["name"] == "AreLabelsImported":
                return int(json.loads(entered["input"])["claim"]["images"])
        status = target.aws.step_functions.describe_execution(executionArn=execution_arn)["status"]
        if status != "RUNNING":
            pipeline.wait_for(target, execution_arn)  # raises what went wrong
            return 0
        time.sleep(PAUSE_SECONDS)
    return 0


def _left(target: Target, labels: Sequence[Matched], executions: Sequence[str], report: Report) -> list[Matched]:
    """Return the labels that may be brought again."""
    jobs = {names.short(execution.rsplit(":", 1)[-1]) for execution in executions}
    ledger, others, again = pipeline.ledger(target), Claimed(target), []
    for label in labels:
        image = ledger.image(label.image.image_id)
        if image is None or image.claimed_by in jobs:
            continue
        try:
            if image.status is ImageStatus.CLAIMED:
                others.check_free(image)
            again.append(label)
        except BadLabelError as error:
            report.refuse(str(error), shown(label.name))
    return again
