"""The functions of a stack: whether they can run at all, with the layers that they need."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from client.doctor.deployed import Deployed
from client.doctor.findings import Finding, Findings, ok, wrong
from client.doctor.parts import AGAIN, CHANGED_BY_HAND
from client.doctor.template import Template

SAM_HASH = re.compile("[0-9a-f]{10}$")


def _http(method: str, path: str) -> Mapping[str, object]:
    """Return an event of the HTTP API as far as a function reads it before it knows the caller."""
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "", "userAgent": "doctor"},
            "requestId": "doctor",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }


@dataclass(frozen=True, slots=True)
class Probe:
    """A call that changes nothing and that only a function with its layers can answer."""

    function: str  # in the template
    event: Mapping[str, object]


# By the name of the layer. None of these callers has signed in, and no image is sent.
PROBES = {
    "SightlineLayer": Probe("ServeOverviewFunction", _http("GET", "/overview")),
    "ConsoleLayer": Probe("ServeConsoleFunction", _http("GET", "/")),
    "ImagingLayer": Probe("RegisterImagesFunction", {"Records": []}),
    "OnnxLayer": Probe("PredictFunction", _http("POST", "/predict")),
}


def layers(stack: Deployed) -> Findings:
    """Call one function of each layer."""
    return [_called(stack, layer, probe) for layer, probe in PROBES.items()]


def _called(stack: Deployed, layer: str, probe: Probe) -> Finding:
    answer = stack.aws.lambda_.invoke(
        FunctionName=stack.id_of(probe.function), Payload=json.dumps(probe.event).encode()
    )
    body = answer["Payload"].read()
    if not answer.get("FunctionError"):
        return ok(layer, f"{probe.function} answers")
    try:
        said = json.loads(body)
        why = f"{said.get('errorType', '')}: {said.get('errorMessage', '')}"
    except (ValueError, AttributeError):
        why = body.decode(errors="replace")
    lines = [line.strip() for line in why.splitlines() if line.strip()]
    todo = "compare the function's layers with the template; `sam build` and `sam deploy` make them anew"
    return wrong(layer, f"{probe.function} can't run: {' '.join(lines)[:300]}", todo)


def settings(stack: Deployed, template: Template) -> Findings:
    """Compare every function with the template: it is there, it may run, and it has its layers."""
    # SAM adds a hash of the content to a layer's name.
    layers = {layer.id: SAM_HASH.sub("", layer.name) for layer in stack.of_kind("AWS::Lambda::LayerVersion")}
    functions = {function.id: function.name for function in stack.of_kind("AWS::Lambda::Function")}
    there = {
        functions[function["FunctionName"]]: function
        for page in stack.aws.lambda_.get_paginator("list_functions").paginate()
        for function in page["Functions"]
        if function["FunctionName"] in functions
    }
    found = list[Finding]()
    for name in sorted(functions.values()):
        if name not in there:
            found.append(wrong(name, "the function is gone", "delete the stack and deploy it again: data is kept"))
            continue
        given = {layers.get(layer["Arn"], layer["Arn"]) for layer in there[name].get("Layers", [])}
        wanted = template.layers.get(name, given)
        if given != wanted:
            has, needs = (", ".join(sorted(names)) or "none" for names in (given, wanted))
            found.append(wrong(name, f"its layers are {has}, and it needs {needs}", CHANGED_BY_HAND))
        if there[name].get("State") == "Failed":
            found.append(wrong(name, f"it can't run: {there[name].get('StateReason', 'no reason given')}", AGAIN))
    return found or [ok("functions", f"all {len(functions)} are there with their layers")]


def stopped(stack: Deployed) -> Findings:
    """Look for functions that were throttled to nothing, as people do to stop something."""
    found = list[Finding]()
    functions = stack.of_kind("AWS::Lambda::Function")
    for function in functions:
        asked = stack.aws.lambda_.get_function_concurrency(FunctionName=function.id)
        if asked.get("ReservedConcurrentExecutions") == 0:
            todo = f"`aws lambda delete-function-concurrency --function-name {function.id}`"
            found.append(wrong(function.name, "its reserved concurrency is 0: it never runs", todo))
    return found or [ok("throttles", f"none of {len(functions)} functions is stopped")]
