"""Judging: whatever evaluation.json holds, there is a decision or an error with a name."""

import json
from typing import Any

import pytest

from tests.fake_cloud import Cloud

JOB = "sightline-7c3b93b0-window-1795220517014"


def evaluated(cloud: Cloud, evaluation: dict[str, Any]) -> None:
    body = json.dumps(evaluation).encode()
    cloud.s3.put_object(Bucket="artifacts", Key=f"training/{JOB}/evaluation/evaluation.json", Body=body)


def test_an_empty_test_set_is_a_decision_with_its_reason(step: Any, cloud: Cloud) -> None:
    evaluated(cloud, {"test_images": 0, "candidate": None, "champion": None, "bootstrap": None})
    judged = step("judge_model")
    reason = "the test set is empty: nothing is known about this model"
    assert judged == {
        "accepted": False,
        "decision_uri": f"s3://artifacts/training/{JOB}/decision.json",
        "evaluation_uri": f"s3://artifacts/training/{JOB}/evaluation/evaluation.json",
        "reasons": [reason],
        "int8": False,
        "map50": "0.0",
        "map50_95": "0.0",
    }
    decision = json.loads(cloud.read(f"training/{JOB}/decision.json"))
    assert (decision["accepted"], decision["reasons"]) == (False, [reason])


def test_a_number_that_no_measurement_gives_leaves_no_decision(step: Any, cloud: Cloud) -> None:
    scores = {"map50": 1.2, "map50_95": 0.4, "per_class": {}, "latency_ms": {"p95": 1}, "size_bytes": 1}
    evaluated(cloud, {"test_images": 4, "candidate": scores, "champion": None, "bootstrap": None})
    with pytest.raises(Exception, match=r"must lie between 0 and 1, got 1\.2") as raised:
        step("judge_model")
    assert type(raised.value).__name__ == "InvalidMetricError"
    keys = [entry["Key"] for entry in cloud.s3.list_objects_v2(Bucket="artifacts")["Contents"]]
    assert keys == [f"training/{JOB}/evaluation/evaluation.json"]
