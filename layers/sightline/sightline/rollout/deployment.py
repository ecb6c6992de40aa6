"""The rules of a roll-out: what is packed, who may start, what is deployed, and what the devices' reports add up to.

A fleet (the canary group and the fleet group) has one roll-out at a time, kept as one record. Its status:
`WAITING → BAKING → PROMOTED → WAITING → BAKING → HEALTHY`, the first three only with a canary group, and
`→ ROLLING_BACK → ROLLED_BACK` from any of these. reports.py reads what devices say; here is what it means.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import Any

from sightline.errors import SightlineError
from sightline.names import INSPECTOR_COMPONENT, MODEL_COMPONENT
from sightline.rollout.stages import Stage

CANARY = Stage.CANARY
FLEET = Stage.FLEET

WAITING = "WAITING"  # for the devices of a stage to prove the model
BAKING = "BAKING"  # they did; live images go through it for a while
PROMOTED = "PROMOTED"  # the canary stage is through, the fleet's is next
HEALTHY = "HEALTHY"
ROLLING_BACK = "ROLLING_BACK"
ROLLED_BACK = "ROLLED_BACK"
COUNTING = (WAITING, BAKING)  # reports count
OPEN = (*COUNTING, PROMOTED, ROLLING_BACK)  # the groups may still change

GRACE_SECONDS = (
    600  # beyond what a wait may take: time for the steps around it; after it a roll-out counts as abandoned
)
MAX_REASON = 500  # characters of a device's reason that go into an error
ABORT_AFTER = 10  # devices that must have answered before a share of failures stops a fleet's stage
BAKE_SLACK = 5  # seconds by which a bake may end early: its clock starts with the task, the record's a little later
CONFIDENCE = 1.96  # standard normal quantile: a disagreement counts when chance explains it in less than 2.5 % of cases

START = "START"
RESUME = "RESUME"
NEXT_STAGE = "NEXT_STAGE"
DONE = "DONE"

BAKE = "BAKE"
PROMOTE = "PROMOTE"
ROLL_BACK = "ROLL_BACK"

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


class OverlappingGroupsError(SightlineError):
    """A thing is in the canary group and in the fleet group."""


class NothingToRollBackError(SightlineError):
    """A roll-back was asked for, and there is nothing before what runs, or somebody else is at it."""


class ModelRefusedError(SightlineError):
    """The devices' reports speak against the model: the error under which a roll-out is taken back."""


def component_version(model_package_version: int) -> str:
    """The version of the model component: one for one model package, so it never changes its content."""
    if model_package_version < 1:
        raise ValueError(f"a model package version starts at 1, got {model_package_version}")
    return f"1.0.{model_package_version}"


def package_version(component_version: str) -> int:
    """The version of the model package whose component has this version."""
    return int(component_version.rpartition(".")[2])


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
    """What a thing group runs with the new model: everything else that ran there stays as it is.

    A deployment replaces the whole list of components, so leaving one out removes it from the devices; but what it
    merges into a configuration stays there until another merge, so `shadowVersion` is always said.
    """
    inspector = previous.get(INSPECTOR_COMPONENT, {}) | {"componentVersion": inspector_version}
    model = previous.get(MODEL_COMPONENT, {}) | {"componentVersion": model_version}
    merged = {"modelVersion": model_version, "shadowVersion": ""}
    return _renewed({**previous, INSPECTOR_COMPONENT: _merge(inspector, merged), MODEL_COMPONENT: model})


def _renewed(components: Components) -> Components:
    """`components`, with the defaults that only a reset brings to a device that ran an earlier version.

    A device keeps the configuration it has: the digest of the model before, and the rights of the inspector before.
    """
    resets = {INSPECTOR_COMPONENT: "/accessControl", MODEL_COMPONENT: ""}
    renewed = dict(components)
    for name in resets.keys() & components.keys():
        update = components[name].get("configurationUpdate", {})
        pointers = sorted({*update.get("reset", []), resets[name]})
        renewed[name] = {**components[name], "configurationUpdate": {**update, "reset": pointers}}
    return renewed


def on_trial(components: Components, previous: Components) -> Components:
    """`components` as they run during the bake: the inspector also compares each live image with the model of
    `previous`.

    That one decides nothing. Without another model before, there is nothing to compare with.
    """
    before = model_of(previous)
    if before in ("", model_of(components)):
        return components
    return {**components, INSPECTOR_COMPONENT: _merge(components[INSPECTOR_COMPONENT], {"shadowVersion": before})}


def restored_components(previous: Components) -> Components:
    """What a thing group runs after a roll-back: `previous`, and nothing of the newer configuration."""
    if INSPECTOR_COMPONENT not in previous:
        return previous
    inspector = previous[INSPECTOR_COMPONENT]
    known = json.loads(inspector.get("configurationUpdate", {}).get("merge", "{}"))
    cleared = {"modelVersion": known.get("modelVersion", ""), "shadowVersion": ""}
    return _renewed({**previous, INSPECTOR_COMPONENT: _merge(inspector, cleared)})


