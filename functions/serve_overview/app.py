"""What the overview page shows: images by status, executions with their state, models, devices, and the workflows as
graphs.

Requests and answers are in docs/reference/console-api.md. API Gateway has checked the caller's token before this
runs.
"""

import json
import os

from sightline.api.http import Api, RequestError
from sightline.api.shapes import DeviceShown, ExecutionShown, Overview, Workflow
from sightline.api.shown import model_shown
from sightline.api.workflow_graph import workflow
from sightline.aws.clients import Aws
from sightline.aws.workflows import StateMachine
from sightline.images.ledger import Ledger
from sightline.models.registry import Registry
from sightline.models.standing import Standing
from sightline.models.training_image import TrainingImages
from sightline.names import OwnComponents
from sightline.rollout.fleet import Fleet
from sightline.rollout.stages import Groups

MACHINES: dict[str, str] = json.loads(os.environ["MACHINES"])  # name: ARN
MODELS = 20
EXECUTIONS = 5  # of each workflow, the newest

OWN_IMAGE = os.environ["TRAINING_IMAGE_URI"]  # empty where the stack builds the image

aws = Aws()
api = Api()
training_images = TrainingImages(aws, os.environ["TRAINING_IMAGE_REPOSITORY"], os.environ["TRAINING_IMAGE_PROJECT"])
registry = Registry(aws, os.environ["MODEL_PACKAGE_GROUP"])
standing = Standing(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])
images = Ledger(aws, os.environ["IMAGES_TABLE"])
fleet = Fleet(
    aws,
    OwnComponents(os.environ["STACK_NAME"]),
    Groups(fleet=os.environ["THING_GROUP_ARN"], canary=os.environ["CANARY_GROUP_ARN"]),
    os.environ["DEPLOYMENTS_TABLE"],
    silent_after=float(os.environ["DEVICE_SILENT_SECONDS"]),
)


def executions() -> list[ExecutionShown]:
    found: list[ExecutionShown] = [
        {
            "machine": machine,
            "name": execution.name,
            "status": execution.status,
            "started_at": execution.started_at,
            "state": execution.state,
            "problem": execution.problem,
        }
        for machine, arn in MACHINES.items()
        for execution in StateMachine(aws, arn).newest(EXECUTIONS)
    ]
    return sorted(found, key=lambda execution: str(execution["started_at"]), reverse=True)


def devices() -> list[DeviceShown]:
    return [
        {
            "thing": device.thing,
            "status": device.status,
            "model": device.model,
            "model_state": device.model_state,
            "healthy": device.healthy,
            "wrong": bool(device.wrong),
            "silent": device.is_silent,
            "problem": device.problem,
            "seen_at": device.last_seen.isoformat(timespec="seconds") if device.last_seen else None,
        }
        for device in fleet.devices()
    ]


@api.route("GET /overview")
def show_overview() -> Overview:
    """Images by status, the newest executions and models, every device, and what is wrong with the training image."""
    states = standing.states()
    return {
        "images": {status.value: number for status, number in images.counts().items()},
        "executions": executions(),
        "models": [model_shown(model, states) for model in registry.newest(MODELS)],
        "devices": devices(),
        "image_problem": None if OWN_IMAGE else training_images.problem(),
    }


@api.route("GET /workflows/{machine}")
def show_workflow(machine: str) -> Workflow:
    """A workflow as a graph, from the definition that is deployed."""
    if machine not in MACHINES:
        raise RequestError(f"no workflow {machine!r:.80}; there are: {', '.join(MACHINES)}", 404)
    return workflow(machine, StateMachine(aws, MACHINES[machine]).definition())


handler = api.handler
