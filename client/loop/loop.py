"""The stages that every run has: upload, labels, a short training, and what the report shows of them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from client import datasets, pipeline
from client.annotate import Annotators
from client.loop.photos import Photos
from client.loop.stages import StageError, Stages, until
from client.loop.training import Training
from client.target import Target
from reporting import demo
from sightline.aws.objects import ObjectStore
from sightline.images.image import ImageStatus
from sightline.models.registry import describe

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef

ERROR_RATE = 0.08
ANNOTATORS = 4
# Longest times of the stages, seconds.
LABELING_SECONDS, TRAINING_SECONDS = 600.0, 1500.0
# Small images and few epochs, so that a run ends in minutes. A slow machine may take longer: cut short, the model
# would fail the gate.
HYPERPARAMETERS = {"image_size": "320", "epochs": "50", "max_seconds": "900"}


class Loop:
    """One run on one stack. What it finds out goes into `stages.result`. `folder` is where it uploads to."""

    def __init__(self, target: Target, stages: Stages, photos: Photos, folder: str = "") -> None:
        self.target, self.stages, self.photos, self.folder = target, stages, photos, folder
        self.result = stages.result
        # What ran before is none of this run's business, whether it failed or not.
        self.earlier = {one["executionArn"] for name in pipeline.MACHINES for one in pipeline.executions(target, name)}

    def upload(self, work: Path) -> None:
        """Upload the images, and three files that a line could drop too: a corrupt one, a text, and a duplicate under
        another name.
        """
        seen, odd = self.photos.seen, work / "odd"
        odd.mkdir()
        body = seen[0].read_bytes()
        (odd / "corrupt.jpg").write_bytes(body[: len(body) // 3])
        (odd / "notes.jpg").write_text("This is a shift report, not a photo.\n")
        copy = odd / f"copy-of-{seen[1].name}"
        shutil.copyfile(seen[1], copy)
        self.photos.truth[copy.name] = self.photos.truth[seen[1].name]
        pipeline.upload(self.target, [*seen, *sorted(odd.iterdir())], folder=self.folder)

    def label(self, seconds: float = LABELING_SECONDS) -> None:
        """Let simulated annotators work until every image is settled."""
        people = Annotators(self.target, self.photos.truth, error_rate=ERROR_RATE, seed=0, count=ANNOTATORS)
        ledger = pipeline.ledger(self.target)
        counts = ledger.counts()

        def settled() -> bool:
            people.work()
            self.check_machine("label_images")
            counts.update(ledger.counts())
            open_ones = counts[ImageStatus.NEW] + counts[ImageStatus.CLAIMED]
            done = counts[ImageStatus.APPROVED] + counts[ImageStatus.REJECTED]
            return done >= self.photos.expected and not open_ones

        until(settled, seconds, lambda: f"labelling took longer than {seconds:.0f} s: {counts}")
        quarantined = ledger.with_status(ImageStatus.QUARANTINED)
        images = ledger.with_status(ImageStatus.APPROVED) + ledger.with_status(ImageStatus.REJECTED)
        merged = [image for image in images if len(image.keys) > 1]
        self.result |= {
            "images_quarantined": len(quarantined),
            "quarantine": [{"key": image.key, "reason": image.reason} for image in quarantined],
            "images_merged": [sorted(image.keys) for image in merged],
            "labels_approved": counts[ImageStatus.APPROVED],
            "labels_rejected": counts[ImageStatus.REJECTED],
            "verdicts_rejected": people.done["rejected"],
        }
        self.stages.note = (
            f"{counts[ImageStatus.APPROVED]} approved, {people.done['rejected']} sent round again, "
            f"{len(quarantined)} quarantined"
        )

    def check_machine(self, machine: str) -> None:
        """Raise PipelineError with the cause when an execution of a state machine has failed."""
        for execution in self.executions(machine):
            if execution["status"] not in ("RUNNING", "SUCCEEDED"):
                pipeline.wait_for(self.target, execution["executionArn"])

    def executions(self, machine: str) -> list[ExecutionListItemTypeDef]:
        """Return a state machine's executions since the run began, the newest first."""
        return [one for one in pipeline.executions(self.target, machine) if one["executionArn"] not in self.earlier]

    def started(self, machine: str, seconds: float) -> list[str]:
        """Return the ARNs of a state machine's executions once there is one, the newest first. Raise StageError."""
        found: list[str] = []

        def is_there() -> bool:
            found[:] = [execution["executionArn"] for execution in self.executions(machine)]
            return bool(found)

        until(is_there, seconds, lambda: f"no execution of {machine} was started within {seconds:.0f} s")
        return found

    def wait_for_training(self, execution_arn: str, seconds: float = TRAINING_SECONDS) -> Training:
        """Return how a training ended."""
        return Training.from_output(pipeline.wait_for(self.target, execution_arn, self.stages.progress, seconds))

    def judged(self, training: Training) -> None:
        """Note what a training came to. Raise StageError where the gate has rejected the model, or none was trained."""
        if not training.changed:
            raise StageError(training.reason)
        self.result |= {
            "dataset_version": training.dataset_version,
            "training_job": training.job,
            "map50": round(training.map50, 4),
            "map50_95": round(training.map50_95, 4),
            "accepted": training.accepted,
            "reasons": list(training.reasons),
        }
        if not training.accepted:
            raise StageError("the gate rejected the model: " + "; ".join(training.reasons))
        self.result["model_package_arn"] = training.model_package_arn
        self.stages.note = f"mAP@.50 {self.result['map50']:.3f}, accepted"

    def deployed(self, seconds: float) -> None:
        """Wait for the roll-out that an approval has started. Raise StageError unless it ends healthy."""
        execution_arn = self.started("deploy_model", 30)[0]
        try:
            pipeline.wait_for(self.target, execution_arn, self.stages.progress, seconds)
        finally:
            self.result["deployment_status"] = pipeline.current_state(self.target, execution_arn)
        if self.result["deployment_status"] != "DeploymentHealthy":
            raise StageError(f"the deployment ended as {self.result['deployment_status']}")
        self.stages.note = self.result["deployment_status"]

    def write_report(self, folder: Path) -> None:
        """Write report.html, dataset.html and report.json into `folder`."""
        self.result["executions"] = {
            machine: pipeline.usage(self.target, machine, self.earlier) for machine in pipeline.MACHINES
        }
        approved = describe(self.target.aws, self.result["model_package_arn"])
        self.result |= {
            "seconds": self.stages.seconds,
            "finished": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "sightline_version": version("sightline"),
            "model_said": approved.said,
        }
        store = ObjectStore(self.target.aws, self.target.outputs["ArtifactsBucketName"])
        artifacts = demo.Artifacts(store, self.result["training_job"])
        self.result |= {"epochs": len(artifacts.history), "epochs_planned": int(HYPERPARAMETERS["epochs"])}
        if cut := demo.cut_short(self.result):
            self.stages.note = cut
        page = datasets.report(self.target, self.result["dataset_version"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / demo.DATASET).write_text(page)
        unseen = {path.name: path for path in self.photos.unseen}
        demo.write(folder, self.result, artifacts, unseen, self.photos.truth)
