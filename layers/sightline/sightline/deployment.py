"""The rules of a roll-out: what is packed, who may start, what is deployed, and what the health reports add up to.

A thing group has one roll-out at a time, kept as one record. Its status:
`WAITING → HEALTHY | UNHEALTHY`, and `→ ROLLING_BACK → ROLLED_BACK` from any of these by the workflow that owns it.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sightline.errors import SightlineError
from sightline.names import INSPECTOR_COMPONENT, MODEL_COMPONENT

WAITING = "WAITING"
HEALTHY = "HEALTHY"
UNHEALTHY = "UNHEALTHY"
ROLLING_BACK = "ROLLING_BACK"
ROLLED_BACK = "ROLLED_BACK"
OPEN = (WAITING, UNHEALTHY, ROLLING_BACK)  # the group may still change

GRACE_SECONDS = 600  # beyond the health timeout: time for the roll-back; after it a roll-out counts as abandoned
MAX_REASON = 500  # characters of a device's reason that go into an error

START = "START"
RESUME = "RESUME"
DONE = "DONE"

Components = dict[str, dict[str, Any]]


class InvalidReleaseError(SightlineError):
    """A release that can't be packed: a file is missing or lies outside it."""


class ModelNotApprovedError(SightlineError):
    """The model package is not approved (any more)."""


class ArtifactConflictError(SightlineError):
    """The artifact of the component version is there already, with other content."""


class NoInspectorError(SightlineError):
    """No version of the inspector component is published."""


class NoDevicesError(SightlineError):
    """The thing group is empty, so nobody could report health."""


class RolloutInProgressError(SightlineError):
    """Another roll-out of the thing group is not settled yet: try again later."""


class RolloutSupersededError(SightlineError):
    """A newer approval was rolled out meanwhile: there is nothing left to do."""


class DeviceUnhealthyError(SightlineError):
    """A device reported that it can't work with the model of this roll-out."""


class InvalidHealthReportError(SightlineError):
    """A message on a health topic that is not a health report of that topic's thing."""


def component_version(model_package_version: int) -> str:
    """The version of the model component: one for one model package, so it never changes its content."""
    if model_package_version < 1:
        raise ValueError(f"a model package version starts at 1, got {model_package_version}")
    return f"1.0.{model_package_version}"


def check_approved(package: Mapping[str, Any]) -> None:
    """`package`: what DescribeModelPackage answers. An approval may be taken back before its event is handled."""
    status = package["ModelApprovalStatus"]
    if status != "Approved":
        raise ModelNotApprovedError(f"{package['ModelPackageArn']} is {status}; approve it again to deploy it")


