"""evaluation.json: what was measured of a candidate, of the model in service beside it, and of the int8 variant."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict, cast

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


class SuspiciousLabel(TypedDict):
    """A label that the model contradicts."""

    image: str  # `<image_id>.<ext>`
    why: str


class Judged(TypedDict):
    """What the gate needs of one variant of a model."""

    test_images: int
    test_groups: NotRequired[int]
    candidate: Scores | None  # None for an empty test set
    champion: Scores | None  # None without a model in service, or with one that can't be measured
    champion_error: NotRequired[str | None]  # why it can't
    bootstrap: Bootstrap | None


class Evaluation(Judged):
    """The whole of evaluation.json, as far as the application reads it."""

    int8: NotRequired[Judged | None]  # its champion is the float model
    suspicious_labels: NotRequired[list[SuspiciousLabel]]


NEEDED = ("test_images", "candidate", "champion", "bootstrap")


def read_evaluation(value: object) -> Evaluation:
    """Return what an evaluation job wrote. Raise InvalidMetricError naming the field that is missing.

    Numbers are checked by the gate, which knows their limits.
    """
    if not isinstance(value, Mapping):
        raise InvalidMetricError(f"evaluation.json must be an object, got {type(value).__name__}")
    for variant, found in (("", value), ("int8.", value.get("int8"))):
        lacking = [name for name in NEEDED if found is not None and name not in found]
        if lacking:
            raise InvalidMetricError(f"evaluation.json lacks {variant}{lacking[0]}; run the evaluation again")
    return cast(Evaluation, value)
