"""`python -m benchmarks.fleet`: when each device of a simulated fleet takes a roll-out in the local stack.

Every device is a whole simulated nucleus: it takes its deployment from the emulator's Greengrass, downloads, checks and
unpacks the artifacts, installs, reports. A few run the real inspector in processes of their own; the others share this
one, where a light inspector proves the model on the golden images that the device downloaded and sends the same health
message, but inspects no images and installs no environment. The result says which was which.
"""

import argparse
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, TypedDict

from PIL import Image
from rich.table import Table

from benchmarks.common import RESULTS, console, finish, table
from benchmarks.grey_model import GREY, SIZE, description, grey_model
from client import devices, models, pipeline
from client.outcomes import why_decided
from client.target import Target
from local import stack
from local.device.emulator_cloud import EmulatorCloud
from local.device.interfaces import Process
from local.device.nucleus import Nucleus
from local.device.process_runner import ProcessRunner
from local.device.program import overrides, serve
from local.device.simulated import SimulatedDevice
from sightline import names
from sightline.rollout.record import RolloutState
from sightline.rollout.stages import Stage
from sightline.vision.detector import UnusableModelError
from sightline.vision.golden import check
from training.code_digest import code_digest

PHASES = ("queued", "downloading", "installed", "proven", "healthy")
COLOURS = ("#d8dbe0", "#8fb4e3", "#4f83cc", "#8cc28a", "#2e7d32")
POLL_SECONDS = 3.0
SECONDS = 3000  # longest time of the roll-out


# --------------------------------------------------------------------------------------------------------------- model
def release() -> dict[str, bytes]:
    """A tiny model with its golden image: one detection, whose score is the image's mean brightness."""
    with tempfile.SpooledTemporaryFile() as file:
        Image.new("RGB", (SIZE, SIZE), (GREY, GREY, GREY)).save(file, "PNG")
        file.seek(0)
        image = file.read()
    return {
        "model.onnx": grey_model().SerializeToString(),
        "model.json": json.dumps(description("golden/0.png")).encode(),
        "golden/0.png": image,
    }


