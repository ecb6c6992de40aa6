"""model.json: what a model says about itself, written by a training and completed by the evaluation.

The file is described for people in docs/reference/model-contract.md, and checked by training/contract.py.
"""

from collections.abc import Mapping
from typing import Optional, TypedDict

from sightline.vision.python39 import NotRequired
from sightline.vision.verdict import DefectFound


class ModelInput(TypedDict):
    """The size that images are fitted into, in pixels, and how."""

    height: int
    width: int
    resize: str  # `letterbox`
    pad_value: int  # grey level 0..255


class Baseline(TypedDict, total=False):
    """What the validation images looked like to the model; empty until the evaluation."""

    images: int
    score_histogram: list[int]  # of the best score of each image, 20 bins in 0..1
    brightness_histogram: list[int]  # of the mean grey level of each image, 16 bins in 0..256
    appearance: dict[str, dict[str, float]]  # of sightline.vision.appearance.spread


class GoldenImage(TypedDict):
    """An image of the release, and what the model must find in it on every device."""

    image: str  # a file name in the release, `golden/…`
    detections: list[DefectFound]


class Throughput(TypedDict):
    """How fast the training was."""

    images_per_second: float
    device: str


class Origin(TypedDict):
    """What a model of this project's training was made from."""

    started_from: Optional[str]  # the training job whose weights it began with
    dataset_version: str
    code_version: str
    throughput: Throughput


class PromotedFrom(TypedDict):
    """Where a promoted model comes from: the stack that trained and registered it."""

    stack: str
    version: int  # there, 1, 2, …
    package_arn: str  # says account and region too
    training_job: str
    dataset_version: str
    correlation_id: str  # of the training
    map50: Optional[float]  # on the test set there, 0..1
    map50_95: Optional[float]


class ModelDescription(TypedDict):
    """The whole of model.json. Other fields that a model brings are kept."""

    classes: list[str]  # in the order of their numbers
    input: ModelInput
    threshold: float  # 0..1; evaluation chooses both thresholds
    review_threshold: float  # 0..1
    opset: int
    training_job: str
    hyperparameters: Mapping[str, object]  # at least `escape_cost` and `alarm_cost`, numbers above 0
    baseline: Baseline
    golden: list[GoldenImage]
    dataset_version: str
    code_version: str
    started_from: NotRequired[Optional[str]]
    throughput: NotRequired[Throughput]


class ReleasedDescription(ModelDescription):
    """model.json as a registered release has it."""

    correlation_id: NotRequired[str]  # of the execution that registered it; devices put it on what they say
    promoted_from: NotRequired[PromotedFrom]  # of a model that another stack trained
