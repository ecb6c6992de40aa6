"""Label records: lines of a Ground Truth augmented manifest for bounding boxes, and SageMaker's list of files."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sightline.images.box import Box
from sightline.names import LABEL_ATTRIBUTE


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
    """Return one image's label record. `image` holds `image_id`, `width`, `height` (pixels), and `group_id` if known.

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
    if image.get("group_id"):
        line["group-id"] = image["group_id"]
    return line


def file_list(prefix: str, names: list[str]) -> list[object]:
    """Return a SageMaker `ManifestFile`: the common prefix (an S3 URI that ends with a slash), then the files."""
    return [{"prefix": prefix}, *names]
