"""The whole loop on this machine, from dropped images to verdicts of a simulated device, and a report about it."""

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from client import datasets, devices, models, pipeline, trail
from client.annotate import Annotators, read_coco
from client.target import Target
from edge.inspector.messages import VerdictMessage
from local import stack
from local.demo.photos import content, hold_out
from local.demo.sample import draw
from local.demo.training import Training
from local.device.mqtt import Listener
from local.device.simulated import SimulatedDevice
from reporting import demo
from sightline.aws.objects import ObjectStore
from sightline.errors import SightlineError
from sightline.images.box import Box
from sightline.images.image import ImageStatus
from sightline.names import device_topics
from sightline.vision.verdict import Outcome

DRAWN, UNSEEN_DRAWN = 120, 24
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
        self.note = ""  # what a stage adds to its line
        self.verdicts: dict[str, demo.DeviceVerdict] = {}
        self.ids: set[str] = set()  # correlation ids of the verdicts
        self.got_verdict = threading.Event()

    def run(self) -> None:
        """All stages in order. Whatever happens, what was started is stopped, unless `keep`."""
        if stack.is_running(self.home):
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
            self.follow()
        with self.stage("write the report"):
            self.result["executions"] = {machine: pipeline.usage(self.target, machine) for machine in pipeline.MACHINES}
            self.result["seconds"] = round(time.monotonic() - self.started, 1)
            artifacts = demo.Artifacts(
                ObjectStore(self.target.aws, self.target.outputs["ArtifactsBucketName"]), self.result["training_job"]
            )
            self.result |= {"epochs": len(artifacts.history), "epochs_planned": int(HYPERPARAMETERS["epochs"])}
            if cut := demo.cut_short(self.result):
                self.note = cut
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
        self.console.print(f"[green]✓[/green] {name:34} {seconds:6.1f} s  {self.note}", soft_wrap=True)
        self.note = ""

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
        self.note = f"{len(seen)} to learn from, {len(unseen)} for the device alone"
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
        self.note = (
            f"{counts[ImageStatus.APPROVED]} approved, {people.done['rejected']} sent round again, "
            f"{len(quarantined)} quarantined"
        )

    def check_machine(self, machine: str) -> None:
        failed = [e for e in pipeline.executions(self.target, machine) if e["status"] not in ("RUNNING", "SUCCEEDED")]
        if failed:
            pipeline.wait_for(self.target, failed[0]["executionArn"])  # raises with the cause

    def train(self) -> None:
        """Wait for the training that labelling started; start one for what came after it."""
        for execution_arn in reversed(self.wait_for_executions("train_model", 30)):
            training = self.wait_for_training(execution_arn)
        if training.images < self.result["labels_approved"] or not training.changed:
            training = self.wait_for_training(pipeline.start_training(self.target))
        if not training.changed:
            raise DemoError(training.reason)
        self.result |= {
            "dataset_version": training.dataset_version,
            "training_job": training.job,
            "map50": round(training.map50, 4),
            "map50_95": round(training.map50_95, 4),
            "accepted": training.accepted,
            "reasons": list(training.reasons),
        }
        if not training.accepted:
            raise DemoError("the gate rejected the model: " + "; ".join(training.reasons))
        self.result["model_package_arn"] = training.model_package_arn
        self.note = f"mAP@.50 {self.result['map50']:.3f}, accepted"

    def wait_for_training(self, execution_arn: str) -> Training:
        output = pipeline.wait_for(self.target, execution_arn, self.spinner.update, TRAINING_SECONDS)
        return Training.from_output(output)

    def wait_for_executions(self, machine: str, seconds: float) -> list[str]:
        """Return the ARNs of a state machine's executions once there is one, the newest first. Raise DemoError."""
        deadline = time.monotonic() + seconds
        while not (found := pipeline.executions(self.target, machine)):
            if time.monotonic() > deadline:
                raise DemoError(f"no execution of {machine} was started within {seconds:.0f} s")
            time.sleep(0.3)
        return [execution["executionArn"] for execution in found]

    def deploy(self, local: stack.Stack) -> SimulatedDevice:
        """Start the device, approve the model, and wait until the device has proven it."""
        devices.publish_inspector(self.target)
        device = SimulatedDevice(self.home, THING)
        shutil.rmtree(device.root, ignore_errors=True)
        device.start(local)
        models.judge(self.target, "latest", approved=True)
        execution_arn = self.wait_for_executions("deploy_model", 30)[0]
        try:
            pipeline.wait_for(self.target, execution_arn, seconds=DEPLOYMENT_SECONDS)
        finally:
            self.result["deployment_status"] = pipeline.current_state(self.target, execution_arn)
        if self.result["deployment_status"] != "DeploymentHealthy":
            raise DemoError(f"the deployment ended as {self.result['deployment_status']}")
        self.note = self.result["deployment_status"]
        return device

    def inspect(
        self, local: stack.Stack, device: SimulatedDevice, unseen: list[Path], truth: dict[str, list[Box]]
    ) -> None:
        """Drop images in front of the device and collect its verdicts over MQTT."""
        waiting = {path.name for path in unseen}

        def on_verdict(message: VerdictMessage) -> None:
            self.verdicts[message["image"]] = shown(message)  # the same verdict again changes nothing
            self.ids.add(message.get("correlation_id", ""))
            if waiting <= set(self.verdicts):
                self.got_verdict.set()

        listener = Listener(local.endpoint, f"{device_topics(local.outputs['StackName'], THING)}/verdicts", on_verdict)
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
        self.result["device"] = [self.verdicts[path.name] for path in unseen]
        right = [
            self.verdicts[path.name]["verdict"] == (Outcome.FAIL if truth[path.name] else Outcome.PASS)
            for path in unseen
        ]
        self.result["device_correct"] = round(sum(right) / len(right), 4)
        review = sum(entry["verdict"] == Outcome.REVIEW for entry in self.result["device"])
        self.note = f"{sum(right)} of {len(right)} verdicts right, {review} left to a person"

    def follow(self) -> None:
        """Note which images and which functions and workflows have the correlation id of the device's verdicts."""
        ids = sorted(self.ids)
        labelled = pipeline.ledger(self.target).with_status(ImageStatus.APPROVED)
        self.result |= {
            "correlation_ids": ids,
            "images_of_id": sum(image.correlation_id in ids for image in labelled),
            "trail": sorted({step.where for step in trail.follow(self.target, ids)}),
        }


def shown(message: VerdictMessage) -> demo.DeviceVerdict:
    """Return what the report shows of a verdict."""
    return {
        "image": message["image"],
        "verdict": message["verdict"],
        "detections": message["detections"],
        "latency_ms": message["latency_ms"],
    }
