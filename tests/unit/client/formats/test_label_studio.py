"""Label Studio: images as they were uploaded, several answers consolidated, and what a task says beyond boxes."""

import json
from pathlib import Path
from typing import Any

import pytest

from client import formats
from client.formats.label_set import LabelBox, LabeledImage
from client.formats.report import Report
from tests.label_files import written


@pytest.mark.parametrize(
    ("annotations", "reason"),
    [
        (5, "a list or an object is empty"),
        ([{}], "'result' is missing"),
        ([{"result": [7]}], "a list or an object"),
        ([{"result": {}}], "a list or an object"),
    ],
)
def test_a_label_studio_task_that_is_built_wrongly_costs_itself_with_a_reason(
    tmp_path: Path, annotations: Any, reason: str
) -> None:
    tasks = [{"data": {"image": "a.jpg"}, "annotations": annotations}]
    report = Report()
    assert formats.read("label-studio", written(tmp_path, "a.json", json.dumps(tasks)), report).images == []
    assert [(kind.startswith(reason), names) for kind, names in report.refused.items()] == [(True, ["a.jpg"])]


def task(**value: Any) -> dict[str, Any]:
    box = {"x": 10, "y": 20, "width": 20, "height": 10, "rotation": 0, "rectanglelabels": ["dent"], **value}
    return {"type": "rectanglelabels", "original_width": 100, "original_height": 100, "image_rotation": 0, "value": box}


def studio(*annotations: list[dict[str, Any]], **more: Any) -> str:
    data = {"image": "/data/upload/3/1f2e3d4c-a.jpg"}
    return json.dumps([{"data": data, "annotations": [{"result": result} for result in annotations], **more}])


def test_label_studio_names_images_as_they_were_uploaded_and_turned_boxes_are_reported(tmp_path: Path) -> None:
    report = Report()
    file = written(tmp_path, "a.json", studio([task(rotation=90), {"type": "choices"}], predictions=[{}]))
    found = formats.read("label-studio", file, report)
    assert found.images == [LabeledImage("a.jpg", (100, 100), (LabelBox("dent", 0, 20, 10, 20),))]
    assert len(report.lost) == 3


def test_several_annotations_of_one_task_are_consolidated_and_that_is_said(tmp_path: Path) -> None:
    report = Report()
    found = formats.read(
        "label-studio", written(tmp_path, "a.json", studio([task()], [task(x=12)], [task(x=11)])), report
    )
    assert found.images[0].boxes == (LabelBox("dent", 11, 20, 20, 10),)
    assert len(report.lost) == 1


def test_a_task_that_nobody_answered_is_left_out(tmp_path: Path) -> None:
    report = Report()
    assert formats.read("label-studio", written(tmp_path, "a.json", studio()), report).images == []
    assert report.refused == {"its task has no annotation": ["a.jpg"]}


def test_a_text_in_place_of_the_list_of_classes_is_no_class(tmp_path: Path) -> None:
    report = Report()
    file = written(tmp_path, "a.json", studio([task(rectanglelabels="dent")]))
    assert formats.read("label-studio", file, report).images == []
    assert [reason.startswith("a list or an object") for reason in report.refused] == [True]
