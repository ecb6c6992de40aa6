"""Labels of other tools find their classes and whole pixels, what can't be taken over is named, the rest is sent."""

import json
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.commands.labels import labels_import
from client.formats.report import Report
from client.labels import arrivals, bringing, importing
from client.labels.claimed import BEGUN, NOT_ASKED
from client.labels.index import AWAITED
from sightline.errors import SightlineError
from tests.labelled_stack import coco, image, read


def test_what_can_not_be_labelled_is_named_with_the_reason_and_stops_nothing(target: Any, tmp_path: Path) -> None:
    target.ledger = [
        image("new.jpg"), image("again.jpg", "REJECTED"), image("busy.jpg", "CLAIMED"), image("done.jpg", "APPROVED"),
        image("x/twice.jpg"), image("y/twice.jpg"),
    ]  # fmt: skip
    found, report = read(
        target, coco(tmp_path, "new.jpg", "again.jpg", "busy.jpg", "done.jpg", "twice.jpg", "missing.jpg")
    )
    assert {line["image_id"] for line in found} == {target.ledger[0]["image_id"], target.ledger[1]["image_id"]}
    assert report.refused == {
        NOT_ASKED: ["busy.jpg"],
        "it has an approved label already": ["done.jpg"],
        "several images have this name; name them by their folder too": ["twice.jpg"],
        "not in the ledger; upload it first": ["missing.jpg"],
    }


def test_images_that_nobody_has_begun_to_label_are_taken_from_their_job(target: Any, tmp_path: Path) -> None:
    photos = [image(f"{name}.jpg", "CLAIMED") for name in ("free", "begun", "verified")]
    for photo, job in zip(photos, ("window-1", "window-1", "import-1"), strict=True):
        photo["claimed_by"] = job
    target.ledger, target.free = photos, {"window-1": {photos[0]["image_id"]}}
    report = Report()
    found = importing.read(target, "coco", coco(tmp_path, "free.jpg", "begun.jpg", "verified.jpg"), report, None, {})
    assert ([one.name for one in found.matched], found.taken) == (["free.jpg"], 1)
    assert report.refused == {BEGUN: ["begun.jpg", "verified.jpg"]}


