"""Ground Truth: a label that is built wrongly costs its image."""

import json
from pathlib import Path
from typing import Any

import pytest

from client import formats
from client.formats.report import Report
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
