"""YOLO: classes are looked up by their number, and a bad file of names or line is said."""

from pathlib import Path

import pytest

from client import formats
from client.formats.checks import InvalidLabelsError
from client.formats.label_set import LabelBox
from client.formats.report import Report
from tests.label_files import written


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
MERGES = YAML_BOMB.replace("[x]", "{x: 1}").replace("[*", "{<<: [*").replace("]\n", "]}\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("names: scratch", "`names` must be a list, or numbers with names, and is 'scratch'"),
        ("names: 5", "and is '5'"),
        ("nc: 3", "and is None"),
        ("- scratch", "and is None"),
        ("names: {a: scratch}", "the number of a class is no finite number: 'a'"),
        ("names: {1: scratch, '1': dent}", "line 1: '1' stands there twice"),
        ("names: {1: scratch, 1.0: dent}", "class 1 has two names"),
        ("names: [[scratch]]", "the name of class 0 is no plain text"),
        ("nc: 1\nnames: [scratch", "line 2: expected"),
        ("names: \x00", "special characters are not allowed"),
        (YAML_BOMB + "names: [*a9]", "the name of class 0 is no plain text of 1 to 1024 characters: a list"),
        (YAML_BOMB + "names: *a9", "the name of class 0 is no plain text of 1 to 1024 characters: a list"),
        ("names: &a [*a]", "the name of class 0 is no plain text of 1 to 1024 characters: a list"),
        ("names: [*a]", "line 1: found undefined alias"),
        (MERGES + "names: []", "line 2: a merge (<<)"),
        (MERGES.replace("<<", "!!merge m") + "names: []", "line 2: a merge (<<)"),
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
