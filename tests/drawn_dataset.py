"""A dataset version of drawn parts, as its page takes it."""

import io
from datetime import UTC, datetime
from typing import Any

import numpy as np
from PIL import Image

from reporting import dataset, dataset_images
from sightline.labelling import manifest

WIDTH, HEIGHT = 96, 64
DESCRIPTION = {"version": "abc", "class_map": {"0": "<scratch>", "1": "dent"}, "split_rule": "by group"}
BOX = {"class_id": 0, "left": 20, "top": 20, "width": 20, "height": 10}


def jpeg(part: int, photo: int = 0) -> bytes:
    """Photos of a part differ by noise, parts in everything."""
    noise = np.random.default_rng([part, photo]).normal(0, 3, (HEIGHT, WIDTH, 3))
    own = np.random.default_rng(part).integers(40, 200, (HEIGHT, WIDTH, 1))
    buffer = io.BytesIO()
    Image.fromarray((own + noise).clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


class Version:
    """A version that grows image by image, and the objects it refers to."""

    def __init__(self) -> None:
        self.records: dict[str, list[dict[str, Any]]] = {"train": [], "validation": [], "test": []}
        self.objects: dict[str, bytes] = {}

    def add(self, split: str, name: str, group: str, body: bytes | None, *boxes: dict[str, int]) -> None:
        image = {"image_id": name, "width": WIDTH, "height": HEIGHT, "group_id": group}
        key = f"datasets/images/{name}.jpeg"
        record = manifest.record(
            source=f"s3://artifacts/{key}",
            image=image,
            annotations=list(boxes),
            classes=["<scratch>", "dent"],
            job_name="job",
            created=datetime(2026, 1, 1, tzinfo=UTC),
        )
        self.records[split].append(record)
        if body is not None:
            self.objects[key] = body

    def page(self) -> str:
        images = dataset_images.look_at_all(self.records, self.objects.__getitem__)
        return dataset.render(DESCRIPTION, images)
