"""VOC: pixels count from 1, a file says its encoding, and a broken one costs only itself."""

from pathlib import Path

import pytest

from client import formats
from client.formats.label_set import LabelBox
from client.formats.report import Report
from tests.label_cases import Outcome, Photos, brought
from tests.label_files import VOC, XML_BOMB, written

OBJECT = (
    "<object><name>dent</name>{}<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>4</xmax><ymax>{}</ymax></bndbox></object>"
)


def test_a_broken_file_among_others_stops_none_of_them(tmp_path: Path) -> None:
    written(tmp_path, "a.xml", VOC.format(OBJECT.format("", "6")))
    written(tmp_path, "bomb.xml", XML_BOMB + "<annotation>&b8;</annotation>")
    report = Report()
    assert [image.name for image in formats.read("voc", tmp_path, report).images] == ["a.jpg"]
    assert report.refused == {"not Pascal VOC XML: DTDForbidden": ["bomb.xml"]}


def test_files_in_another_encoding_are_read_as_they_say_or_cost_only_themselves(tmp_path: Path) -> None:
    latin, wide, wrong = ("latin.xml", "iso-8859-1"), ("wide.xml", "utf-16"), ("wrong.xml", "no-such-code")
    for name, encoding in (latin, wide, wrong):
        content = f'<?xml version="1.0" encoding="{encoding}"?>' + VOC.format("").replace("a.jpg", f"ä-{name}.jpg")
        written(tmp_path, name, content.encode("utf-16" if name == "wide.xml" else "iso-8859-1"))
    written(tmp_path, "undeclared.xml", VOC.format("").replace("a.jpg", "ä.jpg").encode("iso-8859-1"))
    report = Report()
    found = formats.read("voc", tmp_path, report)
    assert [image.name for image in found.images] == ["ä-latin.xml.jpg", "ä-wide.xml.jpg"]
    assert report.refused == {
        "not Pascal VOC XML: ParseError": ["undeclared.xml"],
        "not Pascal VOC XML: LookupError": ["wrong.xml"],
    }


def test_voc_counts_pixels_from_one_and_its_flags_are_reported(tmp_path: Path) -> None:
    flags = "<difficult>1</difficult><truncated>1</truncated><pose>Left</pose>"
    report = Report()
    found = formats.read("voc", written(tmp_path, "a.xml", VOC.format(OBJECT.format(flags, "6"))), report)
    assert found.images[0].boxes == (LabelBox("dent", 1, 2, 3, 4),)
    assert list(report.lost) == ["the flag `difficult` of a box", "the flag `truncated` of a box", "the pose of a box"]


SIZE = "<size><width>450</width><height>300</height></size>"
EDGES = "<bndbox><xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>60</ymax></bndbox>"
ROTATION = "<attributes><attribute><name>rotation</name><value>{}</value></attribute></attributes>"
TURNED = "<robndbox><cx>100</cx><cy>60</cy><w>40</w><h>20</h><angle>{}</angle></robndbox>"
POLYGON = "<polygon><x1>11</x1><y1>21</y1><x2>40</x2><y2>21</y2><x3>40</x3><y3>60</y3></polygon>"
POINTS = "<polygon><pt><x>11</x><y>21</y></pt><pt><x>40</x><y>30</y></pt><pt><x>20</x><y>60</y></pt></polygon>"
NAMED = "<filename>t1.jpg</filename>"


def brought_voc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str, head: str = NAMED + SIZE, file: str = "t1.xml"
) -> Outcome:
    entry = f"<object><name>dent</name>{inside}</object>" if inside else ""
    path = written(tmp_path, file, f"<annotation>{head}{entry}</annotation>")
    return brought(Photos("t1.jpg", "t2.jpg"), "voc", path, monkeypatch)


