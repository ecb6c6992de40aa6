"""Greengrass v2's control plane for the emulator: components, deployments, core devices.

Requests come in the service's own REST protocol and are taken apart by botocore's model of it. Beside that there is one
address that AWS does not have, `/greengrass/simulated/<thing>`: there a simulated device tells what it runs and gets
its deployments, which on AWS are IoT jobs. They are handed out as fast as the deployment says, no more once its abort
criteria are met, and always only the newest of a group; a device that was away gets that one when it comes back.
"""

import base64
import hashlib
import json
import re
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema

from local.emulator.aws_shapes import (
    AwsError,
    check_answer,
    check_request,
    service_model,
    to_wire,
)

REGION, ACCOUNT = "us-east-1", "000000000000"
PREFIX = f"arn:aws:greengrass:{REGION}:{ACCOUNT}"
SIMULATED = "/greengrass/simulated/"
SCHEMA = Path(__file__).with_name("recipe.schema.json")

_recipes: dict[str, dict[str, Any]] = {}  # by component version ARN
_created: dict[str, datetime] = {}
_deployments: dict[str, dict[str, Any]] = {}
_tokens: dict[str, str] = {}
_devices: dict[str, dict[str, Any]] = {}
_executions: dict[str, dict[str, dict[str, Any]]] = {}  # deployment → thing → how it goes there
_lock = threading.RLock()

ENDED = ("SUCCEEDED", "FAILED", "REJECTED", "TIMED_OUT", "CANCELED")
DEPLOYMENT_EVENT = "Greengrass V2 Effective Deployment Status Change"
COMPONENT_EVENT = "Greengrass V2 Installed Component Status Change"


class Neighbours:
    """Other services of the account, as Greengrass uses them. Tests put their own in its place."""

    clock: Callable[[], float] = staticmethod(time.time)

    def things_in(self, group_arn: str) -> list[str]:
        from ministack.services import iot

        group = iot._thing_groups.get(group_arn.rsplit("/", 1)[-1])
        return list(group.get("things", [])) if group else []

    def read(self, uri: str) -> bytes:
        """The bytes of an object. Raises LookupError."""
        from ministack.services import s3

        parts = urlsplit(uri)
        body = s3._get_object_data(parts.netloc, parts.path.lstrip("/"))
        if body is None:
            raise LookupError(uri)
        return bytes(body)

    def emit(self, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
        from ministack.services import eventbridge

        entry = {
            "Source": "aws.greengrass",
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": resources,
            "EventBusName": "default",
        }
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


neighbours = Neighbours()


def now() -> datetime:
    return datetime.fromtimestamp(neighbours.clock(), UTC)


# ----------------------------------------------------------------------------------------------------------- operations
def create_component_version(request: dict[str, Any]) -> dict[str, Any]:
    recipe = _read_recipe(request.get("inlineRecipe", b""))
    name, version = recipe["ComponentName"], recipe["ComponentVersion"]
    arn = f"{PREFIX}:components:{name}:versions:{version}"
    if arn in _recipes:
        raise AwsError(
            "ConflictException", f"Component [{name} : {version}] for account [{ACCOUNT}] already exists.", 409
        )
    for manifest in recipe["Manifests"]:
        for artifact in manifest.get("Artifacts", []):
            artifact |= _digest(artifact["Uri"])
    _recipes[arn], _created[arn] = recipe, now()
    status = {"componentState": "REQUESTED", "message": "NONE", "errors": {}}
    return {
        "arn": arn,
        "componentName": name,
        "componentVersion": version,
        "creationTimestamp": _created[arn],
        "status": status,
    }


@cache
def _schema() -> Any:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))


def _read_recipe(body: bytes) -> dict[str, Any]:
    """A recipe in JSON with the fields that Greengrass knows and none that it does not: names are case-sensitive."""
    try:
        recipe: dict[str, Any] = json.loads(body)
    except ValueError as error:
        raise AwsError("ValidationException", f"The recipe is not JSON: {error}") from error
    wrong = next(_schema().iter_errors(recipe), None)
    if wrong:
        where = "/".join(str(part) for part in wrong.absolute_path) or "the recipe"
        raise AwsError("ValidationException", f"{where}: {wrong.message[:300]}")
    return recipe


