"""Ground Truth: a label that is built wrongly costs its image."""

import json
from pathlib import Path
from typing import Any

import pytest

from client import formats
from client.formats.report import Report
from tests.label_cases import Photos, brought
from tests.label_files import written


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ({"annotations": []}, "'image_size' is missing"),
        ({"annotations": [], "image_size": []}, "a list or an object is empty or missing"),
        ("none", "a list or an object is empty or missing"),
        ({"annotations": {}, "image_size": [{"width": 9, "height": 9}]}, "a list or an object is empty or missing"),
        (
            {"annotations": [{"class_id": [0]}], "image_size": [{"width": 9, "height": 9}]},
            "class a list is not in its class map",
        ),
    ],
)
def test_a_ground_truth_label_that_is_built_wrongly_costs_its_image_with_a_reason(
    tmp_path: Path, label: Any, reason: str
) -> None:
    metadata = {"type": "groundtruth/object-detection", "class-map": {"0": "dent"}}
    line = json.dumps({"source-ref": "s3://b/a.jpg", "boxes": label, "boxes-metadata": metadata})
    report = Report()
    assert formats.read("ground-truth", written(tmp_path, "a.manifest", line), report).images == []
    assert [(kind.startswith(reason), names) for kind, names in report.refused.items()] == [(True, ["s3://b/a.jpg"])]


DETECTION = "groundtruth/object-detection"


def labelled(name: str, left: int = 10, **metadata: Any) -> dict[str, Any]:
    """Return an attribute with one box, as a job writes it."""
    box = {"class_id": 0, "left": left, "top": 20, "width": 30, "height": 40}
    kept = {"class-map": {"0": "dent"}, "type": DETECTION, "human-annotated": "yes", "objects": [{"confidence": 1}]}
    return {
        name: {"image_size": [{"width": 450, "height": 300, "depth": 3}], "annotations": [box]},
        f"{name}-metadata": {**kept, "creation-date": "2026-01-02T03:04:05", **metadata},
    }


def nothing(name: str, **metadata: Any) -> dict[str, Any]:
    made = labelled(name, **metadata)
    made[name]["annotations"] = []
    return made


def verified(word: str) -> dict[str, Any]:
    return {"check": 1, "check-metadata": {"type": "groundtruth/label-verification", "class-name": word}}


FAILED = {"new-metadata": {"type": DETECTION, "failure-reason": "ClientError: too few"}}
MASKS = {"mask-ref": "s3://b/m.png", "mask-ref-metadata": {"type": "groundtruth/semantic-segmentation"}}


@pytest.mark.parametrize(
    ("record", "taken", "left_out"),
    [
        (labelled("bb"), ["dent 10 20 30 40"], ""),
        (nothing("bb"), [], ""),
        (labelled("bb") | labelled("bb-adjusted", 11), ["dent 11 20 30 40"], ""),
        (labelled("new", 11, **{"creation-date": "2026-03-01T00:00:00"}) | labelled("old"), ["dent 11 20 30 40"], ""),
        (labelled("old") | labelled("new", 11, **{"creation-date": "2026-03-01T00:00:00"}), ["dent 11 20 30 40"], ""),
        (labelled("bb") | labelled("defects", 12, **{"creation-date": ""}), ["dent 12 20 30 40"], ""),
        (labelled("bb") | nothing("bb-adjusted"), [], ""),
        (labelled("bb") | verified("good"), ["dent 10 20 30 40"], ""),
        (labelled("bb") | verified("Bad"), None, "a verification says 'bad' of its label"),
        (labelled("bb") | MASKS, ["dent 10 20 30 40"], ""),
        (MASKS, None, "no label of boxes, but groundtruth/semantic-segmentation"),
        ({}, None, "not labelled: its line has no label"),
        (FAILED, None, "not labelled: Ground Truth gave up on it"),
        (labelled("bb") | FAILED | {"bb": labelled("bb")["bb"]}, ["dent 10 20 30 40"], ""),
        (nothing("bb", **{"human-annotated": "no"}), None, "no box, but no person has labelled it"),
        (labelled("bb", **{"human-annotated": "no"}), ["dent 10 20 30 40"], ""),
        (labelled("bb", **{"class-map": {"1": "dent"}}), None, "class 0 is not in its class map"),
        (labelled("bb", **{"class-map": {"0": "dent", "x": "y"}}), None, "the number of a class is no finite number"),
        (labelled("bb") | {"bb": {"image_size": [{"width": 0, "height": 0}], "annotations": []}}, [], ""),
        (labelled("bb") | {"bb": {"image_size": [{}], "annotations": []}}, [], ""),
        (
            labelled("bb") | {"bb": {"image_size": [{"width": 45, "height": 30}], "annotations": []}},
            None,
            "the file says",
        ),
        (labelled("bb") | {"bb": {"image_size": [5], "annotations": []}}, None, "a list or an object is empty"),
    ],
)
def test_a_line_is_taken_as_its_last_job_says_or_left_out_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: dict[str, Any], taken: list[str] | None, left_out: str
) -> None:
    other = {"source-ref": "s3://b/incoming/t2.jpg", **labelled("bb", **{"class-map": {"0": "scratch"}})}
    lines = [{"source-ref": "s3://b/incoming/t1.jpg", **record}, other]
    path = written(tmp_path, "a.manifest", "\n".join(json.dumps(line) for line in lines))
    found = brought(Photos("t1.jpg", "t2.jpg"), "ground-truth", path, monkeypatch)
    assert found.taken.pop("t2.jpg") == ["scratch 10 20 30 40"]
    assert found.taken == ({} if taken is None else {"t1.jpg": taken})
    assert [reason.startswith(left_out) for reason in found.left_out] == ([True] if left_out else []), found.left_out


@pytest.mark.parametrize("line", ["{", "[]", "5", '{"a": 1}', '{"source-ref": 5}', "[" * 9999, '{"source-ref": NaN}'])
def test_a_line_that_is_none_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    good = json.dumps({"source-ref": "s3://b/incoming/t1.jpg", **labelled("bb")})
    path = written(tmp_path, "a.manifest", f"{line}\r\n{good}\n\n")
    found = brought(Photos("t1.jpg"), "ground-truth", path, monkeypatch)
    assert found.taken == {"t1.jpg": ["dent 10 20 30 40"]}
    assert len(found.left_out) == 1
