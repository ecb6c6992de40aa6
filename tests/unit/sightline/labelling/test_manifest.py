"""Label records: Ground Truth's augmented manifest, and SageMaker's list of files."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sightline.fields import InvalidFieldError
from sightline.labelling import manifest
from sightline.labelling.manifest import ManifestLine
from sightline.names import LABEL_ATTRIBUTE

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
    assert record({**IMAGE, "key": "incoming/line 1/a.jpg", "group_id": "group"}, [BOX]) == {
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
        "image-name": "line 1/a.jpg",
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


def test_a_record_is_read_as_it_was_written() -> None:
    written = record({**IMAGE, "key": "incoming/line 1/a.jpg", "group_id": "group"}, [BOX])
    assert manifest.read(written) is written
    assert f"{LABEL_ATTRIBUTE}-metadata" == manifest.METADATA
    assert set(written) == set(ManifestLine.__annotations__)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source-ref": None}, "source-ref must be a text, got None in a label record"),
        ({"image-id": 7}, "image-id must be a text, got 7 in a label record"),
        ({"defects": {"annotations": []}}, "the value must be an object, got None in image_size"),
        ({"defects": {"annotations": [], "image_size": [{"width": 0, "height": 9}]}}, "width must be a whole number"),
        ({"defects": {"image_size": [{"width": 9, "height": 9}]}}, "in the label record of image '0f3d'"),
    ],
)
def test_a_record_that_is_damaged_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidFieldError, match=said):
        manifest.read(record(IMAGE, [BOX]) | change)
