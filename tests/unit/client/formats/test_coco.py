"""COCO: a bad box costs its image, an id of several or of none is not guessed, and the rest is reported."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.mask import encode

from client import formats
from client.formats.checks import InvalidLabelsError
from client.formats.label_set import LabelBox, LabeledImage, LabelSet
from client.formats.report import Report
from tests.label_cases import Outcome, Photos, brought
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
    more = {"iscrowd": 1, "ignore": 1, "segmentation": [[1, 1, 2, 2, 3, 3]], "score": 0.5, "keypoints": [1]}
    found = formats.read("coco", written(tmp_path, "labels.json", coco([1.5, 2, 3, 4], **more)), report)
    assert found.images[0].boxes == (LabelBox("dent", 1.5, 2, 3, 4),)
    assert len(report.lost) == 5


def test_category_ids_of_several_kinds_are_put_in_an_order(tmp_path: Path) -> None:
    named = [{"id": "x", "name": "dent"}, {"id": 7, "name": "hole"}, {"id": 1, "name": "scratch"}]
    (tmp_path / "labels.json").write_text(json.dumps({"images": [], "annotations": [], "categories": named}))
    found = formats.read("coco", tmp_path / "labels.json", Report())
    assert found.classes == ["scratch", "hole", "dent"]


BBOX = [10, 20, 30, 40]
PHOTO = {"id": 1, "file_name": "t1.jpg", "width": 450, "height": 300}


def brought_coco(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, annotations: Any, image: dict[str, Any] = PHOTO, **rules: Any
) -> Outcome:
    value = {
        "images": [image, {"id": "two", "file_name": "t2.jpg"}],
        "annotations": annotations,
        "categories": [{"id": "1", "name": "dent"}, {"id": 2, "name": 1}],
    }
    path = written(tmp_path, "x.json", json.dumps(value))
    return brought(Photos("t1.jpg", "t2.jpg"), "coco", path, monkeypatch, **rules)


def annotation(image_id: Any = 1, category_id: Any = 1, bbox: Any = BBOX, **more: Any) -> dict[str, Any]:
    return {"id": 1, "image_id": image_id, "category_id": category_id, "bbox": bbox, **more}


@pytest.mark.parametrize(
    ("owner", "image_id"),
    [
        (1, 1),
        ("1", 1),
        (" 1 ", 1),
        (1.0, 1),
        ("1.0", 1),
        (1, "1"),
        (1, 1.0),
        ("01", 1),
        ("a", "a"),
        (10**30, 10**30),
        (str(10**30), 10**30),
        (-5, "-5"),
    ],
)
def test_ids_that_are_the_same_number_match(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, image_id: Any
) -> None:
    found = brought_coco(tmp_path, monkeypatch, [annotation(owner)], PHOTO | {"id": image_id})
    assert found.taken == {"t1.jpg": ["dent 10 20 30 40"], "t2.jpg": []}


@pytest.mark.parametrize("owner", [None, 2, "2", "one", True, [1], {"a": 1}, 1.5, float("nan"), "", "Two"])
def test_images_without_a_box_are_doubtful_beside_annotations_of_no_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any
) -> None:
    given = [annotation(), annotation(owner), annotation(owner)]
    found = brought_coco(tmp_path, monkeypatch, given)
    assert found.taken == {"t1.jpg": ["dent 10 20 30 40"]}
    assert [(why[:40], names) for why, names in found.left_out.items()] == [
        ("no box, but 2 annotations of its file be", ["t2.jpg"])
    ]
    assert len(found.strays["an annotation of an image that the file does not have"]) == 2
    assert brought_coco(tmp_path, monkeypatch, given, empty_is_no_defect=True).taken["t2.jpg"] == []


@pytest.mark.parametrize(
    ("annotations", "why"),
    [
        (None, "its file has no list `annotations`"),
        ([annotation(score=0.9)], "its file holds what a model has found"),
        ([annotation(attributes={"outside": True})], "only boxes that tracks have outside the picture"),
    ],
)
def test_images_without_a_box_that_no_person_may_have_seen_are_doubtful(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, annotations: Any, why: str
) -> None:
    found = brought_coco(tmp_path, monkeypatch, annotations)
    assert any(why in reason for reason in found.left_out)
    assert [] not in [boxes for name, boxes in found.taken.items() if not (name == "t2.jpg" and "outside" in why)]


OUTLINES = [[10, 20, 40, 20, 40, 60], [5, 30, 10, 30, 10, 35]]
MASK = {"counts": [300 * 10 + 20, 40, 260, 40, 300 * 450 - 3360], "size": [300, 450]}


@pytest.mark.parametrize(
    ("given", "boxes"),
    [
        (annotation(bbox=None, segmentation=OUTLINES[:1]), ["dent 10 20 30 40"]),
        (annotation(bbox=[], segmentation=OUTLINES), ["dent 5 20 35 40"]),
        (annotation(bbox=[0, 0, 0, 0], segmentation=MASK), ["dent 10 20 2 40"]),
        (annotation(segmentation=MASK, iscrowd=1), ["dent 10 20 30 40"]),
        (annotation(attributes={"rotation": 0.0}), ["dent 10 20 30 40"]),
        (annotation(attributes={"rotation": 90}), ["dent 5 25 40 30"]),
        (annotation(attributes={"rotation": "-90"}), ["dent 5 25 40 30"]),
        (annotation(attributes={"rotation": 360.0}), ["dent 10 20 30 40"]),
        (
            annotation(attributes={"track_id": 3, "keyframe": True, "occluded": True, "outside": False}),
            ["dent 10 20 30 40"],
        ),
        (annotation(attributes=[1]), ["dent 10 20 30 40"]),
        (annotation(category_id=1.0), ["dent 10 20 30 40"]),
        (annotation(category_id="2"), ["1 10 20 30 40"]),
        (annotation(bbox=["10", "20", "30", "40"]), ["dent 10 20 30 40"]),
        (annotation(keypoints=[1, 2, 2], num_keypoints=1), ["dent 10 20 30 40"]),
    ],
)
def test_an_annotation_becomes_the_upright_box_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], boxes: list[str]
) -> None:
    assert brought_coco(tmp_path, monkeypatch, [given]).taken == {"t1.jpg": boxes, "t2.jpg": []}


@pytest.mark.parametrize(
    "given",
    [
        annotation(bbox=None),
        annotation(bbox=[], segmentation=[]),
        annotation(bbox=None, keypoints=[1, 2, 2]),
        annotation(bbox=None, segmentation=[[1, 2, 3]]),
        annotation(bbox=None, segmentation={"counts": "abc", "size": [9, 9]}),
        annotation(bbox=None, segmentation="x"),
        annotation(bbox=[100, 60, 40, 20, 45]),
        annotation(category_id=9),
        annotation(bbox=[450, 0, 5, 5]),
        annotation(bbox=[0.1, 0.2, 0.3, 0.4]),
        annotation(bbox=[0, 0, 1.0, 0.5]),
        annotation(attributes={"rotation": "left"}),
        annotation(bbox=[0, 0, 0, 0]),
    ],
)
def test_an_annotation_that_is_not_understood_takes_its_image_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    found = brought_coco(tmp_path, monkeypatch, [annotation(), given])
    assert found.taken == {"t2.jpg": []}
    assert list(found.left_out.values()) == [["t1.jpg"]]


@pytest.mark.parametrize(
    ("image", "taken"),
    [
        ({"file_name": "nowhere_jpg.rf.be858a282318f987f4a12085f1f4ff66.jpg", "extra": {"name": "t1.jpg"}}, True),
        ({"file_name": "t1_jpg.rf.be858a282318f987f4a12085f1f4ff66.jpg", "extra": {"name": "t1.jpg"}}, True),
        ({"file_name": "t1_jpg.rf.be858a282318f987f4a12085f1f4ff66.jpg", "extra": None}, True),
        ({"file_name": "t1_jpg.rf.be858a282318f987f4a12085f1f4ff66.jpg", "width": 640, "height": 640}, False),
        ({"file_name": "t1.jpg", "extra": {"name": "t2.jpg"}}, False),
        ({"path": "/datasets/x/t1.jpg"}, True),
        ({"file_name": "", "coco_url": "http://host/t1.jpg"}, True),
        ({"file_name": "t1.jpg", "width": None, "height": 0}, True),
        ({"file_name": "t1.jpg", "width": "450", "height": "300"}, True),
        ({"file_name": "t1.jpg", "width": 300, "height": 450}, False),
        ({"file_name": "t1.jpg", "width": -450, "height": 300}, False),
    ],
)
def test_an_image_is_found_under_all_names_that_the_file_has_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: dict[str, Any], taken: bool
) -> None:
    found = brought_coco(tmp_path, monkeypatch, [annotation()], {"id": 1, **image})
    assert ("t1.jpg" in found.taken) is taken
    assert bool(found.left_out) is not taken


def test_versions_of_an_image_that_a_tool_has_made_are_refused_where_they_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Roboflow turns and mirrors copies: their boxes are not those of the photo."""
    names = [f"t1_jpg.rf.{number:032x}.jpg" for number in range(3)]
    value = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(names)],
        "annotations": [annotation(number, bbox=[10 * number + 1, 20, 30, 40]) for number in range(3)],
        "categories": [{"id": 1, "name": "dent"}],
    }
    found = brought(Photos("t1.jpg"), "coco", written(tmp_path, "x.json", json.dumps(value)), monkeypatch)
    assert (found.taken, found.left_out) == ({}, {"the file has different labels for it": names})


