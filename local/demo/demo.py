"""The whole loop on this machine, from dropped images to verdicts of a simulated device, and a report about it."""

import hashlib
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from client import datasets, devices, models, pipeline
from client.annotate import Annotators, read_coco
from client.target import Target
from local import stack
from local.demo.sample import draw
from local.device.mqtt import Listener
from local.device.simulated import SimulatedDevice
from reporting import demo
from sightline.aws.objects import ObjectStore
from sightline.datasets import grouping
from sightline.errors import SightlineError
from sightline.images.box import Box
from sightline.images.image import ImageStatus
from sightline.vision.decode import UndecodableImageError, decode
from sightline.vision.phash import phash

DRAWN, UNSEEN_DRAWN = 120, 24
UNSEEN_SHARE = 0.15
ERROR_RATE = 0.08
THING = "simulated-device-1"
# Longest times of the stages, seconds.
LABELING_SECONDS, TRAINING_SECONDS, DEPLOYMENT_SECONDS, VERDICT_SECONDS = 600, 1500, 300, 120
# Small images and few epochs, so that the demo ends in minutes. A slow machine may take longer: cut short, the model
# would fail the gate.
HYPERPARAMETERS = {"image_size": "320", "epochs": "50", "max_seconds": "900"}


class DemoError(SightlineError):
    """A stage did not end as it should."""