def _digest(uri: str) -> dict[str, str]:
    """What Greengrass writes beside an artifact when it takes a recipe: the devices hold the download against it."""
    try:
        body = neighbours.read(uri)
    except LookupError as error:
        raise AwsError("ValidationException", f"Artifact {uri} can't be read: {error}") from error
    return {"Algorithm": "SHA-256", "Digest": base64.b64encode(hashlib.sha256(body).digest()).decode()}


def _recipe(arn: str) -> dict[str, Any]:
    if arn not in _recipes:
        raise AwsError("ResourceNotFoundException", f"Component version {arn} does not exist.", 404)
    return _recipes[arn]


def get_component(request: dict[str, Any]) -> dict[str, Any]:
    return {"recipeOutputFormat": "JSON", "recipe": json.dumps(_recipe(request["arn"])).encode(), "tags": {}}


def describe_component(request: dict[str, Any]) -> dict[str, Any]:
    recipe = _recipe(request["arn"])
    return {
        "arn": request["arn"],
        "componentName": recipe["ComponentName"],
        "componentVersion": recipe["ComponentVersion"],
        "creationTimestamp": _created[request["arn"]],
        "publisher": recipe.get("ComponentPublisher", ""),
        "description": recipe.get("ComponentDescription", ""),
        "status": {"componentState": "DEPLOYABLE", "message": "NONE", "errors": {}},
        "platforms": [],
    }


def delete_component(request: dict[str, Any]) -> dict[str, Any]:
    _recipe(request["arn"])
    del _recipes[request["arn"]]
    return {}


def list_component_versions(request: dict[str, Any]) -> dict[str, Any]:
    found = [arn for arn in _recipes if arn.startswith(request["arn"] + ":versions:")]
    if not found:
        raise AwsError("ResourceNotFoundException", f"Component {request['arn']} does not exist.", 404)
    found.sort(key=lambda arn: tuple(int(part) for part in re.findall(r"\d+", arn.rsplit(":", 1)[1])), reverse=True)
    return {
        "componentVersions": [
            {"componentName": _recipes[arn]["ComponentName"], "componentVersion": arn.rsplit(":", 1)[1], "arn": arn}
            for arn in found
        ]
    }


def list_components(_request: dict[str, Any]) -> dict[str, Any]:
    names = sorted({recipe["ComponentName"] for recipe in _recipes.values()})
    return {"components": [{"arn": f"{PREFIX}:components:{name}", "componentName": name} for name in names]}


def create_deployment(request: dict[str, Any]) -> dict[str, Any]:
    token = request.get("clientToken")
    if token and token in _tokens:
        return {"deploymentId": _tokens[token]}
    for name, wanted in request.get("components", {}).items():
        arn = f"{PREFIX}:components:{name}:versions:{wanted.get('componentVersion')}"
        if arn not in _recipes:
            raise AwsError("ResourceNotFoundException", f"Component version {arn} does not exist.", 404)
    for other in _deployments.values():
        if other["targetArn"] == request["targetArn"]:
            other["isLatestForTarget"] = False
            if other["deploymentStatus"] == "ACTIVE":
                other["deploymentStatus"] = "INACTIVE"
    number = str(uuid.uuid4())
    kept: dict[str, Any] = {
        key: request[key]
        for key in ("targetArn", "deploymentName", "components", "deploymentPolicies", "iotJobConfiguration")
        if key in request
    }
    state: dict[str, Any] = {
        "deploymentStatus": "ACTIVE",
        "isLatestForTarget": True,
        "revisionId": str(len(_deployments) + 1),
        "tags": {},
    }
    _deployments[number] = {**kept, **state, "deploymentId": number, "creationTimestamp": now()}
    _executions[number] = {}
    if token:
        _tokens[token] = number
    return {"deploymentId": number}


def get_deployment(request: dict[str, Any]) -> dict[str, Any]:
    if request["deploymentId"] not in _deployments:
        raise AwsError("ResourceNotFoundException", f"Deployment {request['deploymentId']} does not exist.", 404)
    return _deployments[request["deploymentId"]]


