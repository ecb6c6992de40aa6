"""`sightline verify`: drawn photos through the whole loop on a deployed stack, a report, and no trace left."""

import secrets
import tempfile
import time
from pathlib import Path

from rich.console import Console

from client import devices, models, pipeline, users
from client.doctor.deployed import Deployed
from client.doctor.findings import Verdict
from client.doctor.training_image import training_image
from client.loop.loop import HYPERPARAMETERS, LABELING_SECONDS, Loop
from client.loop.photos import Photos
from client.loop.sample import drawn
from client.loop.stages import StageError, Stages, until
from client.outcomes import ScoringOutcome
from client.target import Place
from client.verification.traces import Traces
from reporting import demo
from sightline import names
from sightline.errors import SightlineError
from sightline.images.image import ImageStatus

# Longest times of the stages, seconds: AWS has to find machines, and a roll-out waits for its bake time.
IMAGE_SECONDS, TRAINING_SECONDS, DEPLOYMENT_SECONDS, SCORING_SECONDS = 3600.0, 3600.0, 3600.0, 900.0
PREDICT_SECONDS = 120.0  # a container asks for a newer model once a minute
USER = "sightline-verify"
NO_DEVICES = "has no things"  # what start_deployment says of a group without devices


class VerificationError(SightlineError):
    """The stack is not one that can be verified, or it failed."""