def release_files(model_json: bytes) -> list[str]:
    """Names of the files of a release, sorted, relative to its folder: the model, its description, its golden images.

    Raises InvalidReleaseError for a golden image that would lie outside the release.
    """
    golden = [entry["image"] for entry in json.loads(model_json).get("golden", [])]
    for name in golden:
        if not re.fullmatch(r"golden/[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise InvalidReleaseError(f"model.json names the golden image {name!r}; it must be golden/<file>")
    return sorted({"model.json", "model.onnx", *golden})


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip of `files` (name → content). The same files give the same bytes, whoever packs them, and whenever.

    Stored, not deflated: weights hardly shrink, and deflated bytes differ between versions of zlib.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, on whatever system this runs
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def latest_version(versions: list[str]) -> str:
    """The highest of some semantic versions `major.minor.patch`. Raises NoInspectorError when there is none."""
    if not versions:
        raise NoInspectorError(f"no version of {INSPECTOR_COMPONENT} is published; publish the inspector first")
    return max(versions, key=lambda version: [int(part) for part in re.findall(r"\d+", version)[:3]])


def deployed_components(previous: Components, *, model_version: str, inspector_version: str) -> Components:
    """What the thing group runs with the new model: everything else that ran there stays as it is.

    A deployment replaces the whole list of components, so leaving one out removes it from the devices.
    """
    inspector = dict(previous.get(INSPECTOR_COMPONENT, {}))
    update = dict(inspector.get("configurationUpdate", {}))
    merged = json.loads(update.get("merge", "{}")) | {"modelVersion": model_version}
    update["merge"] = json.dumps(merged, sort_keys=True)
    inspector |= {"componentVersion": inspector_version, "configurationUpdate": update}
    model = previous.get(MODEL_COMPONENT, {}) | {"componentVersion": model_version}
    return {**previous, INSPECTOR_COMPONENT: inspector, MODEL_COMPONENT: model}


@dataclass(frozen=True)
class Rollout:
    """One attempt to bring a model to a thing group. `approved_at` is ISO 8601; `execution` owns it."""

    execution: str
    model_version: str
    approved_at: str


def may_start(rollout: Rollout, current: Mapping[str, Any] | None, *, now: float) -> str:
    """What `rollout` may do beside the group's `current` roll-out (None: the first ever). `now`: seconds since 1970.

    START it, RESUME it (a repeated call of its own), or it is DONE (this approval is healthy on the devices already).
    Raises RolloutInProgressError, RolloutSupersededError, or DeviceUnhealthyError when its own failed meanwhile.
    The newest approval wins: an older one that had to wait never overwrites it.
    """
    if current is None:
        return START
    status = current["status"]
    if current["execution"] == rollout.execution:
        if status == UNHEALTHY:
            raise DeviceUnhealthyError(current.get("reason", "a device reported unhealthy"))
        if status in (ROLLING_BACK, ROLLED_BACK):
            raise RolloutSupersededError("this roll-out was rolled back already")
        return RESUME if status == WAITING else DONE
    if _moment(rollout.approved_at) < _moment(current["approved_at"]):
        raise RolloutSupersededError(f"{current['model_version']} was approved later than {rollout.model_version}")
    if is_held(current, now):
        raise RolloutInProgressError(f"the group is busy with {current['model_version']} ({status})")
    same = (current["approved_at"], current["model_version"]) == (rollout.approved_at, rollout.model_version)
    if same and status == HEALTHY:
        return DONE
    if same and status == ROLLED_BACK:
        raise RolloutSupersededError(
            f"this approval of {rollout.model_version} was rolled back; approve it again to retry"
        )
    return START


def is_held(current: Mapping[str, Any], now: float) -> bool:
    """True while the owner of a roll-out may still change the group."""
    return current["status"] in OPEN and now < current["deadline"]


def is_abandoned(current: Mapping[str, Any] | None, now: float) -> bool:
    """True when a roll-out was never settled: what it deployed is not proven, what ran before it is."""
    return current is not None and current["status"] in OPEN and not is_held(current, now)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def client_token(purpose: str, execution: str) -> str:
    """A token that makes a repeated call create once: letters, digits and hyphens, at most 64."""
    return f"{purpose}-{hashlib.sha256(execution.encode()).hexdigest()[:32]}"


@dataclass(frozen=True)
class HealthReport:
    thing: str
    model_version: str
    healthy: bool
    reason: str


def parse_health_report(message: Any) -> HealthReport:
    """Read a health message with `topic_thing`, the thing of its topic, which the device can't choose.

    Raises InvalidHealthReportError, in particular when a device speaks for another one.
    """
    if not isinstance(message, dict):
        raise InvalidHealthReportError(f"a health report must be an object, got {message!r:.200}")
    thing, topic_thing, version = message.get("thing"), message.get("topic_thing"), message.get("model_version")
    if not isinstance(thing, str) or thing != topic_thing:
        raise InvalidHealthReportError(f"thing {thing!r:.100} reported on the topic of {topic_thing!r:.100}")
    if not isinstance(message.get("healthy"), bool):
        raise InvalidHealthReportError(
            f"healthy must be true or false, got {message.get('healthy')!r:.50} from {thing}"
        )
    if not isinstance(version, str) or not version:
        raise InvalidHealthReportError(f"model_version must be a text, got {version!r:.50} from {thing}")
    reason = message.get("reason")
    return HealthReport(thing, version, message["healthy"], str(reason)[:MAX_REASON] if reason else "")


def concerns(report: HealthReport, current: Mapping[str, Any] | None) -> bool:
    """True when the group's roll-out waits, or waited, for this report; a late or unknown one concerns nobody."""
    return (
        current is not None
        and current["status"] in (WAITING, HEALTHY, UNHEALTHY)
        and current["model_version"] == report.model_version
        and report.thing in current["things"]
    )


def all_healthy(current: Mapping[str, Any]) -> bool:
    """True when every thing that was counted at the start has reported healthy."""
    return set(current["things"]) <= set(current.get("healthy", ()))
