"""Greengrass and IoT in memory, behind real clients: botocore checks every request before it comes here."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

GROUP_ARN = "arn:aws:iot:us-east-1:123456789012:thinggroup/line"
CANARY_ARN = "arn:aws:iot:us-east-1:123456789012:thinggroup/canary"
SEEN = datetime(2026, 11, 20, 10, tzinfo=UTC)  # when devices were seen last, and changed last
LARGEST_PART = 999_999  # of a component version's numbers
COMPONENTS_ARN = "arn:aws:greengrass:us-east-1:123456789012:components"


class RefusedError(Exception):
    """An error answer of the service; its text is the error code."""


class FakeGreengrass:
    """What the account holds. `deployments` is in order of creation; `state` is that of every new component version."""

    def __init__(self) -> None:
        self.recipes: dict[str, dict[str, Any]] = {}
        self.inspectors = ["1.9.0", "1.10.0"]
        self.deployments: list[dict[str, Any]] = []
        self.things = ["line-1", "line-2"]
        self.canaries: list[str] = []
        self.effective: dict[str, list[dict[str, Any]]] = {}  # by thing
        self.cores: dict[str, str] = {}  # thing: what the nucleus says of it
        self.installed: dict[str, str] = {}  # thing: the version of the model component
        self.state = "DEPLOYABLE"
        self.on_deployment: Any = None
        self.on_create: Any = None  # called with a recipe before its version is created
        self._params: dict[str, Any] = {}

    def serve(self, client: Any) -> Any:
        """Answer every call of `client` from here."""
        client.meta.events.register("before-parameter-build", self._remember)
        client.meta.events.register("before-call", self._call)
        return client

    def _remember(self, params: dict[str, Any], **_: Any) -> None:
        self._params = params

    def _call(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        try:
            return SimpleNamespace(status_code=200), getattr(self, model.name)(**self._params)
        except RefusedError as error:
            code = str(error)
            return SimpleNamespace(status_code=400), {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {}}

    def CreateComponentVersion(self, inlineRecipe: bytes, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        recipe = json.loads(inlineRecipe)
        arn = f"{COMPONENTS_ARN}:{recipe['ComponentName']}:versions:{recipe['ComponentVersion']}"
        if max(int(part) for part in recipe["ComponentVersion"].split(".")) > LARGEST_PART:
            raise RefusedError("ValidationException")
        if self.on_create:
            self.on_create(recipe)
        if arn in self.recipes:
            raise RefusedError("ConflictException")
        self.recipes[arn] = recipe
        return {"arn": arn}

    def GetComponent(self, arn: str, **_: Any) -> dict[str, Any]:  # noqa: N802
        return {"recipe": json.dumps(self.recipes[arn]).encode()}

    def DescribeComponent(self, arn: str) -> dict[str, Any]:  # noqa: N802
        described = self.recipes.get(arn, {}).get("ComponentDescription", "")
        status = {"componentState": self.state, "message": "as the test says"}
        return {"arn": arn, "description": described, "status": status}

    def ListComponentVersions(self, arn: str, **_: Any) -> dict[str, Any]:  # noqa: N802
        created = [one.rsplit(":", 1)[1] for one in self.recipes if one.startswith(f"{arn}:versions:")]
        if not self.inspectors + created:
            raise RefusedError("ResourceNotFoundException")
        return {"componentVersions": [{"componentVersion": version} for version in self.inspectors + created]}

    def ListDeployments(self, targetArn: str, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        known = [entry for entry in self.deployments if entry["targetArn"] == targetArn]
        return {"deployments": [{"deploymentId": entry["deploymentId"]} for entry in known[-1:]]}

    def GetDeployment(self, deploymentId: str) -> dict[str, Any]:  # noqa: N802, N803
        return next(entry for entry in self.deployments if entry["deploymentId"] == deploymentId)

    def CreateDeployment(self, **request: Any) -> dict[str, Any]:  # noqa: N802
        for known in self.deployments:
            if known["clientToken"] == request["clientToken"]:
                return {"deploymentId": known["deploymentId"]}
        deployment = {"deploymentId": f"deployment-{len(self.deployments) + 1}", **request}
        self.deployments.append(deployment)
        if self.on_deployment:
            self.on_deployment(deployment)
        return {"deploymentId": deployment["deploymentId"]}

    def ListThingsInThingGroup(self, thingGroupName: str, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        return {"things": {"line": self.things, "canary": self.canaries}[thingGroupName]}

    def ListEffectiveDeployments(self, coreDeviceThingName: str, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        if coreDeviceThingName not in self.effective:
            raise RefusedError("ResourceNotFoundException")
        told = {"deploymentName": "a deployment", "modifiedTimestamp": SEEN}
        return {"effectiveDeployments": [told | entry for entry in self.effective[coreDeviceThingName]]}

    def ListCoreDevices(self, thingGroupArn: str, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        members = self.things if thingGroupArn == GROUP_ARN else self.canaries
        return {
            "coreDevices": [
                {"coreDeviceThingName": thing, "status": status, "lastStatusUpdateTimestamp": SEEN}
                for thing, status in self.cores.items()
                if thing in members
            ]
        }

    def ListInstalledComponents(self, coreDeviceThingName: str, **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        version = self.installed.get(coreDeviceThingName)
        found = [{"componentName": "com.sightline.plant.Model", "componentVersion": version}] if version else []
        return {"installedComponents": found}

    def rolled_out(self) -> list[dict[str, str]]:
        """The component versions of each deployment, oldest first."""
        return [
            {name: component["componentVersion"] for name, component in entry["components"].items()}
            for entry in self.deployments
        ]
