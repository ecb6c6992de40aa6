"""The simulated nucleus of one thing: takes deployments, installs and runs components, reports, rolls back.

It keeps the promises of a real nucleus that Sightline relies on: dependencies resolved by version range, artifacts
checked against the digest that Greengrass took when the version was created and unpacked below `packages/`, a
component's configuration kept from one deployment to the next (`reset` first, then `merge`), lifecycle scripts with
variables filled in, a component left alone unless its version or a filled-in script changes, removal of what a
deployment no longer names, the former set back when a deployment fails, a component that ends started again and broken
after three times, and all of it there again after a restart, with or without the cloud.
"""

import base64
import contextlib
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from local.device import dependencies
from sightline.errors import SightlineError

ATTEMPTS = 3  # a component that ended this often is broken
TIMEOUT_SECONDS = 120.0  # of a lifecycle script that names none


class DeploymentFailedError(SightlineError):
    """A component could not be resolved, downloaded, installed or started."""


class Process(Protocol):
    """A component's running script."""

    def poll(self) -> int | None:
        """The exit code, None while it runs."""

    def stop(self) -> None:
        """End it and everything it started."""


class Runner(Protocol):
    """What executes lifecycle scripts."""

    def run(self, script: str, work: Path, environment: dict[str, str], log: Path, timeout: float) -> int:
        """Run to the end; answers the exit code. Raises TimeoutError."""

    def start(self, script: str, work: Path, environment: dict[str, str], log: Path) -> Process:
        """Run in the background."""

    def settle(self, processes: dict[str, Process]) -> None:
        """Give fresh processes the time in which a real nucleus waits for them to be up."""


class Cloud(Protocol):
    """What a nucleus asks of Greengrass and S3. Every call may fail when the device is offline."""

    def exchange(self, thing: str, report: dict[str, Any]) -> dict[str, Any] | None:
        """Tell what runs here; answers the deployment to carry out, if there is one."""

    def versions(self, name: str) -> list[str]:
        """The published versions of a component."""

    def recipe(self, name: str, version: str) -> dict[str, Any]:
        """The recipe of a component version. Raises LookupError."""

    def artifact(self, uri: str) -> bytes:
        """The bytes of an artifact. Raises LookupError."""


@dataclass
class Component:
    """One component that runs here: its recipe, its configuration, its process if it has one."""

    name: str
    version: str
    recipe: dict[str, Any]
    settings: dict[str, Any]
    root: bool = True
    process: Process | None = field(default=None)
    ended: int = 0  # how often it ended by itself
    broken: str = ""


