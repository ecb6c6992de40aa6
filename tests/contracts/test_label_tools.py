"""The page of label formats says which layout of which tool is read, and for each a case of the tests shows it."""

from typing import Any

import pytest

from tests.label_cases import cases
from tests.project import ROOT

PAGE = (ROOT / "docs" / "reference" / "label-formats.md").read_text()
CASES = cases()
SHOWN = {
    ("CVAT", "COCO 1.0"): ["layout-cvat-coco-1.0"],
    ("CVAT", "YOLO 1.1"): ["export-cvat-yolo-1.1"],
    ("CVAT", "Ultralytics YOLO Detection 1.0"): ["export-cvat-ultralytics", "layout-cvat-ultralytics-tracks"],
    ("CVAT", "Ultralytics YOLO Oriented Bounding Boxes 1.0"): ["layout-cvat-ultralytics-obb"],
    ("CVAT", "Ultralytics YOLO Segmentation 1.0"): ["layout-cvat-ultralytics-segmentation"],
    ("CVAT", "Ultralytics YOLO Pose 1.0"): ["layout-cvat-ultralytics-pose"],
    ("CVAT", "PASCAL VOC 1.1"): ["layout-cvat-voc-1.1"],
    ("CVAT", "CVAT for images 1.1"): ["layout-cvat-images-1.1"],
    ("CVAT", "CVAT for video 1.1"): ["cvat-video"],
    ("Label Studio", "JSON"): ["export-label-studio", "ls-polygon", "ls-rotated-box", "ls-local-files"],
    ("Label Studio", "JSON with `completions`"): ["ls-completions-old"],
    ("Label Studio", "YOLO"): ["layout-label-studio-yolo"],
    ("Label Studio", "COCO"): ["layout-label-studio-coco"],
    ("Label Studio", "Pascal VOC XML"): ["layout-label-studio-voc"],
    ("Label Studio", "JSON-MIN"): ["ls-json-min", "ls-json-min-records", "ls-json-min-shapes"],
    ("Label Studio", "JSON Lines (`.jsonl`, `.ndjson`)"): ["ls-jsonl", "ls-jsonl-folder"],
    ("Roboflow", "COCO"): ["export-roboflow-coco"],
    ("Roboflow", "YOLOv5 to YOLO11 (`data.yaml`)"): ["layout-roboflow-yolov8", "yolo-readmes"],
    ("Roboflow", "YOLO Darknet"): ["layout-roboflow-darknet"],
    ("Roboflow", "Pascal VOC"): ["layout-roboflow-voc", "voc-roboflow"],
    ("Ultralytics", "detect"): ["yolo-ok", "yolo-subfolder", "yolo-val2017"],
    ("Ultralytics", "segment, OBB"): ["yolo-segment", "layout-cvat-ultralytics-obb"],
    ("Ultralytics", "pose (`kpt_shape`)"): ["yolo-pose2d"],
    ("Ultralytics", "`predict`, `track` with `save_txt`"): ["yolo-predictions-conf", "layout-cvat-ultralytics-tracks"],
    ("Ground Truth", "output manifest of bounding boxes"): ["gt-ok", "gt-failed-line", "gt-unlabelled-line"],
    ("Ground Truth", "chained jobs"): ["gt-chained"],
    ("labelImg", "YOLO"): ["yolo-labelimg-folder-given", "yolo-label-beside-images"],
    ("labelImg", "Pascal VOC"): ["voc-ok", "voc-wrong-filename"],
    ("roLabelImg", "Pascal VOC with `robndbox`"): ["layout-rolabelimg"],
    ("COCO tools", "instances"): ["coco-ok", "coco-rle-crowd"],
    ("COCO tools", "results (a list)"): ["coco-results-list"],
    ("COCO Annotator", "COCO"): ["coco-file-name-missing"],
}


def rows() -> dict[tuple[str, str], tuple[str, str]]:
    """Return format and what is read of each tool and layout of the page's table."""
    part = PAGE.partition("## Tools and layouts\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")][1:]
    return {(tool, layout): (form.strip("`"), read) for tool, _, layout, form, read in lines}


def test_the_page_names_the_layouts_that_have_a_case() -> None:
    assert list(rows()) == list(SHOWN)


@pytest.mark.parametrize("row", SHOWN, ids=" ".join)
def test_a_layout_is_read_or_refused_as_the_page_says(row: tuple[str, str]) -> None:
    form, read = rows()[row]
    found: list[dict[str, Any]] = [CASES[name] for name in SHOWN[row]]
    assert {case["format"] for case in found} == {form}
    refused = read.startswith("refused")
    for case in found:
        assert any(case.get("taken", {}).values()) is not refused
