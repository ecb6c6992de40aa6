"""The devices of a stack: which there are, what they run, when they were seen, and whether they are healthy.

Whoever asks about devices asks here: the page, the command line and the tests get the same answer.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from botocore.exceptions import ClientError

from sightline.aws.clients import Aws
from sightline.models.standing import Standing
from sightline.models.states import ModelState, States
from sightline.names import OwnComponents, package_version
from sightline.rollout.reports import ModelReport, Reports
from sightline.rollout.stages import Groups, Stage

ASKED_AT_ONCE = 8  # devices; what runs on them is a request for each


class NucleusStatus(StrEnum):
    """What Greengrass says of a device: whether the components on it run."""

    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"
    NEVER_SEEN = "NEVER SEEN"  # in a group of the stack, and never connected


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the stack. `components` is component name → version; `last_seen` is None for one never seen.

    `said` is what its inspector said last of the model version that it runs, None when that is nothing.
    """

    thing: str
    stage: Stage
    status: NucleusStatus
    last_seen: datetime | None
    components: Mapping[str, str]
    model: str  # the version of the model component; empty for none
    said: ModelReport | None
    model_state: ModelState | None = None  # what that model is; None for no model, and where nobody knows
    is_silent: bool = False  # longer than a device may be

    @property
    def healthy(self) -> bool | None:
        """Whether its components run, its inspector has proven the model, and it is one that it may run.

        None until it has said anything of its model, and for a device that is silent. The nucleus alone is not enough:
        it is content with an inspector that waits for a model it can use.
        """
        if self.wrong:
            return False
        if self.said is None or (self.is_silent and self.said.healthy):
            return None
        return self.said.healthy and self.status == NucleusStatus.HEALTHY

    @property
    def wrong(self) -> str:
        """Why the device runs a model that it must not run; empty for none and for one in service or on its way."""
        if not self.model or self.model_state in (ModelState.IN_SERVICE, ModelState.ROLLING_OUT):
            return ""
        state = self.model_state or "not in service"
        return f"{self.thing} runs model {package_version(self.model)}, which is {state}"

    @property
    def problem(self) -> str:
        """What is wrong with the device, in a sentence; empty for nothing."""
        since = f"silent since {self.last_seen:%Y-%m-%d %H:%M} UTC" if self.is_silent and self.last_seen else ""
        if self.wrong:
            return f"{self.wrong}; it is {since}" if since else self.wrong
        if since:
            return f"{self.thing} is {since}"
        reason = self.said.reason if self.said and not self.said.healthy else f"its components are {self.status}"
        return f"{self.thing} is not healthy: {reason}" if self.healthy is False else ""


@dataclass(frozen=True, slots=True)
class DeviceDeployment:
    """A Greengrass deployment on one device. `status` is Greengrass's word, `reason` empty when it gives none."""

    id: str
    name: str
    status: str
    reason: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class _CoreDevice:
    status: NucleusStatus
    last_seen: datetime | None


_UNKNOWN = _CoreDevice(NucleusStatus.NEVER_SEEN, None)


class Fleet:
    """The devices in the thing groups of one stack.

    `table` is the one of the roll-outs. `silent_after` is how many seconds a device may say nothing.
    """

    def __init__(self, aws: Aws, own: OwnComponents, groups: Groups, table: str, *, silent_after: float) -> None:
        self.aws = aws
        self.own = own
        self.groups = groups
        self.reports = Reports(aws, table)
        self.standing = Standing(aws, table, groups.fleet)
        self.silent_after = timedelta(seconds=silent_after)

    def devices(self) -> list[Device]:
        """Return every device of the groups, by name."""
        found = self.members()
        seen, states = self._core_devices(), self.standing.states()

        def device(thing: str) -> Device:
            return self._device(thing, found[thing], seen.get(thing, _UNKNOWN), states)

        with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
            return list(pool.map(device, sorted(found)))

    def members(self) -> dict[str, Stage]:
        """Return each thing of the groups with its stage."""
        by_stage = self.groups.by_stage().items()
        return {thing: stage for stage, arn in by_stage for thing in things_in(self.aws, arn)}

    def deployments_on(self, thing: str) -> Iterator[DeviceDeployment]:
        """Return what was deployed to a thing, the newest first; nothing when it never was a core device."""
        return deployments_on(self.aws, thing)

    def _core_devices(self) -> dict[str, _CoreDevice]:
        found = {}
        for arn in self.groups.by_stage().values():
            for page in self.aws.greengrass.get_paginator("list_core_devices").paginate(thingGroupArn=arn):
                for entry in page["coreDevices"]:
                    seen = _CoreDevice(NucleusStatus(entry["status"]), entry["lastStatusUpdateTimestamp"])
                    found[entry["coreDeviceThingName"]] = seen
        return found

    def _device(self, thing: str, stage: Stage, core: _CoreDevice, states: States) -> Device:
        components = self._installed(thing) if core is not _UNKNOWN else {}
        model, said = components.get(self.own.model, ""), self.reports.said(thing)
        # Greengrass hears of a device when something changes on it, and else once a day; its inspector speaks oftener.
        last_seen = max(filter(None, (core.last_seen, said.heard_at)), default=None)
        return Device(
            thing=thing,
            stage=stage,
            status=core.status,
            last_seen=last_seen,
            components=components,
            model=model,
            said=said.models.get(model),
            model_state=states.get(model),
            is_silent=last_seen is not None and datetime.now(UTC) - last_seen > self.silent_after,
        )

    def _installed(self, thing: str) -> dict[str, str]:
        pages = self.aws.greengrass.get_paginator("list_installed_components").paginate(coreDeviceThingName=thing)
        found = (entry for page in pages for entry in page["installedComponents"])
        return {entry["componentName"]: entry["componentVersion"] for entry in found}


def things_in(aws: Aws, group_arn: str) -> list[str]:
    """Return the names of the things in a group, sorted."""
    pages = aws.iot.get_paginator("list_things_in_thing_group").paginate(thingGroupName=group_arn.rpartition("/")[2])
    return sorted(thing for page in pages for thing in page["things"])


def deployments_on(aws: Aws, thing: str) -> Iterator[DeviceDeployment]:
    """Return what was deployed to a thing, the newest first; nothing when it never was a core device."""
    pages = aws.greengrass.get_paginator("list_effective_deployments").paginate(coreDeviceThingName=thing)
    try:
        for page in pages:
            for entry in page["effectiveDeployments"]:
                yield DeviceDeployment(
                    id=entry["deploymentId"],
                    name=entry.get("deploymentName", ""),
                    status=entry["coreDeviceExecutionStatus"],
                    reason=entry.get("reason", ""),
                    modified_at=entry["modifiedTimestamp"],
                )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
