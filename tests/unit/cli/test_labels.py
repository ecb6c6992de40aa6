"""`sightline labels import` counts what becomes of the images, asks where that is doubtful, and can only look."""

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from PIL import Image

from client.labels.claimed import NOT_ASKED
from tests.command import run
from tests.labelled_stack import coco, image, labelled_stack

NOT_THERE = ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two new photos, of which one can't be read."""
    made = labelled_stack(monkeypatch)
    made.ledger = [image("a.jpg"), image("b.jpg"), image("busy.jpg", "CLAIMED")]
    picture = io.BytesIO()
    Image.fromarray(np.full((40, 60, 3), 128, np.uint8)).save(picture, "PNG")

    def get(**given: str) -> dict[str, io.BytesIO]:
        if given["Key"] != "incoming/a.jpg":
            raise NOT_THERE
        return {"Body": io.BytesIO(picture.getvalue())}

    made.aws.s3.get_object = get
    monkeypatch.setattr("cli.commands.labels.target", lambda: made)
    return made


TAKEN = "1 of them leave an open job, where nobody has begun with them."


def labels(folder: Path, *names: str, boxes: int = 99) -> Path:
    """Write a COCO file in which only the first images have a box."""
    path = coco(folder, *names)
    value = json.loads(path.read_text())
    value["annotations"] = value["annotations"][:boxes]
    path.write_text(json.dumps(value))
    return path


def imported(capsys: Any, monkeypatch: pytest.MonkeyPatch, path: Path, *more: str) -> tuple[int, str, str]:
    return run(capsys, monkeypatch, "labels", "import", str(path), "--format", "coco", *more)


def test_the_end_says_how_many_images_became_what(
    stack: Any, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = labels(tmp_path, "a.jpg", "b.jpg", "busy.jpg", "nowhere.jpg", boxes=1)
    code, _, said = imported(capsys, monkeypatch, path)
    assert (code, said.splitlines()) == (
        0,
        [
            f"left out: {NOT_ASKED} (1×): busy.jpg",
            "left out: not in the ledger; upload it first (1×): nowhere.jpg",
            "1 images with boxes, 1 with “no defect”, 2 left out, for the reasons above.",
            "2 labels sent to verification.",
        ],
    )
    code, out, _ = imported(capsys, monkeypatch, path, "--json")
    counts = {key: json.loads(out)[key] for key in ("images", "with_boxes", "no_defect", "left_out", "strays")}
    assert counts == {"images": 2, "with_boxes": 1, "no_defect": 1, "left_out": 2, "strays": {}}


def test_the_end_says_what_leaves_an_open_job(
    stack: Any, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.ledger[2]["claimed_by"] = "window-1"
    stack.free = {"window-1": {stack.ledger[2]["image_id"]}}
    code, _, said = imported(capsys, monkeypatch, labels(tmp_path, "busy.jpg"))
    assert (code, said.splitlines()) == (
        0,
        [
            f"1 images with boxes, 0 with “no defect”, 0 left out. {TAKEN}",
            "1 labels sent to verification.",
        ],
    )


def test_labels_without_any_box_are_recorded_only_when_a_person_says_so(
    stack: Any, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = labels(tmp_path, "a.jpg", "b.jpg", boxes=0)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))  # no terminal
    code, _, said = imported(capsys, monkeypatch, path)
    assert (code, stack.started) == (1, {})
    assert said.endswith("sightline: nobody is there to answer; `--yes` answers beforehand\n")
    assert "No image has a box. Record all 2 as “no defect”? [y/N]" in said
    monkeypatch.setattr("cli.screen.is_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert (imported(capsys, monkeypatch, path)[0], stack.started) == (130, {})
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert imported(capsys, monkeypatch, path)[0] == 0
    assert len(stack.started) == 1
    stack.started.clear()
    assert imported(capsys, monkeypatch, path, "--yes")[0] == 0
    assert len(stack.started) == 1


def test_a_file_without_a_box_is_asked_about_beside_one_with_boxes(
    stack: Any, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.ledger = [image(f"{name}.jpg") for name in "abcd"]
    labels(tmp_path, "a.jpg", "b.jpg").rename(tmp_path / "train.json")
    labels(tmp_path, "c.jpg", boxes=0).rename(tmp_path / "one.json")  # a split of one image is nothing unusual
    monkeypatch.setattr("cli.screen.is_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert imported(capsys, monkeypatch, tmp_path, "--class", "dent=dent")[0] == 0
    stack.started.clear()
    labels(tmp_path, "c.jpg", "d.jpg", boxes=0).rename(tmp_path / "one.json")
    code, _, said = imported(capsys, monkeypatch, tmp_path)
    assert (code, stack.started) == (130, {})
    assert "look: a file without a box in any image (1×): one.json" in said
    assert "No box in any image of one.json. Record its images as “no defect”?" in said
    assert imported(capsys, monkeypatch, tmp_path, "--yes")[0] == 0


def test_a_doubt_about_images_without_a_box_is_settled_by_an_option(
    stack: Any, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = labels(tmp_path, "a.jpg", "b.jpg", boxes=1)
    value = json.loads(path.read_text())
    value["annotations"].append({"id": 7, "image_id": 99, "category_id": 1, "bbox": [1, 1, 2, 2]})
    path.write_text(json.dumps(value))
    code, _, said = imported(capsys, monkeypatch, path)
    assert "left out: an annotation of an image that the file does not have (1×): image_id 99" in said
    assert "--empty-is-no-defect takes it for “no defect” (1×): b.jpg" in said
    assert (code, "1 images with boxes, 0 with “no defect”, 1 left out" in said) == (0, True)
    _, _, said = imported(capsys, monkeypatch, path, "--empty-is-no-defect")
    assert "1 images with boxes, 1 with “no defect”, 0 left out." in said


def test_a_dry_run_records_nothing_and_draws_the_boxes_on_the_photos(
    stack: Any, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = tmp_path / "sheet.html"
    path = labels(tmp_path, "a.jpg", "b.jpg", "<script>alert(1)</script>.jpg")
    code, out, said = imported(capsys, monkeypatch, path, "--dry-run", "--sheet", str(sheet), "--json")
    assert (code, stack.started, stack.files) == (0, {}, {})
    assert (json.loads(out)["with_boxes"], json.loads(out)["executions"]) == (2, [])
    assert f"Nothing was recorded. The boxes on the photos are in {sheet}" in said
    page = sheet.read_text()
    assert page.count("data:image/jpeg") == 1
    assert "b.jpg: 1 dent; 60×40 pixels. Can&#x27;t be shown: NoSuchKey" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;.jpg" in page
    assert "<script" not in page


def test_a_sheet_that_can_not_be_written_is_one_line(
    stack: Any, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(tmp_path / "none" / "sheet.html")
    code, _, said = imported(capsys, monkeypatch, labels(tmp_path, "a.jpg"), "--dry-run", "--sheet", place)
    assert (code, f"sightline: {place} can't be written: No such file or directory; give another --sheet" in said) == (
        1,
        True,
    )


def test_approved_labels_are_counted_as_they_were_recorded(
    stack: Any, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.pipeline.wait_for", lambda *_: {"labels": {"approved": 1}})
    said = imported(capsys, monkeypatch, labels(tmp_path, "a.jpg", "b.jpg"), "--approved")[2]
    assert said.splitlines()[-1] == "1 labels recorded."
    assert SimpleNamespace(**next(iter(stack.started.values()))).approved is True
