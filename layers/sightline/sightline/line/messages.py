"""What devices say during a roll-out, in the three forms it comes in: a health message, a telemetry window,
Greengrass's events.

Each is read into a Report: of one thing, that it has proven the model, that it failed, or what its live images showed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sightline.errors import SightlineError
from sightline.names import INSPECTOR_COMPONENT, MODEL_COMPONENT
from sightline.rollout.deployment import (
    BAKING,
    COUNTING,
    HEALTHY,
    MAX_REASON,
)

DEPLOYMENT_EVENT = "Greengrass V2 Effective Deployment Status Change"
COMPONENT_EVENT = "Greengrass V2 Installed Component Status Change"
FAILED_DEPLOYMENT = ("FAILED", "REJECTED", "TIMED_OUT")
VERSION = r"\d{1,9}\.\d{1,9}\.\d{1,9}"
MAX_TIME = 40  # characters
FAILED_COMPONENT = ("ERRORED", "BROKEN")


class InvalidReportError(SightlineError):
    """A message that is no report, or of another thing than the one whose topic it came on."""


@dataclass(frozen=True)
class Window:
    """Live images of a while, seen by the new and by the old model. `since` and `until` are ISO 8601 in UTC."""

    since: str
    until: str
    images: int
    disagreements: int
    latency_ms: float  # 95th percentile


@dataclass(frozen=True)
class Report:
    """One of: `healthy` is True, `reason` says why not, or `window` holds live images.

    What it is about: `model_version`, or a `deployment_id`, or neither: the components that run on the thing.
    """

    thing: str
    at: str
    healthy: bool = False
    reason: str = ""
    model_version: str = ""
    deployment_id: str = ""
    window: Window | None = None


def parse(message: Any) -> list[Report]:
    """The reports in a message of a device's topic (with `topic_thing`, which the device can't choose) or an event.

    Raises InvalidReportError, in particular when a device speaks for another one.
    """
    if not isinstance(message, dict):
        raise InvalidReportError(f"a report must be an object, got {message!r:.200}")
    # Only a device's message has a topic. Whatever else it says, also that it were an event, it speaks for its thing
    # alone.
    if message.get("source") == "aws.greengrass" and "topic_thing" not in message:
        return _parse_event(message)
    thing, topic_thing = message.get("thing"), message.get("topic_thing")
    if not isinstance(thing, str) or thing != topic_thing:
        raise InvalidReportError(f"thing {thing!r:.100} reported on the topic of {topic_thing!r:.100}")
    version = message.get("model_version")
    if not isinstance(version, str) or not re.fullmatch(VERSION, version, re.ASCII):
        raise InvalidReportError(f"model_version must be like 1.0.7, got {version!r:.50} from {thing}")
    if "healthy" in message:
        return [_parse_health(message, thing, version)]
    return [_parse_window(message, thing, version)]


def _text(value: Any, length: int) -> str:
    """What a device wrote, so that every store takes it: cut, and without half characters."""
    return str(value)[:length].encode(errors="replace").decode()


def _parse_health(message: dict[str, Any], thing: str, version: str) -> Report:
    if not isinstance(message["healthy"], bool):
        raise InvalidReportError(f"healthy must be true or false, got {message['healthy']!r:.50} from {thing}")
    reason = _text(message.get("reason") or "no reason given", MAX_REASON)
    at = _text(message.get("at", ""), MAX_TIME)
    healthy = message["healthy"]
    return Report(thing, at, healthy=healthy, reason="" if healthy else reason, model_version=version)


def _parse_window(message: dict[str, Any], thing: str, version: str) -> Report:
    """A telemetry window; without a comparison it still tells how fast the device is."""
    shadow = message.get("shadow") or {}
    try:
        window = Window(
            since=_text(message["from"], MAX_TIME),
            until=_text(message["to"], MAX_TIME),
            images=int(shadow.get("images", 0)),
            disagreements=int(shadow.get("disagreements", 0)),
            latency_ms=float((message.get("latency_ms") or {}).get("p95", 0)),
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise InvalidReportError(
            f"telemetry of {thing} can't be read: {type(error).__name__}: {error}"[:MAX_REASON]
        ) from error
    if not 0 <= window.disagreements <= window.images or not 0 <= window.latency_ms < float("inf"):
        raise InvalidReportError(f"telemetry of {thing} counts wrongly: {window}")
    return Report(thing, window.until, model_version=version, window=window)


def _parse_event(event: dict[str, Any]) -> list[Report]:
    """An event of Greengrass: a deployment that failed on a device, or a component of ours that broke."""
    kind, detail = event.get("detail-type"), event.get("detail") or {}
    thing = str((event.get("resources") or [""])[0]).rsplit(":coreDevices:", 1)[-1]
    at = str(event.get("time", ""))
    if kind == DEPLOYMENT_EVENT and detail.get("coreDeviceExecutionStatus") in FAILED_DEPLOYMENT:
        reason = (
            f"deployment {detail['coreDeviceExecutionStatus'].lower()}: {detail.get('reason') or 'no reason given'}"
        )
        return [Report(thing, at, reason=reason[:MAX_REASON], deployment_id=str(detail.get("deploymentId")))]
    broken = [
        entry
        for entry in (detail.get("components", []) if kind == COMPONENT_EVENT else [])
        if entry.get("componentName") in (INSPECTOR_COMPONENT, MODEL_COMPONENT)
        and entry.get("lifecycleState") in FAILED_COMPONENT
    ]
    return [
        Report(thing, at, reason=f"{entry['componentName']} {entry['lifecycleState'].lower()}: "
               f"{entry.get('lifecycleStateDetails') or 'no details'}"[:MAX_REASON])
        for entry in broken
    ]  # fmt: skip


def concerns(report: Report, current: Mapping[str, Any] | None) -> bool:
    """True when the fleet's roll-out waits, or waited, for this report; a late or unknown one concerns nobody.

    A component that breaks says nothing of models: it concerns the roll-out once its device runs the new one.
    """
    if current is None or report.thing not in current["things"] or current["status"] not in (*COUNTING, HEALTHY):
        return False
    if report.model_version:
        return bool(report.model_version == current["model_version"])
    if report.deployment_id:
        return bool(report.deployment_id == current.get("deployments", {}).get(current["stage"]))
    return report.thing in current.get("healthy", ())


def judged(report: Report, current: Mapping[str, Any], *, max_latency_ms: float) -> Report:
    """The report, or the failure that its window is: too slow counts like broken."""
    window = report.window
    if window and current["status"] == BAKING and window.latency_ms > max_latency_ms:
        reason = f"too slow: 95 % of images took up to {window.latency_ms:.0f} ms, allowed are {max_latency_ms:.0f}"
        return Report(report.thing, report.at, reason=reason, model_version=report.model_version)
    return report
