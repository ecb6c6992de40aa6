"""The one way in which functions answer HTTP: routes, who may ask, errors and headers.

    api = Api({UnknownTaskError: 404})

    @api.route("GET /jobs/{job_id}")
    def show_job(job_id: str) -> JobProgress: ...

    handler = api.handler

A route is written as API Gateway writes it. Every answer is JSON (a route may give a `Response` of its own instead), is
kept by no cache, and is taken for what it says it is. Every error is `{"message": …}` in one line that says what to do.
What no table knows is a 500 with an `id`, under which the log has it.
"""

import base64
import dataclasses
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar, get_type_hints

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline.errors import SightlineError

ENGINEERS = "engineers"  # the group of those who decide about images and models
REQUESTS_FAILED = "RequestsFailed"  # the metric of requests that got a 500; alarms watch it
MAX_BODY = 1_000_000  # bytes; an answer of a thousand boxes has a tenth of it
MAX_PARAMETER = 300  # characters of a part of a path or of a query; an execution's name, the longest, has 80
MAX_DIGITS = 16  # of a whole number there, in ASCII; milliseconds since 1970 have 13
HALF = re.compile("[\ud800-\udfff]")  # no store takes it
WHOLE = re.compile(rf"[0-9]{{1,{MAX_DIGITS}}}")
HEADERS = {"content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff"}

logger = Logger()
Served = TypeVar("Served", bound=Callable[..., Any])


class RequestError(SightlineError):
    """A request that gets `status` with the message, and changes nothing. `details` go beside the message."""

    def __init__(self, message: str, status: int = 400, **details: str) -> None:
        super().__init__(message)
        self.status = status
        self.details = details


