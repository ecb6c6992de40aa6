"""Every route of the HTTP API: in the template as in its function, and with one shape for what goes wrong."""

import json
import re
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from scripts import draw_openapi
from sightline.api.http import Access, Operation
from tests.fake_cloud import request
from tests.given_aws import GivenAws
from tests.openapi import DOCUMENT
from tests.project import template

CONTEXT = SimpleNamespace(
    function_name="f", memory_limit_in_mb=128, invoked_function_arn="arn:aws:lambda:us-east-1:1:function:f",
    aws_request_id="request-1",
)  # fmt: skip
FUNCTIONS = draw_openapi.FUNCTIONS
BODIES = (
    "{", "[]", "\x00", '{"count": NaN}', "", "[" * 100_000, '{"count": 1e999, "skip": 1e999}', '{"skip": "\\ud800"}',
    '{"approved": true, "reason": "\\ud800"}', '{"username": "a\\u0000", "password": "\\udfff"}',
)  # fmt: skip
HOSTILE = ("9" * 4300, "x" * 2000, "\u202e", "a\nb", "\x00", "\ud800")  # what no part of a path can be
ROUTES = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]


class Outage:
    """A service of AWS that fails in a way that nobody has thought of."""

    def __getattr__(self, name: str) -> Any:
        raise ZeroDivisionError("unforeseen")


@pytest.fixture
def apps(load_app: Callable[..., ModuleType], aws: GivenAws, monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """Each function of the API by name, in an account where every service is out of order."""
    services = ("cognito-idp", "dynamodb", "s3", "sagemaker", "greengrassv2", "iot", "stepfunctions")
    aws.given |= dict.fromkeys(services, Outage())
    found = {}
    for name in FUNCTIONS:
        settings = draw_openapi.settings(draw_openapi.ROOT / "functions" / name / "app.py")
        found[name] = load_app(
            name, **settings | {"MACHINES": '{"label_images": "arn"}'} if "MACHINES" in settings else settings
        )
    return found


def operations(apps: dict[str, ModuleType]) -> dict[str, tuple[ModuleType, Operation]]:
    return {operation.key: (app, operation) for app in apps.values() for operation in app.api.operations}


def ask(app: ModuleType, key: str, **changes: Any) -> dict[str, Any]:
    """One request to a route, whose parameters are all `label_images`."""
    method, path = key.split(" ")
    parts = ["label_images" if part.startswith("{") else part for part in path.split("/")]
    event = request(method, "/".join(parts), changes.pop("body", None), groups="engineers") | changes
    answer: dict[str, Any] = app.handler(event, CONTEXT)
    return answer


def test_the_template_has_the_routes_of_each_function_and_asks_who_signs_in(apps: dict[str, ModuleType]) -> None:
    resources = template()["Resources"]
    routes = {
        entry["Properties"]["RouteKey"]: entry["Properties"].get("AuthorizationType", "NONE") == "JWT"
        for entry in resources.values()
        if entry["Type"] == "AWS::ApiGatewayV2::Route"
    }
    assert routes == {key: operation.access is not Access.ANYBODY for key, (_, operation) in operations(apps).items()}


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_says_in_one_shape_what_is_wrong(apps: dict[str, ModuleType], method: str, path: str) -> None:
    key = f"{method.upper()} {path}"
    app, operation = operations(apps)[key]
    answers = [ask(app, key, body=body) for body in BODIES]
    if operation.access is not Access.ANYBODY:
        nobody = request(method.upper(), path) | {
            "requestContext": {**request("GET", "/")["requestContext"], "authorizer": {}}
        }
        nobody["requestContext"]["http"] |= {"method": method.upper(), "path": path}
        answers.append(app.handler(nobody, CONTEXT))
        assert answers[-1]["statusCode"] == 401
    for answer in answers:
        assert answer["statusCode"] >= 400 or operation.access is Access.ANYBODY, answer
        assert (answer["headers"]["cache-control"], answer["headers"]["x-content-type-options"]) == (
            "no-store",
            "nosniff",
        )
        said = json.loads(answer["body"])
        assert isinstance(said["message"], str)
        assert "\n" not in said["message"]


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path in ROUTES if "{" in path])
def test_no_part_of_a_path_is_a_fault_of_ours(apps: dict[str, ModuleType], method: str, path: str) -> None:
    """Every service of AWS is out of order here: nothing of it may come as far as one."""
    app, _ = operations(apps)[f"{method.upper()} {path}"]
    for text in HOSTILE:
        for part in re.findall(r"{\w+}", path):
            named = re.sub(r"{\w+}", "x", path.replace(part, text))
            answer = app.handler(request(method.upper(), named, groups="engineers"), CONTEXT)
            assert answer["statusCode"] in (400, 404), (named[:80], answer)
            assert "\n" not in json.loads(answer["body"])["message"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_what_no_table_knows_is_a_clean_500_with_its_id(apps: dict[str, ModuleType], method: str, path: str) -> None:
    key = f"{method.upper()} {path}"
    app, operation = operations(apps)[key]

    def fail(**_: str) -> None:
        raise KeyError("unforeseen")

    app.api.route(key.replace(path, "/unforeseen" + path), access=operation.access)(with_answer(fail))
    answer = ask(app, f"{method.upper()} /unforeseen{path}")
    assert (answer["statusCode"], json.loads(answer["body"])["id"]) == (500, "request-1")
    assert "unforeseen" not in answer["body"]


def with_answer(serve: Callable[..., None]) -> Callable[..., None]:
    serve.__annotations__["return"] = None
    return serve


def test_the_document_is_that_of_the_functions() -> None:
    assert json.loads(json.dumps(draw_openapi.document(draw_openapi.operations()))) == DOCUMENT
