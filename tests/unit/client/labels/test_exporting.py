"""Labels are written under the names that images came with, and find them again."""

from pathlib import Path
from typing import Any

import pytest

from client import formats
from client.formats.files import stem
from client.formats.label_set import LabelBox
from client.formats.report import Report
from client.labels import exporting, importing
from tests.labelled_stack import image


@pytest.mark.parametrize("name", sorted(formats.FORMATS))
def test_approved_images_are_exported_under_the_names_they_came_with(target: Any, tmp_path: Path, name: str) -> None:
    target.ledger = [image("line 1/a.jpg", "APPROVED"), image("b.jpg")]
    report = Report()
    assert exporting.export(target, "approved", name, tmp_path / "out", report) == 1
    again = formats.read(name, tmp_path / "out", Report(), lambda _: (60, 40))
    assert [stem(entry.name).removeprefix("s3://images/incoming/") for entry in again.images] == ["line 1/a"]
    assert again.images[0].boxes == (LabelBox("dent", 1, 2, 3, 4),)


def test_what_is_exported_can_be_imported_where_the_images_are_new(target: Any, tmp_path: Path) -> None:
    for name in formats.FORMATS:
        target.ledger = [image("line 1/a.jpg", "APPROVED")]
        exporting.export(target, "approved", name, tmp_path / name, Report())
        target.ledger[0]["status"] = "NEW"
        report = Report()
        found = importing.read(target, name, tmp_path / name, report, None, {}).lines
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
        exporting.export(target, "approved", kind, tmp_path / kind, report)
        target.ledger[0]["status"] = "NEW"
        again = Report()
        found = importing.read(target, kind, tmp_path / kind, again, None, {}).lines
        renamed = report.lost.get("the name of an image, which can't be that of a file")
        if kind in ("voc", "yolo"):
            assert renamed is not None
            assert [line.startswith(f"{name} became ") for line in renamed] == [True]
        else:
            assert (renamed, again.lines(), len(found)) == (None, [], 1)
