"""evaluation.json as the page shows it: what the evaluation job writes beyond what the application reads."""

from typing import Literal, TypedDict

from reporting.pictures import Detection
from sightline.models.evaluation import Judged


class ThresholdCost(TypedDict):
    """What a decision threshold costs on the validation photos: `escapes` and `alarms` are shares, 0..1."""

    threshold: float
    cost: float
    escapes: float
    alarms: float


class ThresholdChoice(TypedDict):
    """The decision threshold and what it was chosen from."""

    escape_cost: float
    alarm_cost: float
    threshold: float
    images: int  # of the validation set; without any, `threshold` is the default
    curve: list[ThresholdCost]


class LeftOut(TypedDict):
    """Something of a split that can't be used, and why."""

    image: str
    split: str
    reason: str


class DoubtedLabel(TypedDict):
    """A label that the model contradicts; boxes are x1, y1, x2, y2 in pixels, `score` says how sure it is, 0..1."""

    image: str
    split: str
    labels: list[list[float]]
    box: list[float]
    score: float
    why: str


class PhotoResult(TypedDict):
    """What was found in one test photo, the surest first. `labels` are x1, y1, x2, y2 in pixels."""

    image: str
    outcome: Literal["escape", "false alarm", "caught", "passed"]
    quality: float  # 0..1, the share of labels and finds that match
    labels: list[list[float]]
    label_classes: list[str]
    detections: list[Detection]


class Measured(Judged):
    """The whole of evaluation.json."""

    training_job: str
    dataset_version: str
    int8: Judged | None  # its champion is the float model
    threshold_choice: ThresholdChoice
    undecodable: list[LeftOut]
    left_out: list[LeftOut]
    suspicious_labels: list[DoubtedLabel]
    per_image: list[PhotoResult]