def test_what_was_just_uploaded_is_waited_for(target: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    target.ledger = [image("old.jpg")]
    target.uploads = {"incoming/old.jpg": now, "incoming/new.jpg": now, "incoming/lost.jpg": now - timedelta(days=1)}
    monkeypatch.setattr("time.sleep", lambda _: target.ledger.append(image("new.jpg")))
    found, report = read(target, coco(tmp_path, "new.jpg", "lost.jpg"))
    assert (len(found), report.refused) == (1, {"not in the ledger; upload it first": ["lost.jpg"]})


def test_what_is_not_registered_in_time_is_named_as_such(
    target: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(arrivals, "SECONDS", 0.01)
    target.uploads = {"incoming/new.jpg": datetime.now(UTC)}
    assert read(target, coco(tmp_path, "new.jpg", "nowhere.jpg"))[1].refused == {
        AWAITED: ["new.jpg"],
        "not in the ledger; upload it first": ["nowhere.jpg"],
    }


def test_two_different_labels_for_one_image_are_refused_not_guessed(target: Any, tmp_path: Path) -> None:
    target.ledger = [image("a.jpg")]
    path = coco(tmp_path, "a.jpg", "incoming/a.jpg")
    value = json.loads(path.read_text())
    value["annotations"].pop()
    path.write_text(json.dumps(value))
    found, report = read(target, path)
    assert found == []
    assert report.refused == {"the file has different labels for it": ["a.jpg", "incoming/a.jpg"]}


def test_the_same_label_twice_is_one(target: Any, tmp_path: Path) -> None:
    target.ledger = [image("a.jpg")]
    found, report = read(target, coco(tmp_path, "a.jpg", "incoming/a.jpg"))
    assert (len(found), report.lines()) == (1, [])


def test_unknown_classes_are_named_and_may_be_mapped_or_left_out(target: Any, tmp_path: Path) -> None:
    target.ledger = [image("a.jpg")]
    path = coco(tmp_path, "a.jpg", name="Kratzer")
    with pytest.raises(importing.LabelsError, match="does not have: Kratzer; it has scratch, dent"):
        read(target, path)
    assert read(target, path, Kratzer="scratch")[0][0]["annotations"][0]["class_id"] == 0
    with pytest.raises(importing.LabelsError, match="the labels do not have: Krazer; they have Kratzer"):
        read(target, path, Kratzer="dent", Krazer="scratch")
    found, report = read(target, path, Kratzer="")  # not seen as a defect, but nobody said "no defect" either
    assert found == []
    assert list(report.lost.values()) == [["a.jpg"]]
    assert [reason.startswith("only boxes of classes that --class leaves out") for reason in report.refused] == [True]


def test_the_hint_for_an_unknown_class_can_be_pasted_into_a_shell(target: Any, tmp_path: Path) -> None:
    target.ledger = [image("a.jpg")]
    with pytest.raises(importing.LabelsError) as caught:
        read(target, coco(tmp_path, "a.jpg", name="tiefer Kratzer"))
    hint = shlex.split(str(caught.value).split("Give ")[1].replace(",", " "))
    assert hint[:5] == ["--class", "tiefer Kratzer=scratch", "or", "--class", "tiefer Kratzer="]


@pytest.mark.parametrize(
    ("names", "said"),
    [([], "no label was taken from .*: it holds none"), (["b.jpg"], "no label was taken from .*: see above why")],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_an_import_that_takes_nothing_fails(
    target: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], said: str, as_json: bool
) -> None:
    target.ledger = [image("a.jpg")]
    monkeypatch.setattr("cli.commands.labels.target", lambda: target)
    with pytest.raises(SightlineError, match=said):
        labels_import(coco(tmp_path, *names), "coco", classes=[], as_json=as_json)
    labels_import(coco(tmp_path, "a.jpg"), "coco", classes=[], as_json=as_json)


@pytest.mark.parametrize(
    ("bbox", "pixels", "lost"),
    [
        ([1, 2, 3, 4], (1, 2, 3, 4), 0),
        ([1.4, 2.4, 3.2, 4.2], (1, 2, 4, 5), 1),
        ([-5, 2, 10, 4], (0, 2, 5, 4), 1),
        ([50.5, 30, 20, 20], (50, 30, 10, 10), 2),
        ([10.2, 10.2, 0.1, 0.1], (10, 10, 1, 1), 1),
    ],
)
def test_boxes_become_whole_pixels_inside_the_image_and_that_is_said(
    target: Any, tmp_path: Path, bbox: list[float], pixels: tuple[int, ...], lost: int
) -> None:
    target.ledger = [image("a.jpg")]
    found, report = read(target, coco(tmp_path, "a.jpg", bbox=bbox))
    assert tuple(found[0]["annotations"][0][edge] for edge in ("left", "top", "width", "height")) == pixels
    assert len(report.lost) == lost


def test_a_box_outside_the_image_and_another_size_cost_their_image(target: Any, tmp_path: Path) -> None:
    target.ledger = [image("a.jpg")]
    assert read(target, coco(tmp_path, "a.jpg", bbox=[60, 0, 5, 5]))[1].refused == {
        "a box that lies outside the image": ["a.jpg"]
    }
    path = coco(tmp_path, "a.jpg")
    value = json.loads(path.read_text())
    value["images"][0] |= {"width": 61, "height": 40}
    path.write_text(json.dumps(value))
    assert "another size" in next(iter(read(target, path)[1].refused))


def test_labels_are_brought_in_parts_named_after_their_content_and_again_after_a_failure(target: Any) -> None:
    lines = [{"image_id": str(number), "annotations": []} for number in range(3)]
    first = importing.bring(target, lines, approved=False)
    assert len(first) == 2
    assert importing.bring(target, lines, approved=False) == first  # they run
    assert len(target.started) == 2
    name = first[0].rsplit(":", 1)[1]
    request = target.started[name]
    assert request == {"labels_uri": f"s3://artifacts/labeling/imports/{name}.jsonl", "approved": False}
    assert [json.loads(line) for line in target.files[f"labeling/imports/{name}.jsonl"].splitlines()] == lines[:2]
    target.ended = {name}
    assert importing.bring(target, lines, approved=False) == [f"{first[0]}-2", first[1]]
    assert set(importing.bring(target, lines, approved=True)) & set(first) == set()


def test_an_image_without_a_size_in_the_file_takes_the_ledgers(target: Any, tmp_path: Path) -> None:
    target.ledger = [image("a.jpg")]
    path = coco(tmp_path, "a.jpg")
    value = json.loads(path.read_text())
    assert "width" not in value["images"][0]
    assert len(read(target, path)[0]) == 1


def test_what_a_labelling_claims_while_its_label_is_on_its_way_is_brought_again(target: Any, tmp_path: Path) -> None:
    target.ledger = [image("a.jpg"), image("b.jpg")]
    report = Report()
    labels = importing.read(target, "coco", coco(tmp_path, "a.jpg", "b.jpg"), report, None, {})
    for photo in target.ledger:  # the window closes now
        photo |= {"status": "CLAIMED", "claimed_by": "window-1"}
    target.took, target.free = [0], {"window-1": {target.ledger[0]["image_id"]}}
    brought = bringing.bring(target, labels.matched, report, approved=False)
    assert (brought.taken, len(brought.executions)) == (1, 2)
    assert report.refused == {BEGUN: ["b.jpg"]}
    target.took, target.free = [0, 0, 0], {"window-1": {photo["image_id"] for photo in target.ledger}}
    target.ended = set(target.started)
    assert bringing.bring(target, labels.matched, report, approved=False).taken == 0
    assert report.refused["a labelling had it when its label came; import again"] == ["a.jpg", "b.jpg"]
