"""What annotators of Label Studio draw becomes upright boxes, or takes its image out: never "no defect"."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.label_cases import Outcome, Photos, brought
from tests.unit.client.formats.test_brush import packed

PLACE = {"original_width": 450, "original_height": 300, "image_rotation": 0}


def region(kind: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    labels = {kind: ["dent"]} if kind.endswith("labels") else {}
    return {
        "id": "r1",
        "type": kind,
        "from_name": "l",
        "to_name": "image",
        **PLACE,
        "value": {**labels, **value},
        **more,
    }


def rectangle(**value: Any) -> dict[str, Any]:
    return region("rectanglelabels", {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, **value})


def studio(tmp_path: Path, monkeypatch: Any, *annotations: Any, **task: Any) -> Outcome:
    """Return what a task with these annotations becomes; each is a list of results, or a whole annotation."""
    given = [entry if isinstance(entry, dict) else {"result": entry} for entry in annotations]
    path = tmp_path / "x.json"
    path.write_text(json.dumps([{"data": {"image": "/data/upload/1/0a1b2c3d-t1.jpg"}, "annotations": given, **task}]))
    return brought(Photos("t1.jpg", "p+q.jpg", "p q.jpg"), "label-studio", path, monkeypatch)


# Ten pixels of the eighth row; the last run of all is longer than its numbers can say.
BEFORE, ON = 4 * (450 * 7 + 10), 4 * 10
AFTER = 4 * 450 * 300 - BEFORE - ON
RUNS = [(True, BEFORE), (True, ON), *[(True, 1 << 15)] * (AFTER >> 15), (True, AFTER % (1 << 15))]
BRUSH = packed([0] * BEFORE + [255] * ON + [0] * AFTER, RUNS)


@pytest.mark.parametrize(
    ("results", "boxes"),
    [
        ([rectangle()], ["dent 45 60 135 120"]),
        (
            [
                region("rectangle", {"x": 10, "y": 20, "width": 30, "height": 40}),
                region("labels", {"x": 10, "labels": ["dent"]}),
            ],
            ["dent 45 60 135 120"],
        ),
        ([region("polygonlabels", {"points": [[10, 20], [40, 20], [40, 60]], "closed": True})], ["dent 45 60 135 120"]),
        (
            [region("polygon", {"points": [[10, 20], [40, 20], [40, 60]]}), region("labels", {"labels": ["dent"]})],
            ["dent 45 60 135 120"],
        ),
        (
            [region("ellipselabels", {"x": 50, "y": 50, "radiusX": 10, "radiusY": 10, "rotation": 0})],
            ["dent 180 120 90 60"],
        ),
        (
            [region("ellipselabels", {"x": 50, "y": 50, "radiusX": 10, "radiusY": 10, "rotation": 90})],
            ["dent 195 105 60 90"],
        ),
        ([rectangle(x=50, y=50, width=20, height=10, rotation=90)], ["dent 195 150 30 90"]),
        ([rectangle(x=50, y=50, width=20, height=10, rotation=-270)], ["dent 195 150 30 90"]),
        ([rectangle(x=50, y=50, width=20, height=10, rotation=-90)], ["dent 225 60 30 90"]),
        ([region("brushlabels", {"format": "rle", "rle": BRUSH})], ["dent 10 7 10 1"]),
        ([rectangle(), rectangle()], ["dent 45 60 135 120"]),
        ([rectangle(), {"type": "choices", "value": {"choices": ["bad"]}}], ["dent 45 60 135 120"]),
        ([rectangle(), {"id": "r1", "type": "textarea", "value": {"text": ["deep"]}}], ["dent 45 60 135 120"]),
        ([], []),
    ],
)
def test_a_region_becomes_the_upright_box_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: Any, boxes: list[str]
) -> None:
    found = studio(tmp_path, monkeypatch, results)
    assert found.left_out == {}
    assert found.taken == {"t1.jpg": boxes}


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ([region("keypointlabels", {"x": 10, "y": 20, "width": 0.5})], "a result of the type 'keypointlabels', "),
        ([rectangle(), region("keypointlabels", {"x": 10, "y": 20})], "a result of the type 'keypointlabels', "),
        ([region("vectorlabels", {"vertices": []})], "a result of the type 'vectorlabels', which has no box"),
        (
            [region("bitmasklabels", {"imageDataURL": "data:"})],
            "a result of the type 'bitmasklabels', which has no box",
        ),
        ([region("videorectangle", {"sequence": []})], "a result of the type 'videorectangle', which has no box"),
        ([region("magicwand", {})], "a result of the type 'magicwand', which has no box"),
        ([{"type": "choices", "value": {"choices": ["ok"]}}], "no box, but a result of the type 'choices', "),
        ([{"type": "rating", "value": {"rating": 1}}], "no box, but a result of the type 'rating', "),
        ([{"type": "taxonomy", "value": {"taxonomy": [["bad"]]}}], "no box, but a result of the type 'taxonomy',"),
        ([region("rectangle", {"x": 1, "y": 2, "width": 3, "height": 4})], "a box without a class"),
        ([rectangle(rectanglelabels=[])], "a box without a class"),
        ([rectangle(), region("polygonlabels", {"points": [[1, 1], [2, 2]]})], "an outline of fewer than three points"),
        ([region("polygonlabels", {"points": [[1], [2], [3]]})], "a point that is not two numbers"),
        ([region("ellipselabels", {"x": 5, "y": 5, "radiusX": 0, "radiusY": 1})], "a box without width or height"),
        ([rectangle(x=None)], "x is no finite number"),
        ([rectangle() | {"image_rotation": 90}], "its image was turned while it was labelled"),
        ([{"value": {}}], "'type' is missing"),
        (None, "a list or an object is empty"),
    ],
)
def test_what_has_no_upright_box_takes_its_image_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: Any, reason: str
) -> None:
    found = studio(tmp_path, monkeypatch, results)
    assert found.taken == {}
    assert [why.startswith(reason.partition(" is empty")[0]) for why in found.left_out] == [True], found.left_out


SEEN, OTHER, NOTHING = [rectangle()], [rectangle(x=60)], []  # type: ignore[var-annotated]


@pytest.mark.parametrize(
    ("annotations", "task", "taken", "left_out"),
    [
        ([{"result": SEEN, "was_cancelled": True}], {}, None, "its task was skipped"),
        ([{"result": [], "was_cancelled": True}], {}, None, "its task was skipped"),
        ([{"result": [], "skipped": True}], {}, None, "its task was skipped"),
        ([{"result": [], "was_cancelled": True}, {"result": SEEN}], {}, ["dent 45 60 135 120"], ""),
        ([], {"predictions": [{"result": SEEN}]}, None, "its task has no annotation but predictions"),
        ([], {"drafts": [{"result": SEEN}]}, None, "its task has no annotation but a draft"),
        ([], {}, None, "its task has no annotation"),
        ([], {"completions": [{"result": SEEN}]}, ["dent 45 60 135 120"], ""),
        ([], {"annotations": None, "completions": [{"result": []}]}, [], ""),
        (
            [{"result": [], "ground_truth": False}, {"result": SEEN, "ground_truth": True}],
            {},
            ["dent 45 60 135 120"],
            "",
        ),
        ([{"result": SEEN}, {"result": [], "ground_truth": True}], {}, [], ""),
        ([NOTHING, NOTHING, SEEN], {}, [], ""),
        ([SEEN, OTHER, [rectangle(y=60)]], {}, None, "3 of 3 annotators drew boxes, none the same one"),
        (
            [SEEN, OTHER, [rectangle(y=60)], NOTHING, NOTHING],
            {},
            None,
            "3 of 5 annotators drew boxes, none the same one",
        ),
    ],
)
def test_a_task_is_no_defect_only_when_its_annotators_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, annotations: Any, task: Any, taken: list[str] | None, left_out: str
) -> None:
    found = studio(tmp_path, monkeypatch, *annotations, **task)
    assert found.taken == ({} if taken is None else {"t1.jpg": taken})
    assert list(found.left_out) == ([left_out] if left_out else [])


@pytest.mark.parametrize(
    ("data", "taken", "left_out"),
    [
        ({"image": "/data/local-files/?d=imgs/p%2Bq.jpg"}, ["p+q.jpg"], []),
        ({"image": "/data/local-files/?d=imgs/p%20q.jpg"}, ["p q.jpg"], []),
        ({"image": "http://host:8080/data/local-files/?d=p%20q.jpg&x=1"}, ["p q.jpg"], []),
        ({"image": "/data/local-files/?d=imgs/p+q.jpg"}, [], ["imgs/p+q.jpg"]),
        ({"image": "/data/local-files/?x=1"}, [], ["/data/local-files/?x=1"]),
        ({"image": "https://host/data/upload/1/0a1b2c3d-p_q.jpg"}, ["p q.jpg"], []),
        ({"image": "/data/upload/1/0a1b2c3d-pq.jpg"}, ["p+q.jpg"], []),
        ({"image": "/tasks/5/resolve/?fileuri=czM6Ly9iL2luY29taW5nL3QxLmpwZw=="}, ["t1.jpg"], []),
        ({"image": "http://h/tasks/5/presign/?fileuri=czM6Ly9iL2luY29taW5nL3QxLmpwZw%3D%3D&x=1"}, ["t1.jpg"], []),
        ({"image": "/tasks/5/resolve/?fileuri=%FF"}, [], ["�"]),
        ({"photo": "s3://b/x/t1.jpg", "note": "a/b"}, ["t1.jpg"], []),
        ({"image": "t1.jpg", "other": "p q.jpg"}, ["t1.jpg"], []),
        ({"left": "a/t1.jpg", "right": "a/p+q.jpg"}, [], ["None"]),
        ({"pages": ["t1.jpg", "p+q.jpg"]}, [], ["None"]),
        ({"image": 5}, [], ["5"]),
        ({"image": "http://["}, [], ["http://["]),
        ({}, [], ["None"]),
        ("t1.jpg", [], ["None"]),
    ],
)
def test_a_task_finds_its_image_under_what_the_tool_makes_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Any, taken: list[str], left_out: list[str]
) -> None:
    found = studio(tmp_path, monkeypatch, [rectangle()], data=data)
    assert list(found.taken) == taken
    assert [name for names in found.left_out.values() for name in names] == left_out
