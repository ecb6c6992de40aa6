"""What comes from the line: messages of the inspector, and events of Greengrass about its devices.

Each is read once, where it comes in, into a record. A device speaks for itself alone: the rule that hands its message
over adds the thing of its topic, which the device can't choose.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from sightline.fields import Fields, InvalidFieldError
from sightline.names import OwnComponents
from sightline.vision.verdict import Outcome

DEPLOYMENT_EVENT = "Greengrass V2 Effective Deployment Status Change"
COMPONENT_EVENT = "Greengrass V2 Installed Component Status Change"
FAILED_DEPLOYMENT = ("FAILED", "REJECTED", "TIMED_OUT")
FAILED_COMPONENT = ("ERRORED", "BROKEN")
VERSION = r"\d{1,9}\.\d{1,9}\.\d{1,9}"
MAX_TIME = 40  # characters
MAX_REASON = 500  # characters of a device's reason that are kept

InvalidMessageError = InvalidFieldError
"""What every reader here raises: it names the field, what it should be, and what it is."""


class AlarmState(StrEnum):
    """Whether something is wrong with a device, or well again."""

    RAISED = "raised"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a device decided about one image.

    `id` is the same for the same image, device and model. `captured_at` is ISO 8601; `latency_ms` is from the image's
    bytes to the verdict. `fault` names what is wrong with the image or with the model on it, empty for nothing.
    """

    thing: str
    id: str
    image: str
    captured_at: str
    outcome: Outcome
    model_version: str
    latency_ms: float
    fault: str

    @classmethod
    def from_message(cls, message: object) -> Self:
        """Return the verdict in a message of `sightline/<stack>/<thing>/verdicts`. Raise InvalidMessageError."""
        fields = Fields(message, "in a verdict")  # it does not name its thing: the topic does
        return cls(
            thing=fields.text("topic_thing"),
            id=fields.text("id"),
            image=fields.text("image"),
            captured_at=_cut(fields.text("captured_at"), MAX_TIME),
            outcome=fields.choice("verdict", Outcome),
            model_version=_version(fields),
            latency_ms=fields.number("latency_ms", 0),
            fault=fields.text("fault", ""),
        )


@dataclass(frozen=True, slots=True)
class Health:
    """What a device says of a model when it has tried it on its golden images. `reason` is empty when it is healthy.

    `at` is the device's time in ISO 8601.
    """

    thing: str
    at: str
    model_version: str
    healthy: bool
    reason: str

    @classmethod
    def from_message(cls, message: object) -> Self:
        """Return the health in a message of `sightline/<stack>/<thing>/health`. Raise InvalidMessageError."""
        fields, thing = _of_thing(message)
        version, healthy = _version(fields), fields.flag("healthy")
        reason = _cut(fields.text("reason", "") or "no reason given", MAX_REASON)
        return cls(thing, _cut(fields.text("at", ""), MAX_TIME), version, healthy, "" if healthy else reason)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A window of live images of one device. `since` and `until` are its times in ISO 8601, UTC.

    `images` went through the model in service and through the one before, whose verdicts differ on `disagreements`;
    both are 0 without a comparison. `latency_ms` is the 95th percentile, 0 without images.
    """

    thing: str
    since: str
    until: str
    model_version: str
    images: int
    disagreements: int
    latency_ms: float

    @property
    def at(self) -> str:
        """The device's time when it said so."""
        return self.until

    @classmethod
    def from_message(cls, message: object) -> Self:
        """Return the window in a message of `sightline/<stack>/<thing>/telemetry`. Raise InvalidMessageError."""
        fields, thing = _of_thing(message)
        version = _version(fields)
        shadow, latency = fields.fields("shadow"), fields.fields("latency_ms")
        images = shadow.whole("images", 0, default=0)
        return cls(
            thing=thing,
            since=_cut(fields.text("from"), MAX_TIME),
            until=_cut(fields.text("to"), MAX_TIME),
            model_version=version,
            images=images,
            disagreements=shadow.whole("disagreements", 0, images, default=0),
            latency_ms=latency.number("p95", 0, default=0.0),
        )


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong with a device, or well again. `at` is the device's time in ISO 8601."""

    thing: str
    at: str
    id: str
    alarm: str
    state: AlarmState
    detail: str
    image: str  # empty where no image shows it

    @classmethod
    def from_message(cls, message: object) -> Self:
        """Return the alarm in a message of `sightline/<stack>/<thing>/alarms`. Raise InvalidMessageError."""
        fields, thing = _of_thing(message)
        return cls(
            thing=thing,
            at=_cut(fields.text("at"), MAX_TIME),
            id=fields.text("id"),
            alarm=fields.text("alarm"),
            state=fields.choice("state", AlarmState),
            detail=fields.text("detail"),
            image=fields.text("image", ""),
        )


