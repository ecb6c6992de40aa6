"""One simulated Greengrass core device: takes deployments, installs and runs components, reports, rolls back.

`python -m local.device --thing NAME …` is the nucleus; SimulatedDevice starts and stops one. It keeps the promises of a
real nucleus that Sightline relies on: versions as deployed, artifacts unpacked below `packages/`, lifecycle scripts with
variables filled in, removal of what a deployment no longer names, and the former set back when a deployment fails.
"""

import argparse
import contextlib
import ctypes
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3

from local.stack import CREDENTIALS, REGION
from local.token_exchange import TokenExchange
from sightline.errors import SightlineError

POLL_SECONDS = 0.5
SETTLE_SECONDS = 3.0  # a component that still runs after this counts as started
STOP_SECONDS = 10


class DeploymentFailedError(SightlineError):
    """A component could not be installed or started."""


@dataclass
class Component:
    """One component of the set that runs: its recipe, its merged configuration, its process if it has one."""

    name: str
    version: str
    recipe: dict[str, Any]
    settings: dict[str, Any]
    process: subprocess.Popen[bytes] | None = field(default=None)


class Nucleus:
    """The simulated nucleus of one thing. `overrides` are settings of this device, stronger than a deployment's."""

    def __init__(self, endpoint: str, thing: str, group_arn: str, root: Path, overrides: dict[str, Any]) -> None:
        self.endpoint, self.thing, self.group_arn, self.root, self.overrides = (
            endpoint,
            thing,
            group_arn,
            root,
            overrides,
        )
        self._tokens = TokenExchange()
        self._greengrass = boto3.client("greengrassv2", endpoint_url=endpoint, **CREDENTIALS)
        self._s3 = boto3.client("s3", endpoint_url=endpoint, **CREDENTIALS)
        self.running: dict[str, Component] = {}
        self.deployment: dict[str, str] = {}

    # ------------------------------------------------------------------------------------------------------ deployments
    def step(self) -> None:
        """Take a new deployment if there is one, and look after what runs."""
        found = self._greengrass.list_deployments(targetArn=self.group_arn, historyFilter="LATEST_ONLY")["deployments"]
        if found and found[0]["deploymentId"] != self.deployment.get("id"):
            self._take(self._greengrass.get_deployment(deploymentId=found[0]["deploymentId"]))
        else:
            self._look_after()

    def _take(self, deployment: dict[str, Any]) -> None:
        """Carry out one deployment; when it fails, run again what ran before."""
        self.deployment = {"id": deployment["deploymentId"], "status": "IN_PROGRESS"}
        self.report("HEALTHY")
        before = dict(self.running)
        try:
            wanted = {name: self._prepare(name, entry) for name, entry in deployment.get("components", {}).items()}
            self._change_to(wanted)
        except DeploymentFailedError as error:
            print(f"deployment {deployment['deploymentId']} failed: {error}", flush=True)
            self.deployment |= {"status": "FAILED", "reason": str(error)}
            self._publish_broken(str(error), deployment)
            with contextlib.suppress(DeploymentFailedError):  # what ran before and does not now: the next report tells
                self._change_to(
                    {name: Component(c.name, c.version, c.recipe, c.settings) for name, c in before.items()}
                )
        else:
            self.deployment |= {"status": "SUCCEEDED"}
        self.report("HEALTHY" if self.deployment["status"] == "SUCCEEDED" else "UNHEALTHY")

    def _prepare(self, name: str, wanted: dict[str, Any]) -> Component:
        """Fetch recipe and artifacts of a component, and merge its configuration."""
        version = wanted["componentVersion"]
        arn = f"arn:aws:greengrass:{REGION}:000000000000:components:{name}:versions:{version}"
        recipe = json.loads(self._greengrass.get_component(arn=arn)["recipe"])
        settings = dict(recipe.get("ComponentConfiguration", {}).get("DefaultConfiguration", {}))
        settings |= json.loads(wanted.get("configurationUpdate", {}).get("merge") or "{}")
        settings |= {key: value for key, value in self.overrides.items() if key in settings}
        component = Component(name, version, recipe, settings)
        for manifest in recipe["Manifests"]:
            for artifact in manifest.get("Artifacts", []):
                self._fetch(component, artifact)
        return component

    def _fetch(self, component: Component, artifact: dict[str, Any]) -> None:
        """Download one artifact, check its digest where the recipe names one, and unpack it."""
        parts = urlsplit(artifact["Uri"])
        try:
            body = self._s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()
        except self._s3.exceptions.ClientError as error:
            raise DeploymentFailedError(f"{component.name}: {artifact['Uri']} can't be downloaded: {error}") from error
        expected = component.settings.get("sha256")
        if expected and hashlib.sha256(body).hexdigest() != expected:
            raise DeploymentFailedError(
                f"{component.name}: the digest of {artifact['Uri']} is not the recipe's {expected}"
            )
        file = Path(parts.path)
        archive_file = self._artifacts(component) / file.name
        archive_file.parent.mkdir(parents=True, exist_ok=True)
        archive_file.write_bytes(body)
        target = self._unpacked(component) / file.stem
        target.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            archive.extractall(target)  # zipfile keeps names inside the target

    def _artifacts(self, component: Component) -> Path:
        return self.root / "packages" / "artifacts" / component.name / component.version

    def _unpacked(self, component: Component) -> Path:
        return self.root / "packages" / "artifacts-unarchived" / component.name / component.version

    # -------------------------------------------------------------------------------------------------------- lifecycle
    def _change_to(self, wanted: dict[str, Component]) -> None:
        """Stop what is gone or changed, then install and start what is new, dependencies first.

        As on a device, a component whose lifecycle stays the same is left alone, and told its new configuration.
        """
        for name, component in list(self.running.items()):
            if name in wanted and self._identity(wanted[name]) == self._identity(component):
                wanted[name].process = component.process
                self.running[name] = wanted[name]
            else:
                self._stop(component)
                del self.running[name]
        for component in wanted.values():
            self._configure(component)
        fresh = [wanted[name] for name in wanted if name not in self.running]
        for component in sorted(fresh, key=lambda component: "Run" in str(component.recipe["Manifests"])):
            self._script(component, "Install")
            self.running[component.name] = component
            component.process = self._script(component, "Run")
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            for component in fresh:
                code = component.process.poll() if component.process else None
                if code is not None:
                    raise DeploymentFailedError(f"{component.name} {component.version} ended with exit code {code}")
            time.sleep(0.05)

    def _identity(self, component: Component) -> tuple[str, str, str]:
        """What must stay the same for a running component to be left alone."""
        lifecycle = json.dumps(component.recipe["Manifests"][0].get("Lifecycle", {}), sort_keys=True)
        return component.name, component.version, self._fill(lifecycle, component)

    def _configuration(self, component: Component) -> Path:
        """The file that stands for the configuration that a real nucleus gives over IPC."""
        return self.root / "configuration" / f"{component.name}.json"

    def _configure(self, component: Component) -> None:
        path = self._configuration(component)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(component.settings, indent=1))
        new.replace(path)

    def _script(self, component: Component, phase: str) -> subprocess.Popen[bytes] | None:
        """Run a lifecycle script: Install to its end, Run in the background. None when the recipe has none."""
        phases = component.recipe["Manifests"][0].get("Lifecycle", {})
        lifecycle = phases.get(phase)
        if not lifecycle:
            return None
        work = self.root / "work" / component.name
        (self.root / "logs").mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True)
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "HOME": str(work),
            "AWS_IOT_THING_NAME": self.thing,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "SIGHTLINE_SETTINGS": str(self._configuration(component)),
            "SIGHTLINE_LINK_PACKAGES": "1",
            **self._tokens.environment,
        }
        for setenv in (phases.get("Setenv", {}), lifecycle.get("Setenv", {})):
            environment |= {key: self._fill(value, component) for key, value in setenv.items()}
        with (self.root / "logs" / f"{component.name}.log").open("ab") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", "exec " + self._fill(lifecycle["Script"], component)],
                cwd=work,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if phase == "Run":
            return process
        try:
            code = process.wait(lifecycle.get("Timeout", 120))
        except subprocess.TimeoutExpired:
            _end(process)
            raise DeploymentFailedError(f"{component.name} {component.version}: {phase} took too long") from None
        if code != 0:
            raise DeploymentFailedError(f"{component.name} {component.version}: {phase} ended with exit code {code}")
        return None

    def _fill(self, text: str, component: Component) -> str:
        """Replace Greengrass's recipe variables. An unknown one stays, as on a device."""
        values = {
            "iot:thingName": self.thing,
            "kernel:rootPath": str(self.root),
            "artifacts:path": str(self._artifacts(component)),
            "artifacts:decompressedPath": str(self._unpacked(component)),
            "work:path": str(self.root / "work" / component.name),
        }
        values |= {f"configuration:/{key}": str(value) for key, value in component.settings.items()}
        return re.sub(r"\{([\w:/.]+)\}", lambda match: values.get(match.group(1), match.group(0)), text)

    def _stop(self, component: Component) -> None:
        if component.process:
            _end(component.process)

    def _look_after(self) -> None:
        """A component that ended is started again; the device tells that it broke."""
        for component in self.running.values():
            if component.process and component.process.poll() is not None:
                code = component.process.returncode
                print(
                    f"{component.name} {component.version} ended with exit code {code}; starting it again", flush=True
                )
                component.process = self._script(component, "Run")

    def stop(self) -> None:
        for component in self.running.values():
            self._stop(component)
        self.running.clear()
        self._tokens.close()

    # ---------------------------------------------------------------------------------------------------------- reports
    def report(self, status: str) -> None:
        """Tell the control plane what runs here."""
        components = {component.name: component.version for component in self.running.values()}
        body = json.dumps({"status": status, "components": components, "deployment": self.deployment}).encode()
        _post(f"{self.endpoint}/greengrass/simulated/{self.thing}", body)

    def _publish_broken(self, reason: str, deployment: dict[str, Any]) -> None:
        """The health report of a device whose new components do not run: the inspector can't send it."""
        versions = {name: entry["componentVersion"] for name, entry in deployment.get("components", {}).items()}
        message = {
            "thing": self.thing,
            "healthy": False,
            "model_version": versions.get("com.sightline.Model", ""),
            "reason": reason,
            "at": datetime.now(UTC).isoformat(),
        }
        client = boto3.client("iot-data", endpoint_url=self.endpoint, **CREDENTIALS)
        client.publish(topic=f"sightline/{self.thing}/health", qos=1, payload=json.dumps(message).encode())