def _merge(component: dict[str, Any], settings: dict[str, str]) -> dict[str, Any]:
    update = dict(component.get("configurationUpdate", {}))
    update["merge"] = json.dumps(json.loads(update.get("merge", "{}")) | settings, sort_keys=True)
    return {**component, "configurationUpdate": update}


def job_configuration(stage: str, *, per_minute: int, abort_percentage: int) -> dict[str, Any]:
    """How fast Greengrass hands a deployment to the devices of a stage, and when it stops handing it out by itself."""
    percentage, after = (1, 1) if stage == CANARY else (abort_percentage, ABORT_AFTER)
    criterion = {"failureType": "ALL", "action": "CANCEL", "thresholdPercentage": float(percentage)}
    return {
        "jobExecutionsRolloutConfig": {"maximumPerMinute": per_minute},
        "abortConfig": {"criteriaList": [{**criterion, "minNumberOfExecutedThings": after}]},
    }


def model_of(components: Components) -> str:
    """The version of the model that a thing group runs; empty for none."""
    return str(components.get(MODEL_COMPONENT, {}).get("componentVersion", ""))


@dataclass(frozen=True)
class Rollout:
    """One attempt to bring a model to a thing group. `approved_at` is ISO 8601; `execution` owns it."""

    execution: str
    model_version: str
    approved_at: str


def may_start(rollout: Rollout, current: Mapping[str, Any] | None, *, now: float) -> str:
    """What `rollout` may do beside the fleet's `current` roll-out (None: the first ever). `now`: seconds since 1970.

    START it, RESUME its stage (a repeated call of its own), begin its NEXT_STAGE, or it is DONE (this approval is
    healthy on the devices already). Raises RolloutInProgressError, or RolloutSupersededError.
    The newest approval wins: an older one that had to wait never overwrites it.
    """
    if current is None:
        return START
    status = current["status"]
    if current["execution"] == rollout.execution:
        if status in (ROLLING_BACK, ROLLED_BACK):
            raise RolloutSupersededError("this roll-out was rolled back already")
        return {HEALTHY: DONE, PROMOTED: NEXT_STAGE}.get(status, RESUME)
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
    """True while the owner of a roll-out may still change the groups."""
    return current["status"] in OPEN and now < current["deadline"]


def is_abandoned(current: Mapping[str, Any] | None, now: float) -> bool:
    """True when a roll-out was never settled: what it deployed is not proven, what ran before it is."""
    return current is not None and current["status"] in OPEN and not is_held(current, now)


def check_apart(canary: list[str], fleet: list[str]) -> None:
    """Greengrass would ask a device of both groups to run two models at once, and it would refuse every deployment."""
    both = sorted(set(canary) & set(fleet))
    if both:
        raise OverlappingGroupsError(
            f"{', '.join(both[:3])} {'is' if len(both) == 1 else 'are'} in the canary group and in the fleet group; "
            "take canary devices out of the fleet group, then approve the model again"
        )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def client_token(purpose: str, execution: str) -> str:
    """A token that makes a repeated call create once: letters, digits and hyphens, at most 64."""
    return f"{purpose}-{hashlib.sha256(execution.encode()).hexdigest()[:32]}"


# ------------------------------------------------------------------------------------------------------------ decisions
@dataclass(frozen=True)
class Limits:
    """When a roll-out is taken back. Percentages are of devices; disagreement is a share of images, 0 to 1."""

    abort_percentage: int
    min_proven_percentage: int
    max_disagreement: float
    max_latency_ms: float  # 95th percentile on a device


@dataclass(frozen=True)
class Decision:
    """What happens next with a stage, and why."""

    step: str  # BAKE, PROMOTE, DONE or ROLL_BACK
    reason: str


def failures(current: Mapping[str, Any]) -> dict[str, str]:
    """Thing → reason, of those of the stage that spoke against the model."""
    return dict(current.get("failed", {}))


def has_answered(current: Mapping[str, Any], thing: str) -> bool:
    """True when the thing has proven the model of the stage, or failed."""
    return thing in current.get("healthy", ()) or thing in failures(current)


def all_answered(current: Mapping[str, Any]) -> bool:
    """True when every thing of the stage has."""
    return all(has_answered(current, thing) for thing in current["things"])


def disagreement(current: Mapping[str, Any]) -> tuple[int, int]:
    """Images that the new and the old model saw during the bake, and on how many their verdicts differ."""
    baked = current.get("bake", {}).values()
    return sum(entry["images"] for entry in baked), sum(entry["disagreements"] for entry in baked)


def lower_bound(hits: int, total: int) -> float:
    """Wilson's lower bound of a share: what is at least behind `hits` of `total`. 0 without any."""
    if not total:
        return 0.0
    share, square = hits / total, CONFIDENCE**2
    spread = CONFIDENCE * sqrt(share * (1 - share) / total + square / (4 * total**2))
    return max(0.0, (share + square / (2 * total) - spread) / (1 + square / total))