def list_deployments(request: dict[str, Any]) -> dict[str, Any]:
    fields = (
        "targetArn",
        "revisionId",
        "deploymentId",
        "deploymentName",
        "creationTimestamp",
        "deploymentStatus",
        "isLatestForTarget",
    )
    found = [entry for entry in _deployments.values() if request.get("targetArn") in (None, entry["targetArn"])]
    if request.get("historyFilter", "ALL") == "LATEST_ONLY":
        found = [entry for entry in found if entry["isLatestForTarget"]]
    return {"deployments": [{key: entry[key] for key in fields if key in entry} for entry in reversed(found)]}


def cancel_deployment(request: dict[str, Any]) -> dict[str, Any]:
    _cancel(get_deployment(request))
    return {"message": "SUCCESS"}


def list_core_devices(request: dict[str, Any]) -> dict[str, Any]:
    fields = ("coreDeviceThingName", "status", "lastStatusUpdateTimestamp")
    group = request.get("thingGroupArn")
    things = neighbours.things_in(group) if group else list(_devices)
    return {"coreDevices": [{key: _devices[thing][key] for key in fields} for thing in things if thing in _devices]}


def _device(name: str) -> dict[str, Any]:
    if name not in _devices:
        raise AwsError("ResourceNotFoundException", f"Core device {name} does not exist.", 404)
    return _devices[name]


def get_core_device(request: dict[str, Any]) -> dict[str, Any]:
    device = _device(request["coreDeviceThingName"])
    fields = ("coreDeviceThingName", "status", "lastStatusUpdateTimestamp")
    return {
        **{key: device[key] for key in fields},
        "coreVersion": "2.12.0",
        "platform": "linux",
        "architecture": "x86_64",
    }


def list_installed_components(request: dict[str, Any]) -> dict[str, Any]:
    return {"installedComponents": _device(request["coreDeviceThingName"])["components"]}


def list_effective_deployments(request: dict[str, Any]) -> dict[str, Any]:
    """Deployments that are, or were, for this device, the newest first; one it has not taken yet is QUEUED."""
    thing = request["coreDeviceThingName"]
    _device(thing)
    found = []
    for deployment in reversed(_deployments.values()):
        known = _executions[deployment["deploymentId"]].get(thing)
        due = deployment["deploymentStatus"] == "ACTIVE" and thing in _members(deployment)
        if known or due:
            given = known or {"status": "QUEUED", "reason": "", "modified": deployment["creationTimestamp"]}
            found.append(
                {
                    "deploymentId": deployment["deploymentId"],
                    "deploymentName": deployment.get("deploymentName", ""),
                    "targetArn": deployment["targetArn"],
                    "coreDeviceExecutionStatus": given["status"],
                    "reason": given["reason"],
                    "creationTimestamp": deployment["creationTimestamp"],
                    "modifiedTimestamp": given["modified"],
                }
            )
    return {"effectiveDeployments": found}


OPERATIONS = {
    name: globals()[re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()]
    for name in (
        "CreateComponentVersion", "GetComponent", "DescribeComponent", "DeleteComponent", "ListComponentVersions",
        "ListComponents", "CreateDeployment", "GetDeployment", "ListDeployments", "CancelDeployment", "ListCoreDevices",
        "GetCoreDevice", "ListInstalledComponents", "ListEffectiveDeployments",
    )
}  # fmt: skip


