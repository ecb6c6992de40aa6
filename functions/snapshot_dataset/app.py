"""Freeze the approved images as a dataset version.

Input:   {"image_uri": the training image, which the version's description names}
Output:  {"version", "train", "validation", "test": images in each, "shortage": why it can't be trained on yet, or ""}
Effects: new images get their group and split in the ledger, for good; the manifests lie under datasets/<version>/.
         Without an approved image there is no version.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.datasets.snapshot import Dataset, LatestDataset, shortage, snapshot
from sightline.datasets.splits import SPLITS
from sightline.images.image import Image, ImageStatus, Split
from sightline.images.ledger import Ledger
from sightline.labelling import manifest
from sightline.runtime import Context, logger, step

CLASSES = os.environ["CLASSES"].split(",")
WRITERS = 16


class Request(TypedDict):
    image_uri: str


class Snapshot(TypedDict):
    version: str
    train: int
    validation: int
    test: int
    shortage: str


aws = Aws()
images = Ledger(aws, os.environ["IMAGES_TABLE"])
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


def write(dataset: Dataset) -> None:
    """Write the version's files once, the description last: a version that has one is whole and never changed."""
    prefix = names.dataset_prefix(dataset.version)
    if artifacts.find(f"{prefix}dataset.json") is not None:
        return
    copies = artifacts.uri(names.dataset_image("", "")).removesuffix(".")
    for split in SPLITS:
        members = dataset.members[split]
        files = [f"{image.image_id}.{image.format}" for image in members]
        records = [label_record(image, copies + file) for image, file in zip(members, files, strict=True)]
        artifacts.write_lines(f"{prefix}{split}.manifest", records)
        artifacts.write_json(f"{prefix}{split}.images.json", manifest.file_list(copies, files))
    artifacts.write_json(f"{prefix}dataset.json", dataset.description)


def freeze(dataset: Dataset, known: set[str]) -> None:
    """Write group and split of the images that are not `known` to have them into the ledger, many at once."""
    fresh = [image for split in SPLITS for image in dataset.members[split] if image.image_id not in known]
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(images.freeze, fresh))


def label_record(image: Image, source: str) -> dict[str, object]:
    return manifest.record(
        source=source,
        image=image.to_item(),
        annotations=image.annotations or (),
        classes=CLASSES,
        job_name=(image.label_ref or "").split("/")[-2],
        correlation_id=image.correlation_id,
        created=image.updated_at,  # when the label was approved, not when the version was made
    )


@step
def handler(event: Request, context: Context) -> Snapshot:
    latest: LatestDataset | None = artifacts.find_json(names.LATEST_DATASET)
    parent = latest["version"] if latest else None
    approved = images.with_status(ImageStatus.APPROVED)
    dataset = snapshot(approved, classes=CLASSES, parent=parent, code_version=event["image_uri"])
    freeze(dataset, known={image.image_id for image in approved if image.split})
    counts = {split.value: dataset.count(split) for split in SPLITS}
    if parent != dataset.version and any(counts.values()):
        write(dataset)
        newest: LatestDataset = {"version": dataset.version, "images": sum(counts.values())}
        artifacts.write_json(names.LATEST_DATASET, newest)
    lacking = shortage(dataset) or ""
    logger.info("dataset snapshot", version=dataset.version, shortage=lacking, extra=counts)
    return {
        "version": dataset.version,
        "train": counts[Split.TRAIN],
        "validation": counts[Split.VALIDATION],
        "test": counts[Split.TEST],
        "shortage": lacking,
    }
