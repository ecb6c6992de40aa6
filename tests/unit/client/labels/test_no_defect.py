"""Whatever happens to a box in a file of labels, its image never becomes "no defect": it has boxes, or is left out."""

import copy
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sightline.errors import SightlineError
from tests.label_cases import Photos, brought

ENDLESS: list[Any] = [[[[[[]]]]]]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([1e308, float("nan"), float("inf"), -1e308, 10**400]),
    st.text(max_size=6),
    st.sampled_from(["0", "1.0", "choices", "labels", "relation", "no", "\u202e", ENDLESS]),
    st.lists(st.integers(-1, 9), max_size=5),
    st.dictionaries(st.sampled_from(["x", "labels", "rle"]), st.integers(0, 3)),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything in a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, entry in inside for found in [(*path, key), *places(entry, (*path, key))]]


def spoiled(value: Any, path: tuple[Any, ...], odd: Any, *, remove: bool) -> Any:
    """Return a copy with something else at a path, or without what a name there stands for."""
    made = copy.deepcopy(value)
    place = made
    for key in path[:-1]:
        place = place[key]
    if remove and isinstance(place, dict):
        del place[path[-1]]
    else:
        place[path[-1]] = odd
    return made


COCO_BOX = {
    "id": 1,
    "image_id": 1,
    "category_id": 1,
    "bbox": [10, 20, 30, 40],
    "iscrowd": 0,
    "segmentation": [[1, 2, 3, 4, 5, 6]],
    "attributes": {"rotation": 0.0, "outside": False},
}
REGION = {
    "id": "r",
    "type": "rectanglelabels",
    "original_width": 450,
    "original_height": 300,
    "image_rotation": 0,
    "value": {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["dent"]},
}
GT_BOX = {"class_id": 0, "left": 10, "top": 20, "width": 30, "height": 40}


def as_coco(box: Any) -> str:
    image, category = {"id": 1, "file_name": "t1.jpg"}, {"id": 1, "name": "dent"}
    return json.dumps({"images": [image], "annotations": [box], "categories": [category]})


def as_studio(box: Any) -> str:
    return json.dumps([{"data": {"image": "t1.jpg"}, "annotations": [{"result": [box]}]}])


def as_ground_truth(box: Any) -> str:
    metadata = {"class-map": {"0": "dent"}, "type": "groundtruth/object-detection", "human-annotated": "yes"}
    label = {"image_size": [{"width": 450, "height": 300}], "annotations": [box]}
    return json.dumps({"source-ref": "s3://b/t1.jpg", "bb": label, "bb-metadata": metadata})


def as_min(box: Any) -> str:
    return json.dumps([{"image": "t1.jpg", "id": 1, "label": [box], "annotation_id": 1}])


MIN_REGION = {
    "original_width": 450,
    "original_height": 300,
    "x": 10,
    "y": 20,
    "width": 30,
    "height": 40,
    "rotation": 0,
    "rectanglelabels": ["dent"],
}
KINDS: dict[str, tuple[str, Any, Callable[[Any], str]]] = {
    "coco": ("x.json", COCO_BOX, as_coco),
    "label-studio": ("x.json", REGION, as_studio),
    "label-studio, JSON-MIN": ("x.json", MIN_REGION, as_min),
    "ground-truth": ("x.manifest", GT_BOX, as_ground_truth),
}


def check(kind: str, files: dict[str, str], path: str = "") -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        for file, content in files.items():
            (Path(name) / file).write_text(content)
        try:
            found = brought(Photos("t1.jpg"), kind, Path(name) / path, patch)
        except SightlineError as error:
            assert "\n" not in str(error)
            return
        assert found.taken.get("t1.jpg") != []
        assert found.taken or found.left_out


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_box_that_is_spoiled_in_any_place_never_says_no_defect(kind: str, data: st.DataObject) -> None:
    file, box, wrapped = KINDS[kind]
    path = data.draw(st.sampled_from(places(box)))
    made = spoiled(box, path, data.draw(ODD), remove=data.draw(st.booleans()))
    check(kind.partition(",")[0], {file: wrapped(made)}, file)


@settings(max_examples=150, deadline=None)
@given(
    words=st.lists(
        st.one_of(
            st.sampled_from(["0", "1", "0.5", "0.2", "-0.1", "nan", "7", "dent", "#", "1e9", ""]), st.text(max_size=4)
        ),
        min_size=1,
        max_size=9,
    ).filter(lambda words: " ".join(words).strip())
)
@example(["#", "0", "0.5", "0.5", "0.2", "0.2"])
@example(["//", "0"])
def test_a_line_of_anything_never_says_no_defect(words: list[str]) -> None:
    content = " ".join(words).encode("utf-8", "replace").decode()
    if content.strip("\ufeff \t\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"):
        check("yolo", {"data.yaml": "names: [dent]\n", "t1.txt": content + "\n"})


TAGS = ["object", "name", "bndbox", "xmin", "ymin", "xmax", "ymax", "item", "Object", "part", "x", "robndbox"]
OBJECT = (
    "<object><name>dent</name><bndbox><xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>60</ymax></bndbox></object>"
)


@pytest.mark.parametrize("tag", TAGS[:7])
@pytest.mark.parametrize("other", [*TAGS, "attributes", "segmented"])
def test_an_element_that_is_called_otherwise_never_says_no_defect(tag: str, other: str) -> None:
    spoilt = OBJECT.replace(f"<{tag}>", f"<{other}>").replace(f"</{tag}>", f"</{other}>")
    check("voc", {"t1.xml": f"<annotation><filename>t1.jpg</filename>{spoilt}</annotation>"})


SHAPE = '<box label="dent" occluded="0" xtl="10" ytl="20" xbr="40" ybr="60" rotation="0"></box>'


@pytest.mark.parametrize("word", ["box", "label", "occluded", "xtl", "ybr", "rotation", '"dent"', '"20"', '"40"'])
@pytest.mark.parametrize(
    "other", ["polygon", "tag", "attribute", "mask", "points", "outside", '""', '"1"', '"x"', '"nan"']
)
def test_a_shape_of_cvat_that_is_spoiled_in_any_place_never_says_no_defect(word: str, other: str) -> None:
    spoilt = SHAPE.replace(word, other)
    check("cvat", {"x.xml": f'<annotations><image name="t1.jpg">{spoilt}</image></annotations>'})