def test_the_library_of_coco_reads_what_is_written_and_its_masks_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = (LabelBox("dent", 10, 20, 30, 40), LabelBox("scratch", 1.5, 2, 3, 4))
    labels = LabelSet(
        ["scratch", "dent"], [LabeledImage("t1.jpg", (450, 300), boxes), LabeledImage("t2.jpg", None, ())]
    )
    formats.write("coco", {"x": labels}, tmp_path / "out", Report())
    theirs = COCO(str(tmp_path / "out" / "x.json"))
    assert [image["file_name"] for image in theirs.loadImgs(theirs.getImgIds())] == ["t1.jpg", "t2.jpg"]
    found = [
        (theirs.cats[one["category_id"]]["name"], one["bbox"]) for one in theirs.loadAnns(theirs.getAnnIds(imgIds=1))
    ]
    assert found == [("dent", [10, 20, 30, 40]), ("scratch", [1.5, 2, 3, 4])]
    assert theirs.getAnnIds(imgIds=2) == []
    pixels = np.zeros((300, 450), np.uint8, order="F")
    pixels[20:60, 10:40] = 1
    packed = encode(pixels)
    mask = {"counts": packed["counts"].decode(), "size": packed["size"]}
    assert brought_coco(tmp_path, monkeypatch, [annotation(bbox=None, segmentation=mask)]).taken["t1.jpg"] == [
        "dent 10 20 30 40"
    ]
