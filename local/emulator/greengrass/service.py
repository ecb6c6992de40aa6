"""Greengrass v2's control plane for the emulator: components, deployments, core devices.

Requests come in the service's own REST protocol and are taken apart by botocore's model of it. Beside that there is one
address that AWS does not have, `/greengrass/simulated/<thing>`: there a simulated device tells what it runs and gets
its deployments, which on AWS are IoT jobs. They are handed out as fast as the deployment says, no more once its abort
criteria are met, and always only the newest of a group; a device that was away gets that one when it comes back.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

from local.emulator.aws_shapes import (
    AwsError,
    Query,
    Structure,
    check_answer,
    check_request,
    service_model,
    to_wire,
    values_of,
)
from local.emulator.greengrass import components, deployments, devices, identity
from local.emulator.greengrass.messages import DeviceReport, RoleRequest
from local.emulator.greengrass.state import PREFIX

SIMULATED = "/greengrass/simulated/"
OPERATIONS: dict[str, Callable[[Structure], Structure]] = {
    "CreateComponentVersion": components.create_component_version,
    "GetComponent": components.get_component,
    "DescribeComponent": components.describe_component,
    "DeleteComponent": components.delete_component,
    "ListComponentVersions": components.list_component_versions,
    "ListComponents": components.list_components,
    "CreateDeployment": deployments.create_deployment,
    "GetDeployment": deployments.get_deployment,
    "ListDeployments": deployments.list_deployments,
    "CancelDeployment": deployments.cancel_deployment,
    "ListCoreDevices": devices.list_core_devices,
    "GetCoreDevice": devices.get_core_device,
    "DeleteCoreDevice": devices.delete_core_device,
    "ListInstalledComponents": devices.list_installed_components,
    "ListEffectiveDeployments": devices.list_effective_deployments,
}


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


def _route(method: str, path: str) -> tuple[str, Structure] | None:
    for verb, pattern, name in _routes():
        match = pattern.fullmatch(path.rstrip("/"))
        if verb == method and match:
            return name, {key: unquote(value) for key, value in match.groupdict().items()}
    return None


def _read(name: str, values: Structure, body: bytes, query: Query) -> Structure:
    """Return the request's parameters out of path, query and body, each as the operation's model says."""
    shape = service_model("greengrassv2").operation_model(name).input_shape
    assert shape is not None, name  # every operation of Greengrass takes something
    request = {**json.loads(body or b"{}"), **values}
    for member, kind in shape.members.items():
        wire = kind.serialization.get("name", member)
        if kind.serialization.get("location") == "querystring" and wire in query:
            value = values_of(query, wire)[0]
            request[member] = int(value) if kind.type_name == "integer" else value
        elif kind.type_name == "blob" and member in request:
            request[member] = base64.b64decode(request[member])
    return request


async def handle_request(
    method: str, path: str, _headers: dict[str, str], body: bytes, query_params: Query
) -> tuple[int, dict[str, str], bytes]:
    """Answer one HTTP request, as MiniStack asks its services to."""
    if path.startswith(SIMULATED):
        return _simulated(path.removeprefix(SIMULATED), body)
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


def _simulated(path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Answer a simulated device: `<thing>` takes its report, `<thing>/role` says which role its certificate may use."""
    thing, _, what = path.partition("/")
    try:
        if not what:
            report: DeviceReport = json.loads(body)
            return _answer(200, devices.exchange(thing, report))
        asked: RoleRequest = json.loads(body)
        return _answer(200, identity.role_of(thing, asked["roleAlias"], asked["certificateId"]))
    except AwsError as error:
        return _answer(error.status, {"message": error.message}, error.code)


def _answer(status: int, value: Mapping[str, object], error: str = "") -> tuple[int, dict[str, str], bytes]:
    headers = {"Content-Type": "application/json"} | ({"x-amzn-errortype": error} if error else {})
    return status, headers, json.dumps(to_wire(value), default=lambda blob: base64.b64encode(blob).decode()).encode()


def resource_arn(method: str, path: str, body: bytes) -> str:
    """Return the ARN that IAM checks for a request, or `*`."""
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
    from ministack.services.cloudformation import provisioners

    app.SERVICE_HANDLERS["greengrass"] = handle_request
    router.SERVICE_PATTERNS["greengrass"] = {
        "credential_scope": "greengrass",
        "host_patterns": [r"^greengrass\."],
        "path_patterns": [r"^/greengrass/"],
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE["greengrass"] = "greengrass"
    provisioners._RESOURCE_HANDLERS["AWS::IoT::RoleAlias"] = identity.ROLE_ALIAS_RESOURCE
    identity.let_sessions_carry_their_thing()
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
