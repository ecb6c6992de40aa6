"""A component on a device, and how a deployment of components fails."""

from dataclasses import dataclass, field
from typing import Self, TypedDict

from local.device.interfaces import Process
from local.device.recipe import Manifest, Recipe
from sightline.errors import SightlineError


class DeploymentFailedError(SightlineError):
    """A component could not be resolved, downloaded, installed or started."""


class KeptComponent(TypedDict):
    """What of a component outlasts a restart of the device."""

    name: str
    version: str
    recipe: Recipe
    settings: dict[str, object]
    root: bool


@dataclass
class Component:
    """One component that runs here: its recipe, its configuration, its process if it has one."""

    name: str
    version: str
    recipe: Recipe
    settings: dict[str, object]
    root: bool = True  # named by the deployment itself, not only needed by another component
    process: Process | None = field(default=None)
    ended: int = 0  # how often it ended by itself
    broken: str = ""

    @property
    def state(self) -> str:
        """Return the lifecycle state in which Greengrass would see it."""
        if self.broken:
            return "BROKEN"
        return "RUNNING" if self.process else "FINISHED"

    @property
    def manifest(self) -> Manifest:
        """Return the manifest for this platform. Raise DeploymentFailedError."""
        manifests = self.recipe.get("Manifests") or [Manifest()]
        here = [m for m in manifests if m.get("Platform", {}).get("os", "linux") in ("linux", "all", "*")]
        if not here:
            raise DeploymentFailedError(f"{self.name} {self.version} has no manifest for linux")
        return here[0]

    def kept(self) -> KeptComponent:
        """Return what outlasts a restart."""
        return {
            "name": self.name,
            "version": self.version,
            "recipe": self.recipe,
            "settings": dict(self.settings),
            "root": self.root,
        }

    def not_started(self) -> Self:
        """Return the same component as it is before its first start."""
        return type(self)(**self.kept())