# -------------------------------------------------------------------------------------------------------------- devices
def exchange(thing: str, told: dict[str, Any]) -> dict[str, Any]:
    """Take a simulated device's report; answers `{"deployment": the one to carry out, or null}`.

    The report: `{"status", "components": [{"name", "version", "root", "state", "details"}], "deployment": {"id",
    "status", "reason"}, "events": [what became of components]}`.
    """
    with _lock:
        _devices[thing] = {
            "coreDeviceThingName": thing,
            "status": told["status"],
            "lastStatusUpdateTimestamp": now(),
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
        events = [(COMPONENT_EVENT, {"components": [{"root": True, **entry}]}) for entry in told["events"]]
        ended = _note(thing, told["deployment"])
        if ended:
            events.append((DEPLOYMENT_EVENT, ended))
        job = _job_for(thing)
    for kind, detail in events:
        neighbours.emit(kind, detail, arns)
    return {"deployment": job}


def _note(thing: str, told: dict[str, Any]) -> dict[str, Any] | None:
    """Remember how a deployment goes on a thing; answers the detail of the event when it has just ended there."""
    known = _executions.get(told.get("id", ""), {}).get(thing)
    if not known or (known["status"], known["reason"]) == (told["status"], told.get("reason", "")):
        return None
    known |= {"status": told["status"], "reason": told.get("reason", ""), "modified": now()}
    if known["status"] not in ENDED:
        return None
    deployment = _deployments[told["id"]]
    if _should_abort(deployment):
        _cancel(deployment)
    elif deployment["deploymentStatus"] == "ACTIVE" and _all_ended(deployment):
        statuses = {entry["status"] for entry in _executions[told["id"]].values()}
        deployment["deploymentStatus"] = "COMPLETED" if statuses == {"SUCCEEDED"} else "FAILED"
    return {"deploymentId": told["id"], "coreDeviceExecutionStatus": known["status"], "reason": known["reason"]}


def _members(deployment: dict[str, Any]) -> list[str]:
    return neighbours.things_in(deployment["targetArn"])


def _all_ended(deployment: dict[str, Any]) -> bool:
    ended = {thing for thing, entry in _executions[deployment["deploymentId"]].items() if entry["status"] in ENDED}
    return set(_members(deployment)) <= ended


def _should_abort(deployment: dict[str, Any]) -> bool:
    """True when the job's own criteria say that no further device shall get this deployment."""
    ended = [entry["status"] for entry in _executions[deployment["deploymentId"]].values() if entry["status"] in ENDED]
    for criterion in deployment.get("iotJobConfiguration", {}).get("abortConfig", {}).get("criteriaList", []):
        kinds = (
            ("FAILED", "REJECTED", "TIMED_OUT") if criterion["failureType"] == "ALL" else (criterion["failureType"],)
        )
        failed = sum(status in kinds for status in ended)
        enough = failed and len(ended) >= criterion["minNumberOfExecutedThings"]
        if enough and failed * 100 >= criterion["thresholdPercentage"] * len(ended):
            return True
    return False


def _cancel(deployment: dict[str, Any]) -> None:
    """Devices that have not taken it yet do not get it any more; for the others nothing changes."""
    deployment["deploymentStatus"] = "CANCELED"


def _job_for(thing: str) -> dict[str, Any] | None:
    """The newest deployment of each group of the thing, unless it is through with it, or its turn has not come."""
    for deployment in reversed(_deployments.values()):
        status = deployment["deploymentStatus"]
        if not deployment["isLatestForTarget"] or status == "CANCELED" or thing not in _members(deployment):
            continue
        handed = _executions[deployment["deploymentId"]]
        if thing in handed:
            if handed[thing]["status"] == "IN_PROGRESS":
                return _job(deployment)  # it was switched off while it was at it
            continue
        limit = (
            deployment.get("iotJobConfiguration", {})
            .get("jobExecutionsRolloutConfig", {})
            .get("maximumPerMinute", 1000)
        )
        since = neighbours.clock() - 60
        if sum(entry["handed"] > since for entry in handed.values()) >= limit:
            continue
        handed[thing] = {"status": "IN_PROGRESS", "reason": "", "handed": neighbours.clock(), "modified": now()}
        return _job(deployment)
    return None


def _job(deployment: dict[str, Any]) -> dict[str, Any]:
    return {"deploymentId": deployment["deploymentId"], "components": deployment.get("components", {})}


# ------------------------------------------------------------------------------------------------------------- protocol
@cache
def _routes() -> list[tuple[str, re.Pattern[str], str]]:
    """HTTP method, pattern of the path and operation, the most specific path first."""
    model = service_model("greengrassv2")
    routes = []
    for name in OPERATIONS:
        http = model.operation_model(name).http
        uri = http["requestUri"].split("?")[0]
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(uri))
        routes.append((http["method"], re.compile(pattern), name))
    return sorted(routes, key=lambda route: -len(route[1].pattern))


