"""Folders of YOLO text in the layouts of the tools: which files are labels, of which image, with which classes."""

from pathlib import Path

import pytest

from client.formats.checks import InvalidLabelsError
from tests.label_cases import Outcome, Photos, brought, write

LINE = "0 0.5 0.5 0.2 0.4\n"
BOX = ["dent 180 90 90 120"]
NAMES = {"data.yaml": "names: [dent, scratch]\n"}
MODEL = "no box, but its folder holds what a model has found, not what a person said"


def brought_yolo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], *photos: str, below: str = ""
) -> Outcome:
    write(tmp_path / "labels of a tool", dict(files))
    names = photos or ("t1.jpg", "t2.jpg")
    return brought(Photos(*names), "yolo", tmp_path / "labels of a tool" / below, monkeypatch)


@pytest.mark.parametrize(
    "file",
    [
        "t1.txt",
        "labels/t1.txt",
        "labels/train/t1.txt",
        "labels/Train/t1.txt",
        "labels/train2017/t1.txt",
        "train/labels/t1.txt",
        "obj_train_data/t1.txt",
        "obj_Validation_data/t1.txt",
        "data/labels/eval/t1.txt",
        "labels/t1.TXT",
        "T1.txt",
        "labels/0a1b2c3d-t1.txt",
        "train/labels/t1_jpg.rf.be858a282318f987f4a12085f1f4ff66.txt",
        "runs/detect/predict/labels/t1.txt",
    ],
)
def test_a_label_finds_its_image_in_the_folders_of_the_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    found = brought_yolo(tmp_path, monkeypatch, NAMES | {file: LINE})
    assert (found.taken, found.left_out) == ({"t1.jpg": BOX}, {})


@pytest.mark.parametrize(
    ("files", "photos", "taken"),
    [
        ({"labels/test.txt": LINE}, ["test.jpg"], ["test.jpg"]),
        ({"test.txt": LINE}, ["test.jpg"], ["test.jpg"]),
        ({"labels/train.txt": "", "labels/t1.txt": LINE}, ["train.jpg", "t1.jpg"], ["train.jpg", "t1.jpg"]),
        ({"labels/classes.txt": LINE, "labels/t1.txt": LINE}, ["classes.jpg", "t1.jpg"], ["classes.jpg", "t1.jpg"]),
        ({"labels/readme.txt": LINE}, ["readme.jpg"], ["readme.jpg"]),
        # Not the labels of these photos, but a list, and texts about the export.
        ({"train.txt": "images/t1.jpg\n", "labels/t1.txt": LINE}, ["train.jpg", "t1.jpg"], ["t1.jpg"]),
        ({"train.txt": "", "labels/t1.txt": LINE}, ["t1.jpg"], ["t1.jpg"]),
        (
            {
                "README.roboflow.txt": "about\n",
                "LICENSE.txt": "x\n",
                "requirements.txt": "y==1\n",
                "notes.txt": "z\n",
                "t1.txt": LINE,
            },
            ["t1.jpg"],
            ["t1.jpg"],
        ),
    ],
)
def test_a_text_is_a_label_by_its_photo_and_its_content_not_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], photos: list[str], taken: list[str]
) -> None:
    found = brought_yolo(tmp_path, monkeypatch, NAMES | files, *photos)
    assert sorted(found.taken) == sorted(taken)
    assert found.left_out == {}


@pytest.mark.parametrize(
    ("files", "left_out"),
    [
        ({"t1.txt": "a text\nabout it\n"}, {"a text that is no label": ["t1"]}),
        ({"other.txt": LINE}, {"no such image, and YOLO text does not say how large it is": ["other"]}),
        ({"other.txt": "about\n"}, {"a text that is no label": ["other"]}),
        ({"t1.txt": LINE + "0 0.5 0.5\n"}, {"3 numbers, which is no box, outline or pose": ["t1, line 2"]}),
        ({"t1.txt": LINE + "5 0.5 0.5 0.1 0.1\n"}, {"class 5 has no name in data.yaml": ["t1, line 2"]}),
        ({"t1.txt": "dent 0.5 0.5 0.1 0.1\n"}, {"the class of a box is no finite number: 'dent'": ["t1"]}),
        ({"t1.txt": "0 0,5 0,5 0,1 0,1\n"}, {"a number of a box is no finite number: '0,5'": ["t1"]}),
        ({"t1.txt": "0 inf 0.5 0.1 0.1\n"}, {"a number of a box is no finite number: 'inf'": ["t1"]}),
        ({"t1.txt": "0 0.5 0.5 0 0.1\n"}, {"a box without width or height, or with a negative one": ["t1"]}),
        ({"t1.txt": LINE * 1001}, {"more than 1000 boxes": ["t1"]}),
    ],
)
def test_what_is_not_understood_is_left_out_by_name_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], left_out: dict[str, list[str]]
) -> None:
    found = brought_yolo(tmp_path, monkeypatch, NAMES | files | {"t2.txt": LINE})
    assert (found.taken, found.left_out) == ({"t2.jpg": BOX}, left_out)


