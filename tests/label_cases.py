"""Labels as people bring them: files after public bug reports and the documentation of other tools, with what is right.

`label_cases.json` has the cases. Each image that one names is 450×300 pixels.
"""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from client import pipeline
from client.formats.report import Report
from client.labels import importing
from sightline.images.image import Image
from tests.given_aws import GivenAws

CLASSES = ["scratch", "dent", "1"]
SIZE = (450, 300)
PHOTOS = [
    *(f"t{number}.jpg" for number in range(1, 6)), "test.jpg", "train.jpg", "notes.jpg", "part.7.jpg",
    "line1/tag.jpg", "line2/tag.jpg", "tag a (2).jpg", "Foto Größe+1.JPG", "Prüfung.jpg", "Gehäuse.jpg", "a+b.jpg",
    *(f"tag {number} side.jpg" for number in range(5)),  # of Roboflow's export
    "line 1/part_0.jpg", "line 1/part_1.jpg", *(f"part_{number}.jpg" for number in range(2, 5)),  # of CVAT's
    "plate0.jpg", "plate 1.jpg", "plate2.jpg", "Größe 3.jpg", "plate4.jpg",  # of Label Studio's
]  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What an import would record, by the photo's name: its boxes, or nothing for "no defect"; and what it says."""

    taken: dict[str, list[str]]
    left_out: dict[str, list[str]]
    lost: dict[str, list[str]]
    strays: dict[str, list[str]]


def cases() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "label_cases.json").read_text())
    return found


def write(folder: Path, files: dict[str, str | list[str]]) -> Path:
    """Write files; the content of those that are no text is in base64."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else base64.b64decode(content[0]))
    return folder


class Photos:
    """A ledger of new photos under these names."""

    outputs = {"ImagesBucketName": "images"}  # noqa: RUF012
    aws = GivenAws(s3=SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [])))

    def __init__(self, *names: str, size: tuple[int, int] = SIZE) -> None:
        self.images = [photo(name, number, size) for number, name in enumerate(names)]

    def with_status(self, status: str) -> list[Image]:
        return [image for image in self.images if image.status == status]


def photo(name: str, number: int, size: tuple[int, int]) -> Image:
    item = {"image_id": f"{number:064d}", "bucket": "images", "key": f"incoming/{name}", "status": "NEW",
            "width": size[0], "height": size[1], "bytes": 1, "captured_at": "2026-11-20T09:00:00Z",
            "source": "upload", "updated_at": "2026-11-20T09:30:00.000001"}  # fmt: skip
    return Image.from_item(item)


def brought(
    photos: Photos, kind: str, path: Path, monkeypatch: Any, beside: Path | None = None, **rules: Any
) -> Outcome:
    """Return what an import of these labels would record. `classes` and `empty_is_no_defect` may be given."""
    monkeypatch.setattr(pipeline, "ledger", lambda _: photos)
    monkeypatch.setattr(pipeline, "parameters", lambda _: {"Classes": ",".join(CLASSES)})
    report, stack = Report(), photos
    labels = importing.read(stack, kind, path, report, beside, rules.pop("classes", {}), **rules)  # type: ignore[arg-type]
    taken = {
        one.image.key.removeprefix("incoming/"): [
            f"{CLASSES[box['class_id']]} {box['left']} {box['top']} {box['width']} {box['height']}" for box in one.boxes
        ]
        for one in labels.matched
    }
    return Outcome(taken, report.refused, report.lost, report.strays)
