"""Holds what the functions answer against the OpenAPI document: every test that asks the API checks it, too."""

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import jsonschema

from tests.project import ROOT

DOCUMENT = json.loads((ROOT / "console" / "openapi.json").read_text())
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


@cache
def validator(reference: str) -> jsonschema.Draft202012Validator:
    """The check of one type of the document; no answer has a field that the document does not tell."""
    closed = json.loads(json.dumps(DOCUMENT["components"]))
    for schema in closed["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return jsonschema.Draft202012Validator({"$ref": reference, "components": closed})


def told(event: dict[str, Any]) -> dict[str, Any]:
    """What the document tells of the route of a request; errors alone where there is no such route."""
    http = event["requestContext"]["http"]
    for path, methods in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), event["rawPath"]) and http["method"].lower() in methods:
            found: dict[str, Any] = methods[http["method"].lower()]
            return found
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    return {"responses": dict.fromkeys(("401", "403", "404", "500"), error)}


def holds(event: dict[str, Any], answer: dict[str, Any]) -> None:
    """Fail when an answer is not one that the document tells."""
    status, responses = str(answer["statusCode"]), told(event)["responses"]
    assert status in responses, (event["rawPath"], status, sorted(responses))
    assert answer["headers"]["x-content-type-options"] == "nosniff"
    schema = responses[status].get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["headers"]["cache-control"] == "no-store"
    validator(schema["$ref"]).validate(json.loads(answer["body"]))


def checked(handler: Handler) -> Handler:
    """A handler whose answers are held against the document."""

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        answer = handler(event, context)
        holds(event, answer)
        return answer

    return handle
