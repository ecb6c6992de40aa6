"""The simulated nucleus of one thing: takes deployments, installs and runs components, reports, rolls back.

It keeps the promises of a real nucleus that Sightline relies on: dependencies resolved by version range, artifacts
checked against the digest that Greengrass took when the version was created and unpacked below `packages/`, a
component's configuration kept from one deployment to the next (`reset` first, then `merge`), lifecycle scripts with
variables filled in, a component left alone unless its version or a filled-in script changes, removal of what a
deployment no longer names, the former set back when a deployment fails, a component that ends started again and broken
after three times, and all of it there again after a restart, with or without the cloud.
"""

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from local.device import dependencies
from local.device.component import Component, DeploymentFailedError, KeptComponent
from local.device.component_files import ComponentFiles
from local.device.interfaces import Cloud, Runner
from local.device.lifecycle_scripts import LifecycleScripts
from local.device.recipe import Recipe
from local.emulator.greengrass.messages import ComponentEvent, DeploymentJob, DeploymentReport, DeviceReport

if TYPE_CHECKING:
    from mypy_boto3_greengrassv2.type_defs import (
        ComponentConfigurationUpdateOutputTypeDef,
        ComponentDeploymentSpecificationOutputTypeDef,
    )

ATTEMPTS = 3  # a component that ended this often is broken


class KeptState(TypedDict):
    """What outlasts a restart of the device."""

    deployment: DeploymentReport
    components: list[KeptComponent]


