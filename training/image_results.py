"""What evaluation.json says of single images: how each test image was judged, and which labels look wrong."""

from typing import Literal

from sightline.models import metrics
from sightline.models.doubts import doubts
from sightline.models.evaluation import DetectionMeasured, DoubtedLabel, LeftOut, PhotoResult
from sightline.models.metrics import Found
from sightline.vision.detector import Detector
from training.data import Images

DOUBTS = 50  # labels that look wrong, at most
OnTheLine = Literal["caught", "escape", "false alarm", "passed"]
OUTCOMES: dict[tuple[bool, bool], OnTheLine] = {  # (has a defect, is said to have one) → what that is on the line
    (True, True): "caught",
    (True, False): "escape",
    (False, True): "false alarm",
    (False, False): "passed",
}


def left_out(images: Images, *, decoded: bool) -> list[LeftOut]:
    """Images that can't be decoded, or the records and boxes that can't be used."""
    chosen = [problem for problem in images.problems if problem.decoded == decoded]
    return [
        {"image": one.image, "name": images.called.get(one.image, one.image), "split": images.split,
         "reason": one.reason}
        for one in chosen
    ]  # fmt: skip


def per_image(test: Images, found: list[Found], threshold: float, classes: list[str]) -> list[PhotoResult]:
    """For each test image: its group, labels, outcome, quality 0..1, and the detections that reach the threshold,
    surest first.
    """
    entries: list[PhotoResult] = []
    for name, group, truth, detected in zip(test.names, test.groups, test.truths, found, strict=True):
        sure = metrics.keep(detected, threshold)
        outcome = OUTCOMES[bool(len(truth.boxes)), bool(len(sure.boxes))]
        detections: list[DetectionMeasured] = [
            {
                "box": [round(float(edge), 1) for edge in box],
                "score": round(float(score), 4),
                "class": classes[int(number)],
                "class_id": int(number),
            }
            for box, score, number in zip(sure.boxes, sure.scores, sure.classes, strict=True)
        ]
        entries.append(
            {
                "image": name,
                "name": test.called[name],
                "group": group,
                "outcome": outcome,
                "quality": round(metrics.image_quality(truth, sure), 4),
                "labels": truth.boxes.tolist(),
                "label_classes": [classes[int(number)] for number in truth.classes],
                "detections": detections,
            }
        )
    return entries


def suspicious_labels(detector: Detector, *looked_at: tuple[Images, list[Found]]) -> list[DoubtedLabel]:
    """Labels of images that training did not learn from, and with which the model disagrees most surely."""
    truths = [truth for images, _ in looked_at for truth in images.truths]
    results = [one for _, part in looked_at for one in part]
    recalls = [
        metrics.recall_at(truths, results, number, detector.threshold) for number in range(len(detector.classes))
    ]
    found: list[DoubtedLabel] = [
        {
            "image": name,
            "name": images.called[name],
            "split": images.split,
            "labels": truth.boxes.tolist(),
            "kind": doubt.kind,
            "box": doubt.box,
            "score": doubt.score,
            "labelled": doubt.labelled,
            "seen": doubt.seen,
            "why": doubt.why,
        }
        for images, part in looked_at
        for name, truth, detected in zip(images.names, images.truths, part, strict=True)
        for doubt in doubts(truth, detected, detector.classes, detector.threshold, recalls)
    ]
    return sorted(found, key=lambda doubt: (-doubt["score"], doubt["image"]))[:DOUBTS]