def test_an_empty_file_says_no_defect_but_not_beside_what_a_model_has_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = NAMES | {"labels/t1.txt": "\n  \n", "labels/t2.txt": LINE}
    assert brought_yolo(tmp_path, monkeypatch, files).taken == {"t1.jpg": [], "t2.jpg": BOX}
    files["labels/t2.txt"] = LINE.strip() + " 0.7\n"
    found = brought_yolo(tmp_path, monkeypatch, files)
    assert found.taken == {"t2.jpg": BOX}
    assert found.left_out == {f"{MODEL}; --empty-is-no-defect takes it for “no defect”": ["t1"]}


def test_an_image_of_a_list_without_a_file_is_not_no_defect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = NAMES | {"train.txt": "data/images/train/t1.jpg\n./images/train/t2.jpg\n", "labels/train/t2.txt": LINE}
    found = brought_yolo(tmp_path, monkeypatch, files)
    assert found.taken == {"t2.jpg": BOX}
    assert list(found.left_out.values()) == [["data/images/train/t1.jpg"]]
    assert "listed, but YOLO text has no file for it" in next(iter(found.left_out))


@pytest.mark.parametrize(
    ("files", "below"),
    [
        ({"data.yaml": "names:\n  0: dent\n"}, ""),
        ({"data.yml": "names: {'0': dent}\n"}, ""),
        ({"coco8.yaml": "path: .\nnames: [dent]\n", "hyp.yaml": "lr0: 0.1\n"}, ""),
        ({"classes.txt": "dent\r\n"}, ""),
        ({"obj.names": "dent\n", "obj.data": "classes = 1\n"}, ""),
        ({"voc.names": "\ufeffdent\n"}, ""),
        ({"labels/train/_darknet.labels": "dent\n"}, ""),
        ({"labels/classes.txt": "dent\n"}, ""),
        ({"labels/train/classes.txt": "dent\n"}, ""),
        ({"labels/train/predefined_classes.txt": "dent\n"}, ""),
        ({"data.yaml": "names: [dent]\n"}, "labels/train"),
        ({"labels/classes.txt": "dent\n"}, "labels/train"),
        ({"data.yaml": "names: [dent]\n"}, "labels/train/t1.txt"),
        ({"data.yaml": "names: [dent]\n", "labels/classes.txt": "dent\nscratch\n"}, ""),
    ],
)
def test_the_names_of_classes_lie_beside_the_labels_or_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], below: str
) -> None:
    found = brought_yolo(tmp_path, monkeypatch, files | {"labels/train/t1.txt": LINE}, below=below)
    assert (found.taken, found.left_out) == ({"t1.jpg": BOX}, {})


def test_each_folder_has_the_classes_that_are_named_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"a/classes.txt": "dent\n", "a/t1.txt": LINE, "b/classes.txt": "scratch\n", "b/t2.txt": LINE}
    assert brought_yolo(tmp_path, monkeypatch, files).taken == {"t1.jpg": BOX, "t2.jpg": ["scratch 180 90 90 120"]}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"data.yaml": "names: [dent]\n", "classes.txt": "scratch\n"}, "class 0 is dent in "),
        ({"data.yaml": "names: [dent]\n", "labels/classes.txt": "scratch\n"}, "class 0 is scratch in "),
        ({"data.yaml": "kpt_shape: [x]\nnames: [dent]\n"}, "a number of `kpt_shape` is no finite number: 'x'"),
        ({"data.yaml": "kpt_shape: 3\nnames: [dent]\n"}, "something else stands in its place"),
        ({"data.yaml": "kpt_shape: [17, 4]\nnames: [dent]\n"}, "`kpt_shape` must be [points, 2 or 3]"),
        ({"data.yaml": "names: [dent]\n" + "# " * 600_000}, "larger than 1 MiB"),
        ({"data.yaml": "[" * 5000}, "does not name the classes: "),
        ({}, "names no classes; put data.yaml or classes.txt beside the labels"),
    ],
)
def test_names_that_are_missing_or_contradict_each_other_refuse_the_import_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidLabelsError) as caught:
        brought_yolo(tmp_path, monkeypatch, files | {"labels/t1.txt": LINE})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_of_a_system_that_packed_the_folder_are_no_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = NAMES | {
        "labels/t1.txt": LINE,
        "labels/._t1.txt": "\x00",
        "__MACOSX/labels/t1.txt": "",
        ".git/t2.txt": LINE,
    }
    found = brought_yolo(tmp_path, monkeypatch, files)
    assert (found.taken, found.left_out) == ({"t1.jpg": BOX}, {})


def test_a_packed_folder_is_refused_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "export.zip", "w") as packed:
        packed.writestr("labels/t1.txt", LINE)
    with pytest.raises(InvalidLabelsError, match="is an archive; unpack it, and give the folder"):
        brought(Photos("t1.jpg"), "yolo", tmp_path / "export.zip", monkeypatch)
