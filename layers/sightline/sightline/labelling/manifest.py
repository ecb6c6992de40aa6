"""Label records: lines of a Ground Truth augmented manifest for bounding boxes, and SageMaker's list of files."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NotRequired, TypedDict, cast

from sightline.fields import Fields
from sightline.images.box import Box, read_boxes
from sightline.names import INCOMING, LABEL_ATTRIBUTE

METADATA: Final = "defects-metadata"  # what Ground Truth writes beside the attribute `defects`


class ImageSize(TypedDict):
    """The size of a labelled image; `depth` is the number of its colour channels."""

    width: int  # pixels
    height: int  # pixels
    depth: int


class LabelBoxes(TypedDict):
    """The label itself: no box says that there is no defect."""

    image_size: list[ImageSize]  # one
    annotations: list[Box]


LabelMetadata = TypedDict("LabelMetadata", {"job-name": NotRequired[str], "creation-date": NotRequired[str]})
"""Of what a label says about itself, what is read again: the labelling job, and when it was made (ISO 8601, UTC)."""

ManifestLine = TypedDict(
    "ManifestLine",
    {
        "source-ref": str,
        "defects": LabelBoxes,
        "defects-metadata": NotRequired[LabelMetadata],
        "image-id": str,
        "image-name": NotRequired[str],
        "group-id": NotRequired[str],
    },
)
"""A label record as it is read again: the image's copy, its near-duplicates, and what it was uploaded as."""


def record(
    *,
    source: str,
    image: Mapping[str, object],
    annotations: Sequence[Box],
    classes: Sequence[str],
    job_name: str,
    created: datetime,
    correlation_id: str | None = None,
) -> dict[str, object]:
    """Return one image's label record. `image` holds `image_id`, `width`, `height` (pixels), and `key` and `group_id`
    if known.

    An image without a defect has an empty list of annotations: it is labelled, not missing.
    """
    line: dict[str, object] = {
        "source-ref": source,
        LABEL_ATTRIBUTE: {
            "image_size": [{"width": image["width"], "height": image["height"], "depth": 3}],
            "annotations": list(annotations),
        },
        f"{LABEL_ATTRIBUTE}-metadata": {
            "objects": [{"confidence": 1} for _ in annotations],
            "class-map": {str(number): name for number, name in enumerate(classes)},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": created.strftime("%Y-%m-%dT%H:%M:%S"),
            "job-name": job_name,
            **({"correlation-id": correlation_id} if correlation_id else {}),
        },
        "image-id": image["image_id"],
    }
    if image.get("key"):
        line["image-name"] = str(image["key"]).removeprefix(INCOMING)
    if image.get("group_id"):
        line["group-id"] = image["group_id"]
    return line


def name_of(record: ManifestLine) -> str:
    """Return what an image was uploaded as; the name of its copy where the record is older than that."""
    return record.get("image-name") or record["source-ref"].rsplit("/", 1)[-1]


def file_list(prefix: str, names: list[str]) -> list[object]:
    """Return a SageMaker `ManifestFile`: the common prefix (an S3 URI that ends with a slash), then the files."""
    return [{"prefix": prefix}, *names]


def read(value: object) -> ManifestLine:
    """Return a label record of a dataset. Raise InvalidFieldError naming the field, its value and what it should be."""
    fields = Fields(value, "in a label record")
    fields.text("source-ref")
    where = f"in the label record of image {fields.text('image-id')!r:.80}"
    label = Fields(value, where).fields(LABEL_ATTRIBUTE)
    sizes = label.values.get("image_size")
    size = Fields(sizes[0] if isinstance(sizes, list) and sizes else None, f"in image_size {where}")
    size.whole("width", 1)
    size.whole("height", 1)
    read_boxes(label.values.get("annotations"), where)
    return cast(ManifestLine, value)