def against(current: Mapping[str, Any], limits: Limits) -> str:
    """Why the stage must be taken back now, a sentence; empty when nothing speaks against going on.

    On the canary group one failed device is enough. On the fleet it is `abort_percentage` of those that answered, once
    ABORT_AFTER have (or all, where there are fewer): the rule of the IoT job that carries the deployment, so both
    agree.
    """
    if current.get("stop"):
        return str(current["stop"])
    failed = failures(current)
    answered = len(set(current.get("healthy", ())) | set(failed))
    enough = current["stage"] == CANARY or answered >= min(ABORT_AFTER, len(current["things"]))
    percentage = 1 if current["stage"] == CANARY else limits.abort_percentage
    if failed and enough and len(failed) * 100 >= percentage * answered:
        told = "; ".join(f"{thing}: {reason}" for thing, reason in sorted(failed.items())[:3])
        return f"{len(failed)} of {answered} devices of the {current['stage']} stage failed: {told}"[:MAX_REASON]
    images, differ = disagreement(current)
    if lower_bound(differ, images) > limits.max_disagreement:
        return (
            f"{current['model_version']} and the model before it gave different verdicts on {differ} of {images} live "
            "images, "
            f"more than the {limits.max_disagreement:g} allowed"
        )
    return ""


def decide(current: Mapping[str, Any], limits: Limits, *, now: float) -> Decision:
    """What happens with the stage of `current`: after the wait for its devices, and again after their bake time."""
    if current["status"] == HEALTHY:
        return Decision(DONE, current.get("reason", ""))
    if current["status"] == PROMOTED:
        return Decision(PROMOTE, current.get("reason", ""))
    reason = against(current, limits)
    if reason:
        return Decision(ROLL_BACK, reason)
    proven, total = len(set(current.get("healthy", ())) - set(failures(current))), len(current["things"])
    summary = _summary(current, proven, total)
    if not proven or proven * 100 < limits.min_proven_percentage * total:
        least = f"at least {limits.min_proven_percentage} % must"
        return Decision(
            ROLL_BACK, f"too few devices of the {current['stage']} stage proved the model ({least}): {summary}"
        )
    if current["status"] == WAITING or now < current["bake_until"] - BAKE_SLACK:
        return Decision(BAKE, summary)
    images, differ = disagreement(current)
    seen = f"{differ} of {images} live images judged differently" if images else "no live image was compared"
    last = current["stage"] == current["stages"][-1]
    return Decision(DONE if last else PROMOTE, f"{summary}; {seen}")


def stages_begun(current: Mapping[str, Any]) -> list[str]:
    """The stages whose devices may have taken the model, in order."""
    stages: list[str] = current["stages"]
    return stages[: stages.index(current["stage"]) + 1]


def _summary(current: Mapping[str, Any], proven: int, total: int) -> str:
    failed = failures(current)
    silent = sorted(set(current["things"]) - set(current.get("healthy", ())) - set(failed))
    parts = [f"{proven} of {total} devices of the {current['stage']} stage are healthy with {current['model_version']}"]
    if failed:
        parts.append(f"failed: {', '.join(sorted(failed)[:5])}")
    if silent:
        parts.append(f"{len(silent)} have not taken it yet: {', '.join(silent[:5])}")
    return "; ".join(parts)


def judge_silence(status: str, reason: str, timeout: int) -> str:
    """Why a device that reported nothing counts as failed; empty when it has not taken the deployment yet.

    `status` and `reason` are what Greengrass says of the deployment on this device. One that is offline stays QUEUED:
    it keeps its model, and takes whatever the group runs when it comes back.
    """
    if status in ("QUEUED", "CANCELED", ""):
        return ""
    if status in ("FAILED", "REJECTED", "TIMED_OUT"):
        return f"deployment {status.lower()}: {reason or 'no reason given'}"[:MAX_REASON]
    return f"took the deployment ({status.lower()}) and sent no health report for {timeout} s"


def may_roll_back(current: Mapping[str, Any] | None, now: float) -> str:
    """What a person's wish to roll back means: ROLL_BACK now, or RESUME (the running roll-out is told to do it).

    Raises NothingToRollBackError.
    """
    if current is None:
        raise NothingToRollBackError("no model was ever rolled out to these devices")
    if current["status"] in (*COUNTING, PROMOTED) and is_held(current, now):
        return RESUME
    if current["status"] == ROLLED_BACK:
        raise NothingToRollBackError(
            f"{current['model_version']} was rolled back already; approve the model that the devices shall run"
        )
    if current["status"] == ROLLING_BACK and is_held(current, now):
        raise NothingToRollBackError(f"{current['model_version']} is being rolled back already")
    return ROLL_BACK
