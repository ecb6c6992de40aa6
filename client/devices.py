"""What the commands ask about devices: what they run, what they said, and the way back."""

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from client import pipeline
from client.pipeline import PipelineError
from client.target import Target
from sightline import names
from sightline.aws.objects import ObjectStore
from sightline.rollout.deployments import Deployments
from sightline.rollout.fleet import Device, Fleet
from sightline.rollout.published import ComponentNotReadyError, PublishedComponents
from sightline.rollout.recipes import inspector_recipe
from sightline.rollout.record import Rollout
from sightline.rollout.stages import Groups, Stage

GROUPS = {Stage.CANARY: "CanaryThingGroupName", Stage.FLEET: "ThingGroupName"}  # the stack's outputs
ROLL_BACK_SECONDS = 600
DEPLOYABLE_SECONDS = 60
SHOWN = 10  # devices that a sentence names


class DeviceRow(TypedDict):
    """A device as a command lists it.

    `healthy` is `yes`, `NO`, or empty where nobody knows: it is silent, or has said nothing of its model.
    """

    thing: str
    group: str
    status: str
    model: str
    model_state: str  # what that model is; empty for no model
    healthy: str
    last_seen: str
    wrong: bool  # it runs a model that is not in service, and is not on its way
    problem: str  # what is wrong with it, in a sentence; empty for nothing
    components: dict[str, str]


class DeploymentRow(TypedDict):
    """A deployment on a device; `at` is ISO 8601."""

    at: str
    deployment: str
    status: str
    reason: str


class ReportRow(TypedDict):
    """What a device said last of a model version."""

    model: str
    healthy: bool
    reason: str
    at: str


class DeviceDetails(DeviceRow):
    """A device with all that was deployed to it and all that it said, the newest first."""

    deployments: list[DeploymentRow]
    reports: list[ReportRow]


def own_components(target: Target) -> names.OwnComponents:
    """Return the names of the stack's components."""
    return names.OwnComponents(target.outputs["StackName"])


def fleet(target: Target) -> Fleet:
    """Return the stack's devices, asked for with the caller's rights."""
    groups = Groups.from_outputs(target.outputs)
    silent_after = float(pipeline.parameters(target)["DeviceSilentSeconds"])
    table = target.outputs["DeploymentsTableName"]
    return Fleet(target.aws, own_components(target), groups, table, silent_after=silent_after)


def rollout(target: Target) -> Rollout | None:
    """Return the fleet's roll-out, None before the first."""
    return Deployments(target.aws, target.outputs["DeploymentsTableName"], target.outputs["ThingGroupArn"]).current()


def listed(target: Target) -> list[DeviceRow]:
    """Return every device of the stack's groups, by name."""
    return [_row(device) for device in fleet(target).devices()]


def show(target: Target, thing: str) -> DeviceDetails:
    """Return one device with its history. Raise PipelineError when there is no such device."""
    asked = fleet(target)
    devices = {device.thing: device for device in asked.devices()}
    if thing not in devices:
        raise PipelineError(f"no device {thing!r}; there are: {', '.join(devices) or 'none'}")
    said = sorted(asked.reports.of(thing).items(), key=lambda entry: entry[1].at, reverse=True)
    return {
        **_row(devices[thing]),
        "deployments": [
            {
                "at": deployment.modified_at.isoformat(timespec="seconds"),
                "deployment": deployment.name,
                "status": deployment.status,
                "reason": deployment.reason,
            }
            for deployment in asked.deployments_on(thing)
        ],
        "reports": [
            {"model": version, "healthy": report.healthy, "reason": report.reason, "at": report.at}
            for version, report in said
        ],
    }


def _row(device: Device) -> DeviceRow:
    return {
        "thing": device.thing,
        "group": device.stage,
        "status": device.status,
        "model": device.model,
        "model_state": device.model_state or "",
        "healthy": {None: "", True: "yes", False: "NO"}[device.healthy],
        "last_seen": device.last_seen.isoformat(timespec="seconds") if device.last_seen else "",
        "wrong": bool(device.wrong),
        "problem": device.problem,
        "components": dict(device.components),
    }


def log_files(home: Path, thing: str) -> list[Path]:
    """Return the logs of a simulated device: its nucleus and its components. Raise PipelineError."""
    root = home / "devices" / thing
    if not root.is_dir():
        raise PipelineError(
            f"no simulated device {thing!r} was ever started here; `sightline device start {thing}` does"
        )
    return [path for path in (root / "nucleus.log", *sorted((root / "logs").glob("*.log"))) if path.is_file()]


def logs_on_aws(target: Target, thing: str) -> str:
    """Return where the component aws.greengrass.LogManager puts a device's logs."""
    inspector = own_components(target).inspector
    group = f"/aws/greengrass/UserComponent/{target.session.region_name}/{inspector}"
    return (
        f"log group {group}, streams /<date>/thing/{thing}, once aws.greengrass.LogManager is deployed to the device; "
        f"on the device itself /greengrass/v2/logs/{inspector}.log"
    )


def roll_back(target: Target, version: int, reason: str) -> str:
    """Let deploy_model take a model back, which the newest roll-out brought. Return the state in which that ended."""
    wish = {"reason": reason, "model_version": names.component_version(version)}
    request = json.dumps({"roll_back_request": wish})
    machine = target.outputs["DeployModelArn"]
    arn = target.aws.step_functions.start_execution(stateMachineArn=machine, input=request)["executionArn"]
    pipeline.wait_for(target, arn, seconds=ROLL_BACK_SECONDS)
    return pipeline.current_state(target, arn)


def running(target: Target, version: int) -> list[Device]:
    """Return the devices that run a model."""
    wanted = names.component_version(version)
    return [device for device in fleet(target).devices() if device.model == wanted]


def named(found: Sequence[Device]) -> str:
    """Return devices by name, with what is wrong with each that is silent."""
    shown = [f"{device.thing}{' (silent)' if device.is_silent else ''}" for device in found[:SHOWN]]
    more = [f"{len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return ", ".join(shown + more) or "no device"


def publish_inspector(target: Target) -> tuple[str, str]:
    """Upload the inspector and create its next version, unless the newest has the same content.

    Return name and version, when it can be deployed. Raise ComponentFailedError when Greengrass refuses it. The
    artifact lies below its digest, so that two who publish different inspectors at once don't share a file.
    """
    from edge import package
    from edge.inspector.settings import defaults

    own, body = own_components(target), package.inspector_zip()
    artifacts = ObjectStore(target.aws, target.outputs["ArtifactsBucketName"])
    folder = names.component_prefix(own.inspector, hashlib.sha256(body).hexdigest()[:32])
    uri = artifacts.write(folder + "inspector.zip", body)
    settings = defaults() | {"imagesBucket": target.outputs["ImagesBucketName"]}
    published = PublishedComponents(target.aws, target.outputs["ThingGroupArn"])
    version = published.publish_next(inspector_recipe(own, "", uri, settings))
    _wait_until_deployable(published, f"{published.prefix}:{own.inspector}:versions:{version}")
    return own.inspector, version


def _wait_until_deployable(published: PublishedComponents, arn: str) -> None:
    """Wait while Greengrass reads the artifact. Raise what `check_deployable` raises, not ready after a minute too."""
    deadline = time.monotonic() + DEPLOYABLE_SECONDS
    while True:
        try:
            return published.check_deployable(arn)
        except ComponentNotReadyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
