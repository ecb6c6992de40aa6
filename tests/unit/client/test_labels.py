"""Labels of other tools find their images, their classes and whole pixels, and what can't be taken over is named."""

import hashlib
import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.commands import labels as command
from client import formats, labels, pipeline
from client.formats import common
from client.formats.common import LabelBox, LabeledImage, Report
from sightline.errors import SightlineError
from sightline.images.image import Image

CLASSES = ["scratch", "dent"]


def image(name: str, status: str = "NEW", body: bytes | None = None) -> dict[str, Any]:
    digest = hashlib.sha256(body if body is not None else name.encode()).hexdigest()
    return {
        "image_id": digest, "bucket": "images", "key": f"incoming/{name}", "status": status, "width": 60, "height": 40,
        "bytes": 1, "captured_at": "2026-11-20T09:00:00Z", "source": "upload",
        "label_ref": "s3://artifacts/labeling/window-1/output.manifest", "updated_at": "2026-11-20T09:30:00.000001",
        "annotations": [{"class_id": 1, "left": 1, "top": 2, "width": 3, "height": 4}],
    }  # fmt: skip


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A ledger of a few images; `target.ledger` is the list, `target.started` the executions, `target.files` the
    objects.
    """
    made = SimpleNamespace(ledger=[], started={}, files={}, ended=set(), outputs={})
    made.outputs = {
        "ArtifactsBucketName": "artifacts",
        "LabelImagesArn": "arn:aws:states:r:1:stateMachine:s-label-images",
    }

    class ExecutionAlreadyExistsError(Exception): ...

    def start(*, stateMachineArn: str, name: str, input: str) -> None:  # noqa: A002, N803
        if name in made.started:
            raise ExecutionAlreadyExistsError
        made.started[name] = json.loads(input)

    def describe(*, executionArn: str) -> dict[str, str]:  # noqa: N803
        return {"status": "FAILED" if executionArn.rsplit(":", 1)[1] in made.ended else "RUNNING"}

    client = SimpleNamespace(
        start_execution=start,
        describe_execution=describe,
        exceptions=SimpleNamespace(ExecutionAlreadyExists=ExecutionAlreadyExistsError),
        put_object=lambda **given: made.files.__setitem__(given["Key"], given["Body"]),
    )
    made.client = lambda _: client
    monkeypatch.setattr(pipeline, "parameters", lambda _: {"Classes": ",".join(CLASSES), "MaxJobImages": "2"})
    ledger = SimpleNamespace(
        with_status=lambda status: [Image.from_item(entry) for entry in made.ledger if entry["status"] == status]
    )
    monkeypatch.setattr(pipeline, "ledger", lambda _: ledger)
    return made


def coco(folder: Path, *names: str, **box: Any) -> Path:
    entries = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    boxes = [
        {"id": n, "image_id": n, "category_id": 1, "bbox": box.get("bbox", [1, 2, 3, 4])} for n in range(len(names))
    ]
    value = {"images": entries, "annotations": boxes, "categories": [{"id": 1, "name": box.get("name", "dent")}]}
    path = folder / "labels.json"
    path.write_text(json.dumps(value))
    return path


def read(target: Any, path: Path, beside: Path | None = None, **classes: str) -> tuple[list[dict[str, Any]], Report]:
    report = Report()
    return labels.read(target, "coco", path, report, beside, classes), report


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "incoming/line 1/a.jpg", "line 1/a.jpg", "s3://images/incoming/line 1/a.jpg", "elsewhere/a.jpg",
     "{id}.jpeg",
     "s3://artifacts/datasets/images/{id}.jpeg"],
)  # fmt: skip
def test_an_image_is_found_by_hash_key_and_name(target: Any, tmp_path: Path, name: str) -> None:
    target.ledger = [image("line 1/a.jpg"), image("b.jpg")]
    found, report = read(target, coco(tmp_path, name.format(id=target.ledger[0]["image_id"])))
    assert found == [
        {
            "image_id": target.ledger[0]["image_id"],
            "annotations": [{"class_id": 1, "left": 1, "top": 2, "width": 3, "height": 4}],
        }
    ]
    assert report.lines() == []


def test_images_beside_the_labels_are_found_by_content_whatever_they_are_called(target: Any, tmp_path: Path) -> None:
    target.ledger = [image("a.jpg", body=b"pixels")]
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "renamed.jpg").write_bytes(b"pixels")
    found, _ = read(target, coco(tmp_path, "renamed.jpg"), photos)
    assert [line["image_id"] for line in found] == [target.ledger[0]["image_id"]]


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
        "the annotators have it at the moment": ["busy.jpg"],
        "it has an approved label already": ["done.jpg"],
        "several images have this name; name them by their folder too": ["twice.jpg"],
        "not in the ledger; upload it first": ["missing.jpg"],
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
    with pytest.raises(labels.LabelsError, match="does not have: Kratzer; it has scratch, dent"):
        read(target, path)
    assert read(target, path, Kratzer="scratch")[0][0]["annotations"][0]["class_id"] == 0
    with pytest.raises(labels.LabelsError, match="the labels do not have: Krazer; they have Kratzer"):
        read(target, path, Kratzer="dent", Krazer="scratch")
    found, report = read(target, path, Kratzer="")
    assert found[0]["annotations"] == []
    assert list(report.lost.values()) == [["a.jpg"]]


def test_the_hint_for_an_unknown_class_can_be_pasted_into_a_shell(target: Any, tmp_path: Path) -> None:
    target.ledger = [image("a.jpg")]
    with pytest.raises(labels.LabelsError) as caught:
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
    monkeypatch.setattr(command, "target", lambda: target)
    with pytest.raises(SightlineError, match=said):
        command.labels_import(coco(tmp_path, *names), "coco", classes=[], as_json=as_json)
    command.labels_import(coco(tmp_path, "a.jpg"), "coco", classes=[], as_json=as_json)


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
    first = labels.bring(target, lines, approved=False)
    assert len(first) == 2
    assert labels.bring(target, lines, approved=False) == first  # they run
    assert len(target.started) == 2
    name = first[0].rsplit(":", 1)[1]
    request = target.started[name]
    assert request == {"labels_uri": f"s3://artifacts/labeling/imports/{name}.jsonl", "approved": False}
    assert [json.loads(line) for line in target.files[f"labeling/imports/{name}.jsonl"].splitlines()] == lines[:2]
    target.ended = {name}
    assert labels.bring(target, lines, approved=False) == [f"{first[0]}-2", first[1]]
    assert set(labels.bring(target, lines, approved=True)) & set(first) == set()


@pytest.mark.parametrize("name", sorted(formats.FORMATS))
def test_approved_images_are_exported_under_the_names_they_came_with(target: Any, tmp_path: Path, name: str) -> None:
    target.ledger = [image("line 1/a.jpg", "APPROVED"), image("b.jpg")]
    report = Report()
    assert labels.export(target, "approved", name, tmp_path / "out", report) == 1
    again = formats.read(name, tmp_path / "out", Report(), lambda _: (60, 40))
    assert [common.stem(entry.name).removeprefix("s3://images/incoming/") for entry in again.images] == ["line 1/a"]
    assert again.images[0].boxes == (LabelBox("dent", 1, 2, 3, 4),)


def test_what_is_exported_can_be_imported_where_the_images_are_new(target: Any, tmp_path: Path) -> None:
    for name in formats.FORMATS:
        target.ledger = [image("line 1/a.jpg", "APPROVED")]
        labels.export(target, "approved", name, tmp_path / name, Report())
        target.ledger[0]["status"] = "NEW"
        report = Report()
        found = labels.read(target, name, tmp_path / name, report, None, {})
        assert (found, report.lines()) == (
            [{"image_id": target.ledger[0]["image_id"], "annotations": target.ledger[0]["annotations"]}],
            [],
        )


@pytest.mark.parametrize("name", ["a<b>?.jpg", "a\\b.jpg", 'a"|*:.jpg', "a//b.jpg", "./a.jpg", "/a.jpg", "../a.jpg"])
def test_an_export_names_each_image_as_the_ledger_does_or_says_what_it_became(
    target: Any, tmp_path: Path, name: str
) -> None:
    for kind in formats.FORMATS:
        target.ledger = [image(name, "APPROVED")]
        report = Report()
        labels.export(target, "approved", kind, tmp_path / kind, report)
        target.ledger[0]["status"] = "NEW"
        again = Report()
        found = labels.read(target, kind, tmp_path / kind, again, None, {})
        renamed = report.lost.get("the name of an image, which can't be that of a file")
        if kind in ("voc", "yolo"):
            assert renamed is not None
            assert [line.startswith(f"{name} became ") for line in renamed] == [True]
        else:
            assert (renamed, again.lines(), len(found)) == (None, [], 1)


def test_an_image_without_a_size_in_the_file_takes_the_ledgers(target: Any) -> None:
    entry = image("a.jpg")
    assert labels._line(LabeledImage("a.jpg", None, ()), Image.from_item(entry), {}, Report()) == (
        entry["image_id"],
        [],
    )
