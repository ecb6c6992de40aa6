"""A production line in this process: the emulator's Greengrass and its real simulated nuclei, with inspectors and a
clock of their own.

What is simulated here is the inspector (how it does with which model), the scripts that would install things, and the
time.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from local.device.interfaces import Process
from local.device.nucleus import Nucleus
from local.device.recipe import Recipe
from local.emulator.aws_shapes import AwsError, check_answer, check_request
from local.emulator.greengrass import components, devices, service, state
from local.emulator.greengrass.messages import DeploymentJob, DeviceReport
from tests.named import OWN

TICK_SECONDS = 60.0  # simulated time of one tick
WINDOW_SECONDS, IMAGES = 600.0, 60  # of a telemetry window


@dataclass
class Trouble:
    """What goes wrong with the models `versions` on `things`: `kind` is one of download, digest, install, start-up,
    crash, golden, slow, silent, disagree."""

    kind: str = ""
    versions: tuple[str, ...] = ()
    things: tuple[str, ...] = ()

    def hits(self, kind: str, thing: str, version: str) -> bool:
        return (kind, True, True) == (self.kind, thing in self.things, version in self.versions)


@dataclass
class Inspector:
    """A simulated inspector: follows its settings, proves models, sends telemetry, or has trouble."""

    line: "Line"
    thing: str
    settings: Path
    model: str = ""
    code: int | None = None
    dies_at: float = float("inf")
    window: float = 0.0
    seen: str = field(default="none yet")

    def poll(self) -> int | None:
        self.live()
        return self.code

    def stop(self) -> None:
        self.code = self.code or 0

    def live(self) -> None:
        """Go on until now."""
        if self.code is not None:
            return
        settings, now, trouble = json.loads(self.settings.read_text()), self.line.now, self.line.trouble
        wanted = settings["modelVersion"]
        if wanted != self.seen:
            self.seen = wanted
            self._change(wanted)
        if now >= self.dies_at:
            self.code = 1
        elif self.model and now - self.window >= WINDOW_SECONDS:
            differ = IMAGES // 2 if trouble.hits("disagree", self.thing, self.model) else 1
            shadow = settings.get("shadowVersion")
            compared = {"model_version": shadow, "images": IMAGES, "disagreements": differ}
            self._say(
                {
                    "from": _iso(self.window),
                    "to": _iso(now),
                    "latency_ms": {"p95": 9000.0 if trouble.hits("slow", self.thing, self.model) else 40.0},
                    "shadow": compared if shadow else None,
                },
            )
            self.window = now

    def _change(self, version: str) -> None:
        trouble, now = self.line.trouble, self.line.now
        if trouble.hits("start-up", self.thing, version):
            self.code = 1
        elif trouble.hits("golden", self.thing, version):
            self._say({"healthy": False, "reason": "golden/0.jpg: 0 detections, expected 1"}, version)
            if not self.model:
                self.code = 1
        elif not trouble.hits("silent", self.thing, version):
            self.model, self.window = version, now
            if version:
                self._say({"healthy": True, "reason": "as expected"}, version)
            if trouble.hits("crash", self.thing, version):
                self.dies_at = now + 600

    def _say(self, message: dict[str, Any], version: str = "") -> None:
        body = {"thing": self.thing, "model_version": version or self.model, "at": _iso(self.line.now), **message}
        self.line.outbox.append((self.thing, {**body, "topic_thing": self.thing}))


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


class Runner:
    """Lifecycle scripts of one thing: installing takes no time, the inspector is simulated."""

    def __init__(self, line: "Line", thing: str) -> None:
        self.line, self.thing = line, thing

    def run(self, script: str, work: Path, environment: dict[str, str], log: Path, timeout: float) -> int:
        return int(script == "false")

    def start(self, script: str, work: Path, environment: dict[str, str], log: Path) -> Process:
        assert work.name == OWN.inspector, work
        return Inspector(self.line, self.thing, Path(environment["SIGHTLINE_SETTINGS"]))

    def settle(self, processes: dict[str, Process]) -> None:
        for process in processes.values():
            process.poll()


class Cloud:
    """What one thing asks of the control plane; trouble with downloads happens here."""

    def __init__(self, line: "Line", thing: str) -> None:
        self.line, self.thing = line, thing

    def exchange(self, thing: str, report: DeviceReport) -> DeploymentJob | None:
        if thing in self.line.offline:
            raise ConnectionError("offline")
        return devices.exchange(thing, report)["deployment"]

    def versions(self, name: str) -> list[str]:
        arn = f"{state.PREFIX}:components:{name}"
        listed = components.list_component_versions({"arn": arn})["componentVersions"]
        return [entry["componentVersion"] for entry in listed]

    def recipe(self, name: str, version: str) -> Recipe:
        found = components.get_component({"arn": f"{state.PREFIX}:components:{name}:versions:{version}"})
        recipe: Recipe = json.loads(found["recipe"])
        if name == OWN.model and self.line.trouble.hits("install", self.thing, version):
            recipe["Manifests"][0]["Lifecycle"] = {"Install": {"Script": "false"}}
        return recipe

    def artifact(self, uri: str) -> bytes:
        version = uri.split("/")[-2]
        if self.line.trouble.hits("download", self.thing, version):
            raise LookupError("403 Forbidden")
        body = self.line.read(uri)
        return body + b"?" if self.line.trouble.hits("digest", self.thing, version) else body


class Line(state.Neighbours):
    """Things in groups, each with a nucleus; `tick` lets time pass."""

    def __init__(self, root: Path, read: Callable[[str], bytes], groups: dict[str, list[str]]) -> None:
        self.root, self.read, self.groups = root, read, groups  # type: ignore[method-assign]
        self.now, self.trouble = 1_800_000_000.0, Trouble()
        self.offline: set[str] = set()
        self.outbox: list[tuple[str, dict[str, Any]]] = []
        self.phases: list[tuple[str, str, str, float]] = []
        self.deliver: Callable[[dict[str, Any]], Any] = lambda _: None
        state.clear()
        self.nuclei = {
            thing: Nucleus(thing, root / thing, Cloud(self, thing), Runner(self, thing), {}, self._note)
            for things in groups.values()
            for thing in things
        }

    def _note(self, thing: str, deployment: str, phase: str) -> None:
        self.phases.append((thing, deployment, phase, self.now))

    # ----------------------------------------------------------------------------------------- what Greengrass asks for
    def clock(self) -> float:  # type: ignore[override]
        return self.now

    def is_thing(self, name: str) -> bool:
        return True

    def things_in(self, group_arn: str) -> list[str]:
        return self.groups.get(group_arn, [])

    def emit(self, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
        event = {"source": "aws.greengrass", "detail-type": detail_type, "detail": detail, "resources": resources}
        thing = resources[0].rsplit(":", 1)[-1]
        self.outbox.append((thing, {**event, "time": _iso(self.now)}))

    # ------------------------------------------------------------------------------------------------------------- time
    def tick(self, seconds: float = TICK_SECONDS) -> None:
        """Let simulated time pass: every device that is on does what it has to do."""
        self.now += seconds
        for thing, nucleus in self.nuclei.items():
            nucleus.look_after()
            if thing not in self.offline:
                nucleus.step()
        waiting, self.outbox = self.outbox, [entry for entry in self.outbox if entry[0] in self.offline]
        for thing, message in waiting:
            if thing not in self.offline:
                self.deliver(message)

    def models(self) -> dict[str, str]:
        """Thing → version of the model component, empty for none."""
        return {
            thing: nucleus.running[OWN.model].version if OWN.model in nucleus.running else ""
            for thing, nucleus in self.nuclei.items()
        }

    def settled(self) -> bool:
        """True when every device that is on has carried out the newest deployment of its group, or is not to get it."""
        newest = {d["targetArn"]: d for d in state.deployments.values() if d["isLatestForTarget"]}
        return all(
            thing in self.offline or (self.nuclei[thing].deployment.get("id") == newest[arn]["deploymentId"]
            and self.nuclei[thing].deployment["status"] != "IN_PROGRESS")
            for arn in newest
            for thing in self.things_in(arn)
        )  # fmt: skip

    def serve(self, client: Any) -> Any:
        """Answer a boto3 client of Greengrass or IoT from here."""
        asked: dict[str, Any] = {}

        def remember(params: dict[str, Any], **_: Any) -> None:
            asked.clear()
            asked.update(params)

        def call(model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
            request = dict(asked)
            if model.name == "ListThingsInThingGroup":
                arn = next((arn for arn in self.groups if arn.endswith("/" + request["thingGroupName"])), "")
                return SimpleNamespace(status_code=200), {"things": self.groups[arn]}
            try:
                check_request("greengrassv2", model.name, request)
                answer = service.OPERATIONS[model.name](request)
            except AwsError as error:
                body = {"Error": {"Code": error.code, "Message": error.message}, "ResponseMetadata": {}}
                return SimpleNamespace(status_code=error.status), body
            return SimpleNamespace(status_code=200), check_answer("greengrassv2", model.name, answer)

        client.meta.events.register("before-parameter-build", remember)
        client.meta.events.register("before-call", call)
        return client
