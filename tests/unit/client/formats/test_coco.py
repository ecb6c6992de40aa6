"""COCO: a bad box costs its image, an id of several or of none is not guessed, and the rest is reported."""

import json
from pathlib import Path
from typing import Any

import pytest

from client import formats
from client.formats.checks import InvalidLabelsError
from client.formats.label_set import LabelBox
from client.formats.report import Report
from tests.label_files import written


def coco(box: Any, **more: Any) -> str:
    value = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 60, "height": 40}, {"id": 2, "file_name": "b.jpg"}],
        "categories": [{"id": 3, "name": "dent"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": box, **more}],
    }
    return json.dumps(value)


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ([1, 2, float("nan"), 4], "no finite number"),
        ([1, 2, float("inf"), 4], "no finite number"),
        ([10**400, 2, 3, 4], "no finite number"),
        ([1, 2, -3, 4], "negative"),
        ([1, 2, 0, 4], "without width"),
        ([1, 2, True, 4], "no finite number"),
        ([1, 2, None, 4], "no finite number"),
        ([1, 2, "9" * 1000, 4], "no finite number"),
    ],
)
def test_an_impossible_box_costs_its_image_and_no_other(tmp_path: Path, box: list[Any], reason: str) -> None:
    report = Report()
    found = formats.read("coco", written(tmp_path, "labels.json", coco(box)), report)
    assert [image.name for image in found.images] == ["b.jpg"]
    assert list(report.refused.values()) == [["a.jpg"]]
    assert reason in next(iter(report.refused))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"category_id": 9}, "a box of category 9, which the file does not have"),
        ({"category_id": [3]}, "a box of category None, which the file does not have"),
        ({"bbox": [1, 2, 3]}, "a box whose bbox is not a list of four numbers"),
        ({"bbox": None}, "a box whose bbox is not a list of four numbers"),
    ],
)
def test_a_bad_coco_annotation_costs_its_image_with_the_reason(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    report = Report()
    found = formats.read("coco", written(tmp_path, "labels.json", coco([1, 2, 3, 4], **change)), report)
    assert [image.name for image in found.images] == ["b.jpg"]
    assert report.refused == {reason: ["a.jpg"]}


@pytest.mark.parametrize("owner", [7, None, [1]])
def test_a_coco_annotation_of_an_unknown_image_makes_those_without_a_box_doubtful(tmp_path: Path, owner: Any) -> None:
    report = Report()
    value = json.loads(coco([1, 2, 3, 4]))
    value["annotations"].append({"id": 2, "image_id": owner, "category_id": 3, "bbox": [1, 2, 3, 4]})
    found = formats.read("coco", written(tmp_path, "labels.json", json.dumps(value)), report)
    assert [(image.name, len(image.boxes)) for image in found.images] == [("a.jpg", 1), ("b.jpg", 0)]
    assert "1 annotations of its file belong to no image" in found.images[1].doubt
    assert (found.images[0].doubt, report.refused) == ("", {})
    said = "7" if owner == 7 else "None"
    assert report.strays == {"an annotation of an image that the file does not have": [f"image_id {said}"]}


def test_coco_images_of_one_id_or_none_are_not_taken(tmp_path: Path) -> None:
    report = Report()
    value = json.loads(coco([1, 2, 3, 4]))
    value["images"] += [{"id": 1, "file_name": "c.jpg"}, {"file_name": "d.jpg"}]
    found = formats.read("coco", written(tmp_path, "labels.json", json.dumps(value)), report)
    assert [image.name for image in found.images] == ["b.jpg"]
    assert list(report.refused.values()) == [["a.jpg", "c.jpg"], ["d.jpg"]]


def test_a_coco_category_with_two_names_is_not_guessed(tmp_path: Path) -> None:
    value = json.loads(coco([1, 2, 3, 4]))
    value["categories"].append({"id": 3, "name": "hole"})
    with pytest.raises(InvalidLabelsError, match="category 3 is both dent and hole"):
        formats.read("coco", written(tmp_path, "labels.json", json.dumps(value)), Report())


def test_what_coco_says_beyond_boxes_is_reported(tmp_path: Path) -> None:
    report = Report()
    more = {"iscrowd": 1, "segmentation": [[1, 1, 2, 2, 3, 3]], "score": 0.5, "keypoints": [1]}
    found = formats.read("coco", written(tmp_path, "labels.json", coco([1.5, 2, 3, 4], **more)), report)
    assert found.images[0].boxes == (LabelBox("dent", 1.5, 2, 3, 4),)
    assert len(report.lost) == 4


def test_category_ids_of_several_kinds_are_put_in_an_order(tmp_path: Path) -> None:
    named = [{"id": "x", "name": "dent"}, {"id": 7, "name": "hole"}, {"id": 1, "name": "scratch"}]
    (tmp_path / "labels.json").write_text(json.dumps({"images": [], "annotations": [], "categories": named}))
    found = formats.read("coco", tmp_path / "labels.json", Report())
    assert found.classes == ["scratch", "hole", "dent"]
