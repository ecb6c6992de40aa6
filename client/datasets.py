"""Dataset versions, as they lie in the artifacts bucket: listed, shown, compared, exported."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypedDict

from botocore.exceptions import ClientError

from client.formats import coco
from client.formats.label_set import LabelBox, LabeledImage, LabelSet
from client.target import Target
from sightline import names
from sightline.datasets.snapshot import DatasetDescription
from sightline.datasets.splits import SPLITS
from sightline.errors import SightlineError
from sightline.images.image import Split
from sightline.labelling import manifest
from sightline.labelling.manifest import ManifestLine

READERS = 8
UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]')  # signs that no file's name can have somewhere
EXTENSION = 8  # characters of what may be one
LONGEST_NAME = 200  # bytes of a file's or a folder's name; file systems take 255


class VersionRow(TypedDict):
    """A version as a command lists it, with the images of each split; `created` is ISO 8601."""

    version: str
    created: str
    parent: str  # empty for none
    train: int
    validation: int
    test: int


class ChangedImage(TypedDict):
    """An image in which two versions differ: its content hash, and what it is called."""

    image: str
    name: str


class DatasetError(SightlineError):
    """A dataset version that is not there."""


def _read(target: Target, key: str) -> bytes:
    bucket = target.outputs["ArtifactsBucketName"]
    return target.aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def versions(target: Target) -> list[VersionRow]:
    """Return every version, the newest first."""
    s3, bucket = target.aws.s3, target.outputs["ArtifactsBucketName"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="datasets/")
    found = [entry for page in pages for entry in page.get("Contents", []) if entry["Key"].endswith("/dataset.json")]
    result: list[VersionRow] = []
    for entry in sorted(found, key=lambda entry: entry["LastModified"], reverse=True):
        description: DatasetDescription = json.loads(_read(target, entry["Key"]))
        counts = description["counts"]
        result.append(
            {
                "version": description["version"],
                "created": entry["LastModified"].isoformat(timespec="seconds"),
                "parent": description["parent"] or "",
                "train": counts[Split.TRAIN]["images"],
                "validation": counts[Split.VALIDATION]["images"],
                "test": counts[Split.TEST]["images"],
            }
        )
    return result


def show(target: Target, version: str) -> DatasetDescription:
    """Return dataset.json of a version, of its beginning, or of `latest`. Raise DatasetError."""
    described: DatasetDescription = json.loads(
        _read(target, f"{names.dataset_prefix(resolve(target, version))}dataset.json")
    )
    return described


def resolve(target: Target, version: str) -> str:
    """Return the whole name of a version that is named by its beginning, or `latest`. Raise DatasetError."""
    if version == "latest":
        try:
            return str(json.loads(_read(target, names.LATEST_DATASET))["version"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                raise DatasetError("there is no dataset version yet; `sightline train` makes one") from error
            raise
    known = [entry["version"] for entry in versions(target)]
    found = [name for name in known if name.startswith(version)]
    if len(found) != 1:
        problem = "is the beginning of several versions" if found else "is no dataset version"
        raise DatasetError(f"{version!r} {problem}; there are: {', '.join(known) or 'none'}")
    return found[0]


def records(target: Target, version: str) -> dict[str, list[ManifestLine]]:
    """Return the label records of each split."""
    prefix = names.dataset_prefix(resolve(target, version))
    return {
        split: [manifest.read(json.loads(line)) for line in _read(target, f"{prefix}{split}.manifest").splitlines()]
        for split in SPLITS
    }


def paths_of(found: Mapping[str, Iterable[ManifestLine]]) -> dict[str, str]:
    """Return what each image of some splits was uploaded as, by its id."""
    return {record["image-id"]: manifest.name_of(record) for entries in found.values() for record in entries}


def diff(target: Target, before: str, after: str) -> dict[str, list[ChangedImage]]:
    """Return the images that were `added`, `removed`, `relabeled`, or `moved` to another split."""
    read = [records(target, version) for version in (before, after)]
    called = names.called(paths_of(read[0]) | paths_of(read[1]))
    old, new = (
        {
            record["image-id"]: (split, record[names.LABEL_ATTRIBUTE]["annotations"])
            for split, entries in found.items()
            for record in entries
        }
        for found in read
    )

    def shown(images: Iterable[str]) -> list[ChangedImage]:
        return sorted(({"image": image, "name": called[image]} for image in images), key=lambda one: one["name"])

    both = set(old) & set(new)
    return {
        "added": shown(set(new) - set(old)),
        "removed": shown(set(old) - set(new)),
        "relabeled": shown(image for image in both if old[image][1] != new[image][1]),
        "moved": shown(image for image in both if old[image][0] != new[image][0]),
    }


def export(target: Target, version: str, folder: Path, on_image: Callable[[], None] = lambda: None) -> int:
    """Write a version as COCO: `folder/<split>/` with images and labels.json. Return how many images.

    Images have the names that they were uploaded with.
    Raise DatasetError when the folder holds something already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise DatasetError(f"{folder} is not empty; give a new folder")
    described, count, found = show(target, version), 0, records(target, version)
    called = names.called({image: safe(path) for image, path in paths_of(found).items()})
    for split, entries in found.items():
        place = folder / split
        place.mkdir(parents=True)

        def fetch(record: ManifestLine, place: Path = place) -> None:
            key = record["source-ref"].split("/", 3)[3]
            file = place / called[record["image-id"]]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_read(target, key))
            on_image()

        with ThreadPoolExecutor(READERS) as pool:
            count += len(list(pool.map(fetch, entries)))
        (place / "labels.json").write_text(
            json.dumps(coco.as_coco(as_labels(entries, described["class_map"], called)), indent=1)
        )
    return count


def report(target: Target, version: str, on_image: Callable[[], None] = lambda: None) -> str:
    """Return a version as one HTML page: its groups, splits and health. An image that can't be read is named there."""
    from reporting import dataset, dataset_images

    images = dataset_images.look_at_all(records(target, version), lambda key: _read(target, key), on_image)
    return dataset.render(show(target, version), images)


def safe(path: str) -> str:
    """Return a path for a file below a folder: whoever uploads may give an object any name."""
    parts = [UNSAFE.sub("_", part).rstrip(". ") or "_" for part in path.split("/")]
    return "/".join(part if len(part.encode()) <= LONGEST_NAME else _cut(part) for part in parts)


def _cut(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    return f"{names.short(stem)}.{extension}" if dot and len(extension) < EXTENSION else names.short(name)


def as_labels(entries: list[ManifestLine], class_map: dict[str, str], called: Mapping[str, str]) -> LabelSet:
    """Return label records as other formats take them; `called` are the images' names by their ids."""
    classes = [class_map[number] for number in sorted(class_map, key=int)]
    return LabelSet(classes, [_image(record, class_map, called[record["image-id"]]) for record in entries])


def _image(record: ManifestLine, class_map: dict[str, str], name: str) -> LabeledImage:
    label, metadata = record[names.LABEL_ATTRIBUTE], record.get(manifest.METADATA, {})
    size = label["image_size"][0]
    return LabeledImage(
        name=name,
        size=(size["width"], size["height"]),
        boxes=tuple(LabelBox.of(box, class_map[str(box["class_id"])]) for box in label["annotations"]),
        image_id=record["image-id"],
        group_id=record.get("group-id", ""),
        job=metadata.get("job-name", ""),
        labeled_at=metadata.get("creation-date", ""),
        source=record["source-ref"],
    )
