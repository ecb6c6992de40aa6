"""Devices come and go: thing, certificate, group and folder are made, and taken away again.

Every step may have been done before: a command that was stopped is said again, and continues.
"""

import contextlib
import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from client.device_folder import Connection, DeviceFolder, amazon_root_certificate
from client.target import Target
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from mypy_boto3_iot import IoTClient

THING = re.compile(r"[a-zA-Z0-9_-]{1,128}")  # AWS IoT also takes a colon, which would end a folder in a search path
STACK = "sightline-stack"  # the attribute of a thing that names the stack which it belongs to
DETACHED_SECONDS = 60  # AWS IoT detaches in the background: until then it refuses to delete


class ProvisioningError(SightlineError):
    """A device can't be provisioned or removed."""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """A device that can be installed. `news` says whether anything had to be done."""

    thing: str
    group: str
    certificate_id: str
    folder: Path
    news: bool


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing a device hits. `shared` are certificates that other things use too, which stay."""

    thing: str
    exists: bool
    groups: tuple[str, ...]
    certificates: tuple[str, ...]  # ARNs
    shared: tuple[str, ...]
    core_device: str  # status of the nucleus; empty when none ever connected
    folder: DeviceFolder | None

    @property
    def is_empty(self) -> bool:
        return not (self.exists or self.certificates or self.core_device or self.folder)


def provision(target: Target, thing: str, path: Path, *, canary: bool) -> Provisioned:
    """Make thing, certificate and folder of a device, and whatever of them is missing. Raise SightlineError."""
    check_name(thing)
    group, other = _groups(target, canary=canary)
    stack, iot = target.outputs["StackName"], target.aws.iot
    folder = DeviceFolder.open(path, thing, stack)
    fresh = _make_thing(iot, thing, stack)
    arn, made = _certificate(iot, folder)
    _refuse_others(iot, thing, arn)
    _complete(target, folder)
    moved = _join(iot, thing, group, other)
    allowed = _allow(iot, target.outputs["DevicePolicyName"], arn)
    # For this one thing: AWS IoT then knows its name also where the nucleus connects as `<thing>#2`.
    iot.attach_thing_principal(thingName=thing, principal=arn, thingPrincipalType="EXCLUSIVE_THING")
    active = _activate(iot, folder.kept.certificate_id)
    return Provisioned(thing, group, folder.kept.certificate_id, path, news=fresh or made or moved or allowed or active)


def plan_removal(target: Target, thing: str, path: Path) -> Removal:
    """Return what there is of a device. Raise ProvisioningError when it is another stack's."""
    check_name(thing)
    iot, kept = target.aws.iot, DeviceFolder.read(path)
    own = kept is not None and (kept.thing, kept.stack) == (thing, target.outputs["StackName"])
    folder = DeviceFolder(path, kept) if own and kept else None
    groups, arns = _known(iot, target, thing)
    if folder and folder.kept.certificate_id:  # of a removal that was stopped after the thing had gone
        arns = list(dict.fromkeys([*arns, *_existing(iot, folder.kept.certificate_id)]))
    shared = [arn for arn in arns if set(iot.list_principal_things(principal=arn)["things"]) - {thing}]
    return Removal(
        thing,
        exists=groups is not None,
        groups=tuple(groups or ()),
        certificates=tuple(arn for arn in arns if arn not in shared),
        shared=tuple(shared),
        core_device=_core_device(target, thing),
        folder=folder,
    )


def told(plan: Removal) -> list[str]:
    """Return what a removal hits, one line for each thing."""
    lines = [f"thing {plan.thing}, in {', '.join(plan.groups) or 'no group'}"] if plan.exists else []
    lines += [f"certificate {_id(arn)}" for arn in plan.certificates]
    lines += [f"certificate {_id(arn)} is only detached, other things use it" for arn in plan.shared]
    lines += [f"core device {plan.thing}, {plan.core_device}"] if plan.core_device else []
    return [*lines, *([f"folder {plan.folder.path}, with the private key"] if plan.folder else [])]


