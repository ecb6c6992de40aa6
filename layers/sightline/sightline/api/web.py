"""What the functions behind the HTTP API share: the request's JSON object, who asks, and an error as an answer."""

import base64
import json
from collections.abc import Callable
from typing import Any

from sightline.errors import SightlineError

ENGINEERS = "engineers"
MAX_BODY = 1_000_000  # bytes; an answer of a thousand boxes has a tenth of it


class RequestError(SightlineError):
    """A request that gets `status` with the message, and changes nothing."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def body(event: dict[str, Any]) -> dict[str, Any]:
    """The request's JSON object; an empty body is an empty object. Raises RequestError for anything else."""
    text = event.get("body") or "{}"
    if len(text) > MAX_BODY:
        raise RequestError(f"the body has {len(text)} bytes; at most {MAX_BODY} are taken", 413)
    try:
        if event.get("isBase64Encoded"):
            text = base64.b64decode(text, validate=True).decode()
        sent = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is not JSON: {error}") from error
    if not isinstance(sent, dict):
        raise RequestError("the body must be a JSON object")
    return sent


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def answered(event: dict[str, Any], serve: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """The answer of `serve` to a request, or what was wrong with the request, as API Gateway takes it."""
    try:
        return answer(200, serve(event))
    except RequestError as error:
        return answer(error.status, {"message": str(error)})


def answer(status: int, value: dict[str, Any]) -> dict[str, Any]:
    headers = {"content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(value)}


def claims(event: dict[str, Any]) -> dict[str, Any]:
    """What the authorizer has read from the caller's token."""
    found: dict[str, Any] = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims", {})
    return found


def worker(event: dict[str, Any]) -> str:
    """The name of the person who asks. An access token has another claim and does not say so: it is refused."""
    name = claims(event).get("cognito:username")
    if not name:
        raise RequestError("send the id token of POST /session as `Authorization: Bearer …`", 401)
    return str(name)


def require_engineer(event: dict[str, Any]) -> str:
    """The name of the engineer who asks. Raises RequestError for everybody else."""
    name = worker(event)
    if ENGINEERS not in groups(claims(event).get("cognito:groups")):
        raise RequestError(f"this is for the group {ENGINEERS!r}, and {name!r} is not in it", 403)
    return name


def groups(claim: Any) -> list[str]:
    """The groups of a token: a list, or the text `[a b]` that API Gateway makes of it."""
    if isinstance(claim, list):
        return [str(name) for name in claim]
    return str(claim or "").strip("[]").replace(",", " ").split()
