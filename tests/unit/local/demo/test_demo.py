"""The demo with photos of one's own: what it can't use is told before anything is started, what it merges is not waited
for.
"""

import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

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
