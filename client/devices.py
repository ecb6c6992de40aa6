"""What the commands ask about devices: what they run, what they said, and the way back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from client import pipeline
from client.pipeline import PipelineError
from client.target import Target
from sightline import names

GROUPS = {"canary": "CanaryThingGroupName", "fleet": "ThingGroupName"}
ROLL_BACK_SECONDS = 600


def members(target: Target) -> dict[str, str]:
    """Thing → its group, `canary` or `fleet`."""
    iot = target.client("iot")
    found: dict[str, str] = {}
    for group, output in GROUPS.items():
        if target.outputs.get(output):
            pages = iot.get_paginator("list_things_in_thing_group").paginate(thingGroupName=target.outputs[output])
            found |= {thing: group for page in pages for thing in page["things"]}
    return found


def listed(target: Target) -> list[dict[str, Any]]:
    """Every device of the groups and every core device: group, status, model version, healthy with it, last seen."""
    groups = members(target)
    known = {entry["thing"]: entry for entry in pipeline.devices(target)}
    never = {"status": "NEVER SEEN", "model": "", "last_seen": "", "components": {}}
    found = []
    for thing in sorted(groups.keys() | known.keys()):
        entry = known.get(thing, never)
        said = reports(target, thing).get(entry["model"])
        healthy = "" if said is None else "yes" if said["healthy"] and entry["status"] == "HEALTHY" else "NO"
        found.append({"thing": thing, "group": groups.get(thing, ""), **entry, "healthy": healthy})
    return found


def reports(target: Target, thing: str) -> dict[str, dict[str, Any]]:
    """Model version → what the device said of it last: healthy, reason, at."""
    from boto3.dynamodb.types import TypeDeserializer

    table = target.outputs["DeploymentsTableName"]
    answer = target.client("dynamodb").get_item(TableName=table, Key={"pk": {"S": f"thing#{thing}"}})
    read = TypeDeserializer()
    item = {name: read.deserialize(value) for name, value in answer.get("Item", {}).items()}
    return {version: said for version, said in item.items() if version != "pk"}


def show(target: Target, thing: str) -> dict[str, Any]:
    """One device: what it runs, every deployment with its reason, and what it said of each model."""
    found = [entry for entry in listed(target) if entry["thing"] == thing]
    if not found:
        have = ", ".join(entry["thing"] for entry in listed(target)) or "none"
        raise PipelineError(f"no device {thing!r}; there are: {have}")
    said = sorted(reports(target, thing).items(), key=lambda entry: str(entry[1]["at"]), reverse=True)
    return {
        **found[0],
        "deployments": list(_deployments(target, thing)),
        "reports": [{"model": version, **report} for version, report in said],
    }


def _deployments(target: Target, thing: str) -> Iterator[dict[str, Any]]:
    client = target.client("greengrassv2")
    pages = client.get_paginator("list_effective_deployments").paginate(coreDeviceThingName=thing)
    try:
        for page in pages:
            for entry in page["effectiveDeployments"]:
                yield {
                    "at": entry["modifiedTimestamp"].isoformat(timespec="seconds"),
                    "deployment": entry.get("deploymentName", ""),
                    "status": entry["coreDeviceExecutionStatus"],
                    "reason": entry.get("reason", ""),
                }
    except client.exceptions.ResourceNotFoundException:  # it never connected
        return


def log_files(home: Path, thing: str) -> list[Path]:
    """The logs of a simulated device: its nucleus and its components. Raises PipelineError."""
    root = home / "devices" / thing
    if not root.is_dir():
        raise PipelineError(
            f"no simulated device {thing!r} was ever started here; `sightline device start {thing}` does"
        )
    return [path for path in (root / "nucleus.log", *sorted((root / "logs").glob("*.log"))) if path.is_file()]


def logs_on_aws(target: Target, thing: str) -> str:
    """Where the component aws.greengrass.LogManager puts a device's logs."""
    group = f"/aws/greengrass/UserComponent/{target.session.region_name}/{names.INSPECTOR_COMPONENT}"
    return (
        f"log group {group}, streams /<date>/thing/{thing}, once aws.greengrass.LogManager is deployed to the device; "
        f"on the device itself /greengrass/v2/logs/{names.INSPECTOR_COMPONENT}.log"
    )


def roll_back(target: Target, reason: str) -> tuple[str, str]:
    """Let deploy_model take the newest model back; answers how that ended (its last state) and the model's version."""
    client = target.client("stepfunctions")
    request = json.dumps({"roll_back_request": {"reason": reason}})
    arn = client.start_execution(stateMachineArn=target.outputs["DeployModelArn"], input=request)["executionArn"]
    output = pipeline.wait_for(target, arn, seconds=ROLL_BACK_SECONDS)
    return pipeline.current_state(target, arn), str(output["request"]["model_version"])
