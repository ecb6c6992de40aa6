"""The lifecycle scripts of components: variables filled in, run to their end or in the background."""

import contextlib
import json
import re
from typing import NamedTuple

from local.device.component import Component, DeploymentFailedError
from local.device.component_files import ComponentFiles
from local.device.interfaces import Process, Runner
from local.device.recipe import Phase, Script

TIMEOUT_SECONDS = 120.0  # of a lifecycle script that names none


class FilledScript(NamedTuple):
    """A lifecycle script that is ready to run; `timeout` in seconds."""

    text: str
    environment: dict[str, str]
    timeout: float


class LifecycleScripts:
    """Runs the lifecycle scripts of the components of `thing`."""

    def __init__(self, thing: str, files: ComponentFiles, runner: Runner) -> None:
        self._thing, self._files, self._runner = thing, files, runner

    def install(self, component: Component) -> None:
        """Raise DeploymentFailedError."""
        self._run(component, "Install")

    def start(self, component: Component) -> None:
        """Run what starts a component, then what it runs. Raise DeploymentFailedError."""
        self._run(component, "Startup")
        self.begin(component)

    def begin(self, component: Component) -> None:
        """Run a component in the background, if it has something to run."""
        component.process = self._background(component)

    def stop(self, component: Component) -> None:
        if component.process:
            component.process.stop()
        with contextlib.suppress(DeploymentFailedError):
            self._run(component, "Shutdown")

    def settle(self, components: list[Component]) -> None:
        """Wait until fresh components are up. Raise DeploymentFailedError for one that ended."""
        self._runner.settle({c.name: c.process for c in components if c.process})
        for component in components:
            code = component.process.poll() if component.process else None
            if code is not None:
                raise DeploymentFailedError(f"{component.name} {component.version} ended with exit code {code}")

    def identity(self, component: Component) -> str:
        """Return what must stay the same for a component to be left running: its version and filled-in lifecycle."""
        lifecycle = json.dumps(component.manifest.get("Lifecycle", {}), sort_keys=True)
        return f"{component.version} {self._fill(lifecycle, component)}"

    def _run(self, component: Component, phase: Phase) -> None:
        """Run a lifecycle script to its end."""
        script = self._script(component, phase)
        if not script:
            return
        work, log = self._files.work(component), self._files.log(component)
        try:
            code = self._runner.run(script.text, work, script.environment, log, script.timeout)
        except TimeoutError:
            raise DeploymentFailedError(
                f"{component.name} {component.version}: {phase} took longer than {script.timeout:.0f} s"
            ) from None
        if code != 0:
            raise DeploymentFailedError(f"{component.name} {component.version}: {phase} ended with exit code {code}")

    def _background(self, component: Component) -> Process | None:
        script = self._script(component, "Run")
        if not script:
            return None
        work, log = self._files.work(component), self._files.log(component)
        return self._runner.start(script.text, work, script.environment, log)

    def _script(self, component: Component, phase: Phase) -> FilledScript | None:
        """Return the script of a phase, None when the recipe has none."""
        lifecycle = component.manifest.get("Lifecycle", {})
        found = lifecycle.get(phase)
        if not found:
            return None
        script: Script = {"Script": found} if isinstance(found, str) else found
        given = lifecycle.get("Setenv", {}) | script.get("Setenv", {})
        environment = {key: self._fill(value, component) for key, value in given.items()}
        environment |= {"HOME": str(self._files.work(component)), "AWS_IOT_THING_NAME": self._thing}
        environment["SIGHTLINE_SETTINGS"] = str(self._files.settings(component))
        text = self._fill(script["Script"], component)
        return FilledScript(text, environment, float(script.get("Timeout", TIMEOUT_SECONDS)))

    def _fill(self, text: str, component: Component) -> str:
        """Replace Greengrass's recipe variables. An unknown one stays, as on a device."""
        values = {
            "iot:thingName": self._thing,
            "kernel:rootPath": str(self._files.root),
            "artifacts:path": str(self._files.artifacts(component)),
            "artifacts:decompressedPath": str(self._files.unpacked(component)),
            "work:path": str(self._files.work_path(component)),
        }
        values |= {f"configuration:/{key}": _text(value) for key, value in component.settings.items()}
        return re.sub(r"\{([\w:/.]+)\}", lambda match: values.get(match.group(1), match.group(0)), text)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
