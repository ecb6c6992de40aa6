"""Deployments to thing groups, and which device gets which one when."""

import uuid

from local.emulator.aws_shapes import AwsError, Structure
from local.emulator.greengrass import state
from local.emulator.greengrass.messages import DeploymentJob
from local.emulator.greengrass.state import PREFIX, Execution

ENDED = ("SUCCEEDED", "FAILED", "REJECTED", "TIMED_OUT", "CANCELED")


def create_deployment(request: Structure) -> Structure:
    token = request.get("clientToken")
    if token and token in state.tokens:
        return {"deploymentId": state.tokens[token]}
    for name, wanted in request.get("components", {}).items():
        arn = f"{PREFIX}:components:{name}:versions:{wanted.get('componentVersion')}"
        if arn not in state.recipes:
            raise AwsError("ResourceNotFoundException", f"Component version {arn} does not exist.", 404)
    for other in state.deployments.values():
        if other["targetArn"] == request["targetArn"]:
            other["isLatestForTarget"] = False
            if other["deploymentStatus"] == "ACTIVE":
                other["deploymentStatus"] = "INACTIVE"
    number = str(uuid.uuid4())
    kept: Structure = {
        key: request[key]
        for key in ("targetArn", "deploymentName", "components", "deploymentPolicies", "iotJobConfiguration")
        if key in request
    }
    fresh: Structure = {
        "deploymentStatus": "ACTIVE",
        "isLatestForTarget": True,
        "revisionId": str(len(state.deployments) + 1),
        "tags": {},
    }
    state.deployments[number] = {**kept, **fresh, "deploymentId": number, "creationTimestamp": state.now()}
    state.executions[number] = {}
    if token:
        state.tokens[token] = number
    return {"deploymentId": number}


def get_deployment(request: Structure) -> Structure:
    if request["deploymentId"] not in state.deployments:
        raise AwsError("ResourceNotFoundException", f"Deployment {request['deploymentId']} does not exist.", 404)
    return state.deployments[request["deploymentId"]]


def list_deployments(request: Structure) -> Structure:
    fields = (
        "targetArn",
        "revisionId",
        "deploymentId",
        "deploymentName",
        "creationTimestamp",
        "deploymentStatus",
        "isLatestForTarget",
    )
    found = [entry for entry in state.deployments.values() if request.get("targetArn") in (None, entry["targetArn"])]
    if request.get("historyFilter", "ALL") == "LATEST_ONLY":
        found = [entry for entry in found if entry["isLatestForTarget"]]
    return {"deployments": [{key: entry[key] for key in fields if key in entry} for entry in reversed(found)]}


def cancel_deployment(request: Structure) -> Structure:
    cancel(get_deployment(request))
    return {"message": "SUCCESS"}


def members(deployment: Structure) -> list[str]:
    return state.neighbours.things_in(deployment["targetArn"])


def all_ended(deployment: Structure) -> bool:
    ended = {thing for thing, entry in state.executions[deployment["deploymentId"]].items() if entry.status in ENDED}
    return set(members(deployment)) <= ended


def should_abort(deployment: Structure) -> bool:
    """Return whether the job's own criteria say that no further device shall get this deployment."""
    statuses = [entry.status for entry in state.executions[deployment["deploymentId"]].values()]
    ended = [status for status in statuses if status in ENDED]
    for criterion in deployment.get("iotJobConfiguration", {}).get("abortConfig", {}).get("criteriaList", []):
        kinds = (
            ("FAILED", "REJECTED", "TIMED_OUT") if criterion["failureType"] == "ALL" else (criterion["failureType"],)
        )
        failed = sum(status in kinds for status in ended)
        enough = failed and len(ended) >= criterion["minNumberOfExecutedThings"]
        if enough and failed * 100 >= criterion["thresholdPercentage"] * len(ended):
            return True
    return False


def cancel(deployment: Structure) -> None:
    """Devices that have not taken it yet do not get it any more; for the others nothing changes."""
    deployment["deploymentStatus"] = "CANCELED"


def job_for(thing: str) -> DeploymentJob | None:
    """Return the newest deployment of the thing, unless it is through with it, or its turn has not come."""
    for deployment in reversed(state.deployments.values()):
        status = deployment["deploymentStatus"]
        if not deployment["isLatestForTarget"] or status == "CANCELED" or thing not in members(deployment):
            continue
        handed = state.executions[deployment["deploymentId"]]
        if thing in handed:
            if handed[thing].status == "IN_PROGRESS":
                return _job(deployment)  # it was switched off while it was at it
            continue
        limit = (
            deployment.get("iotJobConfiguration", {})
            .get("jobExecutionsRolloutConfig", {})
            .get("maximumPerMinute", 1000)
        )
        since = state.neighbours.clock() - 60
        if sum(entry.handed > since for entry in handed.values()) >= limit:
            continue
        handed[thing] = Execution("IN_PROGRESS", "", handed=state.neighbours.clock(), modified=state.now())
        return _job(deployment)
    return None


def _job(deployment: Structure) -> DeploymentJob:
    return {"deploymentId": deployment["deploymentId"], "components": deployment.get("components", {})}
