"""One id finds everything that happened under it, in order of time and readable."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from client import pipeline, trail
from sightline.aws.clients import Aws
from sightline.errors import SightlineError
from tests.fake_cloud import cloud
from tests.images import enter, image, ledger

__all__ = ["cloud"]

GROUP, DELIVERED = "/sightline/s/functions", "/aws/vendedlogs/sightline/s/workflows"
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ID, ROLL_OUT = "window-1", "a1b2"


def line(number: int, function: str, message: str, **fields: Any) -> tuple[int, str]:
    told = {"level": "INFO", "message": message, "function_name": function, **fields}
    return int(START.timestamp() * 1000) + number * 1000, json.dumps(told)


def execution(name: str, status: str = "SUCCEEDED") -> dict[str, Any]:
    return {"name": name, "status": status, "startDate": START, "stopDate": START.replace(minute=1)}


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        logs = boto3.client("logs", region_name="us-east-1")
        logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName="a")
        lines = [
            line(1, "claim", "images claimed", correlation_id=ID, execution=ID, images=4),
            line(2, "claim", "images claimed", correlation_id="window-2", execution="window-2"),
            line(3, "plan", "component version planned", correlation_id=ID, execution=f"arn:deploy:{ROLL_OUT}"),
            line(4, "roll", "rolled back", correlation_id=ROLL_OUT, level="ERROR"),
            (int(START.timestamp() * 1000), f"Traceback of {ID}"),
        ]
        events = [{"timestamp": moment, "message": text} for moment, text in sorted(lines)]
        logs.put_log_events(logGroupName=GROUP, logStreamName="a", logEvents=events)
        logs.create_log_group(logGroupName=DELIVERED)
        logs.create_log_stream(logGroupName=DELIVERED, logStreamName="a")
        failed = {"timestamp": line(5, "", "")[0], "message": f"TaskFailed in {ID}"}
        logs.put_log_events(logGroupName=DELIVERED, logStreamName="a", logEvents=[failed])
        ran = {"label_images": [execution(ID), execution("window-2")], "deploy_model": [execution(ROLL_OUT, "FAILED")]}
        monkeypatch.setattr(pipeline, "executions", lambda _, machine: ran.get(machine, []))
        outputs = {"StackName": "s", "ImagesBucketName": "images"}
        yield SimpleNamespace(outputs=outputs, aws=Aws())


def test_one_id_finds_the_lines_and_executions_also_of_the_roll_out_that_came_of_it(target: Any) -> None:
    assert [(step.where, step.what) for step in trail.follow(target, [ID])] == [
        ("-", f"Traceback of {ID}"),
        ("deploy_model", f"started {ROLL_OUT}"),
        ("label_images", f"started {ID}"),
        ("claim", "images claimed images=4"),
        ("plan", "component version planned"),
        ("roll", "ERROR: rolled back"),
        ("-", f"TaskFailed in {ID}"),
        ("deploy_model", f"failed {ROLL_OUT}"),
        ("label_images", f"succeeded {ID}"),
    ]
    assert str(trail.follow(target, [ID])[3]).startswith("2026-11-20 09:00:01 claim ")


def test_an_image_is_known_by_its_name_its_key_and_its_hash(
    target: Any, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "ledger", lambda _: ledger())
    given = image(1, correlation_id=ID)
    enter(given)
    place = {"pk": "object#images/incoming/1.jpg", "sequencer": "1", "version_id": "", "image_id": given.image_id}
    ledger().table.put_new(place)
    for name in ("1.jpg", "incoming/1.jpg", given.image_id):
        assert trail.terms_of(target, name) == [ID, given.image_id, "incoming/1.jpg"]
    with pytest.raises(SightlineError, match=r"no image 'nothing.jpg' in the ledger"):
        trail.terms_of(target, "nothing.jpg")


def since() -> int:
    return int(START.timestamp() * 1000)


def test_lines_come_in_the_order_of_time_and_can_be_read(target: Any) -> None:
    found = trail.logged(target, "", since())
    assert [line.at for line in found] == sorted(line.at for line in found)
    assert str(found[1].step()).startswith("2026-11-20 09:00:01 claim ")


def put(target: Any, group: str, stream: str, *lines: tuple[int, str]) -> None:
    logs = target.aws.logs
    if group not in [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]:
        logs.create_log_group(logGroupName=group)
    if not logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": moment, "message": text} for moment, text in lines]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_what_comes_is_followed_and_nothing_is_told_twice(target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail.time, "sleep", lambda _: put(target, GROUP, "a", line(6, "claim", "more")))
    watched = trail.watched(target, "", since())
    first = [next(watched) for _ in range(6)]
    assert len(set(first)) == 6
    assert next(watched).step().what == "more"


def test_the_log_of_a_training_and_its_evaluation_is_found_by_a_part_of_the_name(target: Any) -> None:
    with pytest.raises(SightlineError, match="no training with 'run' in its name has a log; there are: none"):
        trail.logged(target, "", 0, "run")
    training, evaluation = trail.JOB_GROUPS
    put(target, training, "s--1a2b-run-1/algo-1", (since(), "epoch=1"))
    put(target, training, "other--1a2b-run-1/algo-1", (since(), "of another stack"))
    put(target, evaluation, "s--1a2b-run-1-evaluation/algo-1", (since() + 1, "measured"))
    put(target, training, "s--1a2b-run-2/algo-1", (since() + 2, "epoch=2"))
    assert [one.text for one in trail.logged(target, "", 0, "run-1")] == ["epoch=1", "measured"]
    assert [one.text for one in trail.logged(target, "epoch", 0, "1a2b")] == ["epoch=1", "epoch=2"]
    with pytest.raises(SightlineError, match=r"there are: s--1a2b-run-1, s--1a2b-run-1-evaluation, s--1a2b-run-2$"):
        trail.logged(target, "", 0, "run-3")