@dataclass(frozen=True, slots=True)
class DeploymentFailed:
    """A deployment that failed on a device, as Greengrass tells it. `at` is ISO 8601."""

    thing: str
    at: str
    deployment_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ComponentBroken:
    """A component of ours that broke on a device, as Greengrass tells it. `at` is ISO 8601."""

    thing: str
    at: str
    reason: str


Report = Health | Telemetry | DeploymentFailed | ComponentBroken
"""What concerns a roll-out."""


def parse_reports(message: object, own: OwnComponents) -> list[Report]:
    """Return the reports in a device's message, which has `topic_thing`, or in an event of Greengrass.

    Events come of every device in the account; of components, only the `own` ones of this stack count. Raise
    InvalidMessageError, in particular when a device speaks for another one.
    """
    fields = Fields(message, "in a report")
    # Only a device's message has a topic. Whatever else it says, also that it were an event, it speaks for its thing.
    if fields.values.get("source") == "aws.greengrass" and "topic_thing" not in fields.values:
        return _of_event(fields, own)
    return [Health.from_message(message) if "healthy" in fields.values else Telemetry.from_message(message)]


def _of_thing(message: object) -> tuple[Fields, str]:
    """Return a message's fields and its thing, which must be the one of its topic."""
    fields = Fields(message, "in a report")
    thing, topic_thing = fields.values.get("thing"), fields.values.get("topic_thing")
    if not isinstance(thing, str) or thing != topic_thing:
        raise InvalidMessageError(f"thing {thing!r:.100} reported on the topic of {topic_thing!r:.100}")
    return Fields(message, f"from {thing}"), thing


def _version(fields: Fields) -> str:
    version = fields.values.get("model_version")
    if not isinstance(version, str) or not re.fullmatch(VERSION, version, re.ASCII):
        raise fields.refuse("model_version", "like 1.0.7")
    return version


def _cut(text: str, length: int) -> str:
    """Return what a device wrote so that every store takes it: cut, and without half characters."""
    return text[:length].encode(errors="replace").decode()


def _of_event(event: Fields, own: OwnComponents) -> list[Report]:
    """Return what an event of Greengrass says: a deployment that failed on a device, or components that broke."""
    kind, detail = event.text("detail-type", ""), event.fields("detail")
    thing = next(iter(event.texts("resources")), "").rsplit(":coreDevices:", 1)[-1]
    at, status = event.text("time", ""), detail.text("coreDeviceExecutionStatus", "")
    if kind == DEPLOYMENT_EVENT and status in FAILED_DEPLOYMENT:
        reason = f"deployment {status.lower()}: {detail.text('reason', '') or 'no reason given'}"
        deployment = detail.text("deployment-id", "") or detail.text("deploymentId", "")  # the guide's name, the API's
        return [DeploymentFailed(thing, at, deployment, reason[:MAX_REASON])]
    return [ComponentBroken(thing, at, reason) for reason in _broken(detail, own)] if kind == COMPONENT_EVENT else []


def _broken(detail: Fields, own: OwnComponents) -> list[str]:
    """Return a sentence about each component of ours that broke."""
    found = detail.values.get("components") or []
    if not isinstance(found, list):
        raise detail.refuse("components", "a list")
    entries = [Fields(entry, f"in components {detail.where}") for entry in found]
    return [
        f"{entry.text('componentName')} {entry.text('lifecycleState').lower()}: "
        f"{entry.text('lifecycleStateDetails', '') or 'no details'}"[:MAX_REASON]
        for entry in entries
        if entry.values.get("componentName") in (own.inspector, own.model)
        and entry.values.get("lifecycleState") in FAILED_COMPONENT
    ]
