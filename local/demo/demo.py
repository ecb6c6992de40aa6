"""The whole loop on this machine: `up`, the loop of `client.loop`, and a simulated device that inspects new photos."""

import json
import shutil
import tempfile
import threading
import time
from pathlib import Path

from rich.console import Console

from client import devices, models, pipeline, trail
from client.annotate import parse_coco, read_coco
from client.loop.loop import HYPERPARAMETERS, Loop
from client.loop.photos import Photos
from client.loop.sample import CLASSES, drawn
from client.loop.stages import Stages
from client.target import Target
from edge.inspector.messages import VerdictMessage
from local import disk, stack
from local.demo.photos import classes_of, content, hold_out, match
from local.device.mqtt import Listener
from local.device.simulated import SimulatedDevice
from reporting import demo
from sightline.errors import SightlineError
from sightline.images.image import ImageStatus
from sightline.names import device_topics
from sightline.vision.verdict import Outcome

THING = "simulated-device-1"
DEPLOYMENT_SECONDS, VERDICT_SECONDS = 300.0, 120.0


class DemoError(SightlineError):
    """The demo can't begin, or its device did not do its part."""


class Demo:
    """One run; `run` ends normally only if the loop closed."""

    def __init__(self, home: Path, folder: Path, images: Path | None, labels: Path | None, *, keep: bool) -> None:
        self.home, self.folder, self.images, self.labels, self.keep = home, folder, images, labels, keep
        self.classes = list(CLASSES)
        self.verdicts: dict[str, demo.ImageVerdict] = {}
        self.ids: set[str] = set()  # correlation ids of the verdicts
        self.got_verdict = threading.Event()
        self.started = False  # the stack

    def run(self) -> None:
        """All stages in order. Whatever happens, what was started is stopped, unless `keep`."""
        if stack.is_running(self.home):
            raise DemoError("a local stack is running already; stop it with `sightline down`")
        if stack.is_kept(self.home):
            raise DemoError(
                f"{self.home} keeps what a stack held; go on with it by `sightline up`, delete it by `sightline down`, "
                "or give another --home"
            )
        disk.require(self.home, disk.LOOP_BYTES)
        for folder in (self.home, self.folder):
            folder.mkdir(parents=True, exist_ok=True)
        look = f"logs: {self.home / 'emulator.log'}, {self.home / 'jobs'}"
        self.stages = Stages(Console(), look)
        with tempfile.TemporaryDirectory(dir=self.home, prefix="demo-") as temporary:
            try:
                self._run(Path(temporary))
            finally:
                if self.started and not self.keep:  # what another command starts is not the demo's to stop
                    stack.down(self.home)

    def _run(self, work: Path) -> None:
        stage = self.stages.stage
        with stage("prepare images"):
            photos = self.prepare(work)
        with stage("start the stack"):
            local = stack.up(
                root=self.home,
                overrides={
                    "Classes": ",".join(self.classes),
                    "Hyperparameters": json.dumps(HYPERPARAMETERS, separators=(",", ":")),
                },
                tied=not self.keep,
            )
            self.started = True
            target = Target.find(None, None, None, self.home)
        loop = Loop(target, self.stages, photos)
        with stage("upload"):
            loop.upload(work)
        with stage("label and verify"):
            loop.label()
        with stage("train, evaluate, judge, register"):
            self.train(loop)
        with stage("approve and deploy"):
            device = self.deploy(loop, local)
        with stage("inspect unseen images"):
            self.inspect(local, device, photos)
            self.follow(target)
        with stage("write the report"):
            loop.write_report(self.folder)
        self.stages.console.print(
            f"The loop is closed: {self.folder / 'report.html'} ({loop.result['seconds']:.0f} s)", soft_wrap=True
        )

    def prepare(self, work: Path) -> Photos:
        """Return images to upload, images that only the device will see, and the truth about all."""
        photos = self.own(self.images, self.labels) if self.images and self.labels else drawn(work)
        if len(photos.seen) < 2 or not photos.unseen:
            raise DemoError(
                f"{self.images} holds too few photos that can be read; the demo needs some of at least four parts"
            )
        self.stages.result |= {"images_uploaded": len(photos.seen), "images_unseen": len(photos.unseen)}
        self.stages.note = f"{len(photos.seen)} to learn from, {len(photos.unseen)} for the device alone"
        return photos

    def own(self, images: Path, labels: Path) -> Photos:
        """Return the photos of one's own that the labels name. The stack gets the classes of the labels."""
        found = parse_coco(labels)
        self.classes = classes_of(found, labels)
        truth, files = match(images, read_coco(labels, self.classes))
        if not files:
            raise DemoError(f"{images} holds none of the images that {labels} names")
        seen, unseen = hold_out(files)
        return Photos(seen, unseen, truth, len({digest for path in seen if (digest := content(path))}))

    def train(self, loop: Loop) -> None:
        """Wait for the training that labelling started; start one for what came after it."""
        for execution_arn in reversed(loop.started("train_model", 30)):
            training = loop.wait_for_training(execution_arn)
        if training.images < loop.result["labels_approved"] or not training.changed:
            training = loop.wait_for_training(pipeline.start_training(loop.target))
        loop.judged(training)

    def deploy(self, loop: Loop, local: stack.Stack) -> SimulatedDevice:
        """Start the device, approve the model, and wait until the device has proven it."""
        devices.publish_inspector(loop.target)
        device = SimulatedDevice(self.home, THING)
        shutil.rmtree(device.root, ignore_errors=True)
        device.start(local)
        models.judge(loop.target, "latest", approved=True)
        loop.deployed(DEPLOYMENT_SECONDS)
        return device

    def inspect(self, local: stack.Stack, device: SimulatedDevice, photos: Photos) -> None:
        """Drop images in front of the device and collect its verdicts over MQTT."""
        waiting = {path.name for path in photos.unseen}

        def on_verdict(message: VerdictMessage) -> None:
            self.verdicts[message["image"]] = shown(message)  # the same verdict again changes nothing
            self.ids.add(message.get("correlation_id", ""))
            if waiting <= set(self.verdicts):
                self.got_verdict.set()

        topic = f"{device_topics(local.outputs['StackName'], THING)}/verdicts"
        listener = Listener(local.endpoint, local.credentials, topic, on_verdict)
        time.sleep(0.5)  # the subscription travels; verdicts before it would not be seen here
        for path in photos.unseen:
            part = device.images / f"{path.name}.part"
            shutil.copyfile(path, part)
            part.rename(device.images / path.name)
        self.got_verdict.wait(VERDICT_SECONDS)
        listener.close()
        missing = sorted(waiting - set(self.verdicts))
        if missing:
            raise DemoError(
                f"{len(missing)} images got no verdict within {VERDICT_SECONDS:.0f} s, the first: {missing[0]}"
            )
        verdicts = [self.verdicts[path.name] for path in photos.unseen]
        self.stages.result |= demo.inspected("a simulated device", verdicts, photos.truth)
        self.stages.note = demo.told(verdicts, photos.truth)

    def follow(self, target: Target) -> None:
        """Note which images and which functions and workflows have the correlation id of the device's verdicts."""
        ids = sorted(self.ids)
        labelled = pipeline.ledger(target).with_status(ImageStatus.APPROVED)
        self.stages.result |= {
            "correlation_ids": ids,
            "images_of_id": sum(image.correlation_id in ids for image in labelled),
            "trail": sorted({step.where for step in trail.follow(target, ids)}),
        }


def shown(message: VerdictMessage) -> demo.ImageVerdict:
    """Return what the report shows of a verdict."""
    return {
        "image": message["image"],
        "verdict": Outcome(message["verdict"]),
        "detections": message["detections"],
        "latency_ms": message["latency_ms"],
    }
