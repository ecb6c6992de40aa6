"""Each round trip between formats keeps what both can say, the rest is reported, and hostile files are one line."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import formats
from client.formats import FORMATS, files
from client.formats.checks import InvalidLabelsError
from client.formats.files import stem
from client.formats.label_format import ASPECTS
from client.formats.label_set import LabelBox, LabeledImage, LabelSet
from client.formats.report import Report
from tests.label_files import VOC, XML_BOMB, written

CLASSES = ["scratch", "dent", "ölfleck & <rost>"]


# YOLO text names an image without its extension, so that one with two (`a.png.jpg`) loses both when it goes through it
# twice, and one that ends in a blank then (`a .jpg`) loses that in Pascal VOC.
NAMES = st.text(
    st.characters(categories=("Ll", "Lu", "Nd"), include_characters=" _-()."), min_size=1, max_size=12
).filter(lambda name: stem(f"n{name}") == f"n{name}" == f"n{name}".strip())


HEX = "0123456789abcdef"


@st.composite
def images(draw: st.DrawFn) -> LabeledImage:
    width, height = draw(st.integers(1, 6000)), draw(st.integers(1, 6000))
    boxes = []
    for _ in range(draw(st.integers(0, 4))):
        left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        size = draw(st.integers(1, width - left)), draw(st.integers(1, height - top))
        boxes.append(LabelBox(draw(st.sampled_from(CLASSES)), float(left), float(top), float(size[0]), float(size[1])))
    return LabeledImage("", (width, height), tuple(boxes), image_id=draw(st.text(HEX, min_size=64, max_size=64)))


@st.composite
def label_sets(draw: st.DrawFn) -> LabelSet:
    found = draw(st.lists(images(), min_size=1, max_size=4))
    names = draw(st.lists(NAMES, min_size=len(found), max_size=len(found), unique_by=str.casefold))
    folder = draw(st.sampled_from(["", "line 1/", "a/b/"]))
    named = [
        replace(image, name=f"{folder}n{name}.jpg", job="window-1", labeled_at="2026-11-20T09:30:00", group_id="g1")
        for image, name in zip(found, names, strict=True)
    ]
    return LabelSet(CLASSES, [replace(image, source=image.name) for image in named])


def through(name: str, labels: LabelSet) -> LabelSet:
    """Written in a format and read again, with nothing lost on the way back."""
    with tempfile.TemporaryDirectory() as folder:
        place, report = Path(folder) / "out", Report()
        formats.write(name, {"labels": labels}, place, report)
        assert report.refused == {}
        again = Report()
        sizes = {stem(image.name): image.size for image in labels.images}
        found = formats.read(name, place, again, sizes.get)
        assert (again.lost, again.refused) == ({}, {})
    return found


def said(labels: LabelSet, aspects: frozenset[str]) -> list[Any]:
    """What formats that say these aspects must keep of labels; YOLO text knows no extension, VOC and it no order of
    images.
    """
    kept = []
    for image in labels.images:
        aspect = {name: getattr(image, name) for name in sorted(aspects - {"classes"})}
        kept.append((stem(image.name), aspect, image.boxes))
    return sorted(kept, key=lambda entry: str(entry[0]))


@pytest.mark.parametrize("first", sorted(FORMATS))
@settings(max_examples=15)
@given(labels=label_sets())
def test_a_round_trip_through_any_two_formats_keeps_what_both_can_say(first: str, labels: LabelSet) -> None:
    between = through(first, labels)
    if "classes" not in FORMATS[first].SAYS:  # it knows classes by their boxes only
        between.classes = CLASSES
    for second in sorted(FORMATS):
        found = through(second, between)
        both = FORMATS[first].SAYS & FORMATS[second].SAYS
        assert said(found, both) == said(labels, both)
        if "classes" in both:
            assert found.classes == CLASSES


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_what_a_format_can_not_say_is_reported_once_for_each_kind_with_the_first_names(name: str) -> None:
    image = LabeledImage(
        "",
        (9, 9),
        (LabelBox("dent", 1, 1, 2, 2),),
        image_id="ab",
        group_id="g",
        job="j",
        labeled_at="2026-11-20T09:30:00",
    )
    labels = LabelSet(CLASSES, [replace(image, name=f"{number}.jpg") for number in range(5)])
    with tempfile.TemporaryDirectory() as folder:
        report = Report()
        formats.write(name, {"labels": labels}, Path(folder), report)
    silent = set(ASPECTS) - FORMATS[name].SAYS
    kinds = {ASPECTS[aspect] for aspect in silent - {"classes"}} | (
        {"a class without a box"} & ({"a class without a box"} if "classes" in silent else set())
    )
    assert {kind.split(", for which")[0] for kind in report.lost} == kinds
    for line in report.lines():
        assert "0.jpg, 1.jpg, 2.jpg, and 2 more" in line or "scratch" in line


@pytest.mark.parametrize(
    ("name", "file", "content"),
    [
        ("voc", "a.xml", XML_BOMB + "<annotation>&b8;</annotation>"),
        ("voc", "a.xml", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation><filename>&x;</filename></annotation>'),
        ("voc", "a.xml", "<annotation><object></annotation>"),
        ("voc", "a.xml", b"\xff\xfe\x00"),
        ("coco", "a.json", "[" * 100_000),
        ("coco", "a.json", '{"images": 1, "categories": [], "annotations": []}'),
        ("coco", "a.json", "9" * 5000),
        ("ground-truth", "a.manifest", '{"image": "s3://b/a.jpg"}'),
        ("ground-truth", "a.manifest", "\n"),
        ("ground-truth", "a.manifest", "{" * 10_000),
        ("label-studio", "a.json", '{"a": 1}'),
        ("label-studio", "a.json", '[{"image": 1, "label": []}]'),
        ("label-studio", "a.jsonl", '{"data": \n{"data": {}}'),
        ("cvat", "a.xml", XML_BOMB + "<annotations>&b8;</annotations>"),
        ("cvat", "a.xml", "<annotations><image></annotations>"),
        ("yolo", "a.txt", "0 0.5 0.5 0.1 0.1"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_of_its_format_is_one_line_with_its_name(
    tmp_path: Path, name: str, file: str, content: Any
) -> None:
    with pytest.raises(InvalidLabelsError) as caught:
        formats.read(name, written(tmp_path, file, content), Report())
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(tmp_path))


@pytest.mark.parametrize("name", ["yolo", "voc"])
def test_a_file_that_can_not_be_read_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    end, content = {"yolo": ("txt", "0 0.5 0.5 0.2 0.2"), "voc": ("xml", VOC.format(""))}[name]
    written(tmp_path, "classes.txt", "dent")
    written(tmp_path, f"a.{end}", content)
    written(tmp_path, f"large.{end}", content + " " * 1000)
    written(tmp_path, f"latin.{end}", b"\xe4" + content.encode())
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 1000)
    report = Report()
    found = formats.read(name, tmp_path, report, lambda _: (100, 100))
    assert [stem(image.name) for image in found.images] == ["a"]
    refused = sorted(file for files in report.refused.values() for file in files)
    assert [file.removesuffix(f".{end}") for file in refused] == ["large", "latin"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.jpg", "/etc/passwd.jpg", "a/../../b.jpg", "..\\..\\b.jpg", "a\x00b.jpg", ".."]
)
@pytest.mark.parametrize("target", ["yolo", "voc", "coco"])
def test_a_name_that_leads_elsewhere_stays_in_the_folder(tmp_path: Path, target: str, name: str) -> None:
    labels = LabelSet(CLASSES, [LabeledImage(name, (9, 9), ())])
    place = tmp_path / "a" / "b" / "out"
    files = formats.write(target, {"labels": labels}, place, Report())
    assert all(file.resolve().is_relative_to(place) for file in files)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(files)


@pytest.mark.parametrize("name", ["\x1b[31mred.jpg", "a\u202egpj.exe", "", " ", "x" * 5000, 7, None])
def test_a_name_that_could_fool_a_terminal_is_refused_and_shown_escaped(tmp_path: Path, name: Any) -> None:
    value = {"images": [{"id": 1, "file_name": name}], "categories": [], "annotations": []}
    report = Report()
    assert formats.read("coco", written(tmp_path, "a.json", json.dumps(value)), report).images == []
    assert all(line.isprintable() for line in report.lines())


def test_two_images_of_one_stem_are_not_written_over_each_other(tmp_path: Path) -> None:
    labels = LabelSet(CLASSES, [LabeledImage("a.jpg", (9, 9), ()), LabeledImage("a.png", (9, 9), ())])
    for name in ("yolo", "voc"):
        report = Report()
        formats.write(name, {"labels": labels}, tmp_path / name, report)
        assert list(report.refused.values()) == [["a.png"]]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    written(tmp_path, "mine.txt", "mine")
    with pytest.raises(InvalidLabelsError, match="not an empty folder"):
        formats.write("coco", {"labels": LabelSet([], [])}, tmp_path, Report())
