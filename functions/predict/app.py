"""Give the verdict on one image with the model in service.

Request and answer are in docs/reference/console-api.md. API Gateway has checked the caller's token before this
runs.
"""

import base64
import os
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress

from aws_lambda_powertools import Logger

from sightline.api.http import Api, RequestError
from sightline.api.shapes import Prediction
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.models import releases
from sightline.models.registry import Registry
from sightline.models.standing import Standing
from sightline.vision import release
from sightline.vision.decode import UndecodableImageError
from sightline.vision.detector import Detector

FRESH_SECONDS = 60  # how long a model serves before the registry is asked for a newer one
MISSING_SECONDS = 5  # the same where there is none
PATIENCE_SECONDS = 2  # the longest that a caller waits for that; then the model at hand answers
MAX_BODY = 6_000_000  # characters of base64; Lambda takes no larger request

logger = Logger()
api = Api()
aws = Aws()
registry = Registry(aws, os.environ["MODEL_PACKAGE_GROUP"])
standing = Standing(aws, os.environ["DEPLOYMENTS_TABLE"], os.environ["THING_GROUP_ARN"])
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])

Model = tuple[releases.Release, Detector]


class Served:
    """The model of this container: the one in service, or the last that could be loaded."""

    def __init__(self) -> None:
        self.model: Model | None = None
        self._asked = float("-inf")
        self._newest: Future[Model | None] | None = None
        self._pool = ThreadPoolExecutor(1)

    def current(self) -> Model:
        """Asks for a newer one once in a while. Raises RequestError where there is none, or why the first can't be
        loaded.
        """
        fresh = FRESH_SECONDS if self.model else MISSING_SECONDS
        if self._newest is None and time.monotonic() - self._asked > fresh:
            self._newest = self._pool.submit(self._ask)
        if self._newest is not None:
            wait([self._newest], timeout=PATIENCE_SECONDS if self.model else None)
            if self._newest.done():
                self._take(self._newest)
        if self.model is None:
            raise RequestError("no model is in service; approve one first", 503)
        return self.model

    def _ask(self) -> Model | None:
        newest = releases.in_service(registry, standing.states())
        if newest is None or (self.model and self.model[0] == newest):
            return self.model if newest else None
        detector = release.load(artifacts.folder(newest.uri), threads=os.cpu_count() or 1)
        logger.info("model loaded", model_version=newest.version)
        return newest, detector

    def _take(self, newest: Future[Model | None]) -> None:
        self._newest, self._asked = None, time.monotonic()
        try:
            self.model = newest.result()
        except Exception:
            if self.model is None:
                self._asked = float("-inf")  # the next caller tries again
                raise
            logger.exception("the newest model was not loaded; the last good one goes on")


def image_of(event: Mapping[str, object]) -> bytes:
    """The bytes that were sent. Raises RequestError."""
    text = event.get("body")
    if not isinstance(text, str) or not text:
        raise RequestError("the body is empty; send the bytes of one image")
    if len(text) > MAX_BODY:
        raise RequestError(f"the body has {len(text)} characters in base64; at most {MAX_BODY} are taken", 413)
    if not event.get("isBase64Encoded"):  # API Gateway makes a text of it, and the bytes are lost
        raise RequestError("the body came as a text; send the image's bytes with Content-Type: image/jpeg", 415)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise RequestError(f"the body is not base64: {error}") from error


@api.route("POST /predict", body=bytes)
def predict() -> Prediction:
    """The verdict on one image, whose bytes are the body, with the model in service."""
    body = image_of(api.event)
    served, detector = model.current()
    start = time.perf_counter()
    try:
        judged = detector.judge(body)
    except UndecodableImageError as error:
        raise RequestError(f"the image can't be read: {error}") from error
    return {
        "model_version": served.version,
        **judged,
        "latency_ms": round((time.perf_counter() - start) * 1000, 2),
    }


model = Served()
if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:  # in Lambda: a container is ready before its first caller comes
    with suppress(Exception):  # the first caller is told
        model.current()


handler = api.handler
