"""Write the OpenAPI document of the HTTP API from the routes of the functions; `--check` says whether it is up to date.

The page serves it as `console/openapi.json`. The types of what is sent and answered are those of
`sightline.api.shapes`.
"""

import argparse
import importlib.util
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any, NotRequired, TypedDict

import msgspec

from sightline.api.http import MAX_DIGITS, MAX_PARAMETER, Access, Operation

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "console" / "openapi.json"
VERSION = "1"  # of the API: what is there stays; a field may come
FUNCTIONS = (
    "open_session",
    "serve_console",
    "serve_labeling",
    "serve_overview",
    "serve_attention",
    "approve_model",
    "predict",
)
ERROR = {
    "type": "object",
    "properties": {
        "message": {"type": "string", "description": "What is wrong, where, and what to do, in one line."},
        "id": {"type": "string", "description": "Under which the log has it; with 500 only."},
        "challenge": {"const": "NEW_PASSWORD_REQUIRED", "description": "At the first sign-in only."},
        "session": {"type": "string", "description": "To be sent with the new password, at the first sign-in only."},
    },
    "required": ["message"],
}
PARAMETERS: dict[type, Mapping[str, object]] = {
    str: {"type": "string", "minLength": 1, "maxLength": MAX_PARAMETER},
    int: {"type": "integer", "minimum": 0, "maximum": 10**MAX_DIGITS - 1},
}
SAID = {
    400: "The request is wrong",
    401: "No valid id token",
    403: "Not an engineer",
    404: "There is no such thing",
    409: "Not yours any more, or settled by somebody else",
    413: "Too large",
    429: "Too many tries; wait a moment",
    415: "Not the bytes of an image",
    500: "A fault of ours",
    503: "Not ready yet; send it again",
}


def load(function: str) -> Any:
    """Import a function as Lambda does, with a stand-in for each setting: nothing is asked of AWS."""
    path = ROOT / "functions" / function / "app.py"
    for name, stand_in in settings(path).items():
        os.environ.setdefault(name, stand_in)
    spec = importlib.util.spec_from_file_location(f"openapi_{function}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def settings(path: Path) -> dict[str, str]:
    """Return a stand-in for each environment variable that a function reads."""
    names = re.findall(r'os\.environ\["(\w+)"\]', path.read_text())
    text = path.read_text()
    special = {"FOUR_EYES": "off"}
    return {name: special.get(name, "{}" if f'json.loads(os.environ["{name}"])' in text else "1") for name in names}


class Media(TypedDict):
    """The body of a request or an answer in one format; `schema` is JSON Schema."""

    schema: Mapping[str, object]


class Body(TypedDict):
    """The body of a request, by content type."""

    required: NotRequired[bool]
    content: dict[str, Media]


class Answer(TypedDict):
    """What comes with one status."""

    description: str
    content: NotRequired[dict[str, Media]]


Parameter = TypedDict("Parameter", {"name": str, "in": str, "required": bool, "schema": Mapping[str, object]})
"""A part of a path or of a query."""


class Route(TypedDict):
    """What OpenAPI calls an operation: one method of one path."""

    summary: str
    description: str
    security: NotRequired[list[dict[str, list[str]]]]
    parameters: NotRequired[list[Parameter]]
    requestBody: NotRequired[Body]
    responses: dict[str, Answer]  # by status


class Document(TypedDict):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: Mapping[str, object]
    paths: dict[str, dict[str, Route]]
    components: Mapping[str, object]


def document(operations: list[Operation]) -> Document:
    """Return the OpenAPI 3.1 document of these routes."""
    types = {kind for operation in operations for kind in (operation.body, operation.answer) if has_schema(kind)}
    ordered = sorted(types, key=str)
    schemas, components = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    known = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Route]] = {}
    for operation in sorted(operations, key=lambda operation: operation.key.split()[::-1]):
        method, path = operation.key.split(" ")
        paths.setdefault(path, {})[method.lower()] = told(operation, path, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sightline",
            "version": VERSION,
            "description": "Labelling, verification, models and verdicts. "
            "Times are ISO 8601 or milliseconds since 1970.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {**components, "Error": ERROR},
            "securitySchemes": {
                "idToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The id_token of POST /session.",
                }
            },
        },
    }


def has_schema(kind: Any) -> bool:
    return kind not in (None, NoneType, bytes) and "Response" not in str(kind)


def told(operation: Operation, path: str, known: Mapping[object, Mapping[str, object]]) -> Route:
    """Return one operation as OpenAPI has it."""
    statuses = {400, 404, 500, *operation.statuses} if "{" in path else {400, 500, *operation.statuses}
    if operation.access is not Access.ANYBODY:
        statuses.add(401)
    if operation.access is Access.ENGINEER:
        statuses |= {403, 409}
    if operation.body is bytes:
        statuses |= {413, 415, 503}
    elif operation.body is not None:
        statuses |= {409, 413}
    error: dict[str, Media] = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    refused: dict[str, Answer] = {
        str(status): {"description": SAID[status], "content": error} for status in sorted(statuses)
    }
    found: Route = {
        "summary": operation.summary,
        "description": f"For: {operation.access}.",
        "responses": success(operation, known) | refused,
    }
    if operation.access is not Access.ANYBODY:
        found["security"] = [{"idToken": []}]
    parameters: list[Parameter] = [
        {"name": name, "in": "path", "required": True, "schema": PARAMETERS[kind]}
        for name, kind in operation.parts.items()
    ]
    parameters += [
        {"name": name, "in": "query", "required": False, "schema": PARAMETERS[kind]}
        for name, kind in operation.query.items()
    ]
    if parameters:
        found["parameters"] = parameters
    if operation.body is bytes:
        image: Media = {"schema": {"type": "string", "format": "binary"}}
        found["requestBody"] = {"required": True, "content": {"image/*": image}}
    elif operation.body is not None:
        found["requestBody"] = {"content": {"application/json": {"schema": known[operation.body]}}}
    return found


def success(operation: Operation, known: Mapping[object, Mapping[str, object]]) -> dict[str, Answer]:
    if operation.answer in (None, NoneType):
        return {"204": {"description": "Done"}}
    if operation.answer in known:
        return {"200": {"description": "OK", "content": {"application/json": {"schema": known[operation.answer]}}}}
    return {"200": {"description": "The file, as its type says"}, "304": {"description": "It has not changed"}}


def operations() -> list[Operation]:
    """Return every route of every function."""
    return [operation for function in FUNCTIONS for operation in load(function).api.operations]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the document is out of date")
    text = json.dumps(document(operations()), indent=1, sort_keys=True) + "\n"
    if parser.parse_args().check:
        if DOCUMENT.read_text() != text:
            print(f"{DOCUMENT.relative_to(ROOT)} is out of date; run: make docs", file=sys.stderr)
            return 1
        return 0
    DOCUMENT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
