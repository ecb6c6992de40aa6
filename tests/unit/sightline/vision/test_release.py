"""A release loaded from wherever it lies: what can't run fails when it is loaded, not with the first photo."""

import json

import pytest
from onnx import TensorProto

from sightline.vision.detector import UnusableModelError
from sightline.vision.release import load
from tests import own_models
from tests.drawn_models import ABOUT, files


def test_a_release_is_loaded_by_the_names_of_its_files() -> None:
    asked: list[str] = []
    found = files(0.75)
    detector = load(lambda name: (asked.append(name), found[name])[1], threads=1)
    assert (sorted(asked), detector.classes) == (["model.json", "model.onnx"], ["scratch"])


def test_a_file_that_cannot_be_read_is_the_error_of_whoever_reads() -> None:
    with pytest.raises(KeyError, match=r"model\.onnx"):
        load({}.__getitem__, threads=1)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"model.json": json.dumps({**ABOUT, "input": {"height": 32, "width": 32}}).encode()}, "InvalidArgument"),
        ({"model.json": json.dumps({**ABOUT, "classes": []}).encode()}, "IndexError"),
        ({"model.onnx": own_models.model(kind=TensorProto.FLOAT).SerializeToString()}, "InvalidArgument"),
        (
            {"model.onnx": own_models.model(outputs=("boxes", "scores")).SerializeToString()},
            "ValueError|InvalidArgument",
        ),
        ({"model.onnx": b"no model"}, "InvalidProtobuf"),
        ({"model.json": b"{}"}, "KeyError"),
    ],
)
def test_a_model_that_cannot_run_fails_when_it_is_loaded(broken: dict[str, bytes], said: str) -> None:
    with pytest.raises(UnusableModelError, match=f"^the model .*can't be (run|loaded): ({said}): .") as raised:
        load((files(0.1) | broken).__getitem__, threads=1)
    assert "\n" not in str(raised.value)
