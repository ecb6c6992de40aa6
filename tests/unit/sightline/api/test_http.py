"""Requests and answers: one shape of an error, one set of headers, and a 500 that a log can explain."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response
from hypothesis import given
from hypothesis import strategies as st

from sightline.api import http
from sightline.api.http import HEADERS, MAX_BODY, Access, Api, RequestError, groups_of, json_object
from sightline.errors import SightlineError
from tests.fake_cloud import request

CONTEXT = SimpleNamespace(
    function_name="serve",
    memory_limit_in_mb=128,
    invoked_function_arn="arn:aws:lambda:us-east-1:1:function:serve",
    aws_request_id="request-1",
)


class TakenError(SightlineError):
    """Known to the API."""


class LeasedError(TakenError):
    """A kind of it."""


class UnknownError(SightlineError):
    """Not known to the API."""


@dataclass(frozen=True)
class Thing:
    name: str
    parts: list[Any]


def served(serve: Callable[[], Any]) -> tuple[int, Any]:
    """Status and body of the answer of a function that is served."""
    api = Api({TakenError: 409, KeyError: 404})

    def route() -> Any:
        return serve()

    api.route("GET /things")(route)
    answer = api.handler(request("GET", "/things"), CONTEXT)
    assert answer["headers"] == HEADERS
    return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None


def fails(error: Exception) -> Callable[[], Any]:
    def serve() -> Any:
        raise error

    return serve


@pytest.mark.parametrize(
    ("value", "status", "body"),
    [
        ({"a": 1}, 200, {"a": 1}),
        (Thing("a", [Thing("b", []), None]), 200, {"name": "a", "parts": [{"name": "b", "parts": []}, None]}),
        ([], 200, []),
        (None, 204, None),
        ("Größe", 200, "Größe"),
    ],
)
def test_what_a_route_returns_is_sent_as_json(value: Any, status: int, body: Any) -> None:
    assert served(lambda: value) == (status, body)


def test_a_route_may_answer_by_itself() -> None:
    assert served(lambda: Response(302, headers=HEADERS, body='"moved"')) == (302, "moved")


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (TakenError("task 1 is taken"), 409, {"message": "task 1 is taken"}),
        (LeasedError("task 1 is leased"), 409, {"message": "task 1 is leased"}),
        (RequestError("say which"), 400, {"message": "say which"}),
        (RequestError("choose", 409, challenge="NEW"), 409, {"message": "choose", "challenge": "NEW"}),
    ],
)
def test_a_known_error_and_its_kinds_get_their_status_and_their_message(
    error: Exception, status: int, body: Any
) -> None:
    assert served(fails(error)) == (status, body)


@pytest.mark.parametrize("error", [UnknownError("secret"), ZeroDivisionError("secret"), LookupError("secret")])
def test_an_unknown_error_says_nothing_but_an_id_under_which_the_log_has_it(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    status, body = served(fails(error))
    assert (status, body["id"]) == (500, "request-1")
    assert "request-1" in body["message"]
    assert "secret" not in json.dumps(body)
    (metric,) = [line for line in capsys.readouterr().out.splitlines() if http.REQUESTS_FAILED in line]
    said = json.loads(metric)
    assert (said[http.REQUESTS_FAILED], said["function"]) == ([1.0], "serve")


def test_an_answer_that_has_no_form_in_json_is_an_unknown_error() -> None:
    assert served(object)[0] == 500


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("POST", "/things"), ("GET", "/things/1")])
def test_a_route_that_there_is_not_is_named(method: str, path: str) -> None:
    api = Api()

    def route() -> list[str]:
        return []

    api.route("GET /things")(route)
    answer = api.handler(request(method, path), CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])) == (404, {"message": f"there is no {method} {path}"})


def asked(access: Access, **of: Any) -> tuple[int, Any]:
    api = Api()

    def route(name: str, sort: str | None) -> dict[str, str]:
        return {"name": name, "sort": sort or "none"}

    api.route("GET /things/{name}", access=access, query={"sort": str})(route)
    event = request("GET", "/things/a-1", name="a-1", **of)
    if of.get("worker") == "":
        del event["requestContext"]["authorizer"]
    answer = api.handler(event, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


SERVED = (200, {"name": "a-1", "sort": "none"})


def test_a_route_is_open_to_those_whom_it_is_for() -> None:
    assert asked(Access.ANYBODY, worker="") == SERVED
    assert asked(Access.SIGNED_IN) == SERVED
    assert asked(Access.ENGINEER, groups="engineers line-1") == SERVED


@pytest.mark.parametrize("access", [Access.SIGNED_IN, Access.ENGINEER])
def test_nobody_is_told_to_sign_in(access: Access) -> None:
    said = {"message": "send the id token of POST /session as `Authorization: Bearer …`"}
    assert asked(access, worker="") == (401, said)


@pytest.mark.parametrize("access", [Access.SIGNED_IN, Access.ENGINEER])
def test_an_access_token_is_refused(access: Access) -> None:
    """It has the right issuer and client, so that API Gateway lets it through; Cognito's has `username`."""
    api = Api()

    def route() -> list[str]:
        return []

    api.route("GET /things", access=access)(route)
    event = request("GET", "/things", groups="engineers")
    for claims in ({"username": "anna"}, {"username": "anna", "cognito:username": "anna"}):
        event["requestContext"]["authorizer"]["jwt"]["claims"] = {**claims, "token_use": "access", "client_id": "c"}
        assert api.handler(event, CONTEXT)["statusCode"] == 401


