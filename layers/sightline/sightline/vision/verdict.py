"""The words of a verdict on one image. They are the same on a device, in the cloud, and in what either writes down."""

from typing import TypedDict

from sightline.vision.python39 import StrEnum


class Outcome(StrEnum):
    """What is decided about an image."""

    PASS = "pass"  # noqa: S105  a verdict
    FAIL = "fail"
    REVIEW = "review"  # by a person


# `class` and `label` are the same name: the first is what people know, the second what the device's messages had first.
DefectFound = TypedDict(
    "DefectFound", {"box": list[float], "score": float, "label": str, "class_id": int, "class": str}
)
"""One defect as it is written down: `box` is x1, y1, x2, y2 in pixels of the original, `score` in 0..1."""


class Judged(TypedDict):
    """The verdict on one image, and the defects that it rests on, the surest first."""

    verdict: Outcome
    detections: list[DefectFound]