def remove(target: Target, plan: Removal) -> None:
    """Take a device away: first what lets it speak, then the rest."""
    iot = target.aws.iot
    for arn in plan.certificates:
        iot.update_certificate(certificateId=_id(arn), newStatus="INACTIVE")
    for arn in plan.certificates:
        for policy in iot.list_attached_policies(target=arn)["policies"]:
            iot.detach_policy(policyName=policy["policyName"], target=arn)
    for arn in (*plan.certificates, *plan.shared):
        if plan.exists:
            iot.detach_thing_principal(thingName=plan.thing, principal=arn)
    for arn in plan.certificates:
        _when_detached(partial(iot.delete_certificate, certificateId=_id(arn)))
    if plan.core_device:
        with contextlib.suppress(target.aws.greengrass.exceptions.ResourceNotFoundException):
            target.aws.greengrass.delete_core_device(coreDeviceThingName=plan.thing)
    for group in plan.groups:
        iot.remove_thing_from_thing_group(thingGroupName=group, thingName=plan.thing)
    if plan.exists:
        _when_detached(partial(iot.delete_thing, thingName=plan.thing))
    if plan.folder:
        plan.folder.remove()


def check_name(thing: str) -> None:
    """Raise ProvisioningError for a name that a thing, a topic and a folder can't all have."""
    if not THING.fullmatch(thing):
        raise ProvisioningError(f"{thing!r} is no device's name: use 1 to 128 letters, digits, _ and -")


def _groups(target: Target, *, canary: bool) -> tuple[str, str]:
    """Return the group for the device, and the one that it must not be in; empty where there is none."""
    fleet, canaries = target.outputs["ThingGroupName"], target.outputs.get("CanaryThingGroupName", "")
    if not canary:
        return fleet, canaries
    if not canaries:
        raise ProvisioningError("the stack has no canary group; deploy it with one, or leave --canary out")
    return canaries, fleet


def _make_thing(iot: "IoTClient", thing: str, stack: str) -> bool:
    """Return whether the thing had to be made. Raise ProvisioningError when it is not this stack's."""
    try:
        known = iot.describe_thing(thingName=thing)
    except iot.exceptions.ResourceNotFoundException:
        iot.create_thing(thingName=thing, attributePayload={"attributes": {STACK: stack}})
        return True
    owner = known.get("attributes", {}).get(STACK, "")
    if owner != stack:
        whose = f"belongs to stack {owner}" if owner else "was not made by `sightline device provision`"
        raise ProvisioningError(f"there is a thing {thing} already, and it {whose}; choose another name")
    return False


def _certificate(iot: "IoTClient", folder: DeviceFolder) -> tuple[str, bool]:
    """Return the ARN of the folder's certificate, and whether it had to be made."""
    known = folder.kept.certificate_id
    if known:
        found = _existing(iot, known)
        if found and not folder.is_whole:
            raise ProvisioningError(
                f"{folder.path} has lost its key or certificate; `sightline device remove {folder.kept.thing}`, "
                "then provision it again"
            )
        if found:
            return found[0], False
        folder.forget_certificate()
    made = iot.create_certificate_from_csr(certificateSigningRequest=folder.signing_request(), setAsActive=False)
    try:
        folder.keep_certificate(made["certificateId"], made["certificatePem"])
    except OSError:
        iot.delete_certificate(certificateId=made["certificateId"])
        raise
    return made["certificateArn"], True


def _existing(iot: "IoTClient", certificate_id: str) -> list[str]:
    """Return the ARN of a certificate, nothing when it is gone."""
    try:
        return [iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]["certificateArn"]]
    except iot.exceptions.ResourceNotFoundException:
        return []


