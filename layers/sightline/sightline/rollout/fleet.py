"""The devices of a stack: which there are, what they run, when they were seen, and whether they are healthy.

Whoever asks about devices asks here: the page, the command line and the tests get the same answer.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from botocore.exceptions import ClientError

from sightline.aws.clients import Aws
from sightline.names import OwnComponents
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

    @property
    def healthy(self) -> bool | None:
        """Whether its components run and its inspector has proven the model; None until it has said anything of it.

        The nucleus alone is not enough: it is content with an inspector that waits for a model it can use.
        """
        if self.said is None:
            return None
        return self.said.healthy and self.status == NucleusStatus.HEALTHY


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
    """The devices in the thing groups of one stack. `table` is the one of the roll-outs."""

    def __init__(self, aws: Aws, own: OwnComponents, groups: Groups, table: str) -> None:
        self.aws = aws
        self.own = own
        self.groups = groups
        self.reports = Reports(aws, table)

    def devices(self) -> list[Device]:
        """Return every device of the groups, by name."""
        found = self.members()
        seen = self._core_devices()

        def device(thing: str) -> Device:
            return self._device(thing, found[thing], seen.get(thing, _UNKNOWN))

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

    def _device(self, thing: str, stage: Stage, seen: _CoreDevice) -> Device:
        components = self._installed(thing) if seen is not _UNKNOWN else {}
        model = components.get(self.own.model, "")
        said = self.reports.of(thing).get(model) if model else None
        return Device(thing, stage, seen.status, seen.last_seen, components, model, said)

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
