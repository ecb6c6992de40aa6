"""Label formats: each round trip keeps what both can say, the rest is reported, and hostile files are one line."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import formats
from client.formats import FORMATS, common
from client.formats.common import InvalidLabelsError, LabelBox, LabeledImage, LabelSet, Report
from tests.project import ROOT

CLASSES = ["scratch", "dent", "ölfleck & <rost>"]
# YOLO text names an image without its extension, so that one with two (`a.png.jpg`) loses both when it goes through it
# twice.
NAMES = st.text(
    st.characters(categories=("Ll", "Lu", "Nd"), include_characters=" _-()."), min_size=1, max_size=12
).filter(lambda name: common.stem(f"n{name}") == f"n{name}")
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
        sizes = {common.stem(image.name): image.size for image in labels.images}
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
        kept.append((common.stem(image.name), aspect, image.boxes))
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
    silent = set(common.ASPECTS) - FORMATS[name].SAYS
    kinds = {common.ASPECTS[aspect] for aspect in silent - {"classes"}} | (
        {"a class without a box"} & ({"a class without a box"} if "classes" in silent else set())
    )
    assert {kind.split(", for which")[0] for kind in report.lost} == kinds
    for line in report.lines():
        assert "0.jpg, 1.jpg, 2.jpg, and 2 more" in line or "scratch" in line


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def coco(box: Any, **more: Any) -> str:
    value = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 60, "height": 40}, {"id": 2, "file_name": "b.jpg"}],
        "categories": [{"id": 3, "name": "dent"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": box, **more}],
    }
    return json.dumps(value)


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ([1, 2, float("nan"), 4], "no finite number"),
        ([1, 2, float("inf"), 4], "no finite number"),
        ([10**400, 2, 3, 4], "no finite number"),
        ([1, 2, -3, 4], "negative"),
        ([1, 2, 0, 4], "without width"),
        ([1, 2, True, 4], "no finite number"),
        ([1, 2, None, 4], "no finite number"),
        ([1, 2, "9" * 1000, 4], "no finite number"),
    ],
)
def test_an_impossible_box_costs_its_image_and_no_other(tmp_path: Path, box: list[Any], reason: str) -> None:
    report = Report()
    found = formats.read("coco", written(tmp_path, "labels.json", coco(box)), report)
    assert [image.name for image in found.images] == ["b.jpg"]
    assert list(report.refused.values()) == [["a.jpg"]]
    assert reason in next(iter(report.refused))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"category_id": 9}, "a box of category 9, which the file does not have"),
        ({"category_id": [3]}, "a box of category None, which the file does not have"),
        ({"bbox": [1, 2, 3]}, "a box whose bbox is not a list of four numbers"),
        ({"bbox": None}, "a box whose bbox is not a list of four numbers"),
    ],
)
def test_a_bad_coco_annotation_costs_its_image_with_the_reason(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    report = Report()
    found = formats.read("coco", written(tmp_path, "labels.json", coco([1, 2, 3, 4], **change)), report)
    assert [image.name for image in found.images] == ["b.jpg"]
    assert report.refused == {reason: ["a.jpg"]}


@pytest.mark.parametrize("owner", [7, None, [1]])
def test_a_coco_annotation_of_an_unknown_image_costs_nothing_else(tmp_path: Path, owner: Any) -> None:
    report = Report()
    value = json.loads(coco([1, 2, 3, 4]))
    value["annotations"].append({"id": 2, "image_id": owner, "category_id": 3, "bbox": [1, 2, 3, 4]})
    found = formats.read("coco", written(tmp_path, "labels.json", json.dumps(value)), report)
    assert [(image.name, len(image.boxes)) for image in found.images] == [("a.jpg", 1), ("b.jpg", 0)]
    said = "7" if owner == 7 else "None"
    assert report.refused == {"an annotation of an image that the file does not have": [f"image_id {said}"]}


def test_coco_images_of_one_id_or_none_are_not_taken(tmp_path: Path) -> None:
    report = Report()
    value = json.loads(coco([1, 2, 3, 4]))
    value["images"] += [{"id": 1, "file_name": "c.jpg"}, {"file_name": "d.jpg"}]
    found = formats.read("coco", written(tmp_path, "labels.json", json.dumps(value)), report)
    assert [image.name for image in found.images] == ["b.jpg"]
    assert list(report.refused.values()) == [["a.jpg", "c.jpg"], ["d.jpg"]]


def test_a_coco_category_with_two_names_is_not_guessed(tmp_path: Path) -> None:
    value = json.loads(coco([1, 2, 3, 4]))
    value["categories"].append({"id": 3, "name": "hole"})
    with pytest.raises(InvalidLabelsError, match="category 3 is both dent and hole"):
        formats.read("coco", written(tmp_path, "labels.json", json.dumps(value)), Report())


def test_what_coco_says_beyond_boxes_is_reported(tmp_path: Path) -> None:
    report = Report()
    more = {"iscrowd": 1, "segmentation": [[1, 1, 2, 2, 3, 3]], "score": 0.5, "keypoints": [1]}
    found = formats.read("coco", written(tmp_path, "labels.json", coco([1.5, 2, 3, 4], **more)), report)
    assert found.images[0].boxes == (LabelBox("dent", 1.5, 2, 3, 4),)
    assert len(report.lost) == 4


BOMB = '<!DOCTYPE a [<!ENTITY b "boom">' + "".join(f'<!ENTITY b{n} "{"&b;" * 9}">' for n in range(9)) + "]>"
VOC = "<annotation><filename>a.jpg</filename><size><width>60</width><height>40</height></size>{}</annotation>"
OBJECT = (
    "<object><name>dent</name>{}<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>4</xmax><ymax>{}</ymax></bndbox></object>"
)


@pytest.mark.parametrize(
    ("name", "file", "content"),
    [
        ("voc", "a.xml", BOMB + "<annotation>&b8;</annotation>"),
        ("voc", "a.xml", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation><filename>&x;</filename></annotation>'),
        ("voc", "a.xml", "<annotation><object></annotation>"),
        ("voc", "a.xml", b"\xff\xfe\x00"),
        ("coco", "a.json", "[" * 100_000),
        ("coco", "a.json", '{"images": 1, "categories": [], "annotations": []}'),
        ("coco", "a.json", "9" * 5000),
        ("ground-truth", "a.manifest", '{"source-ref": "s3://b/a.jpg"}'),
        ("ground-truth", "a.manifest", "{" * 10_000),
        ("label-studio", "a.json", '{"a": 1}'),
        ("label-studio", "a.json", '[{"image": "a.jpg", "label": []}]'),
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


def test_a_broken_file_among_others_stops_none_of_them(tmp_path: Path) -> None:
    written(tmp_path, "a.xml", VOC.format(OBJECT.format("", "6")))
    written(tmp_path, "bomb.xml", BOMB + "<annotation>&b8;</annotation>")
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


@pytest.mark.parametrize("name", ["yolo", "voc"])
def test_a_file_that_can_not_be_read_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    end, content = {"yolo": ("txt", "0 0.5 0.5 0.2 0.2"), "voc": ("xml", VOC.format(""))}[name]
    written(tmp_path, "classes.txt", "dent")
    written(tmp_path, f"a.{end}", content)
    written(tmp_path, f"large.{end}", content + " " * 1000)
    written(tmp_path, f"latin.{end}", b"\xe4" + content.encode())
    monkeypatch.setattr(common, "MAX_FILE_BYTES", 1000)
    report = Report()
    found = formats.read(name, tmp_path, report, lambda _: (100, 100))
    assert [common.stem(image.name) for image in found.images] == ["a"]
    refused = sorted(file for files in report.refused.values() for file in files)
    assert [file.removesuffix(f".{end}") for file in refused] == ["large", "latin"]


def test_voc_counts_pixels_from_one_and_its_flags_are_reported(tmp_path: Path) -> None:
    flags = "<difficult>1</difficult><truncated>1</truncated><pose>Left</pose>"
    report = Report()
    found = formats.read("voc", written(tmp_path, "a.xml", VOC.format(OBJECT.format(flags, "6"))), report)
    assert found.images[0].boxes == (LabelBox("dent", 1, 2, 3, 4),)
    assert list(report.lost) == ["the flag `difficult` of a box", "the flag `truncated` of a box", "the pose of a box"]


def test_yolo_outlines_and_scores_are_reported_and_wrong_lines_cost_their_image(tmp_path: Path) -> None:
    written(tmp_path, "classes.txt", "dent\nscratch\n")
    written(tmp_path, "a.txt", "1 0.5 0.5 0.2 0.2 0.9\n0 0.1 0.1 0.3 0.1 0.3 0.3\n")
    for number, line in enumerate(
        ["7 0.5 0.5 0.1 0.1", "0 nan 0.5 0.1 0.1", "0 0.5 0.5", "0 0.5 0.5 -0.1 0.1", "0.5 1 1 1 1"]
    ):
        written(tmp_path, f"wrong{number}.txt", line)
    written(tmp_path, "unknown.txt", "")
    report = Report()
    found = formats.read("yolo", tmp_path, report, lambda name: None if name == "unknown" else (100, 100))
    assert [(image.name, image.boxes) for image in found.images] == [
        ("a", (LabelBox("scratch", 40, 40, 20, 20), LabelBox("dent", 10, 10, 20, 20)))
    ]
    assert len(report.lost) == 2
    assert sorted(name for names in report.refused.values() for name in names) == [
        "unknown", "wrong0", "wrong1", "wrong2", "wrong3", "wrong4",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("data.yaml", "names: {1: scratch, 2: dent, 10: hole}"),
        ("data.yaml", "names: {'10': hole, '2': dent, '1': scratch}"),
        ("data.yaml", "names: ['', scratch, dent, '', '', '', '', '', '', '', hole]"),
        ("classes.txt", "\n scratch \ndent\n\n\n\n\n\n\n\nhole\n"),
    ],
)
def test_yolo_classes_are_looked_up_by_their_number(tmp_path: Path, file: str, content: str) -> None:
    written(tmp_path, file, content)
    for number in (1, 2, 7, 10):
        written(tmp_path, f"{number}.txt", f"{number} 0.5 0.5 0.2 0.2")
    report = Report()
    found = formats.read("yolo", tmp_path, report, lambda _: (100, 100))
    assert found.classes == ["scratch", "dent", "hole"]
    named = {image.name: [box.class_name for box in image.boxes] for image in found.images}
    assert named == {"1": ["scratch"], "2": ["dent"], "10": ["hole"]}
    assert report.refused == {f"class 7 has no name in {file}": ["7"]}


YAML_BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("names: scratch", "`names` must be a list, or numbers with names, and is 'scratch'"),
        ("names: 5", "and is 5"),
        ("nc: 3", "and is None"),
        ("- scratch", "and is None"),
        ("names: {a: scratch}", "the number of a class is no finite number: 'a'"),
        ("names: {1: scratch, '1': dent}", "class 1 has two names"),
        ("names: [[scratch]]", "the name of class 0 is no plain text"),
        ("nc: 1\nnames: [scratch", "line 2: expected"),
        ("names: \x00", "special characters are not allowed"),
        (YAML_BOMB + "names: [*a9]", "line 2: an alias"),
        (YAML_BOMB.replace("[x]", "{x: 1}").replace("[*", "{<<: [*").replace("]\n", "]}\n") + "names: []", "an alias"),
    ],
)
def test_a_bad_data_yaml_is_refused_in_one_line(tmp_path: Path, content: str, said: str) -> None:
    written(tmp_path, "data.yaml", content)
    written(tmp_path, "a.txt", "0 0.5 0.5 0.2 0.2")
    with pytest.raises(InvalidLabelsError) as caught:
        formats.read("yolo", tmp_path, Report(), lambda _: (100, 100))
    assert str(caught.value).startswith(f"{tmp_path / 'data.yaml'} does not name the classes: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_value_that_stands_for_billions_is_shown_by_its_type() -> None:
    endless: list[Any] = []
    for _ in range(40):
        endless = [endless] * 10
    with pytest.raises(common.BadLabelError, match="is no plain text of 1 to 1024 characters: a list"):
        common.text(endless, "a name")


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ({"annotations": []}, "'image_size' is missing"),
        ({"annotations": [], "image_size": []}, "a list or an object is empty or missing"),
        ("none", "a list or an object is empty or missing"),
    ],
)
def test_a_ground_truth_label_that_is_built_wrongly_costs_its_image_with_a_reason(
    tmp_path: Path, label: Any, reason: str
) -> None:
    metadata = {"type": "groundtruth/object-detection", "class-map": {"0": "dent"}}
    line = json.dumps({"source-ref": "s3://b/a.jpg", "boxes": label, "boxes-metadata": metadata})
    report = Report()
    assert formats.read("ground-truth", written(tmp_path, "a.manifest", line), report).images == []
    assert [(kind.startswith(reason), names) for kind, names in report.refused.items()] == [(True, ["s3://b/a.jpg"])]


@pytest.mark.parametrize(
    ("annotations", "reason"),
    [(5, "a list or an object is empty"), ([{}], "'result' is missing"), ([{"result": [7]}], "a list or an object")],
)
def test_a_label_studio_task_that_is_built_wrongly_costs_itself_with_a_reason(
    tmp_path: Path, annotations: Any, reason: str
) -> None:
    tasks = [{"data": {"image": "a.jpg"}, "annotations": annotations}]
    report = Report()
    assert formats.read("label-studio", written(tmp_path, "a.json", json.dumps(tasks)), report).images == []
    assert [(kind.startswith(reason), names) for kind, names in report.refused.items()] == [(True, ["a.jpg"])]


def task(**value: Any) -> dict[str, Any]:
    box = {"x": 10, "y": 20, "width": 20, "height": 10, "rotation": 0, "rectanglelabels": ["dent"], **value}
    return {"type": "rectanglelabels", "original_width": 100, "original_height": 100, "image_rotation": 0, "value": box}


def studio(*annotations: list[dict[str, Any]], **more: Any) -> str:
    data = {"image": "/data/upload/3/1f2e3d4c-a.jpg"}
    return json.dumps([{"data": data, "annotations": [{"result": result} for result in annotations], **more}])


def test_label_studio_names_images_as_they_were_uploaded_and_turned_boxes_are_reported(tmp_path: Path) -> None:
    report = Report()
    file = written(tmp_path, "a.json", studio([task(rotation=90), {"type": "polygonlabels"}], predictions=[{}]))
    found = formats.read("label-studio", file, report)
    assert found.images == [LabeledImage("a.jpg", (100, 100), (LabelBox("dent", 0, 20, 10, 20),))]
    assert len(report.lost) == 3


def test_several_annotations_of_one_task_are_consolidated_and_that_is_said(tmp_path: Path) -> None:
    report = Report()
    found = formats.read(
        "label-studio", written(tmp_path, "a.json", studio([task()], [task(x=12)], [task(x=11)])), report
    )
    assert found.images[0].boxes == (LabelBox("dent", 11, 20, 20, 10),)
    assert len(report.lost) == 1


def test_a_task_that_nobody_answered_is_left_out(tmp_path: Path) -> None:
    report = Report()
    assert formats.read("label-studio", written(tmp_path, "a.json", studio()), report).images == []
    assert report.refused == {"its task has no annotation": ["a.jpg"]}


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


def test_the_documentation_says_what_each_format_can_say() -> None:
    page = (ROOT / "docs" / "reference" / "label-formats.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `") and line.count("|") == 9]
    table = {
        cells[0].strip("` "): [cell.strip() for cell in cells[1:]]
        for cells in (row.strip("| ").split("|") for row in rows)
    }
    order = ["size", "image_id", "group_id", "job", "labeled_at", "classes"]
    for name, module in FORMATS.items():
        assert [cell == "yes" for cell in table[name][: len(order)]] == [aspect in module.SAYS for aspect in order], (
            name
        )


def test_category_ids_of_several_kinds_are_put_in_an_order(tmp_path: Path) -> None:
    named = [{"id": "x", "name": "dent"}, {"id": 7, "name": "hole"}, {"id": 1, "name": "scratch"}]
    (tmp_path / "labels.json").write_text(json.dumps({"images": [], "annotations": [], "categories": named}))
    found = formats.read("coco", tmp_path / "labels.json", Report())
    assert found.classes == ["scratch", "hole", "dent"]
