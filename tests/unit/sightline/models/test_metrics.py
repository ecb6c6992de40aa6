"""The metrics: equal to pycocotools, and honest at the edges."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sightline.models import metrics
from sightline.models.metrics import Found, Truth
from tests.found import NOTHING, A, B, detections, labels, make


def by_pycocotools(truths: list[Truth], found: list[Found], classes: int) -> tuple[float, float]:
    def wide(boxes: Any) -> list[list[float]]:
        return [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in boxes.tolist()]

    wanted, given = [], []
    for number, (truth, detected) in enumerate(zip(truths, found, strict=True), start=1):
        for box, name in zip(wide(truth.boxes), truth.classes, strict=True):
            area = box[2] * box[3]
            entry = {"id": len(wanted) + 1, "image_id": number, "category_id": int(name), "bbox": box}
            wanted.append({**entry, "area": area, "iscrowd": 0})
        for box, score, name in zip(wide(detected.boxes), detected.scores, detected.classes, strict=True):
            given.append({"image_id": number, "category_id": int(name), "bbox": box, "score": float(score)})
    coco = COCO()
    coco.dataset = {
        "images": [{"id": number + 1} for number in range(len(truths))],
        "categories": [{"id": number, "name": str(number)} for number in range(classes)],
        "annotations": wanted,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(given), "bbox")
        run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][:, :, :, 0, -1]
    return float(precision[0][precision[0] > -1].mean()), float(precision[precision > -1].mean())


@pytest.mark.parametrize("seed", range(8))
def test_mean_ap_is_that_of_pycocotools(seed: int) -> None:
    truths, found = make(seed, images=12, classes=3)
    ours = metrics.mean_ap(truths, found, 3)
    assert ours == pytest.approx(by_pycocotools(truths, found, 3), abs=1e-9)


def test_perfect_detections_score_one_and_none_score_zero() -> None:
    truth = Truth(np.array([[0.0, 0, 10, 10]]), np.array([0]))
    right = Found(truth.boxes, np.array([0.9]), truth.classes)
    assert metrics.mean_ap([truth], [right], 1) == (pytest.approx(1.0), pytest.approx(1.0))
    assert metrics.mean_ap([truth], [NOTHING], 1) == (0.0, 0.0)


def test_without_any_label_there_is_no_score() -> None:
    empty = Truth(np.zeros((0, 4)), np.zeros(0, dtype=np.int64))
    assert metrics.mean_ap([empty], [NOTHING], 1) == (None, None)
    assert metrics.recall_at([empty], [NOTHING], 0, 0.5) is None


def test_the_quality_of_an_image_counts_what_is_missed_and_what_is_wrong() -> None:
    assert metrics.image_quality(labels(), detections()) == 1
    assert metrics.image_quality(labels((A, 0)), detections((A, 0.9, 0))) == 1
    assert metrics.image_quality(labels((A, 0)), detections((A, 0.9, 1))) == 0
    assert metrics.image_quality(labels((A, 0), (B, 1)), detections((A, 0.9, 0))) == 0.5
    assert metrics.image_quality(labels(), detections((A, 0.9, 0))) == 0
