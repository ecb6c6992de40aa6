"""What a simulated device and the emulator's Greengrass tell each other below `/greengrass/simulated/<thing>`.

On AWS a nucleus does this over MQTT, in messages that nobody documents; these are the local run's own.
"""

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from mypy_boto3_greengrassv2.type_defs import ComponentDeploymentSpecificationOutputTypeDef


class ComponentReport(TypedDict):
    """A component that runs on a device. `details` say what broke it, empty for nothing."""

    name: str
    version: str
    root: bool  # named by the deployment itself, not only needed by another component
    state: str  # a lifecycle state of Greengrass: RUNNING, FINISHED or BROKEN
    details: str


class DeploymentReport(TypedDict, total=False):
    """How the newest deployment goes on a device; empty before the first one."""

    id: str
    status: str  # IN_PROGRESS, SUCCEEDED or FAILED
    reason: str  # of a failure


class ComponentEvent(TypedDict):
    """What became of a component, as Greengrass puts it on the event bus."""

    componentName: str
    componentVersion: str
    lifecycleState: str
    lifecycleStateDetails: str


class DeviceReport(TypedDict):
    """What runs on a device, and what happened there since its last report."""

    status: str  # HEALTHY or UNHEALTHY
    components: list[ComponentReport]
    deployment: DeploymentReport
    events: list[ComponentEvent]


class DeploymentJob(TypedDict):
    """A deployment to carry out: its components by name."""

    deploymentId: str
    components: "NotRequired[dict[str, ComponentDeploymentSpecificationOutputTypeDef]]"


class ReportAnswer(TypedDict):
    """What a device gets for its report."""

    deployment: DeploymentJob | None


class RoleRequest(TypedDict):
    """A device asks for the role behind a role alias, and names its certificate."""

    roleAlias: str
    certificateId: str


class Role(TypedDict):
    """The role behind a role alias, and how long its keys hold."""

    roleArn: str
    credentialDurationSeconds: int
