"""Greengrass: component versions and deployments to a thing group."""

import json
from typing import Any

from botocore.exceptions import ClientError

from sightline.aws.clients import Aws
from sightline.errors import SightlineError
from sightline.rollout.deployment import Components
from sightline.rollout.fleet import deployments_on, things_in
from sightline.rollout.stages import Groups, Stage


class ComponentNotReadyError(SightlineError):
    """Greengrass still checks the component version: try again in a moment."""


class ComponentFailedError(SightlineError):
    """Greengrass refused the component version."""


class ComponentConflictError(SightlineError):
    """The component version is there already, with other content."""


class ThingGroup:
    """A thing group and the components that are published for it, in the account and region of its ARN."""

    def __init__(self, aws: Aws, group_arn: str) -> None:
        self.aws = aws
        self.arn = group_arn

    def component_arn(self, name: str) -> str:
        _, partition, _, region, account, _ = self.arn.split(":", 5)
        return f"arn:{partition}:greengrass:{region}:{account}:components:{name}"

    def create_component_version(self, recipe: dict[str, Any]) -> str:
        """Create the component version of `recipe`; answers its ARN. The same recipe again is fine.

        Raises ComponentConflictError when the version is there with another recipe: a version never changes.
        """
        try:
            return str(
                self.aws.greengrass.create_component_version(inlineRecipe=json.dumps(recipe, sort_keys=True).encode())[
                    "arn"
                ]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise
        name, version = recipe["ComponentName"], recipe["ComponentVersion"]
        arn = f"{self.component_arn(name)}:versions:{version}"
        known = json.loads(self.aws.greengrass.get_component(arn=arn, recipeOutputFormat="JSON")["recipe"])
        if fingerprint(known) != fingerprint(recipe):
            raise ComponentConflictError(
                f"{name} {version} is there with other content; register the model again, which gives it a new version"
            )
        return arn

    def check_deployable(self, arn: str) -> None:
        """Return when the component version can be deployed. Raises ComponentNotReadyError or ComponentFailedError."""
        status = self.aws.greengrass.describe_component(arn=arn)["status"]
        if status["componentState"] == "FAILED":
            raise ComponentFailedError(
                f"{arn}: {status.get('message', 'no reason given')} {status.get('errors', '')}".strip()
            )
        if status["componentState"] != "DEPLOYABLE":
            raise ComponentNotReadyError(f"{arn} is {status['componentState']}")

    def component_versions(self, name: str) -> list[str]:
        """The published versions of an own component; empty when there is no such component."""
        pages = self.aws.greengrass.get_paginator("list_component_versions").paginate(arn=self.component_arn(name))
        try:
            return [entry["componentVersion"] for page in pages for entry in page["componentVersions"]]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return []
            raise

    def current_components(self) -> Components:
        """The components of the newest deployment to the group; empty when there was none."""
        found = self.aws.greengrass.list_deployments(targetArn=self.arn, historyFilter="LATEST_ONLY")["deployments"]
        if not found:
            return {}
        components: Components = self.aws.greengrass.get_deployment(deploymentId=found[0]["deploymentId"]).get(
            "components", {}
        )
        return components

    def deploy(self, name: str, components: Components, token: str, job: dict[str, Any] | None = None) -> str:
        """Deploy exactly these components to the group; answers the deployment id. The same token again creates
        nothing.

        Devices that can't start them go back by themselves to what they ran. `job`: how fast, and when to stop.
        """
        answer = self.aws.greengrass.create_deployment(
            targetArn=self.arn,
            deploymentName=name,
            components=components,
            deploymentPolicies={"failureHandlingPolicy": "ROLLBACK"},
            clientToken=token,
            **({"iotJobConfiguration": job} if job else {}),
        )
        return str(answer["deploymentId"])

    def status_on(self, thing: str, deployment_id: str) -> tuple[str, str]:
        """Return status and reason of a deployment on one thing; two empty texts when it has not heard of it."""
        found = (entry for entry in deployments_on(self.aws, thing) if entry.id == deployment_id)
        return next(((entry.status, entry.reason) for entry in found), ("", ""))

    def things(self) -> list[str]:
        """Return the names of the things in the group, sorted."""
        return things_in(self.aws, self.arn)


def thing_groups(aws: Aws, groups: Groups) -> dict[Stage, ThingGroup]:
    """Return the thing groups of a roll-out by stage, in order."""
    return {stage: ThingGroup(aws, arn) for stage, arn in groups.by_stage().items()}


def fingerprint(recipe: dict[str, Any]) -> Any:
    """What tells two recipes of one version apart: Greengrass rewrites a recipe, but keeps its default
    configuration.
    """
    return recipe.get("ComponentConfiguration", {}).get("DefaultConfiguration")