def _route(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    for verb, pattern, name in _routes():
        match = pattern.fullmatch(path.rstrip("/"))
        if verb == method and match:
            return name, {key: unquote(value) for key, value in match.groupdict().items()}
    return None


def _read(name: str, values: dict[str, Any], body: bytes, query: dict[str, Any]) -> dict[str, Any]:
    """The request's parameters out of path, query and body, each as the operation's model says."""
    shape = service_model("greengrassv2").operation_model(name).input_shape
    assert shape is not None, name  # every operation of Greengrass takes something
    request = {**json.loads(body or b"{}"), **values}
    for member, kind in shape.members.items():
        wire = kind.serialization.get("name", member)
        if kind.serialization.get("location") == "querystring" and wire in query:
            value = query[wire][0] if isinstance(query[wire], list) else query[wire]
            request[member] = int(value) if kind.type_name == "integer" else value
        elif kind.type_name == "blob" and member in request:
            request[member] = base64.b64decode(request[member])
    return request


async def handle_request(
    method: str, path: str, _headers: dict[str, str], body: bytes, query_params: dict[str, Any]
) -> tuple[int, dict[str, str], bytes]:
    """Answer one HTTP request, as MiniStack asks its services to."""
    if path.startswith(SIMULATED):
        return _answer(200, exchange(path.removeprefix(SIMULATED), json.loads(body)))
    found = _route(method, path)
    if not found:
        message = f"the local run has no Greengrass operation for {method} {path}"
        return _answer(404, {"message": message}, "ValidationException")
    name, values = found
    try:
        request = _read(name, values, body, query_params)
        check_request("greengrassv2", name, request)
        return _answer(200, check_answer("greengrassv2", name, OPERATIONS[name](request)))
    except AwsError as error:
        return _answer(error.status, {"message": error.message}, error.code)


def _answer(status: int, value: dict[str, Any], error: str = "") -> tuple[int, dict[str, str], bytes]:
    headers = {"Content-Type": "application/json"} | ({"x-amzn-errortype": error} if error else {})
    return status, headers, json.dumps(to_wire(value), default=lambda blob: base64.b64encode(blob).decode()).encode()


def resource_arn(method: str, path: str, body: bytes) -> str:
    """The ARN that IAM checks for a request, or `*`."""
    found = _route(method, path)
    if found and "arn" in found[1]:
        return str(found[1]["arn"])
    if found and "deploymentId" in found[1]:
        return f"{PREFIX}:deployments:{found[1]['deploymentId']}"
    if found and "coreDeviceThingName" in found[1]:
        return f"{PREFIX}:coreDevices:{found[1]['coreDeviceThingName']}"
    if found and found[0] == "CreateComponentVersion":
        try:
            recipe = json.loads(base64.b64decode(json.loads(body)["inlineRecipe"]))
            return f"{PREFIX}:components:{recipe['ComponentName']}:versions:{recipe['ComponentVersion']}"
        except (ValueError, KeyError):
            return "*"
    return "*"


def register() -> None:
    """Hook into MiniStack: routing and IAM."""
    from ministack import app
    from ministack.core import iam_actions, router

    app.SERVICE_HANDLERS["greengrass"] = handle_request
    router.SERVICE_PATTERNS["greengrass"] = {
        "credential_scope": "greengrass",
        "host_patterns": [r"^greengrass\."],
        "path_patterns": [r"^/greengrass/"],
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE["greengrass"] = "greengrass"
    known_arn, known_action = iam_actions.extract_resource_arn, iam_actions.extract_iam_action

    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        if service == "greengrass":
            return resource_arn(method, path, body)
        return str(known_arn(service, method, path, headers, body, *rest))

    def extract_iam_action(service: str, method: str, path: str, *rest: Any) -> str | None:
        if service == "greengrass":
            found = _route(method, path)
            return f"greengrass:{found[0] if found else 'ReportSimulatedDevice'}"
        action = known_action(service, method, path, *rest)
        return None if action is None else str(action)

    iam_actions.extract_resource_arn, iam_actions.extract_iam_action = extract_resource_arn, extract_iam_action
