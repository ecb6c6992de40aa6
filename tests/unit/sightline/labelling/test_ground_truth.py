"""Lines of Ground Truth's manifests for images that a browser can't show: workers see renditions."""

from typing import Any

import pytest

from sightline.labelling import ground_truth

CLASSES = ["scratch", "dent"]
BOX = {"class_id": 1, "left": 200, "top": 120, "width": 80, "height": 44}
FAR_BELOW = {"class_id": 0, "left": 1_800, "top": 29_000, "width": 248, "height": 1_000}


def image(width: int = 450, height: int = 300, rendition: str | None = "renditions/1.jpg") -> Any:
    asked = {"image_id": "1", "bucket": "images", "key": "incoming/1.tif", "rendition": rendition}
    return {**asked, "width": width, "height": height}


def answered(line: dict[str, object]) -> dict[str, object]:
    metadata = {"class-map": {"0": "scratch", "1": "dent"}, "type": "groundtruth/object-detection"}
    return {**line, "defects-metadata": metadata}


def test_workers_see_the_rendition_where_there_is_one() -> None:
    assert ground_truth.to_label(image())["source-ref"] == "s3://images/renditions/1.jpg"
    assert ground_truth.to_label(image(rendition=None))["source-ref"] == "s3://images/incoming/1.tif"


@pytest.mark.parametrize(
    ("size", "box", "seen_size", "exact"),
    [((450, 300), BOX, (450, 300), 0), ((2_048, 30_000), FAR_BELOW, (1_118, 16_384), 2)],
)
def test_boxes_go_to_the_pixels_of_the_rendition_and_come_back(
    size: tuple[int, int], box: dict[str, int], seen_size: tuple[int, int], exact: int
) -> None:
    asked = image(*size)
    line = ground_truth.to_verify({**asked, "annotations": [box]}, CLASSES)
    label: Any = line["defects"]
    assert label["image_size"] == [{"width": seen_size[0], "height": seen_size[1], "depth": 3}]
    (seen,) = label["annotations"]
    assert seen["left"] + seen["width"] <= seen_size[0]
    assert seen["top"] + seen["height"] <= seen_size[1]
    said: list[str] = []
    (back,) = ground_truth.labels([asked], [answered(line)], CLASSES, lambda *why: said.extend(why))
    assert said == []
    (found,) = back["annotations"]
    assert found["class_id"] == box["class_id"]
    assert all(abs(found[edge] - box[edge]) <= exact for edge in ("left", "top", "width", "height"))
    assert found["left"] + found["width"] <= size[0]
    assert found["top"] + found["height"] <= size[1]