class Access(StrEnum):
    """Who may use a route."""

    ANYBODY = "anybody"
    SIGNED_IN = "signed in"
    ENGINEER = "engineer"


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, by the id token that API Gateway has checked."""

    name: str
    groups: tuple[str, ...]

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> "Person":
        """Raise RequestError for a caller without an id token. API Gateway takes access tokens, too: no route does."""
        claims = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims", {})
        name = claims.get("cognito:username")
        if not name or claims.get("token_use") != "id":
            raise RequestError("send the id token of POST /session as `Authorization: Bearer …`", 401)
        return cls(str(name), groups_of(claims.get("cognito:groups")))

    @property
    def is_engineer(self) -> bool:
        return ENGINEERS in self.groups


def groups_of(claim: object) -> tuple[str, ...]:
    """Return the groups of a token, whose claim is a list, or the text `[a b]` that API Gateway makes of it."""
    if isinstance(claim, list):
        return tuple(str(name) for name in claim)
    return tuple(str(claim or "").strip("[]").replace(",", " ").split())


@dataclass(frozen=True, slots=True)
class Operation:
    """One route as the OpenAPI document tells it. `body` is the type of what is sent, `answer` of what comes back."""

    key: str  # `GET /jobs/{job_id}`, API Gateway's route key
    access: Access
    summary: str
    body: Any
    answer: Any
    query: Mapping[str, type]  # parameters that may be given in the address: str, or int for a whole number
    parts: Mapping[str, type]  # the same of the path's parameters
    statuses: tuple[int, ...]  # of errors that this function can give, beside those that every route has


class Api:
    """The routes of one function. `errors` says which status an error and its subclasses get."""

    def __init__(self, errors: Mapping[type[Exception], int] | None = None) -> None:
        self.operations: list[Operation] = []
        self._errors = dict(errors or {})
        self._resolver = APIGatewayHttpResolver()
        self._resolver.exception_handler(Exception)(self._explain)
        self._resolver.not_found(self._explain)
        self.handler = logger.inject_lambda_context(self._answer)

    def _answer(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one request of API Gateway (payload format 2.0)."""
        return self._resolver.resolve(event, context)

    def route(
        self,
        key: str,
        *,
        access: Access = Access.SIGNED_IN,
        body: Any = None,
        query: Mapping[str, type] | None = None,
        statuses: tuple[int, ...] = (),
    ) -> Callable[[Served], Served]:
        """Serve `key` by the function below, whose arguments are the parameters of path and query by name.

        They are given as their types say, `str` or `int`; those of the query are None where they are missing. What it
        returns is sent as JSON: a TypedDict, a dataclass, or None for an answer without content. `body`,
        `query` and `statuses` (of errors) are told in the OpenAPI document.
        """
        method, path = key.split(" ")

        def register(serve: Served) -> Served:
            summary = (serve.__doc__ or serve.__name__.replace("_", " ").capitalize()).partition("\n")[0]
            hints = get_type_hints(serve)
            parts = {name: hints.get(name, str) for name in re.findall(r"{(\w+)}", path)}
            known = tuple(sorted({*self._errors.values(), *statuses}))
            told = Operation(key, access, summary, body, hints["return"], query or {}, parts, known)
            self.operations.append(told)
            rule = path.replace("{", "<").replace("}", ">")
            self._resolver.route(rule, method=[method])(self._guarded(serve, told))
            return serve

        return register

    def _guarded(self, serve: Callable[..., Any], told: Operation) -> Callable[..., Response[Any]]:
        def guarded(**parameters: str) -> Response[Any]:
            if told.access is not Access.ANYBODY:
                person = self.person
                if told.access is Access.ENGINEER and not person.is_engineer:
                    raise RequestError(f"this is for the group {ENGINEERS!r}, and {person.name!r} is not in it", 403)
            given: dict[str, str | int | None] = {
                name: parameter(name, parameters[name], kind) for name, kind in told.parts.items()
            }
            sent = self._resolver.current_event.query_string_parameters or {}
            for name, kind in told.query.items():
                given[name] = parameter(name, sent[name], kind) if name in sent else None
            answer = serve(**given)
            return answer if isinstance(answer, Response) else respond(204 if answer is None else 200, answer)

        return guarded

    @property
    def event(self) -> dict[str, Any]:
        """The request as API Gateway gave it."""
        return dict(self._resolver.current_event.raw_event)

    @property
    def person(self) -> Person:
        """Who asks. Raises RequestError where nobody has signed in."""
        return Person.from_event(self.event)

    def json(self) -> dict[str, object]:
        """Return the JSON object that was sent; an empty body is an empty object. Raise RequestError for anything
        else.
        """
        return json_object(self.event)

    def _explain(self, error: Exception) -> Response[Any]:
        """Return the answer to a request that failed."""
        if isinstance(error, RequestError):
            return respond(error.status, {"message": str(error), **error.details})
        if isinstance(error, NotFoundError):
            http = self.event["requestContext"]["http"]
            path = "".join(sign if sign.isprintable() else "?" for sign in http["path"][:200])
            return respond(404, {"message": f"there is no {http['method']} {path}"})
        status = next((self._errors[kind] for kind in type(error).__mro__ if kind in self._errors), None)
        if status is not None:
            return respond(status, {"message": str(error)})
        context = self._resolver.lambda_context
        logger.error("request failed", exc_info=error, request_id=context.aws_request_id)
        # Lambda counts no error, because the caller gets an answer: this is what alarms watch.
        with single_metric(name=REQUESTS_FAILED, unit=MetricUnit.Count, value=1) as metric:
            metric.add_dimension("function", context.function_name)
        said = f"this failed, and it is not your fault; the log has the reason under the id {context.aws_request_id}"
        return respond(500, {"message": said, "id": context.aws_request_id})


def respond(status: int, value: object) -> Response[Any]:
    """Return a value as JSON with the headers of every answer; None sends no content."""
    body = "" if value is None else json.dumps(value, default=_plain)
    return Response(status_code=status, headers=HEADERS, body=body)


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def json_object(event: Mapping[str, Any]) -> dict[str, object]:
    """Return the JSON object in a request's body; an empty body is an empty object. Raise RequestError otherwise."""
    text = event.get("body") or "{}"
    if len(text) > MAX_BODY:
        raise RequestError(f"the body has {len(text)} bytes; at most {MAX_BODY} are taken", 413)
    try:
        if event.get("isBase64Encoded"):
            text = base64.b64decode(text, validate=True).decode()
        sent = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is not JSON: {error}") from error
    if not isinstance(sent, dict):
        raise RequestError("the body must be a JSON object")
    if HALF.search(json.dumps(sent, ensure_ascii=False)):
        raise RequestError("the body holds half a character, which can't be shown; write it as plain text")
    return sent


def parameter(name: str, text: str, kind: type) -> str | int:
    """Return a parameter of a path or a query as its type says. Raise RequestError for what no such thing can have."""
    if kind is int:
        if not WHOLE.fullmatch(text):
            raise RequestError(f"{name} must be a whole number of at most {MAX_DIGITS} digits, got {text!r:.50}")
        return int(text)
    if not 1 <= len(text) <= MAX_PARAMETER or not text.isprintable():
        raise RequestError(f"{name} must be 1 to {MAX_PARAMETER} characters that can be shown, got {text!r:.50}")
    return text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text:.50} is too large a number")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
