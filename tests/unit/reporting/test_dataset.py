"""The dataset report: why images are together, what lies across splits, and that nothing is left out quietly."""

import io
import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reporting import dataset
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
        images = dataset.look_at_all(self.records, self.objects.__getitem__)
        return dataset.render(DESCRIPTION, images)


@pytest.fixture
def version() -> Version:
    """Three photos of part 0 and two of part 1 in training, one of another part in each other split."""
    made = Version()
    for photo in range(3):
        made.add("train", f"a{photo}", "a0", jpeg(0, photo), BOX)
    for photo in range(2):
        made.add("train", f"b{photo}", "b0", jpeg(1, photo))
    made.add("validation", "v", "v", jpeg(2), BOX)
    made.add("test", "t", "t", jpeg(3), BOX)
    return made


def test_each_member_of_a_group_is_shown_with_its_nearest_and_how_well_they_agree(version: Version) -> None:
    page = version.page()
    assert re.search(r"<b>1</b> a0<br>nearest: picture [23], agreement 0\.\d\d", page)
    assert re.search(r"<b>2</b> b1<br>nearest: picture 1, agreement 0\.\d\d", page)
    assert "3 images, 3 boxes" in page
    assert "No pair of near-twins lies across splits" in page


def test_the_page_stands_alone_and_what_people_wrote_is_escaped(version: Version) -> None:
    page = version.page()
    assert not re.search(r"<script|https?://|src=\"(?!data:)", page)
    assert "&lt;scratch&gt;" in page
    assert "<scratch>" not in page


def test_near_twins_across_splits_are_told_with_their_pictures(version: Version) -> None:
    for part in range(10, 20):  # with few parts, what one part shows is what all share
        version.add("validation", f"v{part}", f"v{part}", jpeg(part))
    version.add("test", "leak", "leak", jpeg(0, 9), BOX)
    page = version.page()
    assert "pairs of near-twins across splits" in page
    assert "No pair of near-twins" not in page


def test_an_image_that_is_missing_damaged_or_of_another_size_is_named_not_dropped(version: Version) -> None:
    version.add("train", "gone", "gone", None)
    version.add("train", "cut", "cut", jpeg(5)[:300])
    small = io.BytesIO()
    Image.new("RGB", (32, 32)).save(small, "JPEG")
    version.add("test", "small", "small", small.getvalue())
    page = version.page()
    assert re.search(r"<td>gone\.jpeg</td><td>train</td><td>can&#x27;t be read", page)
    assert re.search(r"<td>cut\.jpeg</td><td>train</td><td>does not decode: damaged image", page)
    assert "<td>small.jpeg</td><td>test</td><td>is 32×32 pixels, its label says 96×64</td>" in page
    assert '<div class="number">10</div>images' in page


def test_twins_with_other_labels_are_shown_to_the_person(version: Version) -> None:
    assert "near-twins are labelled alike" in version.page()
    version.add("train", "a3", "a0", jpeg(0, 3))
    assert "100% of the boxes have no counterpart" in version.page()


def test_a_large_group_is_cut_and_says_how_many_more(version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "MEMBERS_SHOWN", 2)
    assert "… and 1 more" in version.page()


def test_an_empty_version_has_a_page_too() -> None:
    page = Version().page()
    assert "No image could be looked at." in page
