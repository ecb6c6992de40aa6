"""Label records: lines of a Ground Truth augmented manifest for bounding boxes, and SageMaker's list of files."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sightline.names import LABEL_ATTRIBUTE


def record(
    *,
    source: str,
    image: dict[str, Any],
    annotations: Sequence[Mapping[str, object]],
    classes: list[str],
    job_name: str,
    created: datetime,
    correlation_id: str | None = None,
) -> dict[str, Any]:
    """One image's label record. `image` holds `image_id`, `width`, `height` (pixels) and, once known, `group_id`.

    An image without a defect has an empty list of annotations: it is labelled, not missing.
    """
    line: dict[str, Any] = {
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


def file_list(prefix: str, names: list[str]) -> list[Any]:
    """A SageMaker `ManifestFile`: the common prefix (an S3 URI that ends with a slash), then the files below it."""
    return [{"prefix": prefix}, *names]
