"""The trail of an image or an execution: what was logged and which executions ran, in order of time."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from client import pipeline
from client.target import Target
from sightline import names
from sightline.errors import SightlineError

# Fields of a log line that say the same on every line of a call, or are told in front.
PLAIN = {"level", "location", "message", "timestamp", "service", "cold_start", "function_name", "function_memory_size",
         "function_arn", "function_request_id", "xray_trace_id", "correlation_id", "execution"}  # fmt: skip

PAUSE_SECONDS = 2.0  # between two looks at the logs
LATE_MS = 5000  # a log may get a line this much later than others of its time
JOB_GROUPS = ("/aws/sagemaker/TrainingJobs", "/aws/sagemaker/ProcessingJobs")
GROUPS = ("/sightline", "/aws/vendedlogs/sightline")  # before the stack's name: what is logged, what AWS delivers


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One thing that happened."""

    at: datetime
    where: str  # the function or the workflow
    what: str

    def __str__(self) -> str:
        return f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} {self.where:24} {self.what}"


def terms_of(target: Target, image: str) -> list[str]:
    """Return what log lines of an image may have: its correlation id, content hash and key.

    `image` is a content hash, an object key, or the name below `incoming/`. Raise SightlineError for an unknown one.
    """
    ledger, bucket = pipeline.ledger(target), target.outputs["ImagesBucketName"]
    keys = (image, names.INCOMING + image)
    found = ledger.image(image) or next(filter(None, (ledger.image_at(bucket, key) for key in keys)), None)
    if found is None:
        raise SightlineError(f"no image {image!r} in the ledger; give its name as it was uploaded, or its content hash")
    return [term for term in (found.correlation_id, found.image_id, found.key) if term]


def follow(target: Target, terms: list[str], minutes: int | None = None) -> list[Step]:
    """Return what happened under any of these terms, the earliest first.

    A roll-out gets its model's correlation id only after it has started, so the other lines of each execution that
    logged a term are found by the execution's name.
    """
    since = int((time.time() - minutes * 60) * 1000) if minutes else 0
    said = {text: moment for term in terms for moment, text in _logged(target, term, since)}
    named = {name for text in said if (name := _execution(text))} | set(terms)
    said |= {text: moment for name in sorted(named - set(terms)) for moment, text in _logged(target, name, since)}
    return sorted([*(_step(moment, text) for text, moment in said.items()), *_executions(target, named)])


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """A line of a log, as it was logged."""

    at: int  # milliseconds since 1970
    text: str

    def step(self) -> Step:
        """Return it as people read it."""
        return _step(self.at, self.text)


def logged(target: Target, part: str, since: int, training: str = "") -> list[Line]:
    """Return the lines with `part` in them, in the order of time: of the functions' logs, or of a `training`'s jobs.

    `since` is in milliseconds since 1970, `training` a part of the job's name or `latest`. Raise SightlineError.
    """
    found = job_lines(target, training, since) if training else _logged(target, part, since)
    return sorted(Line(at, text) for at, text in found if part in text)


def watched(target: Target, part: str, since: int, training: str = "") -> Iterator[Line]:
    """Give the lines that are there, then those that come, without an end."""
    seen: set[Line] = set()
    while True:
        fresh = [line for line in logged(target, part, since, training) if line not in seen]
        yield from fresh
        seen |= set(fresh)
        since = max([since, *(line.at - LATE_MS for line in fresh)])  # lines of one moment come one after the other
        seen = {line for line in seen if line.at >= since}
        time.sleep(PAUSE_SECONDS)


def job_lines(target: Target, name: str, since: int) -> Iterator[tuple[int, str]]:
    """Give the lines of the jobs of a training. Raise SightlineError where there is none."""
    streams = list(_job_streams(target))
    if name == "latest" and streams:
        job = max(streams, key=lambda one: one.at).job
        name = job.removesuffix("-evaluation")
    chosen = [one for one in streams if name in one.job]
    if not chosen:
        known = ", ".join(sorted({one.job for one in streams})[-5:])
        raise SightlineError(f"no training with {name!r} in its name has a log; there are: {known or 'none'}")
    for one in chosen:
        pages = target.aws.logs.get_paginator("filter_log_events").paginate(
            logGroupName=one.group, logStreamNames=[one.stream], startTime=since
        )
        yield from ((event["timestamp"], event["message"].rstrip()) for page in pages for event in page["events"])


@dataclass(frozen=True, slots=True)
class _Stream:
    group: str
    stream: str
    at: int  # when it was made

    @property
    def job(self) -> str:
        return self.stream.partition("/")[0]


def _job_streams(target: Target) -> Iterator[_Stream]:
    """Give the log streams of the stack's trainings and evaluations."""
    logs = target.aws.logs
    for group in JOB_GROUPS:
        try:
            pages = list(
                logs.get_paginator("describe_log_streams").paginate(
                    logGroupName=group, logStreamNamePrefix=f"{target.outputs['StackName']}--"
                )
            )
        except logs.exceptions.ResourceNotFoundException:  # no job has run yet
            continue
        for page in pages:
            yield from (_Stream(group, one["logStreamName"], one.get("creationTime", 0)) for one in page["logStreams"])


def _logged(target: Target, part: str, since: int) -> Iterator[tuple[int, str]]:
    logs, stack = target.aws.logs, target.outputs["StackName"]
    pages = [
        page
        for prefix in GROUPS
        for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"{prefix}/{stack}/")
    ]
    for group in [group["logGroupName"] for page in pages for group in page["logGroups"]]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since):
            for event in page["events"]:
                if part in event["message"]:
                    yield event["timestamp"], event["message"].rstrip()


def _fields(text: str) -> dict[str, object]:
    """Return the fields of a line of JSON; none of another line, as Lambda itself writes them."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _execution(text: str) -> str:
    return str(_fields(text).get("execution") or "").rsplit(":", 1)[-1]


def _step(moment: int, text: str) -> Step:
    fields = _fields(text)
    at = datetime.fromtimestamp(moment / 1000, UTC)
    if not fields:
        return Step(at, "-", text)
    told = " ".join(f"{name}={value}" for name, value in fields.items() if name not in PLAIN)
    level = "" if fields.get("level") == "INFO" else f"{fields.get('level')}: "
    return Step(at, str(fields.get("function_name", "-")), f"{level}{fields.get('message', '')} {told}".rstrip())


def _executions(target: Target, named: set[str]) -> Iterator[Step]:
    for machine in pipeline.MACHINES:
        for execution in pipeline.executions(target, machine):
            if execution["name"] in named:
                yield Step(execution["startDate"], machine, f"started {execution['name']}")
                if "stopDate" in execution:
                    ended = f"{execution['status'].lower()} {execution['name']}"
                    yield Step(execution["stopDate"], machine, ended)
