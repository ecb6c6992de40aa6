"""Label records: Ground Truth's augmented manifest, and SageMaker's list of files."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sightline.labelling import manifest

IMAGE = {"image_id": "0f3d", "width": 450, "height": 300}
BOX = {"class_id": 0, "left": 29, "top": 70, "width": 53, "height": 60}


def record(image: dict[str, Any], annotations: list[dict[str, int]]) -> dict[str, Any]:
    return manifest.record(
        source="s3://artifacts/datasets/images/0f3d.jpg",
        image=image,
        annotations=annotations,
        classes=["scratch", "dent"],
        job_name="job-1",
        created=datetime(2026, 11, 20, tzinfo=UTC),
    )


def test_a_record_is_the_one_that_the_architecture_shows() -> None:
    assert record({**IMAGE, "group_id": "group"}, [BOX]) == {
        "source-ref": "s3://artifacts/datasets/images/0f3d.jpg",
        "defects": {"image_size": [{"width": 450, "height": 300, "depth": 3}], "annotations": [BOX]},
        "defects-metadata": {
            "objects": [{"confidence": 1}],
            "class-map": {"0": "scratch", "1": "dent"},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": "2026-11-20T00:00:00",
            "job-name": "job-1",
        },
        "image-id": "0f3d",
        "group-id": "group",
    }


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_record_has_a_confidence_for_each_box_and_none_for_no_defect(count: int) -> None:
    line = record(IMAGE, [BOX] * count)
    assert (len(line["defects"]["annotations"]), len(line["defects-metadata"]["objects"])) == (count, count)
    assert "group-id" not in line


def test_a_list_of_files_begins_with_their_prefix() -> None:
    assert manifest.file_list("s3://artifacts/datasets/images/", ["a.jpg", "b.png"]) == [
        {"prefix": "s3://artifacts/datasets/images/"},
        "a.jpg",
        "b.png",
    ]