class Verification:
    """One run on one stack. `device` is the thing that shall get the model, empty for none."""

    def __init__(self, place: Place, stack: Deployed, report: Path, device: str = "") -> None:
        self.stack, self.target, self.report, self.device = stack, stack.target, report, device
        self.folder = f"verify-{secrets.token_hex(4)}/"
        look = f"`sightline --stack {place.stack} logs` has what the functions said"
        self.stages = Stages(Console(), look)

    def run(self) -> None:
        """All stages in order. Whatever happens, what was made is removed. Raise SightlineError."""
        refuse_unless_empty(self.stack, self.device)
        traces = Traces(self.target, self.folder)
        with tempfile.TemporaryDirectory(prefix="sightline-verify-") as work:
            try:
                self._run(Path(work))
            finally:
                self._clean(traces)
        if traces.failed:
            raise VerificationError("the loop closed, but not all was removed: " + "; ".join(traces.failed))
        self.stages.console.print(
            f"The loop is closed: {self.report / 'report.html'} ({self.stages.seconds:.0f} s)", soft_wrap=True
        )

    def _run(self, work: Path) -> None:
        stage = self.stages.stage
        with stage("prepare images"):
            photos = drawn(work)
            self.stages.result |= {"images_uploaded": len(photos.seen), "images_unseen": len(photos.unseen)}
            loop = Loop(self.target, self.stages, photos, self.folder)
        with stage("upload"):
            loop.upload(work)
        with stage("label and verify"):
            loop.label(LABELING_SECONDS + float(self.stack.parameters["LabelingWindowSeconds"]))
        with stage("wait for the training image"):
            self.wait_for_image()
        with stage("train, evaluate, judge, register"):
            self.train(loop)
        with stage("approve and deploy"):
            self.deploy(loop)
        with stage("score in the cloud"):
            self.score(photos)
        with stage("inspect unseen images"):
            self.inspect(loop)
        with stage("write the report"):
            loop.write_report(self.report)

    def wait_for_image(self) -> None:
        """Wait while the training image is being built. Raise StageError where it can't be."""

        def is_there() -> bool:
            (found,) = training_image(self.stack)
            self.stages.progress(found.text)
            if found.verdict == Verdict.WRONG:
                raise StageError(f"{found.text}; {found.todo}")
            return "being built" not in found.text

        until(is_there, IMAGE_SECONDS, lambda: f"no training image after {IMAGE_SECONDS:.0f} s", pause=5)

    def train(self, loop: Loop) -> None:
        """Train with few epochs. A training that labelling has started would take the stack's own settings: stop it."""
        until(
            lambda: not self._running("label_images"),
            LABELING_SECONDS,
            lambda: "label_images does not end after labels",
        )
        for execution_arn in self._running("train_model"):
            self.target.aws.step_functions.stop_execution(
                executionArn=execution_arn, error="Verification", cause="sightline verify trains with few epochs"
            )
        execution_arn = pipeline.start_training(self.target, force=True, hyperparameters=HYPERPARAMETERS)
        loop.judged(loop.wait_for_training(execution_arn, TRAINING_SECONDS))

    def _running(self, machine: str) -> list[str]:
        return [e["executionArn"] for e in pipeline.executions(self.target, machine) if e["status"] == "RUNNING"]

    def deploy(self, loop: Loop) -> None:
        """Approve the model. With a device, wait until it has the model and is healthy with it."""
        if self.device:
            devices.publish_inspector(self.target)
        version, _ = models.judge(self.target, "latest", approved=True, reason="sightline verify")
        self.version = names.component_version(version)
        if not self.device:
            self.without_device(loop)
            return
        loop.deployed(DEPLOYMENT_SECONDS)
        found = devices.show(self.target, self.device)
        if found["model"] != self.version or found["healthy"] != "yes":
            raise StageError(
                f"{self.device} has model {found['model'] or 'none'}, healthy: {found['healthy'] or 'unknown'}, "
                f"instead of {self.version}; see `sightline device show {self.device}`"
            )
        self.stages.note = f"{self.device} is healthy with model {self.version}"

    def without_device(self, loop: Loop) -> None:
        """The approval starts the roll-out, which says that there is no device."""
        execution_arn = loop.started("deploy_model", 30)[0]
        try:
            pipeline.wait_for(self.target, execution_arn, self.stages.progress, DEPLOYMENT_SECONDS)
        except pipeline.PipelineError as error:
            if NO_DEVICES not in str(error):
                raise
        self.stages.result["deployment_status"] = "no devices"
        self.stages.note = f"model {self.version} is approved; there is no device to deploy it to"

    def score(self, photos: Photos) -> None:
        """Score the uploads with `score_batch`."""
        execution_arn = pipeline.start_scoring(self.target, names.INCOMING + self.folder)
        output = pipeline.wait_for(self.target, execution_arn, self.stages.progress, SCORING_SECONDS)
        scored = ScoringOutcome.from_output(output).scored
        if scored is None or scored.images < len(photos.seen) or scored.counts["errors"]:
            raise StageError(f"of {len(photos.seen)} images were scored: {scored}")
        if scored.model_version != self.version:
            raise StageError(f"they were scored with model {scored.model_version}, not {self.version}")
        self.stages.note = f"{scored.images} images with model {scored.model_version}"

    def inspect(self, loop: Loop) -> None:
        """Ask `predict` for a verdict on each image that no part of the training has seen, signed in as a person."""
        password = users.new_password()
        users.set_password(self.target, USER, password)
        token = users.sign_in(self.target, USER, password)["id_token"]
        verdicts = [self._predicted(path, token) for path in loop.photos.unseen]
        self.stages.result |= demo.inspected("the function predict", verdicts, loop.photos.truth)
        labelled = pipeline.ledger(self.target).with_status(ImageStatus.APPROVED)
        self.stages.result["correlation_ids"] = sorted({one.correlation_id for one in labelled if one.correlation_id})
        self.stages.note = demo.told(verdicts, loop.photos.truth)

    def _predicted(self, path: Path, token: str) -> demo.ImageVerdict:
        deadline = time.monotonic() + PREDICT_SECONDS
        while True:
            status, answer = self.target.send("POST", "/predict", path.read_bytes(), "image/jpeg", token)
            if status == 200 and answer["model_version"] == self.version:
                fields = ("verdict", "detections", "latency_ms")
                verdict: demo.ImageVerdict = {"image": path.name, **{name: answer[name] for name in fields}}  # type: ignore[typeddict-item]
                return verdict
            if time.monotonic() > deadline:
                raise StageError(f"POST /predict answers {status}: {answer}, not with model {self.version}")
            time.sleep(2)

    def _clean(self, traces: Traces) -> None:
        """Take the model off the device, and remove all that was made."""
        with self.stages.console.status("removing what was made"):
            if self.device and self.stages.result.get("deployment_status"):
                try:
                    devices.roll_back(self.target, names.package_version(self.version), "sightline verify is over")
                except SightlineError as error:
                    traces.failed.append(f"the model stays on {self.device}: {error}")
            lines = list(traces.remove())
        self.stages.console.print("Removed: " + ", ".join(lines) + ".", soft_wrap=True)
        for line in traces.failed:
            self.stages.console.print(f"Not removed: {line}", soft_wrap=True, markup=False)


def refuse_unless_empty(stack: Deployed, device: str) -> None:
    """Raise VerificationError for a stack that has data of somebody: a run would train on it, and serve its model."""
    target = stack.target
    images = sum(number for status, number in pipeline.ledger(target).counts().items() if status != ImageStatus.REMOVED)
    there = [row["thing"] for row in devices.listed(target)]
    found = [f"{images} images"] if images else []
    found += [f"{len(known)} models"] if (known := models.listed(target)) else []
    found += [f"the device {thing}" for thing in there if thing != device]
    if found:
        raise VerificationError(
            f"{stack.stack} has {', '.join(found)}: a run would train with them, and its model would be in service; "
            f"verify a stack that has no data yet"
        )
    if device and device not in there:
        raise VerificationError(f"{device} is no device of {stack.stack}; see `sightline device list`")
