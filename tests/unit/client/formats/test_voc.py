"""VOC: pixels count from 1, a file says its encoding, and a broken one costs only itself."""

from pathlib import Path

from client import formats
from client.formats.label_set import LabelBox
from client.formats.report import Report
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
