"""The demo with photos of one's own: what it can't use is told before anything is started, what it merges is not waited
for.
"""

import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from client.formats.checks import InvalidLabelsError
from client.loop.sample import draw
from client.loop.stages import StageError, Stages
from local import stack
from local.demo.demo import Demo


@pytest.mark.parametrize("photos", [1, 2])
def test_too_few_photos_are_told_before_the_stack_is_started(
    photos: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "up", lambda **_: pytest.fail("started"))
    labels = draw(tmp_path / "photos", photos, seed=4)
    with pytest.raises(StageError, match="holds too few photos that can be read"):
        Demo(tmp_path / "home", tmp_path / "report", labels.parent, labels, keep=False).run()


def own(folder: Path, classes: dict[int, str]) -> Path:
    """Draw twelve photos whose boxes have these classes in turn. Return the labels."""
    labels = draw(folder, 12, seed=4)
    coco = json.loads(labels.read_text())
    coco["categories"] = [{"id": number, "name": name} for number, name in classes.items()]
    for count, annotation in enumerate(coco["annotations"]):
        annotation["category_id"] = sorted(classes)[count % len(classes)]
    labels.write_text(json.dumps(coco))
    return labels


def of_own(folder: Path, labels: Path) -> Demo:
    return Demo(folder / "home", folder / "report", labels.parent, labels, keep=False)


@pytest.mark.parametrize("classes", [{1: "dent"}, {7: "Riss, tief", 2: "Delle"}, {2: "Kratzer ä", 1: "dent"}])
def test_the_stack_of_own_photos_has_the_classes_of_their_labels(
    classes: dict[int, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, str] = {}

    def up(*, overrides: dict[str, str], **_: object) -> None:
        given.update(overrides)
        raise StageError("far enough")

    monkeypatch.setattr(stack, "up", up)
    said = "a class can't have a comma" if 7 in classes else "far enough"
    with pytest.raises(StageError, match=said):
        of_own(tmp_path, own(tmp_path / "photos", classes)).run()
    assert given.get("Classes") == (None if 7 in classes else ",".join(classes[number] for number in sorted(classes)))


def test_the_truth_about_own_photos_has_the_class_ids_of_that_stack(tmp_path: Path) -> None:
    labels = own(tmp_path / "photos", {1: "dent", 5: "scratch"})
    demo = of_own(tmp_path, labels)
    demo.stages = Stages(Console(), "")
    photos = demo.prepare(tmp_path)
    assert demo.classes == ["dent", "scratch"]
    assert {box["class_id"] for boxes in photos.truth.values() for box in boxes} == {0, 1}


def test_photos_without_a_box_and_photos_of_one_name_are_told(tmp_path: Path) -> None:
    labels = own(tmp_path / "photos", {1: "dent"})
    coco = json.loads(labels.read_text())
    (labels.parent / "b").mkdir()
    shutil.copy(labels.parent / coco["images"][0]["file_name"], labels.parent / "b")
    demo = of_own(tmp_path, labels)
    demo.stages = Stages(Console(), "")
    with pytest.raises(InvalidLabelsError, match="have one name; the demo needs a name for each photo"):
        demo.prepare(tmp_path)
    labels.write_text(json.dumps({**coco, "annotations": []}))
    with pytest.raises(InvalidLabelsError, match="has no box in any image"):
        demo.prepare(tmp_path)


def test_a_stack_that_another_command_starts_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise stack.StackError("another command is starting or stopping the stack")

    monkeypatch.setattr(stack, "up", refuse)
    monkeypatch.setattr(stack, "down", lambda _: pytest.fail("stopped"))
    labels = draw(tmp_path / "photos", 12, seed=4)
    with pytest.raises(StageError, match="another command is starting"):
        Demo(tmp_path / "home", tmp_path / "report", labels.parent, labels, keep=False).run()


def test_photos_that_are_damaged_or_the_same_are_not_waited_for(tmp_path: Path) -> None:
    labels = draw(tmp_path / "photos", 12, seed=4)
    coco = json.loads(labels.read_text())
    first = labels.parent / coco["images"][0]["file_name"]
    for name in ("a-damaged.jpg", "b-again.jpg"):
        coco["images"].append({"id": 100 + len(coco["images"]), "file_name": name, "width": 450, "height": 300})
    labels.write_text(json.dumps(coco))
    (labels.parent / "a-damaged.jpg").write_bytes(first.read_bytes()[:2000])
    shutil.copyfile(first, labels.parent / "b-again.jpg")
    demo = Demo(tmp_path / "home", tmp_path / "report", labels.parent, labels, keep=False)
    demo.stages = Stages(Console(), "")
    photos = demo.prepare(tmp_path)
    names = {path.name for path in photos.seen}
    usable = {path.read_bytes() for path in photos.seen if path.name != "a-damaged.jpg"}
    assert "a-damaged.jpg" in names
    assert len(photos.unseen) + len(photos.seen) == 14
    assert photos.expected == len(usable)
