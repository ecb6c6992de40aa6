"""What a job is given and can't use: a file ends it in one sentence, a record, image or box costs only itself and is
named.
"""

import json
import math
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training import inputs, train
from training.data import Images, load, usable_boxes
from training.image_results import left_out
from training.inputs import UnusableInputError

GOOD = {"class_id": 0, "left": 5, "top": 5, "width": 20, "height": 10}
Draw = Callable[..., Path]


def record(*boxes: Any, name: str = "a.png", **changes: Any) -> dict[str, Any]:
    label = {"image_size": [{"width": 90, "height": 60, "depth": 3}], "annotations": list(boxes)}
    return {"source-ref": f"s3://b/{name}", "defects": label, "image-id": name} | changes


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, "dataset.json is missing in "),
        ("{", "dataset.json is no JSON: Expecting property name"),
        ("[" * 100_000, "dataset.json is no JSON that can be read"),
        ("[]", "must be an object with a text as `version`"),
        ('{"version": "v1"}', "class_map must name at least one class"),
        ('{"version": "v1", "class_map": {}}', "class_map must name at least one class"),
        ('{"version": "v1", "class_map": {"0": "a", "5": "b"}}', "must number its classes 0 to 1, got 0, 5"),
        ('{"version": "v1", "class_map": {"a": "0"}}', "must number its classes 0 to 0, got a"),
        ('{"version": "v1", "class_map": {"0": "a", "1": "a"}}', "a name of its own, got ['a', 'a']"),
        ('{"version": "v1", "class_map": {"0": 7}}', "a name of its own, got [7]"),
    ],
)
def test_a_dataset_that_cannot_be_right_is_one_sentence(tmp_path: Path, body: str | None, said: str) -> None:
    if body is not None:
        (tmp_path / "dataset.json").write_text(body)
    with pytest.raises(UnusableInputError) as caught:
        inputs.read_dataset(tmp_path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_classes_are_ordered_by_their_numbers_not_by_their_place(tmp_path: Path) -> None:
    numbered = {str(number): f"class {number}" for number in reversed(range(11))}
    (tmp_path / "dataset.json").write_text(json.dumps({"version": "v1", "class_map": numbered}))
    assert inputs.read_dataset(tmp_path).classes == [f"class {number}" for number in range(11)]


def test_a_broken_line_of_a_manifest_is_said_with_its_file_and_number(tmp_path: Path) -> None:
    (tmp_path / "train.manifest").write_text(json.dumps(record()) + '\n\n{"source-ref": "s3://b/b.p')
    with pytest.raises(UnusableInputError, match=r"^train.manifest, line 3, is no JSON: Unterminated string"):
        inputs.read_manifest(tmp_path / "train.manifest", 2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (record(GOOD | {"class_id": -1}), "a.png: box 1 has class -1; the dataset's classes are the numbers 0 to 1"),
        (record(GOOD, GOOD | {"class_id": 30}), "a.png: box 2 has class 30; "),
        (record(GOOD | {"class_id": "0"}), "a.png: box 1 has class '0'; "),
        (record(GOOD | {"class_id": True}), "a.png: box 1 has class True; "),
        (record({}), "a.png: box 1 has class None; "),
        (record("box"), "a.png: annotations must be a list of boxes"),
        (record(defects=None), "a.png: its record has no label `defects`"),
        (record(defects={"image_size": []}), "a.png: image_size must hold a width and a height"),
        (record(defects={"image_size": [{"width": 90, "height": 0.4}]}), "a.png: image_size must hold a width"),
        ({"defects": {}}, "m, line 2: the record has no `source-ref` that names a file"),
        ([], "m, line 2: the record has no `source-ref` that names a file"),
    ],
)
def test_a_record_that_cannot_be_used_costs_its_image_and_is_named(tmp_path: Path, given: Any, said: str) -> None:
    (tmp_path / "m").write_text(f"{json.dumps(record(GOOD, name='b.png'))}\n{json.dumps(given)}\n")
    records, problems = inputs.read_manifest(tmp_path / "m", 2)
    assert [one.name for one in records] == ["b.png"]
    assert [str(problem)[: len(said)] for problem in problems] == [said]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"left": 900}, "lies outside the image of 90×60"),
        ({"top": -10}, "lies outside the image of 90×60"),
        ({"left": 89.5}, "lies outside the image of 90×60"),
        ({"width": 0}, "is less than 1 pixel wide or high"),
        ({"height": -5}, "is less than 1 pixel wide or high"),
        ({"left": math.nan}, "must have finite numbers as left, top, width, height"),
        ({"width": math.inf}, "must have finite numbers"),
        ({"left": 10**400}, "must have finite numbers"),
        ({"left": "5"}, "must have finite numbers"),
        ({"left": None}, "must have finite numbers"),
    ],
)
def test_a_box_that_cannot_be_used_costs_itself_and_the_reason_is_the_real_one(
    changes: dict[str, Any], said: str
) -> None:
    boxes, classes, faults = usable_boxes([GOOD | changes, GOOD | {"class_id": 1}], 60, 90)
    assert (boxes.tolist(), classes.tolist()) == ([[5, 5, 25, 15]], [1])
    assert [fault.startswith("box 1 (left ") and said in fault for fault in faults] == [True]


