"""The contract of a model: what is taken, and each way to break it."""

import json
import re
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tests.own_models import model, saved
from training import contract
from training.contract import InvalidModelError


def test_a_model_without_model_json_is_described_from_its_classes_and_its_file(tmp_path: Path) -> None:
    described = contract.describe(saved(tmp_path), ["scratch"])
    assert described == {
        "classes": ["scratch"],
        "input": {"height": 64, "width": 96, "resize": "letterbox", "pad_value": 114},
        "threshold": 0.5,
        "review_threshold": 0.25,
        "opset": 17,
        "training_job": "imported",
        "dataset_version": "unknown",
        "code_version": "unknown",
        "hyperparameters": {"escape_cost": 3.0, "alarm_cost": 1.0},
        "baseline": {},
        "golden": [],
    }


def test_what_model_json_says_is_kept(tmp_path: Path) -> None:
    file = saved(tmp_path)
    given = {"classes": ["dent"], "training_job": "ours", "hyperparameters": {"escape_cost": 9, "depth": 3}}
    (tmp_path / "model.json").write_text(json.dumps(given))
    described = contract.describe(file)
    assert (described["classes"], described["training_job"]) == (["dent"], "ours")
    assert described["hyperparameters"] == {"escape_cost": 9, "alarm_cost": 1.0, "depth": 3}


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (model(kind=TensorProto.FLOAT), "must be uint8"),
        (model(shape=("N", 3, 64, 96)), "must be uint8 \\[N, H, W, 3\\]"),
        (model(shape=(1, 64, 96, 3)), "the batch size of `images` must be dynamic"),
        (model(shape=("N", "H", "W", 3)), "H and W of `images` must be fixed"),
        (model(shape=("N", 9000, 96, 3)), "at most 4096"),
        (model(outputs=("boxes", "scores")), "lacks the output `classes`; it has: boxes, scores"),
        (model(class_id=3), "answers class 3, and there is 1 class, 0"),
        (model(class_id=-1), "answers class -1, and there is 1 class, 0"),
        (model(score=1.5), "scores must lie in 0..1"),
        (model(score=float("nan")), "scores must lie in 0..1"),
        (model(box=(30, 4, 4, 30)), "boxes must be x1, y1, x2, y2 with x1 <= x2 and y1 <= y2"),
        (model(box=(40, 50, 9, 8)), "not the other way round or x, y, width, height"),
        (onnx.ModelProto(), "holds no graph"),
    ],
)
def test_each_way_to_break_the_contract_is_one_line(tmp_path: Path, made: onnx.ModelProto, said: str) -> None:
    with pytest.raises(InvalidModelError, match=said) as caught:
        contract.describe(saved(tmp_path, made), ["scratch"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"{", "model.json is no JSON"),
        (b"[]", "must be an object"),
        (b'{"classes": ["a", "a"]}', "named twice"),
        (b'{"classes": [1]}', "must be a list of names"),
        (b'{"classes": ["a"], "threshold": 2}', "threshold must lie in 0..1"),
        (b'{"classes": ["a"], "input": {"height": 32}}', "says input"),
        (b'{"classes": ["a"], "input": {"resize": "stretch"}}', "resize 'stretch' is unknown"),
        (b'{"classes": ["a"], "hyperparameters": {"escape_cost": -1}}', "escape_cost must be a number above 0"),
        (b"{}", "what are its classes"),
        (b'{"classes": ["a"], "training_job": {}}', "training_job must be a text, got {}"),
        (b'{"classes": ["a"], "dataset_version": [1]}', "dataset_version must be a text, got [1]"),
        (b'{"classes": ["a"], "baseline": "x"}', "baseline must be an object, got 'x'"),
        (b'{"classes": ["a"], "golden": 5}', "golden must be a list, got 5"),
        (b'{"classes": ["a"], "threshold": true}', "threshold must lie in 0..1, got True"),
        (b'{"classes": ["a"], "hyperparameters": {"alarm_cost": true}}', "alarm_cost must be a number above 0"),
    ],
)
def test_a_description_that_cannot_be_right_is_refused(tmp_path: Path, given: bytes, said: str) -> None:
    file = saved(tmp_path)
    (tmp_path / "model.json").write_bytes(given)
    with pytest.raises(InvalidModelError, match=re.escape(said)) as caught:
        contract.describe(file)
    assert "\n" not in str(caught.value)


def test_classes_that_contradict_model_json_are_refused_and_both_are_named(tmp_path: Path) -> None:
    file = saved(tmp_path)
    (tmp_path / "model.json").write_text('{"classes": ["dent"]}')
    with pytest.raises(InvalidModelError, match=re.escape("--classes says scratch, and model.json says ['dent']")):
        contract.describe(file, ["scratch"])
    assert contract.describe(file, ["dent"])["classes"] == ["dent"]


def external(place: str, inside_a_node: bool) -> onnx.ModelProto:
    made = model()
    if inside_a_node:
        hidden = helper.make_tensor("hidden", TensorProto.FLOAT, [1], [0.0])
        made.graph.node.insert(0, helper.make_node("Constant", [], ["unused"], value=hidden))
        tensor = made.graph.node[0].attribute[0].t
    else:
        tensor = made.graph.initializer[3]
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=place)
    return made


@pytest.mark.parametrize("inside_a_node", [False, True])
@pytest.mark.parametrize("place", ["../../etc/passwd", "/etc/passwd", "weights.bin"])
def test_data_outside_the_file_is_refused_before_anything_is_read(
    tmp_path: Path, place: str, inside_a_node: bool
) -> None:
    (tmp_path / "weights.bin").write_bytes(b"\0\0\0\0")
    with pytest.raises(InvalidModelError, match="refers to data outside itself"):
        contract.describe(saved(tmp_path, external(place, inside_a_node)), ["scratch"])


def test_no_file_no_onnx_and_too_much_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidModelError, match="No such file"):
        contract.describe(tmp_path / "model.onnx", ["scratch"])
    with pytest.raises(InvalidModelError, match=r"is no file; give the model\.onnx itself"):
        contract.describe(tmp_path, ["scratch"])
    for body in (b"\xff\xd8 a photo", b"a text\n"):
        (tmp_path / "model.onnx").write_bytes(body)
        with pytest.raises(InvalidModelError, match="is no ONNX file: export the model to ONNX and give that file"):
            contract.describe(tmp_path / "model.onnx", ["scratch"])
    monkeypatch.setattr(contract, "MAX_BYTES", 4)
    with pytest.raises(InvalidModelError, match="at most"):
        contract.describe(tmp_path / "model.onnx", ["scratch"])
