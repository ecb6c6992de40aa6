"""What a nucleus needs of others: the cloud, and something that runs scripts."""

from pathlib import Path
from typing import Protocol

from local.device.recipe import Recipe
from local.emulator.greengrass.messages import DeploymentJob, DeviceReport


class Process(Protocol):
    """A component's running script."""

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""

    def stop(self) -> None:
        """End it and everything it started."""


class Runner(Protocol):
    """What executes lifecycle scripts."""

    def run(self, script: str, work: Path, environment: dict[str, str], log: Path, timeout: float) -> int:
        """Run to the end and return the exit code. Raise TimeoutError."""

    def start(self, script: str, work: Path, environment: dict[str, str], log: Path) -> Process:
        """Run in the background."""

    def settle(self, processes: dict[str, Process]) -> None:
        """Give fresh processes the time in which a real nucleus waits for them to be up."""


class Cloud(Protocol):
    """What a nucleus asks of Greengrass and S3. Every call may fail when the device is offline."""

    def exchange(self, thing: str, report: DeviceReport) -> DeploymentJob | None:
        """Tell what runs here, and return the deployment to carry out, if there is one."""

    def versions(self, name: str) -> list[str]:
        """Return the published versions of a component."""

    def recipe(self, name: str, version: str) -> Recipe:
        """Return the recipe of a component version. Raise LookupError."""

    def artifact(self, uri: str) -> bytes:
        """Return the bytes of an artifact. Raise LookupError."""
