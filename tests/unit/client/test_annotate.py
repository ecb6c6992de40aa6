"""Simulated annotators make mistakes that simulated verifiers find, and answer each task once."""

import json
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.annotate import Annotators, fault, read_coco, spoil
from client.formats.checks import InvalidLabelsError
from sightline.labelling.consolidation import overlap

WIDTH, HEIGHT = 300, 200


@st.composite
def boxes(draw: st.DrawFn) -> list[dict[str, int]]:
    """Boxes that do not overlap: one in each of some columns."""
    columns = draw(st.sets(st.integers(0, 4), max_size=4))
    return [
        {"class_id": 0, "left": 60 * column, "top": draw(st.integers(0, 100)), "width": 20,
         "height": draw(st.integers(8, 90))}
        for column in sorted(columns)
    ]  # fmt: skip


@given(boxes())
def test_right_labels_are_never_rejected_and_mistakes_nearly_always(truth: list[dict[str, int]]) -> None:
    assert fault(truth, truth) is None
    found = [fault(spoil(truth, WIDTH, HEIGHT, random.Random(seed)), truth) for seed in range(40)]
    assert sum(problem is not None for problem in found) >= 36  # a box may be moved onto another one, or invented there


@given(boxes())
def test_overlap_is_symmetric_and_one_for_the_same_box(truth: list[dict[str, int]]) -> None:
    for a in truth:
        assert overlap(a, a) == 1
        for b in truth:
            assert overlap(a, b) == overlap(b, a)
            assert 0 <= overlap(a, b) <= 1


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"categories": [], "images": [], "annotations": [{"bbox": [1, 2]}]}', "null"]
)
def test_what_is_no_coco_file_is_said_by_name(tmp_path: Path, content: str) -> None:
    file = tmp_path / "labels.json"
    file.write_text(content)
    with pytest.raises(InvalidLabelsError, match=r"labels\.json is not COCO JSON"):
        read_coco(file)
    with pytest.raises(InvalidLabelsError, match="no such file"):
        read_coco(tmp_path / "missing.json")


def test_classes_are_numbered_in_the_order_of_their_ids_and_images_without_boxes_are_known(tmp_path: Path) -> None:
    coco = {
        "categories": [{"id": 7, "name": "dent"}, {"id": 2, "name": "scratch"}],
        "images": [{"id": 1, "file_name": "a/b.jpg"}, {"id": 2, "file_name": "c.jpg"}],
        "annotations": [{"image_id": 1, "category_id": 7, "bbox": [1.4, 2, 3, 4]}],
    }
    (tmp_path / "labels.json").write_text(json.dumps(coco))
    box = {"class_id": 1, "left": 1, "top": 2, "width": 3, "height": 4}
    assert read_coco(tmp_path / "labels.json") == {"a/b.jpg": [box], "c.jpg": []}


def test_labels_have_the_class_ids_of_the_stack_or_are_refused(tmp_path: Path) -> None:
    coco = {
        "categories": [{"id": 0, "name": "parts"}, {"id": 1, "name": "dent"}],  # Roboflow's first is no class
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
    }
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(coco))
    assert [box["class_id"] for box in read_coco(path, ["crack", "scratch", "dent"])["a.jpg"]] == [2]
    with pytest.raises(InvalidLabelsError, match="classes that the stack does not have: dent; it has scratch"):
        read_coco(path, ["scratch"])


def test_a_file_that_names_an_image_twice_is_refused(tmp_path: Path) -> None:
    coco = {"categories": [], "images": [{"id": n, "file_name": "a.jpg"} for n in (1, 2)], "annotations": []}
    (tmp_path / "labels.json").write_text(json.dumps(coco))
    with pytest.raises(InvalidLabelsError, match=r"several images have this name \(2×\): a\.jpg"):
        read_coco(tmp_path / "labels.json")


class OneJob:
    """The labelling API with one job of some images."""

    def __init__(self, kind: str, tasks: list[dict[str, Any]]) -> None:
        self.job = {"job_id": "j", "kind": kind, "round": 1, "status": "OPEN", "remaining": len(tasks)}
        self.waiting, self.answers, self.lock = list(tasks), {}, threading.Lock()
        self.valid: set[str | None] = set()
        self.signed_in: list[str] = []

    def sign_in(self, name: str) -> str:
        """A new token for a simulated person."""
        with self.lock:
            self.signed_in.append(name)
            self.valid.add(f"{name}-{len(self.signed_in)}")
            return f"{name}-{len(self.signed_in)}"

    def call_api(
        self, method: str, path: str, body: dict[str, Any] | None = None, token: str | None = None
    ) -> tuple[int, Any]:
        with self.lock:
            if token not in self.valid:
                return 401, {"message": "Unauthorized"}
            if method == "GET":
                return 200, {"jobs": [{**self.job, "remaining": len(self.waiting)}]}
            if path.endswith("/next"):
                return 200, {"tasks": [self.waiting.pop()] if self.waiting else []}
            self.answers.setdefault(path.split("/")[-2], []).append(body)
            return 200, {}


def annotators(api: OneJob, truth: dict[str, Any], count: int) -> Annotators:
    people = Annotators(api, truth, error_rate=0.0, seed=0, count=count)  # type: ignore[arg-type]
    people.sign_in = api.sign_in  # type: ignore[method-assign]
    return people


def test_each_task_is_answered_once_by_one_of_them() -> None:
    truth = {f"{n}.jpg": [{"class_id": 0, "left": n, "top": 1, "width": 9, "height": 9}] for n in range(30)}
    api = OneJob(
        "labeling", [{"task_id": name, "name": f"incoming/{name}", "width": 99, "height": 99} for name in truth]
    )
    people = annotators(api, truth, count=4)
    assert people.work() == 30
    assert {name: [answer["annotations"] for answer in given] for name, given in api.answers.items()} == {
        name: [boxes] for name, boxes in truth.items()
    }
    assert people.work() == 0


def test_photos_of_one_name_are_told_apart_by_their_folders() -> None:
    truth = {f"{folder}/1.jpg": [{"class_id": 0, "left": n, "top": 1, "width": 9, "height": 9}]
             for n, folder in enumerate(("good", "bad"))}  # fmt: skip
    names = ["incoming/bad/1.jpg", "incoming/1.jpg"]
    api = OneJob("labeling", [{"task_id": name.replace("/", "-"), "name": name, "width": 99, "height": 99}
                              for name in names])  # fmt: skip
    people = annotators(api, truth, count=1)
    people.work()
    assert api.answers["incoming-bad-1.jpg"] == [{"annotations": truth["bad/1.jpg"]}]
    assert people.done == {"labeled": 1, "approved": 0, "rejected": 0, "unknown": 1}


def test_an_image_that_the_labels_do_not_know_is_rejected_in_verification() -> None:
    api = OneJob("verification", [{"task_id": "x", "name": "x.jpg", "annotations": [], "width": 9, "height": 9}])
    annotators(api, {}, count=1).work()
    assert api.answers["x"][0]["approved"] is False


def test_people_sign_in_once_and_again_when_the_token_is_over() -> None:
    api = OneJob("labeling", [])
    people = annotators(api, {}, count=2)
    people.jobs()
    people.jobs()
    assert api.signed_in == ["simulated-0"]
    api.valid.clear()
    assert people.jobs() == []
    assert api.signed_in == ["simulated-0", "simulated-0"]