class Nucleus:
    """The simulated nucleus of `thing` below `root`. `overrides` are settings of this device, stronger than a
    deployment's.
    """

    def __init__(
        self,
        thing: str,
        root: Path,
        cloud: Cloud,
        runner: Runner,
        overrides: dict[str, Any],
        on_phase: Callable[[str, str, str], None] = lambda *_: None,
    ) -> None:
        self.thing, self.root, self.overrides, self.on_phase = thing, root, overrides, on_phase
        self._cloud, self._runner = cloud, runner
        self.running: dict[str, Component] = {}
        self.deployment: dict[str, str] = {}
        self._events: list[dict[str, str]] = []

    # ------------------------------------------------------------------------------------------------------ deployments
    def start(self) -> None:
        """Run what ran before the device was switched off."""
        state = self.root / "state.json"
        if not state.is_file():
            return
        kept = json.loads(state.read_text())
        self.deployment = kept["deployment"]
        if self.deployment.get("status") == "IN_PROGRESS":
            self.deployment = {}  # it is given out again
        for entry in kept["components"]:
            component = Component(**entry)
            self.running[component.name] = component
            self._write_settings(component)
            with contextlib.suppress(DeploymentFailedError):  # the next report tells
                self._bring_up(component)

    def step(self) -> None:
        """Tell what runs, and take a new deployment if there is one."""
        job = self._exchange()
        if job and job["deploymentId"] != self.deployment.get("id"):
            self._take(job)

    def _exchange(self) -> dict[str, Any] | None:
        events = list(self._events)
        job = self._cloud.exchange(self.thing, self._report(events))
        del self._events[: len(events)]
        return job

    def _report(self, events: list[dict[str, str]]) -> dict[str, Any]:
        healthy = self.deployment.get("status") != "FAILED" and not any(c.broken for c in self.running.values())
        return {
            "status": "HEALTHY" if healthy else "UNHEALTHY",
            "components": [
                {"name": c.name, "version": c.version, "root": c.root, "state": self._state(c), "details": c.broken}
                for c in self.running.values()
            ],
            "deployment": self.deployment,
            "events": events,
        }

    @staticmethod
    def _state(component: Component) -> str:
        if component.broken:
            return "BROKEN"
        return "RUNNING" if component.process else "FINISHED"

    def _take(self, job: dict[str, Any]) -> None:
        """Carry out one deployment; when it fails, run again what ran before."""
        self.deployment = {"id": job["deploymentId"], "status": "IN_PROGRESS"}
        self._phase("downloading")
        self._exchange()
        before = {name: (c.version, c.recipe, dict(c.settings), c.root) for name, c in self.running.items()}
        try:
            wanted = self._prepare(job.get("components", {}))
            self._phase("installing")
            self._change_to(wanted)
        except DeploymentFailedError as error:
            print(f"{self.thing}: deployment {job['deploymentId']} failed: {error}", flush=True)
            self.deployment |= {"status": "FAILED", "reason": str(error)}
            with contextlib.suppress(DeploymentFailedError):  # what ran before and does not now: the next report tells
                self._change_to({name: Component(name, *kept) for name, kept in before.items()})
        else:
            self.deployment |= {"status": "SUCCEEDED"}
        self._phase("failed" if self.deployment["status"] == "FAILED" else "installed")
        self._keep()
        self._exchange()

    def _phase(self, name: str) -> None:
        self.on_phase(self.thing, self.deployment["id"], name)

    def _prepare(self, deployed: dict[str, dict[str, Any]]) -> dict[str, Component]:
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
            settings = self._configure(name, recipe, deployed.get(name, {}).get("configurationUpdate", {}))
            wanted[name] = Component(name, version, recipe, settings, root=name in roots)
            for artifact in self._manifest(wanted[name]).get("Artifacts", []):
                self._fetch(wanted[name], artifact)
        return wanted

    def _versions(self, name: str) -> list[str]:
        return [dependencies.PUBLIC[name]] if name in dependencies.PUBLIC else self._cloud.versions(name)

    def _recipe(self, name: str, version: str) -> dict[str, Any]:
        return {} if name in dependencies.PUBLIC else self._cloud.recipe(name, version)

    def _configure(self, name: str, recipe: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
        """Defaults fill in what is new; what the device has stays until a deployment resets or merges it."""
        defaults = recipe.get("ComponentConfiguration", {}).get("DefaultConfiguration", {})
        kept = dict(self.running[name].settings) if name in self.running else {}
        for pointer in update.get("reset", []):
            kept = {key: value for key, value in kept.items() if pointer not in ("", f"/{key}")}
        settings = {**defaults, **kept, **json.loads(update.get("merge") or "{}")}
        return settings | {key: value for key, value in self.overrides.items() if key in defaults}

    def _fetch(self, component: Component, artifact: dict[str, Any]) -> None:
        """Download one artifact, check its digest, and unpack it."""
        file = Path(urlsplit(artifact["Uri"]).path).name
        path = self._packages("artifacts", component) / file
        if not (path.is_file() and _digest(path.read_bytes()) == artifact.get("Digest")):
            try:
                body = self._cloud.artifact(artifact["Uri"])
            except LookupError as error:
                raise DeploymentFailedError(
                    f"{component.name} {component.version}: {artifact['Uri']} can't be downloaded: {error}"
                ) from error
            if _digest(body) != artifact.get("Digest", _digest(body)):
                raise DeploymentFailedError(
                    f"{component.name} {component.version}: {artifact['Uri']} is not what the component was created "
                    "with: "
                    f"its SHA-256 is {hashlib.sha256(body).hexdigest()}"
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        if artifact.get("Unarchive") == "ZIP":
            with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
                archive.extractall(self._packages("artifacts-unarchived", component) / Path(file).stem)

    def _packages(self, kind: str, component: Component) -> Path:
        return self.root / "packages" / kind / component.name / component.version

    def _keep(self) -> None:
        """Write down what runs, for the next start."""
        names = ("name", "version", "recipe", "settings", "root")
        kept = [{name: getattr(component, name) for name in names} for component in self.running.values()]
        self.root.mkdir(parents=True, exist_ok=True)
        new = self.root / "state.json.new"
        new.write_text(json.dumps({"deployment": self.deployment, "components": kept}))
        new.replace(self.root / "state.json")

    # -------------------------------------------------------------------------------------------------------- lifecycle
    def _change_to(self, wanted: dict[str, Component]) -> None:
        """Stop what is gone or changed, then install and start what is new, what others depend on first."""
        for name, component in list(self.running.items()):
            if name not in wanted or self._identity(wanted[name]) != self._identity(component) or component.broken:
                self._stop(component)
                del self.running[name]
        fresh = []
        for name, component in wanted.items():
            self._write_settings(component)
            if name in self.running:
                self.running[name].settings, self.running[name].root = component.settings, component.root
                continue
            fresh.append(component)
            self._script(component, "Install")
            self.running[name] = component
            self._bring_up(component)
        self._runner.settle({c.name: c.process for c in fresh if c.process})
        for component in fresh:
            code = component.process.poll() if component.process else None
            if code is not None:
                raise DeploymentFailedError(f"{component.name} {component.version} ended with exit code {code}")

    def _bring_up(self, component: Component) -> None:
        self._script(component, "Startup")
        component.process = self._begin(component)

    def _identity(self, component: Component) -> str:
        """What must stay the same for a running component to be left alone: its version and its filled-in lifecycle."""
        lifecycle = json.dumps(self._manifest(component).get("Lifecycle", {}), sort_keys=True)
        return f"{component.version} {self._fill(lifecycle, component)}"

    @staticmethod
    def _manifest(component: Component) -> dict[str, Any]:
        manifests = component.recipe.get("Manifests") or [{}]
        here = [m for m in manifests if m.get("Platform", {}).get("os", "linux") in ("linux", "all", "*")]
        if not here:
            raise DeploymentFailedError(f"{component.name} {component.version} has no manifest for linux")
        return dict(here[0])

    def _phase_of(self, component: Component, name: str) -> tuple[str, dict[str, str], float] | None:
        """The script of a lifecycle phase with its environment and timeout; None when the recipe has none."""
        lifecycle = self._manifest(component).get("Lifecycle", {})
        found = lifecycle.get(name)
        if not found:
            return None
        phase = {"Script": found} if isinstance(found, str) else found
        given = lifecycle.get("Setenv", {}) | phase.get("Setenv", {})
        environment = {key: self._fill(value, component) for key, value in given.items()}
        environment |= {"HOME": str(self._work(component)), "AWS_IOT_THING_NAME": self.thing}
        environment["SIGHTLINE_SETTINGS"] = str(self._settings_file(component))
        return self._fill(phase["Script"], component), environment, float(phase.get("Timeout", TIMEOUT_SECONDS))

    def _script(self, component: Component, name: str) -> None:
        """Run a lifecycle script to its end."""
        phase = self._phase_of(component, name)
        if not phase:
            return
        script, environment, timeout = phase
        try:
            code = self._runner.run(script, self._work(component), environment, self.log(component.name), timeout)
        except TimeoutError:
            raise DeploymentFailedError(
                f"{component.name} {component.version}: {name} took longer than {timeout:.0f} s"
            ) from None
        if code != 0:
            raise DeploymentFailedError(f"{component.name} {component.version}: {name} ended with exit code {code}")

    def _begin(self, component: Component) -> Process | None:
        phase = self._phase_of(component, "Run")
        if not phase:
            return None
        script, environment, _ = phase
        return self._runner.start(script, self._work(component), environment, self.log(component.name))

    def _stop(self, component: Component) -> None:
        if component.process:
            component.process.stop()
        with contextlib.suppress(DeploymentFailedError):
            self._script(component, "Shutdown")

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
                component.process = self._begin(component)
            print(f"{self.thing}: {component.name} {component.version} {details}", flush=True)
            state = "BROKEN" if component.broken else "ERRORED"
            self._events.append(
                {
                    "componentName": component.name,
                    "componentVersion": component.version,
                    "lifecycleState": state,
                    "lifecycleStateDetails": component.broken or details,
                }
            )

    def stop(self) -> None:
        """Switch off. What ran is kept for the next start."""
        for component in self.running.values():
            self._stop(component)
        self.running.clear()

    # ------------------------------------------------------------------------------------------------------------ files
    def log(self, name: str) -> Path:
        """The log of a component."""
        path = self.root / "logs" / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _work(self, component: Component) -> Path:
        path = self.root / "work" / component.name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _settings_file(self, component: Component) -> Path:
        return self.root / "settings" / f"{component.name}.json"

    def _write_settings(self, component: Component) -> None:
        """Where a component without Greengrass IPC reads its configuration; replaced as a whole, only when it
        changes.
        """
        path, text = self._settings_file(component), json.dumps(component.settings, sort_keys=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text() != text:
            new = path.with_suffix(".new")
            new.write_text(text)
            new.replace(path)

    def _fill(self, text: str, component: Component) -> str:
        """Replace Greengrass's recipe variables. An unknown one stays, as on a device."""
        values = {
            "iot:thingName": self.thing,
            "kernel:rootPath": str(self.root),
            "artifacts:path": str(self._packages("artifacts", component)),
            "artifacts:decompressedPath": str(self._packages("artifacts-unarchived", component)),
            "work:path": str(self.root / "work" / component.name),
        }
        values |= {f"configuration:/{key}": _text(value) for key, value in component.settings.items()}
        return re.sub(r"\{([\w:/.]+)\}", lambda match: values.get(match.group(1), match.group(0)), text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _digest(body: bytes) -> str:
    """As Greengrass writes it into a recipe."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()