@pytest.mark.parametrize(
    ("named", "group"), [({"group-id": "g", "image-id": "i"}, "g"), ({"image-id": "i"}, "i"), ({}, "a.png")]
)
def test_a_record_is_of_its_group_else_of_its_image(tmp_path: Path, named: dict[str, str], group: str) -> None:
    given = {name: value for name, value in record(GOOD).items() if name != "image-id"} | named
    (tmp_path / "m").write_text(json.dumps(given))
    records, _ = inputs.read_manifest(tmp_path / "m", 1)
    assert records == [inputs.LabelRecord("a.png", group, 90, 60, (GOOD,))]


def test_training_and_evaluation_take_the_same_boxes_of_an_image(draw_channels: Draw, tmp_path: Path) -> None:
    channels = draw_channels()
    manifest = channels / "dataset" / "validation.manifest"
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    sticking_out = {"class_id": 0, "left": -10, "top": 40, "width": 30, "height": 100}
    lines[0]["defects"]["annotations"] = [sticking_out, GOOD | {"width": 0}]
    lines[1]["defects"]["annotations"] = [GOOD | {"class_id": 4}]
    (channels / "validation" / "validation-2.png").unlink()
    manifest.write_text("\n".join(map(json.dumps, lines)))
    samples, problems = load(manifest, channels / "validation", (64, 96), 1)
    images = Images(channels / "dataset", channels / "validation", "validation")
    assert [sample.name for sample in samples] == images.names == [f"validation-{n}.png" for n in (0, 3, 4)]
    for sample, truth in zip(samples, images.truths, strict=True):
        np.testing.assert_allclose(truth.boxes * sample.scale, sample.boxes, rtol=1e-6)
        assert truth.classes.tolist() == sample.classes.tolist()
    assert images.truths[0].boxes.tolist() == [[0, 40, 20, 60]]
    assert problems == [str(problem) for problem in images.problems]
    missing = {"image": "validation-2.png", "name": "validation-2.png", "split": "validation"}
    assert left_out(images, decoded=False) == [{**missing, "reason": "No such file or directory"}]
    assert [entry["reason"].partition(" (")[0] for entry in left_out(images, decoded=True)] == [
        "box 1 has class 4; the dataset's classes are the numbers 0 to 0",
        "box 2",
    ]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda root: (root / "input/config/hyperparameters.json").unlink(), "hyperparameters.json is missing in "),
        (lambda root: (root / "input/config/hyperparameters.json").write_text("{"), "hyperparameters.json is no JSON"),
        (lambda root: (root / "channels/dataset/dataset.json").unlink(), "dataset.json is missing in "),
        (lambda root: (root / "channels/dataset/train.manifest").write_text("{"), "train.manifest, line 1, is no JSON"),
        (lambda root: (root / "channels/dataset/train.manifest").write_bytes(b"\xff"), "train.manifest can't be read"),
        (lambda root: (root / "channels/dataset/validation.manifest").unlink(), "validation.manifest is missing in "),
        (lambda root: (root / "channels/dataset/train.manifest").write_text("[]"), "no image of the training channel"),
    ],
)
def test_a_training_that_cannot_begin_says_in_one_sentence_what_is_wrong(
    draw_channels: Draw, job: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any, said: str
) -> None:
    made = job(tmp_path, draw_channels())
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    spoil(tmp_path)
    assert train.main() == 1
    failure = (tmp_path / "output" / "failure").read_text()
    assert failure.startswith(said)
    assert "\n" not in failure


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, "the channel `model` holds no model.tar.gz"),
        (b"no archive", "model.tar.gz in the channel `model` can't be unpacked, it is damaged or no archive: "),
        (b"\x1f\x8b\x08\x00 cut off", "model.tar.gz in the channel `model` can't be unpacked"),
    ],
)
def test_a_channel_without_an_archive_that_can_be_unpacked_is_one_sentence(
    tmp_path: Path, body: bytes | None, said: str
) -> None:
    (tmp_path / "model").mkdir()
    if body is not None:
        (tmp_path / "model" / "model.tar.gz").write_bytes(body)
    with pytest.raises(UnusableInputError) as caught:
        inputs.unpack(tmp_path / "model", tmp_path / "work")
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../outside.json", "/outside.json", "a/../../outside.json"])
def test_a_name_in_an_archive_that_leads_outside_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "model").mkdir()
    with tarfile.open(tmp_path / "model" / "model.tar.gz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(UnusableInputError, match="is a link, or leads outside"):
        inputs.unpack(tmp_path / "model", tmp_path / "work")
    assert list(tmp_path.rglob("outside.json")) == []


def test_an_archive_with_a_link_is_refused_and_folders_in_it_are_made(tmp_path: Path) -> None:
    (tmp_path / "model" / "golden").mkdir(parents=True)
    (tmp_path / "model" / "golden" / "0.jpg").write_bytes(b"photo")
    with tarfile.open(tmp_path / "model" / "model.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "model" / "golden", "golden")
    assert (inputs.unpack(tmp_path / "model", tmp_path / "work") / "golden" / "0.jpg").read_bytes() == b"photo"
    link = tarfile.TarInfo("model.onnx")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(tmp_path / "model" / "model.tar.gz", "w:gz") as tar:
        tar.addfile(link)
    with pytest.raises(UnusableInputError, match=r"'model\.onnx' is a link"):
        inputs.unpack(tmp_path / "model", tmp_path / "work")
