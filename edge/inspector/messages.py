"""What the inspector says to the cloud, as JSON over MQTT: `sightline/<stack>/<thing>/<topic>`.

The cloud reads these in `sightline/line/messages.py`, which the device does not have; a contract test holds both
together. Devices in the field keep messages for weeks: a field may come, none may go or change its meaning. Times are
ISO 8601 in UTC.
"""

from collections.abc import Mapping
from typing import Literal, Optional, TypedDict

from sightline.vision.python39 import NotRequired, StrEnum
from sightline.vision.verdict import DefectFound, Outcome

from .items import Item, message


class Topic(StrEnum):
    """The last part of a topic."""

    VERDICTS = "verdicts"
    HEALTH = "health"
    TELEMETRY = "telemetry"
    ALARMS = "alarms"


class VerdictMessage(TypedDict):
    """The verdict on one image. `fault` and `reason` are there when the image, or the model on it, is not in order."""

    id: str  # the same for the same image, device and model
    image: str
    captured_at: str
    verdict: Outcome
    detections: list[DefectFound]
    model_version: str
    latency_ms: float  # from the image's bytes to the verdict
    correlation_id: NotRequired[str]  # of the model's training; a model of another make may have none
    fault: NotRequired[str]
    reason: NotRequired[str]


class HealthMessage(TypedDict):
    """What the golden images said of a model on this device."""

    thing: str
    healthy: bool
    model_version: str
    reason: str
    at: str
    correlation_id: NotRequired[str]  # of the model's training


class AlarmMessage(TypedDict):
    """Something that is wrong with the device, told once, and once when it is well again."""

    id: str
    thing: str
    alarm: str
    state: Literal["raised", "cleared"]
    detail: str
    at: str
    image: NotRequired[str]  # that shows it


class Spread(TypedDict):
    """What a window's images look like in one respect."""

    mean: float
    low: float
    high: float


class Latency(TypedDict):
    """From an image's bytes to its verdict, in milliseconds, to 4 %."""

    p50: float
    p95: float
    p99: float
    max: float


class Comparison(TypedDict):
    """The shadow model beside the one in service."""

    model_version: str
    images: int
    disagreements: int
    rate: Optional[float]  # of disagreements, 0..1; null without images
    verdicts: dict[str, int]  # by pairs `in service:shadow`


class QueueSize(TypedDict):
    """What waits to be handed over."""

    rows: int
    bytes: int


class WindowSummary(TypedDict):
    """What was seen and decided in a window; numbers of no image are null."""

    images: int
    verdicts: dict[Outcome, int]
    faults: dict[str, int]
    sampled: dict[str, int]
    score_histogram: list[int]  # of the surest detection, in 20 classes of 0..1
    brightness_histogram: list[int]  # in 16 classes of grey levels
    appearance: dict[str, Spread]
    latency_ms: Optional[Latency]


# `from` is no name in Python, so these are written as a call.
WindowTimes = TypedDict("WindowTimes", {"from": str, "to": str})


class TelemetryMessage(WindowSummary, WindowTimes):
    """A summary of a window, for drift detection and for a roll-out's comparison."""

    id: str
    thing: str
    model_version: str
    seconds: float  # the window's length
    shadow: Optional[Comparison]
    queues: dict[str, QueueSize]
    counts: dict[str, int]  # that are new in this window
    counts_ever: dict[str, int]


def to_cloud(topic: Topic, value: Mapping[str, object]) -> Item:
    """Return the item of a message of this device. Its topic is below the device's own."""
    return message(topic, value)
