"""The component versions that are published in an account. A version never changes its content."""

import hashlib
import json
import re

from botocore.exceptions import ClientError

from sightline.aws.clients import Aws
from sightline.errors import SightlineError
from sightline.rollout.recipes import Recipe
from sightline.rollout.versions import FIRST, latest_version, next_version

ATTEMPTS = 20  # publishers at the same time
CONTENT = "Content: sha256:"  # in the description, which belongs to the version and reaches no device's configuration


class ComponentNotReadyError(SightlineError):
    """Greengrass still checks the component version: try again in a moment."""


class ComponentFailedError(SightlineError):
    """Greengrass refused the component version."""


class ComponentConflictError(SightlineError):
    """The component version is there already, with other content."""


class PublishedComponents:
    """The own components in the account and region of an ARN of the stack's, such as its thing group's."""

    def __init__(self, aws: Aws, arn: str) -> None:
        self.aws = aws
        _, partition, _, region, account, _ = arn.split(":", 5)
        self.prefix = f"arn:{partition}:greengrass:{region}:{account}:components"

    def publish(self, recipe: Recipe) -> str:
        """Create the component version of `recipe`. Return its ARN. The same recipe again is fine.

        Raise ComponentConflictError when the version is there with another recipe.
        """
        name, version = recipe["ComponentName"], recipe["ComponentVersion"]
        arn = f"{self.prefix}:{name}:versions:{version}"
        if not self.create(recipe) and self._default_configuration(arn) != _comparable(recipe):
            raise ComponentConflictError(
                f"{name} {version} is there with other content; register the model again, which gives it a new version"
            )
        return arn

    def publish_next(self, recipe: Recipe) -> str:
        """Create the next version of a component with the content of `recipe`. Return the version.

        When the newest version has this content already, return that one. Others may publish at the same time: a
        version that somebody else has just created counts as published. Raise ComponentConflictError when they always
        come first.
        """
        name, digest = recipe["ComponentName"], _content(recipe)
        taken = self.versions(name)
        for _ in range(ATTEMPTS):
            newest = latest_version(taken) if taken else ""
            if newest and self._has(f"{self.prefix}:{name}:versions:{newest}", digest):
                return newest
            version = next_version(newest) if newest else FIRST
            described = f"{recipe['ComponentDescription']} {CONTENT}{digest}"
            if self.create({**recipe, "ComponentVersion": version, "ComponentDescription": described}):
                return version
            taken.append(version)
        raise ComponentConflictError(f"{name}: others published {ATTEMPTS} versions meanwhile; publish again")

    def create(self, recipe: Recipe) -> bool:
        """Create the component version of `recipe`. Return False when the version is there already."""
        body = json.dumps(recipe, sort_keys=True).encode()
        try:
            self.aws.greengrass.create_component_version(inlineRecipe=body)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise
            return False
        return True

    def check_deployable(self, arn: str) -> None:
        """Return when the component version can be deployed. Raise ComponentNotReadyError or ComponentFailedError."""
        status = self.aws.greengrass.describe_component(arn=arn)["status"]
        if status["componentState"] == "FAILED":
            raise ComponentFailedError(
                f"{arn}: {status.get('message', 'no reason given')} {status.get('errors', '')}".strip()
            )
        if status["componentState"] != "DEPLOYABLE":
            raise ComponentNotReadyError(f"{arn} is {status['componentState']}")

    def versions(self, name: str) -> list[str]:
        """Return the published versions of an own component; none when there is no such component."""
        pages = self.aws.greengrass.get_paginator("list_component_versions").paginate(arn=f"{self.prefix}:{name}")
        try:
            return [entry["componentVersion"] for page in pages for entry in page["componentVersions"]]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return []
            raise

    def _has(self, arn: str, digest: str) -> bool:
        """Return whether a version has this content, and Greengrass took it."""
        found = self.aws.greengrass.describe_component(arn=arn)
        match = re.search(rf"{CONTENT}([0-9a-f]+)$", found.get("description", ""))
        return match is not None and match[1] == digest and found["status"]["componentState"] != "FAILED"

    def _default_configuration(self, arn: str) -> object:
        return _comparable(json.loads(self.aws.greengrass.get_component(arn=arn, recipeOutputFormat="JSON")["recipe"]))


def _content(recipe: Recipe) -> str:
    """Return the SHA-256 of everything in a recipe but its version. The URI of an artifact must name its content."""
    text = json.dumps({**recipe, "ComponentVersion": ""}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _comparable(recipe: Recipe) -> object:
    """Return what tells two recipes of one version apart: Greengrass rewrites a recipe, but keeps its defaults."""
    return recipe.get("ComponentConfiguration", {}).get("DefaultConfiguration")
