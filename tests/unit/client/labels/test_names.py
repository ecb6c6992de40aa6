"""A name in a file of labels finds its image however a tool spells it, and means nothing where it could mean two."""

import json
import unicodedata
from pathlib import Path

import pytest

from client.formats.checks import BadLabelError
from client.labels.index import Index
from client.labels.names import Names
from tests.label_cases import Photos, brought

NFD = unicodedata.normalize("NFD", "Gehäuse Nr.1.jpg")
HEXADECIMAL = "0a1b2c3d"
ROBOFLOW = "rf.be858a282318f987f4a12085f1f4ff66"


def found(name: str, *paths: str) -> set[str]:
    known = Names()
    for path in paths:
        known.add(f"incoming/{path}", path)
    return set(known.find(name).things)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (
            "t1.jpg",
            [
                "t1.jpg",
                "T1.JPG",
                "t1",
                "t1.png",
                "./t1.jpg",
                "../x/t1.jpg",
                "/srv/data/t1.jpg",
                "images/train/t1.jpg",
                "images\\train\\t1.jpg",
                "D:\\data\\t1.jpg",
                "\\\\server\\share\\t1.jpg",
                "..\\t1.jpg",
                "s3://b/incoming/t1.jpg",
                "S3://b/x/t1.jpg",
                "https://b.s3.amazonaws.com/incoming/t1.jpg?X-Amz-Signature=a/b.jpg#c",
                "file:///d/t1.jpg",
                "http://host:8080/a/t1.jpg",
                f"{HEXADECIMAL}-t1.jpg",
                f"images/{HEXADECIMAL}-t1.jpg",
                f"t1_jpg.{ROBOFLOW}.jpg",
                f"T1_JPG.{ROBOFLOW}",
                "t1_jpg.rf.8Kx1yQ2vLmNpRsTuWz.jpg",
            ],
        ),
        (
            "line 1/tag a (2).jpg",
            [
                "line 1/tag a (2).jpg",
                "tag a (2)",
                "line%201/tag%20a%20(2).jpg",
                "tag%20a%20%282%29.jpg",
                "https://cdn/up/tag%20a%20%282%29.jpg",
                "s3://b/incoming/line+1/tag+a+%282%29.jpg",
                "tag_a_2.jpg",
                f"{HEXADECIMAL}-tag_a_2.jpg",
                f"tag-a-2-_jpg.{ROBOFLOW}.jpg",
                "Line 1\\TAG A (2).JPG",
            ],
        ),
        (
            "Gehäuse Nr.1.jpg",
            [
                NFD,
                "Gehäuse Nr.1.jpg",
                "GEHÄUSE NR.1.JPG",
                "Geh%C3%A4use%20Nr.1.jpg",
                f"{HEXADECIMAL}-Gehäuse_Nr.1.jpg",
                f"x/{NFD}",
            ],
        ),
        (NFD, [NFD, "Gehäuse Nr.1.jpg", f"{HEXADECIMAL}-Gehäuse_Nr.1.jpg"]),
        ("Straße.jpg", ["STRASSE.jpg", "strasse.jpg", "Straße"]),
        ("a & b.jpg", ["a & b.jpg", "a &amp; b.jpg", " a & b.jpg ", "images/a & b.jpg?raw=1"]),
        ("100%.jpg", ["100%.jpg", "https://h/100%25.jpg"]),
        ("a\\b.jpg", ["a\\b.jpg", "a/b.jpg", "b.jpg"]),
        ("20261128-t1.jpg", ["20261128-t1.jpg", f"{HEXADECIMAL}-20261128-t1.jpg"]),
    ],
)
def test_a_name_finds_its_image_in_every_spelling_of_the_tools(path: str, names: list[str]) -> None:
    for name in names:
        assert found(name, path, "other/part 9.jpg") == {path}, name