def register(target: Target, job: str) -> None:
    """Put a release where a registered model has it, and register it."""
    s3, bucket = target.client("s3"), target.outputs["ArtifactsBucketName"]
    for name, body in release().items():
        s3.put_object(Bucket=bucket, Key=f"{names.model_prefix(job)}release/{name}", Body=body)
    uri = f"s3://{bucket}/{names.model_prefix(job)}"
    image = f"{target.outputs['TrainingImageRepositoryUri']}:{code_digest()}"
    target.client("sagemaker").create_model_package(
        ModelPackageGroupName=target.outputs["ModelPackageGroupName"],
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [{"Image": image, "ModelDataUrl": f"{uri}model.tar.gz"}],
            "SupportedContentTypes": ["image/jpeg"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        CustomerMetadataProperties={"training_job": job, "release_uri": f"{uri}release/"},
    )


# ------------------------------------------------------------------------------------------------------- light devices
class LightInspector:
    """Proves the models that its settings name, as the inspector does, one device at a time; inspects nothing."""

    turn = threading.Lock()

    def __init__(self, thing: str, own: names.OwnComponents, root: Path, settings: Path, iot: Any) -> None:
        self._thing, self._own, self._root, self._settings, self._iot = thing, own, root, settings, iot
        self._proven = ""
        self._code: int | None = None

    def poll(self) -> int | None:
        wanted = json.loads(self._settings.read_text())["modelVersion"]
        if self._code is None and wanted and wanted != self._proven:
            self._prove(wanted)
        return self._code

    def _prove(self, version: str) -> None:
        folder = self._root / "packages" / "artifacts-unarchived" / self._own.model / version / "model"
        if not folder.is_dir():
            return  # the model component comes after the inspector
        with self.turn:
            try:
                problems = check(folder)
            except UnusableModelError as error:
                problems = [str(error)]
        health = {
            "thing": self._thing,
            "healthy": not problems,
            "model_version": version,
            "reason": "; ".join(problems) or "all golden images gave the expected detections",
            "at": datetime.now(UTC).isoformat(),
        }
        topic = f"{names.device_topics(self._own.stack, self._thing)}/health"
        self._iot.publish(topic=topic, qos=1, payload=json.dumps(health).encode())
        self._proven = version

    def stop(self) -> None:
        self._code = self._code or 0


class LightRunner(ProcessRunner):
    """Runs every script but the inspector's, for which it has a light one in this process."""

    def __init__(self, thing: str, own: names.OwnComponents, root: Path, iot: Any) -> None:
        super().__init__()
        self._thing, self._own, self._root, self._iot = thing, own, root, iot

    def run(self, script: str, work: Path, environment: dict[str, str], log: Path, timeout: float) -> int:
        if work.name == self._own.inspector:
            return 0  # its environment is this process's
        return super().run(script, work, environment, log, timeout)

    def start(self, script: str, work: Path, environment: dict[str, str], log: Path) -> Process:  # noqa: ARG002
        settings = Path(environment["SIGHTLINE_SETTINGS"])
        return LightInspector(self._thing, self._own, self._root, settings, self._iot)

    def settle(self, processes: dict[str, Process]) -> None:
        pass


class LightFleet:
    """Many nuclei in this process, a thread each, started one after the other."""

    def __init__(self, local: stack.Stack, home: Path) -> None:
        self._local, self._home = local, home
        self._iot = local.client("iot-data")
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.phases: list[tuple[str, str, str, float]] = []

    def start(self, thing: str, group: str) -> None:
        device = SimulatedDevice(self._home, thing)
        identity, own = device.register(self._local, group), names.OwnComponents(self._local.outputs["StackName"])
        runner = LightRunner(thing, own, device.root, self._iot)
        cloud = EmulatorCloud(self._local.endpoint, self._local.credentials, identity)
        nucleus = Nucleus(thing, device.root, cloud, runner, overrides(device.root, identity.mqtt_url), self._note)
        thread = threading.Thread(target=serve, args=(nucleus, self._stopping, POLL_SECONDS), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _note(self, thing: str, deployment: str, phase: str) -> None:
        self.phases.append((thing, deployment, phase, time.time()))

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)


# ------------------------------------------------------------------------------------------------------------ timeline
def follow(target: Target) -> tuple[dict[Stage, float], dict[Stage, str], str]:
    """Wait for the end of the roll-out; answers when each stage was through, its deployment, and the decision or
    error.
    """
    through: dict[Stage, float] = {}
    execution = ""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        found = pipeline.executions(target, "deploy_model")
        now, execution = devices.rollout(target), found[0]["executionArn"] if found else ""
        if now and now.status in (RolloutState.PROMOTED, RolloutState.HEALTHY):
            through.setdefault(now.stage, time.time())
        if now and now.stage == Stage.FLEET and Stage.CANARY in now.stages:
            through.setdefault(Stage.CANARY, time.time())
        if found and found[0]["status"] != "RUNNING":
            break
        time.sleep(1)
    output = pipeline.wait_for(target, execution, seconds=10)
    settled = devices.rollout(target)
    return through, dict(settled.deployments) if settled else {}, why_decided(output)


def noted(home: Path) -> list[tuple[str, str, str, float]]:
    """The phases that devices in processes of their own wrote into their logs."""
    lines = [
        (log.parent.name, line.split())
        for log in home.glob("devices/*/nucleus.log")
        for line in log.read_text().splitlines()
    ]
    return [
        (thing, words[2], words[3], float(words[1]))
        for thing, words in lines
        if len(words) == 4 and words[0] == "phase"
    ]


class DeviceTimes(TypedDict):
    """When one device came to each phase."""

    thing: str
    group: Stage
    inspector: str  # `real`, or `light`
    seconds: dict[str, float]  # since the approval, by phase


class Timeline(TypedDict):
    """A roll-out, device by device."""

    seconds: float  # until the whole fleet was healthy
    decision: str  # its reason
    devices: list[DeviceTimes]


class Fleet(Timeline):
    """benchmarks/results/fleet.json."""

    simulated: bool
    settings: dict[str, str]  # parameters of the stack
    note: str


def timeline(
    target: Target, groups: dict[str, Stage], phases: Iterable[tuple[str, str, str, float]], real: set[str]
) -> Timeline:
    """Seconds since the approval at which each device reached each phase."""
    approved = time.time()
    models.judge(target, "latest", approved=True)
    through, deployments, reason = follow(target)
    greengrass = target.client("greengrassv2")
    created = {
        stage: greengrass.get_deployment(deploymentId=number)["creationTimestamp"].timestamp()
        for stage, number in deployments.items()
    }
    rows: list[DeviceTimes] = []
    for thing, group in sorted(groups.items(), key=lambda entry: (entry[1], entry[0])):
        at = {phase: moment for name, number, phase, moment in phases if (name, number) == (thing, deployments[group])}
        said = list(devices.fleet(target).reports.of(thing).values())
        at |= {"queued": created[group], "healthy": through[group]}
        if said:
            at["proven"] = datetime.fromisoformat(said[0].at).timestamp()
        seconds = {phase: round(at[phase] - approved, 1) for phase in PHASES if phase in at}
        rows.append(
            {"thing": thing, "group": group, "inspector": "real" if thing in real else "light", "seconds": seconds}
        )
    return {"seconds": round(max(through.values()) - approved, 1), "decision": reason, "devices": rows}


def render(result: Fleet) -> str:
    """The timeline as a page without any request to anywhere: a bar for each device, a colour for each phase."""
    total, width = result["seconds"], 900
    bars = []
    for number, device in enumerate(result["devices"]):
        top, at = 30 + number * 14, device["seconds"]
        known = [phase for phase in PHASES if phase in at]
        bars.append(f'<text x="0" y="{top + 10}">{escape(device["thing"])} ({device["inspector"]})</text>')
        for phase, following in zip(known, [*known[1:], ""], strict=True):
            left, right = at[phase] / total * width, at.get(following, total) / total * width
            colour = COLOURS[PHASES.index(phase)]
            title = escape(f"{device['thing']}: {phase} after {at[phase]:.0f} s")
            bars.append(
                f'<rect x="{160 + left:.1f}" y="{top}" width="{max(right - left, 0.5):.1f}" height="11" '
                f'fill="{colour}">'
                f"<title>{title}</title></rect>"
            )
    key = "".join(
        f'<rect x="{160 + 110 * place}" y="4" width="11" height="11" fill="{colour}"/><text x="{176 + 110 * place}" '
        f'y="14">{phase}</text>'
        for place, (phase, colour) in enumerate(zip(PHASES, COLOURS, strict=True))
    )
    ticks = "".join(
        f'<text x="{160 + width * share:.0f}" '
        f'y="{44 + len(bars) and 44 + 14 * len(result["devices"])}">{total * share:.0f} s</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    height = 60 + 14 * len(result["devices"])
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sightline: a roll-out to '
        f"{len(result['devices'])} devices</title><style>body{{font:15px system-ui;margin:2em}}text{{font:11px "
        "system-ui}}</style>"
        f"<h1>A roll-out to {len(result['devices'])} simulated devices</h1><p>{escape(result['decision'])}. "
        f"{escape(result['note'])}</p>"
        f'<svg width="{width + 220}" height="{height}" role="img">{key}{"".join(bars)}{ticks}</svg></html>\n'
    )


def shown(result: Fleet) -> list[Table | str]:
    """When the first, the middle and the last device of each group came to each phase."""
    groups: dict[str, list[dict[str, float]]] = {}
    for device in result["devices"]:
        groups.setdefault(device["group"], []).append(device["seconds"])
    phases = table("seconds after the approval", *(f"{phase}: first, middle, last" for phase in PHASES))
    for group, devices_of in groups.items():
        cells = []
        for phase in PHASES:
            at = sorted(seconds[phase] for seconds in devices_of if phase in seconds)
            cells.append(f"{at[0]:.0f}, {at[len(at) // 2]:.0f}, {at[-1]:.0f}" if at else "–")
        phases.add_row(f"{group}: {len(devices_of)}", *cells)
    return [phases, f"{result['decision']}; {result['seconds']:.0f} s in all. {result['note']}"]


def run(count: int, canaries: int, inspectors: int, settings: dict[str, str]) -> Timeline:
    """One roll-out to `count` devices, `canaries` of them in the canary group, `inspectors` of them with the real
    inspector.
    """
    home = Path(tempfile.mkdtemp(prefix="sightline-fleet-"))
    local = stack.up(lambda text: console.print(text), root=home, overrides=settings, tied=True)
    light = LightFleet(local, home)
    try:
        target = Target.find(None, None, None, home)
        devices.publish_inspector(target)
        register(target, "fleet-1")
        groups = {
            f"device-{number:02}": Stage.CANARY if number <= canaries else Stage.FLEET for number in range(1, count + 1)
        }
        members = {
            group: [thing for thing, of in groups.items() if of == group] for group in (Stage.CANARY, Stage.FLEET)
        }
        real = set(members[Stage.CANARY][:1] + members[Stage.FLEET][: max(0, inspectors - 1)]) if inspectors else set()
        for thing, group in groups.items():
            name = target.outputs[devices.GROUPS[group]]
            SimulatedDevice(home, thing).start(local, name) if thing in real else light.start(thing, name)
        console.print(f"{count} devices run")
        result = timeline(target, groups, _Phases(light, home), real)
    finally:
        light.stop()
        stack.down(home)
    shutil.rmtree(home, ignore_errors=True)
    return result


class _Phases:
    """What all devices noted so far, read when it is asked for."""

    def __init__(self, light: LightFleet, home: Path) -> None:
        self._light, self._home = light, home

    def __iter__(self) -> Iterator[tuple[str, str, str, float]]:
        return iter([*self._light.phases, *noted(self._home)])


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.fleet", description="A roll-out to many simulated devices.")
    parser.add_argument("--devices", type=int, default=50, help="how many (default 50)")
    parser.add_argument("--canaries", type=int, default=3, help="of them in the canary group (default 3)")
    parser.add_argument("--inspectors", type=int, default=2, help="of them with the real inspector (default 2)")
    parser.add_argument("--per-minute", type=int, default=30, help="rollout rate (default 30)")
    given = parser.parse_args()
    settings = {"BakeSeconds": "10", "RolloutPerMinute": str(given.per_minute), "HealthTimeoutSeconds": "600"}
    timeline = run(given.devices, given.canaries, given.inspectors, settings)
    light = given.devices - given.inspectors
    note = (
        f"{given.inspectors} devices ran the real inspector; {light} ran a light one in one process, which proves the "
        "model on its golden "
        "images but inspects nothing. " + ", ".join(f"{name} {value}" for name, value in settings.items()) + "."
    )
    result: Fleet = {"simulated": True, "settings": settings, **timeline, "note": note}
    finish("fleet", result, shown)
    (RESULTS / "fleet.html").write_text(render(result))
    console.print(f"The timeline: {RESULTS / 'fleet.html'}", soft_wrap=True)


if __name__ == "__main__":
    main()
