"""Record what a labelling job came to: in the ledger, as a manifest, and in the Feature Store.

Input:   {"job_id", "round": the last round, "correlation_id"}
Output:  {"approved", "rejected", "skipped", "manifest_uri", "new_labels": approved images that no dataset version holds
         yet, "enough": true when they are worth a training}
"""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.fields import Fields
from sightline.images.image import ImageStatus
from sightline.images.ledger import Ledger
from sightline.labelling import manifest
from sightline.labelling.feature_store import FeatureGroup
from sightline.labelling.lines import (
    LabelRecord,
    RejectedLabel,
    SkippedImage,
    label_record,
    rejected_label,
    skipped_image,
)
from sightline.runtime import Context, count_metric, logger, step

CLASSES = os.environ["CLASSES"].split(",")
MIN_NEW_LABELS = int(os.environ["MIN_NEW_LABELS"])
WRITERS = 16

aws = Aws()
features = FeatureGroup(aws, os.environ["FEATURE_GROUP"])
images = Ledger(aws, os.environ["IMAGES_TABLE"])
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


class Request(TypedDict):
    job_id: str
    round: int  # the last one
    correlation_id: str


class RecordedLabels(TypedDict):
    approved: int
    rejected: int
    skipped: int
    manifest_uri: str
    new_labels: int
    enough: bool


def record_approved(job_id: str, number: int, label: LabelRecord) -> bool:
    """Freeze the image's bytes, settle its claim, write its features. False when it is not the job's any more."""
    copy = names.dataset_image(label["image_id"], label["format"])
    if artifacts.copy_from(label["bucket"], label["key"], copy, label.get("version_id")) is None:
        logger.warning("image erased while it was labelled", image_id=label["image_id"], key=label["key"])
        return False
    manifest_uri, boxes = artifacts.uri(names.output_manifest(job_id)), label["annotations"]
    if not images.approve(job_id, label["image_id"], rounds=number, label_ref=manifest_uri, annotations=boxes):
        return False
    features.put_label(job_id, label, artifacts.uri(copy))
    return True


def set_aside(job_id: str, last: int, label: RejectedLabel | SkippedImage) -> None:
    """Settle an image without a label that people agree on: an engineer has to look, with the reason and the last
    label.
    """
    if "skip" in label:
        why, boxes = f"skipped: {label['skip']}", label.get("annotations")
    else:
        why, boxes = f"rejected {last} times: {label['reason']}", label["annotations"]
    images.reject(job_id, label["image_id"], rounds=last, why=why, annotations=boxes)


def write_manifest(job_id: str, correlation_id: str, approved: list[LabelRecord]) -> str:
    """Write the job's manifest, once: its dates are those of the first time."""
    key = names.output_manifest(job_id)
    if artifacts.find(key) is not None:
        return artifacts.uri(key)
    moment = datetime.now(UTC)
    records = [
        manifest.record(
            source=artifacts.uri(names.dataset_image(label["image_id"], label["format"])),
            image=label,
            annotations=label["annotations"],
            classes=CLASSES,
            job_name=job_id,
            created=moment,
            correlation_id=correlation_id,
        )
        for label in approved
    ]
    return artifacts.write_lines(key, records)


def new_labels() -> int:
    """Approved images that came since the newest dataset version."""
    latest = Fields(artifacts.find_json(names.LATEST_DATASET) or {}, f"in {names.LATEST_DATASET}")
    return images.counts()[ImageStatus.APPROVED] - latest.whole("images", 0, default=0)


@step
def handler(event: Request, context: Context) -> RecordedLabels:
    job_id, last = event["job_id"], event["round"]
    rounds = [names.round_prefix(job_id, number) for number in range(1, last + 1)]
    approved = [
        (number, label_record(line))
        for number, prefix in enumerate(rounds, start=1)
        for line in artifacts.read_lines(prefix + "approved.jsonl")
    ]
    rejected = [rejected_label(line) for line in artifacts.read_lines(rounds[-1] + "rejected.jsonl")]
    # Only people on the page skip: a round that was imported, or labelled by Ground Truth, has no such list.
    listed = [prefix + "skipped.jsonl" for prefix in rounds if artifacts.find(prefix + "skipped.jsonl") is not None]
    skipped = [skipped_image(line) for key in listed for line in artifacts.read_lines(key)]
    uri = write_manifest(job_id, event["correlation_id"], [label for _, label in approved])
    with ThreadPoolExecutor(WRITERS) as pool:
        recorded = list(pool.map(lambda entry: record_approved(job_id, *entry), approved))
        list(pool.map(lambda label: set_aside(job_id, last, label), [*rejected, *skipped]))
    images.release(job_id)  # claimed by a call that timed out before it had said so: nobody was asked to label them
    done, fresh = sum(recorded), new_labels()
    count_metric("LabelsApproved", done)
    count_metric("LabelsRejected", len(rejected))
    count_metric("ImagesSkipped", len(skipped))
    logger.info("labels recorded", approved=done, rejected=len(rejected), skipped=len(skipped), new_labels=fresh)
    return {
        "approved": done,
        "rejected": len(rejected),
        "skipped": len(skipped),
        "manifest_uri": uri,
        "new_labels": fresh,
        "enough": fresh >= MIN_NEW_LABELS,
    }