LARGEST_WHOLE = 10**http.MAX_DIGITS - 1


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("007", 7), (str(LARGEST_WHOLE), LARGEST_WHOLE)])
def test_a_whole_number_is_given_as_one(text: str, value: int) -> None:
    assert http.parameter("version", text, int) == value


HOSTILE = [
    "", "9" * 4300, "9" * (http.MAX_DIGITS + 1), "-1", "1.0", "1e3", " 1", "1\n", "1_0", "٣", "²", "one", "0x1", "1,2",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_whole_number_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(RequestError, match=r"^version must be a whole number of at most 16 digits, got ") as raised:
        http.parameter("version", text, int)
    assert (raised.value.status, "\n" in str(raised.value)) == (400, False)


@pytest.mark.parametrize("text", ["", "x" * (http.MAX_PARAMETER + 1), "a\nb", "a\x00b", "a\u2028b", "\ud800", "\u202e"])
def test_a_text_that_can_not_be_shown_is_no_parameter(text: str) -> None:
    with pytest.raises(RequestError, match=r"^name must be 1 to 300 characters that can be shown, got ") as raised:
        http.parameter("name", text, str)
    assert (raised.value.status, "\n" in str(raised.value)) == (400, False)


@pytest.mark.parametrize("text", ["a", "Größe 1", "x" * http.MAX_PARAMETER, "../../etc", "%2e%2e"])
def test_any_other_text_is_one(text: str) -> None:
    assert http.parameter("name", text, str) == text


@pytest.mark.parametrize("groups", ["", "line-1", "engineers-2"])
def test_who_is_not_in_the_group_is_told_so(groups: str) -> None:
    said = {"message": "this is for the group 'engineers', and 'anna' is not in it"}
    assert asked(Access.ENGINEER, groups=groups) == (403, said)


@pytest.mark.parametrize(
    ("claim", "groups"),
    [
        (None, ()),
        ("", ()),
        ("[]", ()),
        ("[engineers]", ("engineers",)),
        ("[a b]", ("a", "b")),
        ("[a, b]", ("a", "b")),
        ("a", ("a",)),
        ([], ()),
        (["a", "b"], ("a", "b")),
    ],
)
def test_groups_are_read_as_cognito_and_as_api_gateway_write_them(claim: Any, groups: tuple[str, ...]) -> None:
    assert groups_of(claim) == groups


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())))
def test_a_body_is_read_as_it_was_sent_plain_or_in_base64(sent: dict[str, Any]) -> None:
    text = json.dumps(sent, ensure_ascii=False)
    assert json_object({"body": text}) == sent
    assert json_object({"body": base64.b64encode(text.encode()).decode(), "isBase64Encoded": True}) == sent


@pytest.mark.parametrize("event", [{}, {"body": None}, {"body": ""}, {"body": "{}"}])
def test_no_body_is_an_empty_object(event: dict[str, Any]) -> None:
    assert json_object(event) == {}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "the body is not JSON: "),
        ("{'a': 1}", "the body is not JSON: "),
        ('{"a": 1} {}', "the body is not JSON: "),
        ('{"a": NaN}', "the body is not JSON: NaN is no number of JSON"),
        ('{"a": -Infinity}', "the body is not JSON: -Infinity is no number of JSON"),
        ('{"a": ' + "1" * 5000 + "}", "the body is not JSON: "),
        ('{"a": 1e999}', "the body is not JSON: 1e999 is too large a number"),
        ('{"a": "\\ud800"}', "the body holds half a character"),
        ('{"\\udfff": 1}', "the body holds half a character"),
        ("[" * 100_000, "the body is not JSON: "),
        ("[]", "the body must be a JSON object"),
        ("null", "the body must be a JSON object"),
        ('"{}"', "the body must be a JSON object"),
    ],
)
def test_what_is_no_json_object_is_refused_in_one_line(body: str, said: str) -> None:
    with pytest.raises(RequestError) as raised:
        json_object({"body": body})
    assert raised.value.status == 400
    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("body", ["no base64!", "e30", "ä", base64.b64encode(b"\xff{}").decode()])
def test_what_is_no_base64_of_a_text_is_refused(body: str) -> None:
    with pytest.raises(RequestError, match="the body is not JSON: ") as raised:
        json_object({"body": body, "isBase64Encoded": True})
    assert raised.value.status == 400


def test_a_body_that_is_too_large_is_not_read() -> None:
    fits = json.dumps({"a": "x" * (MAX_BODY - 9)})
    assert len(fits) == MAX_BODY
    assert json_object({"body": fits})
    with pytest.raises(
        RequestError, match=f"the body has {MAX_BODY + 1} bytes; at most {MAX_BODY} are taken"
    ) as raised:
        json_object({"body": fits + " "})
    assert raised.value.status == 413