class Demo:
    """One run; `run` ends normally only if the loop closed."""

    def __init__(self, home: Path, folder: Path, images: Path | None, labels: Path | None, *, keep: bool) -> None:
        self.home, self.folder, self.images, self.labels, self.keep = home, folder, images, labels, keep
        self.console = Console()
        self.result: demo.Result = {"stages": {}}
        self.verdicts: dict[str, dict[str, Any]] = {}
        self.got_verdict = threading.Event()

    def run(self) -> None:
        """All stages in order. Whatever happens, what was started is stopped, unless `keep`."""
        if stack.status(self.home)["running"]:
            raise DemoError("a local stack is running already; stop it with `sightline down`")
        for folder in (self.home, self.folder):
            folder.mkdir(parents=True, exist_ok=True)
        self.started = time.monotonic()
        with tempfile.TemporaryDirectory(dir=self.home, prefix="demo-") as temporary:
            try:
                self._run(Path(temporary))
            finally:
                if not self.keep:
                    stack.down(self.home)

    def _run(self, work: Path) -> None:
        with self.stage("prepare images"):
            seen, unseen, truth = self.prepare(work)
        with self.stage("start the stack"):
            local = stack.up(
                root=self.home,
                overrides={"Hyperparameters": json.dumps(HYPERPARAMETERS, separators=(",", ":"))},
                tied=not self.keep,
            )
            self.target = Target.find(None, None, None, self.home)
        with self.stage("upload"):
            self.upload(seen, truth, work)
        with self.stage("label and verify"):
            self.label(truth)
        with self.stage("train, evaluate, judge, register"):
            self.train()
        with self.stage("approve and deploy"):
            device = self.deploy(local)
        with self.stage("inspect unseen images"):
            self.inspect(local, device, unseen, truth)
        with self.stage("write the report"):
            self.result["executions"] = {machine: pipeline.usage(self.target, machine) for machine in pipeline.MACHINES}
            self.result["seconds"] = round(time.monotonic() - self.started, 1)
            artifacts = demo.Artifacts(
                ObjectStore(self.target.aws, self.target.outputs["ArtifactsBucketName"]), self.result["training_job"]
            )
            self.result |= {"epochs": len(artifacts.history), "epochs_planned": int(HYPERPARAMETERS["epochs"])}
            if cut := demo.cut_short(self.result):
                self.result["note"] = cut
            page = datasets.report(self.target, self.result["dataset_version"])
            (self.folder / demo.DATASET).write_text(page)
            demo.write(self.folder, self.result, artifacts, {path.name: path for path in unseen}, truth)
        self.console.print(
            f"The loop is closed: {self.folder / 'report.html'} ({self.result['seconds']:.0f} s)", soft_wrap=True
        )

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage and say how it went; an error names the stage and where to look."""
        start = time.monotonic()
        try:
            with self.console.status(name) as self.spinner:
                yield
        except SightlineError as error:
            log = self.home / "emulator.log"
            raise DemoError(f"stage “{name}” failed: {error} (logs: {log}, {self.home / 'jobs'})") from error
        seconds = time.monotonic() - start
        self.result["stages"][name] = round(seconds, 1)
        self.console.print(
            f"[green]✓[/green] {name:34} {seconds:6.1f} s  {self.result.pop('note', '')}", soft_wrap=True
        )

    # ----------------------------------------------------------------------------------------------------------- stages
    def prepare(self, work: Path) -> tuple[list[Path], list[Path], dict[str, list[Box]]]:
        """Images to upload, images that only the device will see, and the truth about all."""
        if self.images and self.labels:
            truth = read_coco(self.labels)
            files = [self.images / name for name in sorted(truth) if (self.images / name).is_file()]
            if not files:
                raise DemoError(f"{self.images} holds none of the images that {self.labels} names")
            seen, unseen = hold_out(files)
        else:
            truth = read_coco(draw(work / "seen", DRAWN, seed=1)) | read_coco(
                draw(work / "unseen", UNSEEN_DRAWN, seed=3)
            )
            seen, unseen = sorted((work / "seen").glob("*.jpg")), sorted((work / "unseen").glob("*.jpg"))
        if len(seen) < 2 or not unseen:
            raise DemoError(
                f"{self.images} holds too few photos that can be read; the demo needs some of at least four parts"
            )
        self.expected = len({digest for path in seen if (digest := content(path))})
        self.result |= {"images_uploaded": len(seen), "images_unseen": len(unseen)}
        self.result["note"] = f"{len(seen)} to learn from, {len(unseen)} for the device alone"
        return seen, unseen, truth

    def upload(self, seen: list[Path], truth: dict[str, list[Box]], work: Path) -> None:
        """The images, and three files that a line could drop too: a corrupt one, a text, a duplicate under another
        name.
        """
        odd = work / "odd"
        odd.mkdir()
        body = seen[0].read_bytes()
        (odd / "corrupt.jpg").write_bytes(body[: len(body) // 3])
        (odd / "notes.jpg").write_text("This is a shift report, not a photo.\n")
        copy = odd / f"copy-of-{seen[1].name}"
        shutil.copyfile(seen[1], copy)
        truth[copy.name] = truth[seen[1].name]
        pipeline.upload(self.target, [*seen, *sorted(odd.iterdir())])

    def label(self, truth: dict[str, list[Box]]) -> None:
        """Simulated annotators work until every image is settled."""
        people = Annotators(self.target, truth, error_rate=ERROR_RATE, seed=0, count=4)
        deadline = time.monotonic() + LABELING_SECONDS
        while time.monotonic() < deadline:
            people.work()
            counts = pipeline.ledger(self.target).counts()
            if (
                counts[ImageStatus.APPROVED] + counts[ImageStatus.REJECTED] >= self.expected
                and not counts[ImageStatus.NEW] + counts[ImageStatus.CLAIMED]
            ):
                break
            self.check_machine("label_images")
            time.sleep(0.3)
        else:
            raise DemoError(f"labelling took longer than {LABELING_SECONDS} s: {counts}")
        ledger = pipeline.ledger(self.target)
        quarantined = ledger.with_status(ImageStatus.QUARANTINED)
        settled = ledger.with_status(ImageStatus.APPROVED) + ledger.with_status(ImageStatus.REJECTED)
        merged = [image for image in settled if len(image.keys) > 1]
        self.result |= {
            "images_quarantined": len(quarantined),
            "quarantine": [{"key": image.key, "reason": image.reason} for image in quarantined],
            "images_merged": [sorted(image.keys) for image in merged],
            "labels_approved": counts[ImageStatus.APPROVED],
            "labels_rejected": counts[ImageStatus.REJECTED],
            "verdicts_rejected": people.done["rejected"],
        }
        self.result["note"] = (
            f"{counts[ImageStatus.APPROVED]} approved, {people.done['rejected']} sent round again, "
            f"{len(quarantined)} quarantined"
        )

    def check_machine(self, machine: str) -> None:
        failed = [e for e in pipeline.executions(self.target, machine) if e["status"] not in ("RUNNING", "SUCCEEDED")]
        if failed:
            pipeline.wait_for(self.target, failed[0]["executionArn"])  # raises with the cause

    def train(self) -> None:
        """Wait for the training that labelling started; start one for what came after it."""
        for execution in reversed(self.wait_for_executions("train_model", 30)):
            output = self.wait_for(execution["executionArn"])
        images = sum(output["dataset"][split] for split in ("train", "validation", "test"))
        if images < self.result["labels_approved"] or not output["plan"]["changed"]:
            output = self.wait_for(pipeline.start_training(self.target))
        if not output["plan"]["changed"]:
            raise DemoError(output["plan"]["reason"])
        judgement = output["judgement"]
        self.result |= {
            "dataset_version": output["dataset"]["version"],
            "training_job": output["plan"]["training_job"],
            "map50": round(float(judgement["map50"]), 4),
            "map50_95": round(float(judgement["map50_95"]), 4),
            "accepted": judgement["accepted"],
            "reasons": judgement["reasons"],
        }
        if not judgement["accepted"]:
            raise DemoError("the gate rejected the model: " + "; ".join(judgement["reasons"]))
        self.result["model_package_arn"] = output["registration"]["model_package_arn"]
        self.result["note"] = f"mAP@.50 {self.result['map50']:.3f}, accepted"

    def wait_for(self, execution_arn: str) -> dict[str, Any]:
        return pipeline.wait_for(self.target, execution_arn, self.spinner.update, TRAINING_SECONDS)

    def wait_for_executions(self, machine: str, seconds: float) -> list[dict[str, Any]]:
        deadline = time.monotonic() + seconds
        while not (found := pipeline.executions(self.target, machine)):
            if time.monotonic() > deadline:
                raise DemoError(f"no execution of {machine} was started within {seconds:.0f} s")
            time.sleep(0.3)
        return found

    def deploy(self, local: stack.Stack) -> SimulatedDevice:
        """Start the device, approve the model, and wait until the device has proven it."""
        devices.publish_inspector(self.target)
        device = SimulatedDevice(self.home, THING)
        shutil.rmtree(device.root, ignore_errors=True)
        device.start(local)
        models.judge(self.target, "latest", approved=True)
        execution = self.wait_for_executions("deploy_model", 30)[0]
        try:
            pipeline.wait_for(self.target, execution["executionArn"], seconds=DEPLOYMENT_SECONDS)
        finally:
            self.result["deployment_status"] = pipeline.current_state(self.target, execution["executionArn"])
        if self.result["deployment_status"] != "DeploymentHealthy":
            raise DemoError(f"the deployment ended as {self.result['deployment_status']}")
        self.result["note"] = self.result["deployment_status"]
        return device

    def inspect(self, local: stack.Stack, device: SimulatedDevice, unseen: list[Path], truth: dict[str, Any]) -> None:
        """Drop images in front of the device and collect its verdicts over MQTT."""
        waiting = {path.name for path in unseen}

        def on_message(_topic: str, message: dict[str, Any]) -> None:
            self.verdicts[message["image"]] = message  # the same verdict again changes nothing
            if waiting <= set(self.verdicts):
                self.got_verdict.set()

        listener = Listener(local.endpoint, f"sightline/{THING}/verdicts", on_message)
        time.sleep(0.5)  # the subscription travels; verdicts before it would not be seen here
        for path in unseen:
            part = device.images / f"{path.name}.part"
            shutil.copyfile(path, part)
            part.rename(device.images / path.name)
        self.got_verdict.wait(VERDICT_SECONDS)
        listener.close()
        missing = sorted(waiting - set(self.verdicts))
        if missing:
            raise DemoError(f"{len(missing)} images got no verdict within {VERDICT_SECONDS} s, the first: {missing[0]}")
        said = [self.verdicts[path.name] for path in unseen]
        self.result["device"] = [
            {
                "image": verdict["image"],
                "verdict": verdict["verdict"],
                "detections": verdict["detections"],
                "latency_ms": verdict["latency_ms"],
            }
            for verdict in said
        ]
        right = [self.verdicts[path.name]["verdict"] == ("fail" if truth[path.name] else "pass") for path in unseen]
        self.result["device_correct"] = round(sum(right) / len(right), 4)
        review = sum(entry["verdict"] == "review" for entry in self.result["device"])
        self.result["note"] = f"{sum(right)} of {len(right)} verdicts right, {review} left to a person"


def content(path: Path) -> str | None:
    """What a photo is known by in the ledger, where equal ones are one; None for what will be quarantined."""
    body = path.read_bytes()
    try:
        decode(body)
    except UndecodableImageError:
        return None
    return hashlib.sha256(body).hexdigest()


def hold_out(files: list[Path]) -> tuple[list[Path], list[Path]]:
    """Part images so that no near-duplicate of a held-out one is left: whole groups, about 15 % of the images."""
    hashes = {}
    for path in files:
        try:
            hashes[path.name] = phash(decode(path.read_bytes()))
        except UndecodableImageError:
            continue  # it is uploaded, and the pipeline says what is wrong with it
    groups: dict[str, list[str]] = {}
    for name, group in grouping.group(hashes).items():
        groups.setdefault(group, []).append(name)
    order = sorted(groups.values(), key=lambda members: (len(members), members))
    held: set[str] = set()
    for members in order[: max(1, len(order) - 3)]:  # at least three groups stay, one for each split
        if len(held) < UNSEEN_SHARE * len(files):
            held |= set(members)
    return [path for path in files if path.name not in held], [path for path in files if path.name in held]
