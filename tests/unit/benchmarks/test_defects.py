"""The drawn set of several defect types: what its labels promise."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.defects import BACKGROUNDS, DEFECTS, HEIGHT, WIDTH, generate, make_part, photograph


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("defects"), parts=10, seed=3).parent


def test_the_same_seed_gives_the_same_files_and_another_one_others(tmp_path: Path) -> None:
    first, again, other = (
        files(generate(tmp_path / name, parts=2, seed=seed).parent) for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first == again
    assert all(other[name] != body for name, body in first.items() if name in other)


def test_every_box_lies_in_its_image_and_a_quarter_of_the_parts_has_none(drawn: Path) -> None:
    coco: dict[str, Any] = json.loads((drawn / "labels.json").read_text())
    for box in (entry["bbox"] for entry in coco["annotations"]):
        assert box[0] >= 0 <= box[1]
        assert box[2] > 3 < box[3]
        assert box[0] + box[2] <= WIDTH
        assert box[1] + box[3] <= HEIGHT
    parts = {image["file_name"][:8] for image in coco["images"]}
    labelled = {entry["image_id"] for entry in coco["annotations"]}
    defective = {image["file_name"][:8] for image in coco["images"] if image["id"] in labelled}
    assert (len(parts), len(defective)) == (10, 8)
    shots = Counter(image["file_name"][:8] for image in coco["images"])
    assert all(2 <= number <= 4 for number in shots.values())
    for image in coco["images"]:
        with Image.open(drawn / "images" / image["file_name"]) as picture:
            assert picture.size == (WIDTH, HEIGHT)


def test_all_types_appear(drawn: Path) -> None:
    coco = json.loads((drawn / "labels.json").read_text())
    assert [entry["name"] for entry in coco["categories"]] == list(DEFECTS)
    assert {entry["category_id"] for entry in coco["annotations"]} == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("kind", DEFECTS)
def test_what_a_defect_changes_lies_in_its_box(kind: str) -> None:
    for background in range(len(BACKGROUNDS)):
        with_defect = make_part([kind], background, np.random.default_rng(background))
        without = make_part([], background, np.random.default_rng(background))
        change = np.abs(with_defect.surface - without.surface).sum(axis=2)
        (_, (x1, y1, x2, y2)), inside = with_defect.defects[0], change.copy()
        inside[y1:y2, x1:x2] = 0
        assert change[y1:y2, x1:x2].max() > 60
        assert inside.sum() < 0.12 * change.sum()
        picture, boxes = photograph(with_defect, np.random.default_rng(0))
        assert (picture.size, boxes[0][1][2:]) == ((WIDTH, HEIGHT), [x2 - x1, y2 - y1])
