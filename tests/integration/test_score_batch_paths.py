"""The real score_batch.asl.json and the real functions, in moto's interpreter: each way a scoring run can end."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

import pytest
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

from sightline.models.registry import Registry
from tests.drawn_models import release
from tests.fake_cloud import Cloud, cloud, jpeg
from tests.moto_machine import Ended, Handler, Machine

__all__ = ["cloud"]

NAMES = [f"{number}.jpg" for number in range(5)]
PLANNED = ["PlanShards", "AreThereImages"]
SCORED = [*PLANNED, "ScoreShards", "SummarizeScores", "BatchScored"]


class Workflow(Machine):
    """score_batch. `failures` says how often a step fails, `written` whether a failing shard has written its part
    before.
    """

    def __init__(self, cloud: Cloud, load_app: Callable[..., ModuleType]) -> None:
        self.load = cache(lambda name: load_app(name, **cloud.environment).handler)
        self.cloud, self.failures, self.calls, self.written = cloud, Counter[str](), Counter[str](), False
        super().__init__("score_batch", self.handler_that_fails, cloud.context, {"ArtifactsBucketName": "artifacts"})

    def handler_that_fails(self, name: str) -> Handler:
        def handle(event: dict[str, Any], context: Any) -> Any:
            self.calls[name] += 1
            self.failures[name] -= 1
            fails = self.failures[name] >= 0
            if fails and not self.written:
                raise MemoryError(f"{name} was killed")
            answer = self.load(name)(event, context)
            if fails:
                raise MemoryError(f"{name} was killed when it had written")
            return answer

        return handle

    def run(self, name: str, **request: Any) -> Ended:
        return self.end(self.start(name, request))

    def lines(self, run: str) -> list[dict[str, Any]]:
        parts = sorted(key for key in self.cloud.objects() if key.startswith(f"predictions/{run}/part-"))
        return [line for key in parts for line in self.cloud.read_lines(key)]


@pytest.fixture
def flow(cloud: Cloud, load_app: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch) -> Iterator[Workflow]:
    """Five images in three shards, and a champion."""
    champion = release(cloud, 3, 0.6)
    monkeypatch.setattr(Registry, "champion", lambda *_: champion)
    cloud.environment |= {"SHARD_IMAGES": "2", "SCORING_CONCURRENCY": "2"}
    for number, name in enumerate(NAMES):
        cloud.s3.put_object(Bucket="images", Key=f"incoming/{name}", Body=jpeg(number))
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        made = Workflow(cloud, load_app)
        monkeypatch.setattr(lambda_eval_utils, "_invoke_lambda_function", made.invoke)
        yield made


def test_every_image_is_scored_once(flow: Workflow) -> None:
    ended = flow.run("run-1")
    assert (ended.status, [state for state in ended.path if state in SCORED]) == ("SUCCEEDED", SCORED)
    assert [line["image"] for line in flow.lines("run-1")] == [f"incoming/{name}" for name in NAMES]
    assert flow.calls["score_shard"] == 3
    counts = {"images": 5, "shards": 3, "fail": 5, "errors": 0, "model_version": "1.0.3"}
    assert counts.items() <= ended.output["summary"].items()
    assert "Payload" not in json.dumps(ended.output)


@pytest.mark.parametrize("written", [False, True], ids=["before its part", "after its part"])
def test_a_shard_that_is_killed_is_tried_again(flow: Workflow, written: bool) -> None:
    flow.failures["score_shard"], flow.written = 2, written
    assert flow.run("run-1").status == "SUCCEEDED"
    assert flow.calls["score_shard"] == 5
    assert [line["image"] for line in flow.lines("run-1")] == [f"incoming/{name}" for name in NAMES]


def test_a_shard_that_fails_for_good_fails_the_run(flow: Workflow) -> None:
    """moto goes on when shards have failed; then the part that is missing fails the run. The emulator stops at the
    map.
    """
    flow.failures["score_shard"] = 99
    ended = flow.run("run-1")
    assert ended.status == "FAILED"
    flow.failures.clear()
    assert flow.run("run-2").status == "SUCCEEDED"


@pytest.mark.parametrize("function", ["plan_shards", "summarize_scores"])
def test_a_failing_step_fails_the_run(flow: Workflow, function: str) -> None:
    flow.failures[function] = 1
    ended = flow.run("run-1")
    assert (ended.status, ended.error) == ("FAILED", "MemoryError")
    assert f"{function} was killed" in str(ended.cause)


def test_nothing_to_score_ends_well(flow: Workflow) -> None:
    ended = flow.run("run-1", prefix="incoming/none/")
    assert (ended.status, ended.path) == ("SUCCEEDED", [*PLANNED, "NothingToScore"])
    assert ended.output["plan"]["reason"] == "no images under incoming/none/"