@pytest.mark.parametrize(
    ("name", "paths", "meant"),
    [
        ("line1/tag.jpg", ["line1/tag.jpg", "line2/tag.jpg"], {"line1/tag.jpg"}),
        ("data/line1/tag.jpg", ["line1/tag.jpg", "line2/tag.jpg"], {"line1/tag.jpg"}),
        ("tag.jpg", ["line1/tag.jpg", "line2/tag.jpg"], {"line1/tag.jpg", "line2/tag.jpg"}),
        ("t1.jpg", ["t1.jpg", "T1.JPG"], {"t1.jpg"}),
        ("t1.JPG", ["t1.jpg", "T1.JPG"], {"t1.jpg"}),
        ("T1.jpeg", ["t1.jpg", "t1.JPG"], {"t1.jpg", "t1.JPG"}),
        ("t1.png", ["t1.jpg", "t1.png"], {"t1.png"}),
        ("t1", ["t1.jpg", "t1.png"], {"t1.jpg", "t1.png"}),
        ("p+q.jpg", ["p+q.jpg", "p q.jpg"], {"p+q.jpg"}),
        ("p q.jpg", ["p+q.jpg", "p q.jpg"], {"p q.jpg"}),
        ("tag%20a.jpg", ["tag a.jpg", "tag%20a.jpg"], {"tag%20a.jpg"}),
        ("p_q.jpg", ["p q.jpg", "p_q.jpg"], {"p_q.jpg"}),
        # What only looks alike is another image.
        ("p+q.jpg", ["p q.jpg"], set()),
        ("part-1-1.jpg", ["part-11.jpg"], set()),
        ("20261128-t1.jpg", ["t1.jpg"], set()),
        ("0a1b2c3-t1.jpg", ["t1.jpg"], set()),
        ("at1.jpg", ["t1.jpg"], set()),
        ("t1.jpg", ["line1/at1.jpg"], set()),
        (f"t-1_jpg.{ROBOFLOW}.jpg", ["t11.jpg"], set()),
        (f"t-1_jpg.{ROBOFLOW}.jpg", ["t 1.jpg", "t-1.jpg"], {"t 1.jpg", "t-1.jpg"}),
        ("", ["t1.jpg"], set()),
        ("a/" * 500 + "t1.jpg", ["t1.jpg"], {"t1.jpg"}),
        ("/", ["t1.jpg"], set()),
        ("http://[", ["t1.jpg"], set()),
    ],
)
def test_a_name_means_the_image_that_has_it_and_none_that_looks_alike(
    name: str, paths: list[str], meant: set[str]
) -> None:
    assert found(name, *paths) == meant


def test_names_that_mean_two_images_find_none() -> None:
    index = Index()
    for image in Photos("t1.jpg", "t2.jpg", "x/t3.jpg", "y/t3.jpg").images:
        index.by_id[image.image_id] = image
        index.names.add(image.key, image.image_id)
    assert (one := index.find(["t1.jpg", "nowhere.jpg"])) is not None
    assert one.image.key == "incoming/t1.jpg"
    assert (other := index.find(["t3.jpg", "x/t3.jpg"])) is not None
    assert other.image.key == "incoming/x/t3.jpg"
    assert index.find(["nowhere.jpg"]) is None
    with pytest.raises(BadLabelError, match="several names that mean different images"):
        index.find(["t1.jpg", "t2.jpg"])
    with pytest.raises(BadLabelError, match="several images have this name"):
        index.find(["t3.jpg"])


def test_a_label_goes_to_the_image_that_it_names_and_not_to_one_of_the_same_file_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The photos of a folder were not uploaded: their labels must not land on those of another one."""
    images = [{"id": n, "file_name": f"line{n}/tag.jpg"} for n in (1, 2)]
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [n, 9, 9, 9]} for n in (1, 2)]
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "dent"}]}))
    outcome = brought(Photos("line1/tag.jpg"), "coco", path, monkeypatch)
    assert outcome.taken == {"line1/tag.jpg": ["dent 1 9 9 9"]}
    assert outcome.left_out == {
        "its name fits only an image that the file names more exactly elsewhere": ["line2/tag.jpg"]
    }


def test_a_photo_of_the_folder_of_images_that_is_not_in_the_ledger_is_not_another_one_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "t1.jpg").write_bytes(b"other pixels")
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"images": [{"id": 1, "file_name": "t1.jpg"}], "annotations": [], "categories": []}))
    outcome = brought(Photos("t1.jpg"), "coco", path, monkeypatch, tmp_path / "photos")
    assert (outcome.taken, list(outcome.left_out.values())) == ({}, [["t1.jpg"]])
    assert "its file in the folder of images is not in the ledger" in next(iter(outcome.left_out))