def _post(url: str, body: bytes) -> None:
    """A signed request to the emulator's own address for simulated devices."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials("test", "test"), "greengrass", REGION).add_auth(request)
    sent = urllib.request.Request(url, body, dict(request.headers.items()), method="POST")  # noqa: S310
    with urllib.request.urlopen(sent, timeout=10):  # noqa: S310
        pass


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process group, first politely."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


class SimulatedDevice:
    """A simulated device in a process of its own, below `home/devices/<thing>`; it survives the command that started it."""

    def __init__(self, home: Path, thing: str) -> None:
        self.thing = thing
        self.root = home.resolve() / "devices" / thing
        self.images = self.root / "images"
        self._pid = self.root / "pid"

    def start(self, stack: Any) -> None:
        """Register the thing in the stack's group and start its nucleus, unless it runs."""
        if self.running:
            return
        self.images.mkdir(parents=True, exist_ok=True)
        iot = stack.client("iot")
        iot.create_thing(thingName=self.thing)
        iot.add_thing_to_thing_group(thingGroupName=stack.outputs["ThingGroupName"], thingName=self.thing)
        command = [sys.executable, "-m", "local.device", "--thing", self.thing, "--endpoint", stack.endpoint]
        command += ["--group-arn", stack.outputs["ThingGroupArn"], "--root", str(self.root)]
        project = Path(__file__).resolve().parent.parent
        environment = {**os.environ, "PYTHONPATH": f"{project}{os.pathsep}{project / 'layers' / 'sightline'}"}
        with (self.root / "nucleus.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._pid.write_text(str(process.pid))

    @property
    def running(self) -> bool:
        try:
            os.kill(int(self._pid.read_text()), 0)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return False
        return True

    def stop(self) -> None:
        """End the nucleus, which ends its components."""
        if self.running:
            number = int(self._pid.read_text())
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while self.running and time.monotonic() < deadline:
                with contextlib.suppress(ChildProcessError):  # another command may have started it
                    os.waitpid(number, os.WNOHANG)
                time.sleep(0.05)
        self._pid.unlink(missing_ok=True)


def stop_all(home: Path) -> None:
    """Stop every simulated device below `home`."""
    for pid in (home.resolve() / "devices").glob("*/pid"):
        SimulatedDevice(home, pid.parent.name).stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="One simulated Greengrass core device.")
    for name in ("thing", "endpoint", "group-arn", "root"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    root = Path(given.root)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    overrides = {"source": str(root / "images"), "mqttUrl": given.endpoint.replace("http:", "ws:")}
    nucleus = Nucleus(given.endpoint, given.thing, given.group_arn, root, overrides)
    failures = 0
    nucleus.report("HEALTHY")
    while not stopping.is_set():
        try:
            nucleus.step()
            failures = 0
        except Exception as error:  # the cloud is away: a device goes on with what it has
            failures += 1
            print(f"no answer from the cloud ({failures}): {type(error).__name__}: {error}", flush=True)
        stopping.wait(min(POLL_SECONDS * 2**failures, 30))
    nucleus.stop()


if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL("libc.so.6").prctl(36, 1)  # adopt grandchildren, so that a component's own children can be ended
    main()
