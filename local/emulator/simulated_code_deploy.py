"""CodeDeploy from a template: the emulator has neither the service nor its types.

Applications and deployment groups are checked as CodeDeploy checks them, and are there. What a deployment does is not
played: an alias moves to its new version at once, as with `AllAtOnce`, and no alarm takes it back.
"""

from typing import Any

from local.emulator.aws_shapes import Structure, check_request

# Of a resource, what the template calls like a field of the request, with a small letter there.
GROUP_FIELDS = (
    "ApplicationName", "DeploymentGroupName", "DeploymentConfigName", "ServiceRoleArn", "DeploymentStyle",
    "AutoRollbackConfiguration", "AlarmConfiguration",
)  # fmt: skip


def small(value: Any) -> Any:
    """Return a property as the request has it: field names begin with a small letter, true and false are no texts."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: small(one) for key, one in value.items()}
    if isinstance(value, list):
        return [small(one) for one in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def group_request(properties: Structure, stack: str, logical_id: str) -> Structure:
    """Return the request of CreateDeploymentGroup."""
    given = {"DeploymentGroupName": f"{stack}-{logical_id}"} | properties
    request: Structure = small({field: given[field] for field in GROUP_FIELDS if field in given})
    return request


def _create_application(logical_id: str, properties: Structure, stack: str) -> tuple[str, dict[str, str]]:
    request = small({"ApplicationName": f"{stack}-{logical_id}"} | properties)
    request.pop("tags", None)
    check_request("codedeploy", "CreateApplication", request)
    return str(request["applicationName"]), {}


def _create_group(logical_id: str, properties: Structure, stack: str) -> tuple[str, dict[str, str]]:
    from ministack.services import cloudwatch

    request = group_request(properties, stack, logical_id)
    check_request("codedeploy", "CreateDeploymentGroup", request)
    for alarm in request.get("alarmConfiguration", {}).get("alarms", []):
        if alarm["name"] not in cloudwatch._alarms:
            raise ValueError(f"AlarmConfiguration: there is no alarm {alarm['name']!r}")
    return str(request["deploymentGroupName"]), {}


def _update(kind: Any) -> Any:
    def update(physical_id: str, _old: Structure, new: Structure, stack: str, *_: Any) -> tuple[str, dict[str, str]]:
        made: tuple[str, dict[str, str]] = kind(physical_id.removeprefix(f"{stack}-"), new, stack)
        return made

    return update


def _delete(*_: Any) -> None:
    """Nothing is kept of them."""


def register() -> None:
    """Let the emulator of this process take CodeDeploy's types."""
    from ministack.services.cloudformation import provisioners

    for kind, create in (("Application", _create_application), ("DeploymentGroup", _create_group)):
        handlers = {"create": create, "update": _update(create), "delete": _delete}
        provisioners._RESOURCE_HANDLERS[f"AWS::CodeDeploy::{kind}"] = handlers