@pytest.mark.parametrize(
    ("inside", "boxes"),
    [
        (EDGES, ["dent 10 20 30 40"]),
        ("<type>bndbox</type>" + EDGES + POLYGON, ["dent 10 20 30 40"]),
        (EDGES + ROTATION.format("0.0"), ["dent 10 20 30 40"]),
        (EDGES + ROTATION.format("90"), ["dent 5 25 40 30"]),
        (EDGES + ROTATION.format("-90.0"), ["dent 5 25 40 30"]),
        (EDGES + ROTATION.format("180"), ["dent 10 20 30 40"]),
        (TURNED.format("0"), ["dent 80 50 40 20"]),
        (TURNED.format("1.5707963267948966"), ["dent 90 40 20 40"]),
        (TURNED.format("-1.5707963267948966"), ["dent 90 40 20 40"]),
        (POLYGON, ["dent 10 20 29 39"]),
        (POINTS, ["dent 10 20 29 39"]),
        ("", []),
    ],
)
def test_an_object_becomes_the_upright_box_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str, boxes: list[str]
) -> None:
    found = brought_voc(tmp_path, monkeypatch, inside)
    assert (found.taken, found.left_out) == ({"t1.jpg": boxes}, {})
    turned = "rotation" in inside and "0.0" not in inside and "180" not in inside
    if turned:
        assert "the rotation of a box (its upright box is taken)" in found.lost


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        ("<point><x>1</x><y>2</y></point>", "an object without bndbox"),
        (TURNED.format("45"), "a turned box by 45, which is no angle in radians"),
        (TURNED.format("nan"), "angle is no finite number: 'nan'"),
        (TURNED.replace("<w>40</w>", "").format("0"), "w is no finite number: None"),
        (TURNED.replace("<w>40</w>", "<w>0</w>").format("0"), "a box without width or height, or with a negative one"),
        (
            "<bndbox><xmin>0.1</xmin><ymin>0.2</ymin><xmax>0.3</xmax><ymax>0.4</ymax></bndbox>",
            "a box with no number over 1: parts of the image, where pixels should be",
        ),
        ("<bndbox/>", "xmin is no finite number: None"),
        ("<polygon/>", "a shape without a point"),
        (POLYGON.replace("<x2>40</x2>", "<x2>a</x2>"), "x of an outline is no finite number: 'a'"),
        (EDGES + ROTATION.format("left"), "the rotation of a box is no finite number: 'left'"),
    ],
)
def test_an_object_without_an_upright_box_takes_its_image_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str, reason: str
) -> None:
    found = brought_voc(tmp_path, monkeypatch, inside)
    assert (found.taken, found.left_out) == ({}, {reason: ["t1.jpg"]})


@pytest.mark.parametrize(
    ("name", "file", "taken"),
    [
        ("t1.jpg", "t1.xml", "t1.jpg"),
        ("t1.jpg", "000001.xml", "t1.jpg"),
        ("000001.jpg", "t1.xml", "t1.jpg"),
        ("", "t1.xml", "t1.jpg"),
        ("  ", "t1.xml", "t1.jpg"),
        ("D:\\x\\t1.JPG", "t1.XML", "t1.jpg"),
        ("t1_jpg.rf.be858a282318f987f4a12085f1f4ff66.jpg", "t1_jpg.rf.be858a282318f987f4a12085f1f4ff66.xml", "t1.jpg"),
        ("0a1b2c3d-t1", "0a1b2c3d-t1.xml", "t1.jpg"),
        ("t2.jpg", "t1.xml", None),  # copied, with the name of another photo in it
        ("000001.jpg", "000001.xml", None),
    ],
)
def test_the_image_is_the_one_that_both_of_its_names_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, file: str, taken: str | None
) -> None:
    found = brought_voc(tmp_path, monkeypatch, EDGES, f"<filename>{name}</filename>{SIZE}", file)
    assert found.taken == ({taken: ["dent 10 20 30 40"]} if taken else {})


@pytest.mark.parametrize(
    ("size", "taken"),
    [
        ("", True), ("<size/>", True), ("<size><width>0</width><height>0</height></size>", True),
        ("<size><width> </width><height>300</height></size>", True), (SIZE, True),
        ("<size><width>450</width></size>", True), ("<size><width>450.0</width><height>300</height></size>", True),
        ("<size><width>300</width><height>450</height></size>", False),
        ("<size><width>-1</width><height>300</height></size>", False),
        ("<size><width>450.5</width><height>300</height></size>", False),
    ],
)  # fmt: skip
def test_a_size_that_is_missing_is_the_ledgers_and_another_one_refuses_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str, taken: bool
) -> None:
    assert bool(brought_voc(tmp_path, monkeypatch, EDGES, NAMED + size).taken) is taken
