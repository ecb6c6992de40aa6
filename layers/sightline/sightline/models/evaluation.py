"""evaluation.json: what was measured of a candidate, of the model in service beside it, and of the int8 variant."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, NotRequired, TypedDict, cast

from sightline.errors import SightlineError


class InvalidMetricError(SightlineError):
    """A number in evaluation.json that no measurement gives."""


class ClassScores(TypedDict):
    """How one defect type is found, each 0..1; None where the test set has none of it."""

    ap50: float | None
    ap50_95: float | None
    recall: float | None  # at the decision threshold


class Confusion(TypedDict):
    """Images by what they are and how they were judged."""

    true_fail: int
    false_pass: int  # escapes
    false_fail: int  # false alarms
    true_pass: int


class Latency(TypedDict):
    """Milliseconds from an image's bytes to the detections."""

    median: float
    p95: float


class Scores(TypedDict):
    """What was measured of one model on the frozen test set."""

    map50: float | None  # 0..1; None where the test set has no defect
    map50_95: float | None
    per_class: dict[str, ClassScores]
    confusion: NotRequired[Confusion]
    threshold: NotRequired[float]  # at which the confusion was counted
    latency_ms: Latency
    size_bytes: int


class Interval(TypedDict):
    """A mean with its 95 % interval, -1..1."""

    mean: float
    low: float
    high: float


class Bootstrap(TypedDict):
    """The difference of the candidate to the model in service, by resampling groups of images."""

    difference_map50: Interval
    replicates: int


class Judged(TypedDict):
    """What the gate needs of one variant of a model."""

    test_images: int
    test_groups: NotRequired[int]
    candidate: Scores | None  # None for an empty test set
    champion: Scores | None  # None without a model in service, or with one that can't be measured
    champion_error: NotRequired[str | None]  # why it can't
    bootstrap: Bootstrap | None


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
    name: NotRequired[str]  # what it was uploaded as
    split: str
    reason: str


class DoubtKind(StrEnum):
    """How a model contradicts a label."""

    MISSING = "missing"  # a defect that nobody labelled
    CLASS = "class"  # labelled as another type
    EMPTY = "empty"  # the model sees nothing there


class DoubtedLabel(TypedDict):
    """A label that the model contradicts; boxes are x1, y1, x2, y2 in pixels, `score` says how sure it is, 0..1."""

    image: str
    name: NotRequired[str]  # what it was uploaded as
    split: str
    labels: list[list[float]]
    kind: DoubtKind
    box: list[float]
    score: float
    labelled: str | None  # the class of the label; None where there is none
    seen: str | None  # the class that the model sees; None where it sees nothing
    why: str


DetectionMeasured = TypedDict("DetectionMeasured", {"box": list[float], "score": float, "class_id": int, "class": str})
"""A detection in a test photo that reaches the decision threshold: x1, y1, x2, y2 in pixels, `score` in 0..1."""


class PhotoResult(TypedDict):
    """What was found in one test photo, the surest first. `labels` are x1, y1, x2, y2 in pixels."""

    image: str
    name: NotRequired[str]  # what it was uploaded as
    group: str
    outcome: Literal["escape", "false alarm", "caught", "passed"]
    quality: float  # 0..1, the share of labels and finds that match
    labels: list[list[float]]
    label_classes: list[str]
    detections: list[DetectionMeasured]


class Evaluation(Judged):
    """The whole of evaluation.json."""

    training_job: str
    dataset_version: str
    int8: Judged | None  # its champion is the float model; None where there is no int8 variant
    threshold_choice: ThresholdChoice
    undecodable: list[LeftOut]
    left_out: list[LeftOut]
    suspicious_labels: list[DoubtedLabel]
    per_image: list[PhotoResult]


NEEDED = ("test_images", "candidate", "champion", "bootstrap")


def read_evaluation(value: object) -> Evaluation:
    """Return what an evaluation job wrote. Raise InvalidMetricError naming the field that is missing or no object.

    Numbers are checked by the gate, which knows their limits.
    """
    if not isinstance(value, Mapping):
        raise InvalidMetricError(f"evaluation.json must be an object, got {type(value).__name__}")
    _check("", value)
    if value.get("int8") is not None:
        _check("int8.", _object("int8", value["int8"]))
    return cast(Evaluation, value)


def _check(variant: str, found: Mapping[str, object]) -> None:
    lacking = [name for name in NEEDED if name not in found]
    if lacking:
        raise InvalidMetricError(f"evaluation.json lacks {variant}{lacking[0]}; run the evaluation again")
    for name in ("candidate", "champion", "bootstrap"):
        if found[name] is not None:
            _object(f"{variant}{name}", found[name])


def _object(name: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InvalidMetricError(f"{name} in evaluation.json must be an object or null, got {value!r:.80}")
    return value