class Nucleus:
    """The simulated nucleus of `thing` below `root`.

    `overrides` are settings of this device, stronger than a deployment's. `on_phase` hears thing, deployment and phase
    of every step of a deployment.
    """

    def __init__(
        self,
        thing: str,
        root: Path,
        cloud: Cloud,
        runner: Runner,
        overrides: Mapping[str, object],
        on_phase: Callable[[str, str, str], None] = lambda *_: None,
    ) -> None:
        self.thing, self.root, self.overrides, self.on_phase = thing, root, overrides, on_phase
        self._cloud = cloud
        self._files = ComponentFiles(root)
        self._scripts = LifecycleScripts(thing, self._files, runner)
        self.running: dict[str, Component] = {}
        self.deployment: DeploymentReport = {}
        self._events: list[ComponentEvent] = []

    def start(self) -> None:
        """Run what ran before the device was switched off."""
        state = self.root / "state.json"
        if not state.is_file():
            return
        kept: KeptState = json.loads(state.read_text())
        self.deployment = kept["deployment"]
        if self.deployment.get("status") == "IN_PROGRESS":
            self.deployment = {}  # it is given out again
        for entry in kept["components"]:
            component = Component(**entry)
            self.running[component.name] = component
            self._files.write_settings(component)
            with contextlib.suppress(DeploymentFailedError):  # the next report tells
                self._scripts.start(component)

    def step(self) -> None:
        """Tell what runs, and take a new deployment if there is one."""
        job = self._exchange()
        if job and job["deploymentId"] != self.deployment.get("id"):
            self._take(job)

    def look_after(self) -> None:
        """Start a component again that ended; after ATTEMPTS times it is broken, and the cloud hears of each."""
        for component in self.running.values():
            code = component.process.poll() if component.process else None
            if code is None or component.broken:
                continue
            component.ended += 1
            details = f"ended with exit code {code}"
            if component.ended >= ATTEMPTS:
                component.broken, component.process = f"{details}, {component.ended} times", None
            else:
                self._scripts.begin(component)
            print(f"{self.thing}: {component.name} {component.version} {details}", flush=True)
            self._events.append(
                {
                    "componentName": component.name,
                    "componentVersion": component.version,
                    "lifecycleState": "BROKEN" if component.broken else "ERRORED",
                    "lifecycleStateDetails": component.broken or details,
                }
            )

    def stop(self) -> None:
        """Switch off. What ran is kept for the next start."""
        for component in self.running.values():
            self._scripts.stop(component)
        self.running.clear()

    def _exchange(self) -> DeploymentJob | None:
        events = list(self._events)
        job = self._cloud.exchange(self.thing, self._report(events))
        del self._events[: len(events)]
        return job

    def _report(self, events: list[ComponentEvent]) -> DeviceReport:
        healthy = self.deployment.get("status") != "FAILED" and not any(c.broken for c in self.running.values())
        return {
            "status": "HEALTHY" if healthy else "UNHEALTHY",
            "components": [
                {"name": c.name, "version": c.version, "root": c.root, "state": c.state, "details": c.broken}
                for c in self.running.values()
            ],
            "deployment": self.deployment,
            "events": events,
        }

    def _take(self, job: DeploymentJob) -> None:
        """Carry out one deployment; when it fails, run again what ran before."""
        self.deployment = {"id": job["deploymentId"], "status": "IN_PROGRESS"}
        self._phase("downloading")
        self._exchange()
        before = {name: component.not_started() for name, component in self.running.items()}
        try:
            wanted = self._prepare(job.get("components", {}))
            self._phase("installing")
            self._change_to(wanted)
        except DeploymentFailedError as error:
            print(f"{self.thing}: deployment {job['deploymentId']} failed: {error}", flush=True)
            self.deployment |= {"status": "FAILED", "reason": str(error)}
            with contextlib.suppress(DeploymentFailedError):  # what ran before and does not now: the next report tells
                self._change_to(before)
        else:
            self.deployment |= {"status": "SUCCEEDED"}
        self._phase("failed" if self.deployment["status"] == "FAILED" else "installed")
        self._keep()
        self._exchange()

    def _phase(self, name: str) -> None:
        self.on_phase(self.thing, self.deployment["id"], name)

    def _prepare(self, deployed: "dict[str, ComponentDeploymentSpecificationOutputTypeDef]") -> dict[str, Component]:
        """Resolve, configure and download everything, before anything that runs is touched."""
        roots = {name: entry["componentVersion"] for name, entry in deployed.items()}
        try:
            versions = dependencies.resolve(roots, self._versions, self._recipe)
        except (dependencies.UnresolvedError, LookupError) as error:
            raise DeploymentFailedError(str(error)) from error
        wanted = {}
        for name, version in versions.items():
            if name in dependencies.PUBLIC:
                continue
            recipe = self._recipe(name, version)
            update = deployed[name].get("configurationUpdate", {}) if name in deployed else {}
            component = Component(name, version, recipe, self._configure(name, recipe, update), root=name in roots)
            for artifact in component.manifest.get("Artifacts", []):
                self._files.fetch(component, artifact, self._cloud.artifact)
            wanted[name] = component
        return wanted

    def _versions(self, name: str) -> list[str]:
        return [dependencies.PUBLIC[name]] if name in dependencies.PUBLIC else self._cloud.versions(name)

    def _recipe(self, name: str, version: str) -> Recipe:
        return {} if name in dependencies.PUBLIC else self._cloud.recipe(name, version)

    def _configure(
        self, name: str, recipe: Recipe, update: "ComponentConfigurationUpdateOutputTypeDef"
    ) -> dict[str, object]:
        """Defaults fill in what is new; what the device has stays until a deployment resets or merges it."""
        configuration = recipe.get("ComponentConfiguration")
        defaults = configuration.get("DefaultConfiguration", {}) if configuration else {}
        kept = dict(self.running[name].settings) if name in self.running else {}
        for pointer in update.get("reset", []):
            kept = {key: value for key, value in kept.items() if pointer not in ("", f"/{key}")}
        settings = {**defaults, **kept, **json.loads(update.get("merge") or "{}")}
        return settings | {key: value for key, value in self.overrides.items() if key in defaults}

    def _change_to(self, wanted: dict[str, Component]) -> None:
        """Stop what is gone or changed, then install and start what is new, what others depend on first."""
        for name, component in list(self.running.items()):
            if name not in wanted or component.broken or self._differ(wanted[name], component):
                self._scripts.stop(component)
                del self.running[name]
        fresh = []
        for name, component in wanted.items():
            self._files.write_settings(component)
            if name in self.running:
                self.running[name].settings, self.running[name].root = component.settings, component.root
                continue
            fresh.append(component)
            self._scripts.install(component)
            self.running[name] = component
            self._scripts.start(component)
        self._scripts.settle(fresh)

    def _differ(self, one: Component, other: Component) -> bool:
        return self._scripts.identity(one) != self._scripts.identity(other)

    def _keep(self) -> None:
        """Write down what runs, for the next start."""
        state: KeptState = {
            "deployment": self.deployment,
            "components": [component.kept() for component in self.running.values()],
        }
        self.root.mkdir(parents=True, exist_ok=True)
        new = self.root / "state.json.new"
        new.write_text(json.dumps(state))
        new.replace(self.root / "state.json")
