"""Core devices: what they run, which deployments are theirs, and what a simulated one reports and gets."""

from local.emulator.aws_shapes import AwsError, Structure
from local.emulator.greengrass import deployments, state
from local.emulator.greengrass.messages import DeploymentReport, DeviceReport, ReportAnswer
from local.emulator.greengrass.state import PREFIX

DEPLOYMENT_EVENT = "Greengrass V2 Effective Deployment Status Change"
COMPONENT_EVENT = "Greengrass V2 Installed Component Status Change"


def list_core_devices(request: Structure) -> Structure:
    fields = ("coreDeviceThingName", "status", "lastStatusUpdateTimestamp")
    group = request.get("thingGroupArn")
    things = state.neighbours.things_in(group) if group else list(state.devices)
    return {
        "coreDevices": [
            {key: state.devices[thing][key] for key in fields} for thing in things if thing in state.devices
        ]
    }


def _device(name: str) -> Structure:
    if name not in state.devices:
        raise AwsError("ResourceNotFoundException", f"Core device {name} does not exist.", 404)
    return state.devices[name]


def get_core_device(request: Structure) -> Structure:
    device = _device(request["coreDeviceThingName"])
    fields = ("coreDeviceThingName", "status", "lastStatusUpdateTimestamp")
    return {
        **{key: device[key] for key in fields},
        "coreVersion": "2.12.0",
        "platform": "linux",
        "architecture": "x86_64",
    }


def delete_core_device(request: Structure) -> Structure:
    _device(request["coreDeviceThingName"])
    del state.devices[request["coreDeviceThingName"]]
    return {}


def list_installed_components(request: Structure) -> Structure:
    return {"installedComponents": _device(request["coreDeviceThingName"])["components"]}


def list_effective_deployments(request: Structure) -> Structure:
    """Deployments that are, or were, for this device, the newest first; one it has not taken yet is QUEUED."""
    thing = request["coreDeviceThingName"]
    _device(thing)
    found = []
    for deployment in reversed(state.deployments.values()):
        known = state.executions[deployment["deploymentId"]].get(thing)
        due = deployment["deploymentStatus"] == "ACTIVE" and thing in deployments.members(deployment)
        if known or due:
            found.append(
                {
                    "deploymentId": deployment["deploymentId"],
                    "deploymentName": deployment.get("deploymentName", ""),
                    "targetArn": deployment["targetArn"],
                    "coreDeviceExecutionStatus": known.status if known else "QUEUED",
                    "reason": known.reason if known else "",
                    "creationTimestamp": deployment["creationTimestamp"],
                    "modifiedTimestamp": known.modified if known else deployment["creationTimestamp"],
                }
            )
    return {"effectiveDeployments": found}


def exchange(thing: str, told: DeviceReport) -> ReportAnswer:
    """Take a simulated device's report, and return the deployment that it is to carry out, if there is one.

    Raise AwsError for a thing that was removed: it has no certificate to connect with any more.
    """
    if not state.neighbours.is_thing(thing):
        raise AwsError("AccessDeniedException", f"there is no thing {thing!r}", 403)
    with state.lock:
        state.devices[thing] = {
            "coreDeviceThingName": thing,
            "status": told["status"],
            "lastStatusUpdateTimestamp": state.now(),
            "components": [
                {
                    "componentName": entry["name"],
                    "componentVersion": entry["version"],
                    "lifecycleState": entry["state"],
                    "isRoot": entry["root"],
                    **({"lifecycleStateDetails": entry["details"]} if entry["details"] else {}),
                }
                for entry in told["components"]
            ],
        }
        arns = [f"{PREFIX}:coreDevices:{thing}"]
        events: list[tuple[str, Structure]] = [
            (COMPONENT_EVENT, {"components": [{"root": True, **entry}]}) for entry in told["events"]
        ]
        ended = _note(thing, told["deployment"])
        if ended:
            events.append((DEPLOYMENT_EVENT, ended))
        job = deployments.job_for(thing)
    for kind, detail in events:
        state.neighbours.emit(kind, detail, arns)
    return {"deployment": job}


def _note(thing: str, told: DeploymentReport) -> Structure | None:
    """Remember how a deployment goes on a thing. Return the detail of the event when it has just ended there."""
    known = state.executions.get(told.get("id", ""), {}).get(thing)
    if not known or (known.status, known.reason) == (told["status"], told.get("reason", "")):
        return None
    known.status, known.reason, known.modified = told["status"], told.get("reason", ""), state.now()
    if known.status not in deployments.ENDED:
        return None
    deployment = state.deployments[told["id"]]
    if deployments.should_abort(deployment):
        deployments.cancel(deployment)
    elif deployment["deploymentStatus"] == "ACTIVE" and deployments.all_ended(deployment):
        statuses = {entry.status for entry in state.executions[told["id"]].values()}
        deployment["deploymentStatus"] = "COMPLETED" if statuses == {"SUCCEEDED"} else "FAILED"
    return {"deployment-id": told["id"], "coreDeviceExecutionStatus": known.status, "reason": known.reason}
