"""The demo's sample set: the same seed draws the same, and the truth is where the scratches are."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from client.loop.sample import HEIGHT, WIDTH, draw


def boxes_by_image(labels: Path) -> dict[str, list[list[int]]]:
    coco: dict[str, Any] = json.loads(labels.read_text())
    found: dict[str, list[list[int]]] = {image["file_name"]: [] for image in coco["images"]}
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    for annotation in coco["annotations"]:
        found[names[annotation["image_id"]]].append(annotation["bbox"])
    return found


def test_a_seed_draws_the_same_and_another_one_something_else(tmp_path: Path) -> None:
    one, again, other = (draw(tmp_path / name, 6, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert one.read_text() == again.read_text()
    for name in boxes_by_image(one):
        assert (one.parent / name).read_bytes() == (again.parent / name).read_bytes()
    assert not set(boxes_by_image(one)) & set(boxes_by_image(other))


def test_scratches_lie_in_the_photo_apart_from_each_other_and_are_to_be_seen(tmp_path: Path) -> None:
    labels = draw(tmp_path, 40, seed=5)
    found = boxes_by_image(labels)
    assert 0.3 < np.mean([bool(boxes) for boxes in found.values()]) < 0.9  # good parts and scratched ones
    for name, boxes in found.items():
        grey = np.asarray(Image.open(tmp_path / name).convert("L"), dtype=np.float64)
        for x, y, w, h in boxes:
            assert 0 <= x < x + w <= WIDTH
            assert 0 <= y < y + h <= HEIGHT
            inside = grey[y : y + h, x : x + w]
            assert inside.max() - inside.min() > 60, (name, x, y)  # the bright and the dark side of a groove
        for (x1, y1, w1, h1), (x2, y2, w2, h2) in combinations(boxes, 2):
            apart = x1 + w1 <= x2 or x2 + w2 <= x1 or y1 + h1 <= y2 or y2 + h2 <= y1
            assert apart, name
