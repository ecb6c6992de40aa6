"""The verdict on one file with the model in service, from the function that the API has for it."""

import base64
import json
from pathlib import Path
from typing import cast

from client.target import Target
from sightline.api.shapes import Prediction
from sightline.errors import SightlineError
from sightline.fields import Fields

PERSON = "sightline predict"  # who asks; the caller's AWS rights let it
MAX_BYTES = 4_500_000  # a call of a function takes 6 MB, and base64 makes a third more of a file


class PredictError(SightlineError):
    """A file on which the model in service gave no verdict."""


def predict(target: Target, file: Path) -> Prediction:
    """Return the verdict on an image. Raise PredictError."""
    body = file.read_bytes()
    if len(body) > MAX_BYTES:
        raise PredictError(
            f"{file} has {len(body) / 1e6:.1f} MB, and predict takes {MAX_BYTES / 1e6:.1f}; upload it, and use "
            "`sightline score`"
        )
    answer = target.aws.lambda_.invoke(
        FunctionName=target.outputs["PredictName"], Payload=json.dumps(_request(body)).encode()
    )
    said = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise PredictError(f"predict failed: {said:.300}; `sightline logs` shows more")
    fields = Fields(json.loads(said), "in the answer of predict")
    value = json.loads(fields.text("body"))
    if fields.whole("statusCode", 100) != 200:
        raise PredictError(f"{file}: {value.get('message', value)}")
    return cast(Prediction, value)


def _request(body: bytes) -> dict[str, object]:
    """Return what API Gateway hands the function."""
    route = {"method": "POST", "path": "/predict", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": PERSON}
    claims = {"cognito:username": PERSON, "token_use": "id"}
    context = {"http": route, "stage": "$default", "routeKey": "POST /predict", "requestId": "predict"}
    return {
        "version": "2.0",
        "routeKey": "POST /predict",
        "rawPath": "/predict",
        "rawQueryString": "",
        "headers": {"content-type": "application/octet-stream"},
        "requestContext": {**context, "authorizer": {"jwt": {"claims": claims, "scopes": []}}},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
