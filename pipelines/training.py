"""A training of a deployed stack: started for the code and the hyperparameters of a commit, followed to the gate."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from client import pipeline
from client.outcomes import TrainingOutcome
from client.target import Target
from pipelines.place import StepError
from sightline.fields import Fields

TRAINING_SECONDS = 6 * 3600.0
IMAGE_SECONDS = 30.0  # between two questions for the training image


class Ending(StrEnum):
    """How a training ended."""

    WAITS_FOR_IMAGE = "waits for its image"
    NOTHING_NEW = "nothing new"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Gate:
    """How a training stands. `version` is the model's in the registry, 0 where none was registered."""

    ending: Ending
    reason: str
    version: int = 0


def hyperparameters(file: Path) -> dict[str, str]:
    """Read a JSON object of names and texts. Raise StepError."""
    try:
        found = json.loads(file.read_text())
    except ValueError as error:
        raise StepError(f"{file} is no JSON: {error}") from error
    fields = Fields(found, f"in {file}")
    return {name: fields.text(name) for name in fields.values}


def start(target: Target, given: dict[str, str]) -> str:
    """Start a training of what is new. Return the execution's ARN."""
    return pipeline.start_training(target, hyperparameters=given)


def follow(target: Target, given: dict[str, str], execution_arn: str, tell: Callable[[str], None]) -> Gate:
    """Wait for the gate; a training that came before its image is asked for again when the image is there.

    The one that the stack starts by itself then is the same: asked for twice, it trains once. Raise PipelineError when
    the training failed, StepError when it or its image takes too long.
    """
    until = time.monotonic() + TRAINING_SECONDS
    while True:
        found = gate(pipeline.wait_for(target, execution_arn, seconds=until - time.monotonic()))
        if found.ending != Ending.WAITS_FOR_IMAGE:
            return found
        if time.monotonic() > until:
            raise StepError(f"no training image after {TRAINING_SECONDS:.0f} s: {found.reason}")
        tell(found.reason)
        time.sleep(IMAGE_SECONDS)
        execution_arn = start(target, given)


def gate(output: Mapping[str, object]) -> Gate:
    """Return how an execution ended, from its output."""
    outcome = TrainingOutcome.from_output(output)
    fields = Fields(output, "in the output of train_model")
    if outcome.judgement is None:
        image = fields.fields("image")
        return Gate(Ending.NOTHING_NEW if image.flag("ready") else Ending.WAITS_FOR_IMAGE, outcome.reason)
    said = "; ".join(outcome.judgement.reasons)
    if not outcome.judgement.accepted:
        return Gate(Ending.REJECTED, said)
    arn = fields.fields("registration").text("model_package_arn")
    return Gate(Ending.ACCEPTED, said, int(arn.rsplit("/", 1)[-1]))
