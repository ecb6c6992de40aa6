"""Trainings and scorings that people start and stop: executions of the workflows, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client import pipeline
from client.target import Target
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef

MACHINES = ("train_model", "score_batch")


class RunError(SightlineError):
    """A run that is not there, or has ended."""


def cancel(target: Target, name: str) -> str:
    """Stop the run of this name, or with this beginning where only one runs. Return its name. Raise RunError."""
    found = _run(target, name)
    target.aws.step_functions.stop_execution(
        executionArn=found["executionArn"], error="Cancelled", cause="a person has cancelled it"
    )
    return found["name"]


def _run(target: Target, name: str) -> ExecutionListItemTypeDef:
    known = [execution for machine in MACHINES for execution in pipeline.executions(target, machine)]
    running = [one for one in known if one["status"] == "RUNNING"]
    found = [one for one in running if one["name"] == name] or [one for one in running if one["name"].startswith(name)]
    if len(found) == 1:
        return found[0]
    if ended := [one for one in known if one["name"] == name and one["status"] != "RUNNING"]:
        raise RunError(f"{name} has ended: {ended[0]['status'].lower()}")
    problem = "is the beginning of several runs" if found else "is no run"
    raise RunError(f"{name!r} {problem}; these run: {', '.join(one['name'] for one in running) or 'none'}")
