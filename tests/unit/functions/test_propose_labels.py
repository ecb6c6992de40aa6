"""Proposals: the champion's own file is run, and whatever it can't do is asked without it."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from sightline.models.registry import Registry
from tests.drawn_models import ABOUT, model
from tests.fake_cloud import Cloud, jpeg
from tests.registered import registered

CHAMPION = registered(1, release_uri="s3://artifacts/models/job-1/release/")
LIST = "labeling/window-1795220517014/round-1/images.jsonl"


@pytest.fixture
def asked(step: Any, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The sample event with a list of a good image, one that is no image, and one that is gone; and a champion."""
    monkeypatch.setattr(Registry, "champion", lambda *_: CHAMPION)
    cloud.environment["MODEL_PACKAGE_GROUP"] = "models"
    cloud.context.get_remaining_time_in_millis = lambda: 900_000
    release = {
        "model.json": json.dumps(ABOUT).encode(),
        "model.onnx": model([[4, 5, 90, 20.4], [1, 1, 1.2, 9]], [0.6, 0.3]),
    }
    for name, body in release.items():
        cloud.s3.put_object(Bucket="artifacts", Key=f"models/job-1/release/{name}", Body=body)
    for name, body in {"good": jpeg(1), "text": b"no image"}.items():
        cloud.s3.put_object(Bucket="images", Key=f"incoming/{name}.jpg", Body=body)
    image = {"bucket": "images", "width": 64, "height": 64, "format": "jpeg"}
    lines = [{**image, "image_id": name, "key": f"incoming/{name}.jpg"} for name in ("good", "text", "gone")]
    return {"images_uri": cloud.write_lines(LIST, lines)}


def test_the_champions_boxes_go_with_the_images_that_it_can_read(
    step: Any, cloud: Cloud, asked: dict[str, Any]
) -> None:
    answer = step("propose_labels", asked)
    assert step("propose_labels", asked) == answer
    to = LIST.replace("images.jsonl", "proposed.jsonl")
    assert answer == {"images_uri": f"s3://artifacts/{to}", "proposed": 1}
    good, text, gone = cloud.read_lines(to)
    # Inside the image, in whole pixels; what is no pixel wide is left out.
    assert good["proposals"] == [{"class_id": 0, "left": 4, "top": 5, "width": 60, "height": 15, "score": 0.6}]
    assert good["uncertainty"] == 0.8
    assert [text["image_id"], gone["image_id"]] == ["text", "gone"]
    assert not {"proposals", "uncertainty"} & {*text, *gone}


def test_without_a_model_in_service_the_list_stays_as_it_is(
    step: Any, cloud: Cloud, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Registry, "champion", lambda *_: None)
    assert step("propose_labels", asked) == {"images_uri": asked["images_uri"], "proposed": 0}


def test_what_there_is_no_time_for_is_asked_without_proposals(step: Any, cloud: Cloud, asked: dict[str, Any]) -> None:
    cloud.context = SimpleNamespace(**vars(cloud.context) | {"get_remaining_time_in_millis": lambda: 1000})
    assert step("propose_labels", asked)["proposed"] == 0
    assert [line["image_id"] for line in cloud.read_lines(LIST.replace("images", "proposed"))] == [
        "good",
        "text",
        "gone",
    ]
