"""Uploads whose events do not come: the sweep is asked for them at once, instead of the next day.

S3 begins to send events some minutes after a stack was made. What was uploaded before that has none.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from botocore.exceptions import ClientError

from client import pipeline
from client.target import Target
from sightline import names
from sightline.errors import SightlineError
from sightline.fields import Fields

SECONDS = 60.0  # in which events come
PAUSE_SECONDS = 1.0
SAMPLE = 5  # of the first uploads, and of the last ones, that are looked for
CALL_SECONDS = 30  # of one call of the function; a client waits 60 for an answer
GONE = ("404", "NoSuchKey")


class Arrival(StrEnum):
    """What became of the events of an upload."""

    ARRIVED = "arrived"
    SWEEP_ASKED = "sweep asked"
    NOT_ALLOWED = "not allowed"


def await_events(
    target: Target, uploaded: Sequence[str], look: Callable[[], None] = lambda: None, seconds: float = SECONDS
) -> Arrival:
    """Wait until the uploads with these names are registered; ask the sweep when that takes longer than `seconds`.

    `look` is called all the while; what it raises ends the waiting.
    """
    bucket = target.outputs["ImagesBucketName"]
    keys = [names.INCOMING + name for name in {*uploaded[:SAMPLE], *uploaded[-SAMPLE:]}]
    until = time.monotonic() + seconds
    while keys := [key for key in keys if not is_handled(target, bucket, key)]:
        if time.monotonic() > until:
            return ask(target)
        look()
        time.sleep(PAUSE_SECONDS)
    return Arrival.ARRIVED


def ask(target: Target) -> Arrival:
    """Start the sweep, and do not wait for it. An image that is registered twice is registered once."""
    try:
        name = target.outputs["SweepImagesName"]
        target.aws.lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"begin": true}')
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDeniedException", "AccessDenied"):
            raise
        return Arrival.NOT_ALLOWED
    return Arrival.SWEEP_ASKED


@dataclass(frozen=True, slots=True)
class Sweep:
    """How far a sweep has come."""

    compared: int  # objects
    queued: int  # of those, how many differ from what the ledger says
    ended: bool


def sweep(target: Target, progress: Callable[[Sweep], None] = lambda _: None) -> Sweep:
    """Compare all of the bucket with the ledger, and wait for it. What differs is looked at by itself afterwards."""
    done = _work(target, {"begin": True, "seconds": CALL_SECONDS})
    while not done.ended:
        progress(done)
        done = _work(target, {"seconds": CALL_SECONDS})
    return done


def _work(target: Target, request: Mapping[str, object]) -> Sweep:
    answer = target.aws.lambda_.invoke(
        FunctionName=target.outputs["SweepImagesName"], Payload=json.dumps(request).encode()
    )
    said = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise SightlineError(f"the sweep failed: {said:.300}; `sightline logs` shows more")
    fields = Fields(json.loads(said), "in the answer of the sweep")
    return Sweep(fields.whole("compared", 0), fields.whole("queued", 0), fields.flag("ended"))


def is_handled(target: Target, bucket: str, key: str) -> bool:
    """Say whether the ledger knows an upload, or it was set aside because it is no image."""
    if pipeline.ledger(target).places.at(bucket, key) is not None:
        return True
    try:
        target.aws.s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in GONE:
            raise
        return True
    return False
