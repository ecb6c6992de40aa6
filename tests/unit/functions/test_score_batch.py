"""The steps of score_batch: one model and one line for each image, however often and in whatever order they run."""

import json
from typing import Any

import pytest

from sightline.models.registry import Registry
from sightline.scoring.batch import IncompleteScoresError, InvalidPrefixError
from tests.drawn_models import release
from tests.fake_cloud import Cloud, jpeg

RUN = "score-20261120T101600"


@pytest.fixture
def line(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Five objects of line 3: three images, one that is none, one that is too large; others elsewhere; and a
    champion.
    """
    champion = release(cloud, 3, 0.6)
    monkeypatch.setattr(Registry, "champion", lambda *_: champion)
    cloud.environment |= {"SHARD_IMAGES": "2", "SCORING_CONCURRENCY": "7", "MAX_IMAGE_BYTES": "100000"}
    bodies = {f"{number}.jpg": jpeg(number) for number in range(3)} | {
        "text.jpg": b"no image",
        "xl.jpg": b"0" * 100_001,
    }
    for name, body in bodies.items():
        cloud.s3.put_object(Bucket="images", Key=f"incoming/line-3/{name}", Body=body)
    for key in ("incoming/line-3/", "incoming/line-4/a.jpg", "quarantine/line-3/b.jpg"):
        cloud.s3.put_object(Bucket="images", Key=key, Body=b"")
    return cloud


def shards_of(cloud: Cloud, plan: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cloud.read(plan["shards_key"]))
    return found


def score(step: Any, plan: dict[str, Any], shard: dict[str, Any]) -> Any:
    event = {name: plan[name] for name in ("run", "model_version", "release_uri")}
    return step("score_shard", event | {"number": shard["number"], "shard_uri": shard["uri"]})


def summarize(step: Any, plan: dict[str, Any]) -> Any:
    planned = {name: plan[name] for name in ("run", "prefix", "model_version", "images", "shards")}
    return step("summarize_scores", planned)


def lines(cloud: Cloud) -> list[dict[str, Any]]:
    parts = sorted(key for key in cloud.objects() if "/part-" in key)
    return [line for key in parts for line in cloud.read_lines(key)]


def test_a_run_is_planned_in_shards_with_one_model(step: Any, line: Cloud) -> None:
    plan = step("plan_shards")
    folder = f"predictions/{RUN}/shards/1/"
    assert plan == {
        "run": RUN,
        "prefix": "incoming/line-3/",
        "model_version": "1.0.3",
        "release_uri": "s3://artifacts/models/job-3/release/",
        "images": 5,
        "shards": 3,
        "shards_key": folder + "shards.json",
        "concurrency": 7,
        "reason": "",
    }
    assert [shard["number"] for shard in shards_of(line, plan)] == [0, 1, 2]
    keys = [line.read_lines(shard["uri"].removeprefix("s3://artifacts/")) for shard in shards_of(line, plan)]
    names = ["0.jpg", "1.jpg", "2.jpg", "text.jpg", "xl.jpg"]
    assert [key for shard in keys for key in shard] == [f"incoming/line-3/{name}" for name in names]


def test_every_image_has_a_line_and_what_can_not_be_scored_says_why(step: Any, line: Cloud) -> None:
    plan = step("plan_shards")
    line.s3.delete_object(Bucket="images", Key="incoming/line-3/2.jpg")  # while the run goes on
    assert [score(step, plan, shard)["images"] for shard in shards_of(line, plan)] == [2, 2, 1]
    found = {entry["image"].rsplit("/", 1)[-1]: entry for entry in lines(line)}
    assert {entry["model_version"] for entry in found.values()} == {"1.0.3"}
    assert found["0.jpg"]["verdict"] == "fail"
    assert found["0.jpg"]["detections"][0]["box"] == [4.0, 5.0, 30.0, 20.0]
    gone = "it is gone, or has more than 100000 bytes"
    errors = {name: entry["error"] for name, entry in found.items() if "error" in entry}
    assert errors == {"2.jpg": gone, "xl.jpg": gone, "text.jpg": errors["text.jpg"]}
    assert "not an image" in errors["text.jpg"]
    summary = summarize(step, plan)
    counts = {"images": 5, "shards": 3, "pass": 0, "fail": 2, "review": 0, "errors": 3}
    assert counts.items() <= summary.items()
    assert json.loads(line.read(f"predictions/{RUN}/summary.json")) | {"summary_uri": summary["summary_uri"]} == summary


def test_twice_late_and_out_of_order_gives_the_same_lines(step: Any, line: Cloud) -> None:
    plan = step("plan_shards")
    for shard in shards_of(line, plan):
        score(step, plan, shard)
    once = lines(line)
    for shard in [*reversed(shards_of(line, plan)), shards_of(line, plan)[1]]:
        score(step, plan, shard)
    assert lines(line) == once
    assert len({entry["image"] for entry in once}) == len(once) == 5
    assert summarize(step, plan) == summarize(step, plan)


def test_a_planning_that_is_tried_again_does_not_touch_the_first(step: Any, line: Cloud) -> None:
    first = step("plan_shards")
    before = {key: line.read(key) for key in line.objects()}
    line.s3.put_object(Bucket="images", Key="incoming/line-3/0-new.jpg", Body=jpeg(9))
    line.context.aws_request_id = "2"
    second = step("plan_shards")
    assert (first["images"], second["images"]) == (5, 6)
    assert {key: line.read(key) for key in before} == before


def test_a_model_that_is_approved_during_a_run_scores_none_of_it(
    step: Any, line: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = step("plan_shards")
    newer = release(line, 4, 0.1)
    monkeypatch.setattr(Registry, "champion", lambda *_: newer)
    for shard in shards_of(line, plan):
        score(step, plan, shard)
    assert {entry["model_version"] for entry in lines(line)} == {"1.0.3"}
    assert {entry["verdict"] for entry in lines(line) if "verdict" in entry} == {"fail"}


def test_a_missing_part_is_no_summary(step: Any, line: Cloud) -> None:
    plan = step("plan_shards")
    for shard in shards_of(line, plan)[:2]:
        score(step, plan, shard)
    with pytest.raises(IncompleteScoresError, match="4 lines for 5 images"):
        summarize(step, plan | {"shards": 2})
    assert f"predictions/{RUN}/summary.json" not in line.objects()


@pytest.mark.parametrize(
    "request_", [{"prefix": "incoming/nothing/"}, {"prefix": "incoming/line-3/no"}], ids=["folder", "name"]
)
def test_nothing_to_score_says_what_is_missing(step: Any, line: Cloud, request_: dict[str, str]) -> None:
    plan = step("plan_shards", request=request_)
    assert (plan["images"], plan["shards"], plan["reason"]) == (0, 0, f"no images under {request_['prefix']}")


def test_without_a_model_there_is_nothing_to_score(step: Any, line: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Registry, "champion", lambda *_: None)
    plan = step("plan_shards")
    assert (plan["images"], plan["reason"]) == (0, "no model is in service; approve one first")


@pytest.mark.parametrize(
    "prefix", ["", "quarantine/", "/incoming/", "../incoming/", "incoming", 3, None, ["incoming/"]]
)
def test_only_uploads_are_scored(step: Any, line: Cloud, prefix: Any) -> None:
    with pytest.raises(InvalidPrefixError, match="must begin with 'incoming/'"):
        step("plan_shards", request={"prefix": prefix})


@pytest.mark.parametrize("request_", [{}, None, "schedule", {"detail": 1}])
def test_without_a_prefix_all_uploads_are_scored(step: Any, line: Cloud, request_: Any) -> None:
    assert step("plan_shards", request=request_)["images"] == 6