def _refuse_others(iot: "IoTClient", thing: str, arn: str) -> None:
    others = [_id(one)[:12] for one in iot.list_thing_principals(thingName=thing)["principals"] if one != arn]
    if others:
        raise ProvisioningError(
            f"{thing} has another certificate, {others[0]}…, whose folder is elsewhere; use that folder with --folder, "
            f"or `sightline device remove {thing}` and provision it again"
        )


def _complete(target: Target, folder: DeviceFolder) -> None:
    iot = target.aws.iot
    connection = Connection(
        region=target.session.region_name,
        data_endpoint=iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"],
        credentials_endpoint=iot.describe_endpoint(endpointType="iot:CredentialProvider")["endpointAddress"],
        role_alias=target.outputs["DeviceRoleAliasName"],
    )
    folder.complete(connection, _root_certificate(target))


def _root_certificate(target: Target) -> str:
    """Return the certificate by which a device knows AWS IoT; the emulator has one of its own."""
    if target.endpoint is None:
        return amazon_root_certificate()
    with urllib.request.urlopen(f"{target.endpoint}/_ministack/iot/ca.pem", timeout=30) as answer:  # noqa: S310
        return bytes(answer.read()).decode()


def _join(iot: "IoTClient", thing: str, group: str, other: str) -> bool:
    """Put the thing into `group` and out of `other`. Return whether it was not so already."""
    member = {entry["groupName"] for entry in iot.list_thing_groups_for_thing(thingName=thing)["thingGroups"]}
    if other in member:
        iot.remove_thing_from_thing_group(thingGroupName=other, thingName=thing)
    if group not in member:
        iot.add_thing_to_thing_group(thingGroupName=group, thingName=thing)
    return other in member or group not in member


def _allow(iot: "IoTClient", policy: str, arn: str) -> bool:
    """Give the certificate the policy of devices. Return whether it did not have it: a stack made anew has another."""
    if policy in {entry["policyName"] for entry in iot.list_attached_policies(target=arn)["policies"]}:
        return False
    iot.attach_policy(policyName=policy, target=arn)
    return True


def _activate(iot: "IoTClient", certificate_id: str) -> bool:
    """Activate a certificate, last of all. Return whether it was not active."""
    if iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]["status"] == "ACTIVE":
        return False
    iot.update_certificate(certificateId=certificate_id, newStatus="ACTIVE")
    return True


def _known(iot: "IoTClient", target: Target, thing: str) -> tuple[list[str] | None, list[str]]:
    """Return a thing's groups, None when there is no such thing, and its certificates. Raise ProvisioningError."""
    try:
        known = iot.describe_thing(thingName=thing)
    except iot.exceptions.ResourceNotFoundException:
        return None, []
    groups = [entry["groupName"] for entry in iot.list_thing_groups_for_thing(thingName=thing)["thingGroups"]]
    own = {target.outputs["ThingGroupName"], target.outputs.get("CanaryThingGroupName", "")}
    if known.get("attributes", {}).get(STACK) != target.outputs["StackName"] and not own & set(groups):
        raise ProvisioningError(f"the thing {thing} is not this stack's; remove it where it was made")
    return groups, iot.list_thing_principals(thingName=thing)["principals"]


def _core_device(target: Target, thing: str) -> str:
    try:
        return str(target.aws.greengrass.get_core_device(coreDeviceThingName=thing)["status"])
    except target.aws.greengrass.exceptions.ResourceNotFoundException:
        return ""


def _when_detached(delete: Callable[[], object]) -> None:
    """Delete what was detached a moment ago, which takes AWS IoT some seconds."""
    deadline = time.monotonic() + DETACHED_SECONDS
    while True:
        try:
            delete()
        except ClientError as error:
            waits = error.response["Error"]["Code"] in ("DeleteConflictException", "InvalidRequestException")
            if not waits or time.monotonic() > deadline:
                raise
            time.sleep(1)
        else:
            return


def _id(arn: str) -> str:
    return arn.rpartition("/")[2]
