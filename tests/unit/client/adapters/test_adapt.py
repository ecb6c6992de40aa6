"""Detectors of other projects, wrapped into the contract: the boxes that were planted come out, in each layout."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from client.adapters import adapt, families
from client.adapters.hints import Hints, Size
from sightline.vision.detector import Detector
from tests import foreign_models, own_models
from tests.foreign_models import BOXES, CLASSES, HEIGHT, LAYOUTS, WIDTH
from tests.project import ROOT
from training import contract
from training.contract import InvalidModelError

RED = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
RED[..., 0] = 204  # 0.8


def found(model: adapt.ContractModel, folder: Path, image: NDArray[np.uint8]) -> list[tuple[str, float, list[float]]]:
    (folder / "wrapped").mkdir(exist_ok=True)
    (folder / "wrapped" / "model.onnx").write_bytes(model.body)
    (folder / "wrapped" / "model.json").write_text(json.dumps(model.description))
    detections = Detector(folder / "wrapped").detect(image, floor=0.01)
    return [(one.label, round(one.score, 3), [round(edge, 2) for edge in one.box]) for one in detections]


PLANTED = [("stain", 0.6, BOXES[2].tolist()), ("scratch", 0.3, BOXES[1].tolist())]


def sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


# What a model sees of red is 0.8 of its class, or what its family makes of it.
SEEN = {"rt-detr-raw": sigmoid(0.8), "rf-detr": sigmoid((0.8 - 0.485) / 0.229)}
SUPPRESSING = {"yolov5", "yolov6", "yolo-nas", "yolox", "yolox-decoded"} | {name for name in LAYOUTS if "v8" in name}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_planted_boxes_come_out_of_each_layout(name: str, tmp_path: Path) -> None:
    make, family = LAYOUTS[name]
    layout = make()
    model = adapt.read(foreign_models.saved(tmp_path, layout), Hints(classes=CLASSES))
    assert model.said[0] == f"foreign.onnx is taken for {family}."
    answers = found(model, tmp_path, RED)
    if layout.seen is None:
        assert answers == PLANTED
        return
    label, score, box = answers[0]
    assert (label, box) == ("stain" if layout.blue_first else "scratch", BOXES[0].tolist())
    assert score == pytest.approx(SEEN.get(name, 0.8), abs=0.001)
    if name in SUPPRESSING:
        kept = PLANTED if layout.blue_first else PLANTED[:1]  # other classes do not suppress each other
        assert answers[1:] == kept


@pytest.mark.parametrize("opset", [11, 13, 18, 21])
@pytest.mark.parametrize("name", ["yolov8", "yolox", "detr", "d-fine", "torchvision"])
def test_any_opset_that_devices_read_will_do(name: str, opset: int, tmp_path: Path) -> None:
    file = foreign_models.saved(tmp_path, LAYOUTS[name][0](), opset)
    model = adapt.read(file, Hints(classes=CLASSES, photo=Size(300, 450)))
    assert onnx.load_from_string(model.body).opset_import[0].version == opset
    assert found(model, tmp_path, RED)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.FLOAT])
@pytest.mark.parametrize("batch", [1, "batch"])
@pytest.mark.parametrize("name", ["yolov8", "rf-detr"])
def test_half_floats_and_open_batches_are_taken(name: str, batch: int | str, kind: int, tmp_path: Path) -> None:
    layout = LAYOUTS[name][0]()
    layout.batch, layout.kind, layout.seen = batch, kind, None
    model = adapt.read(foreign_models.saved(tmp_path, layout), Hints(classes=CLASSES))
    assert PLANTED[0] in found(model, tmp_path, RED)


def test_a_stretched_model_gets_an_input_of_the_photos_shape_and_its_boxes_fit_the_photo(tmp_path: Path) -> None:
    file = foreign_models.saved(tmp_path, LAYOUTS["d-fine"][0]())
    model = adapt.read(file, Hints(classes=CLASSES, photo=Size(1000, 3000)))
    assert (model.description["input"]["height"], model.description["input"]["width"]) == (64, 192)
    assert "The wrapped model takes 192x64, the shape of the photo." in model.said
    photo = np.zeros((1000, 3000, 3), dtype=np.uint8)
    scale = np.array([3000 / WIDTH, 1000 / HEIGHT] * 2)
    assert found(model, tmp_path, photo)[0][2] == pytest.approx((BOXES[2] * scale).tolist(), abs=0.1)
    without = adapt.read(file, Hints(classes=CLASSES))
    assert without.description["input"]["width"] == WIDTH
    assert any("give --photo" in line for line in without.said)


def test_a_line_scan_photo_makes_no_larger_input_than_the_contract_allows(tmp_path: Path) -> None:
    file = foreign_models.saved(tmp_path, LAYOUTS["rf-detr"][0]())
    model = adapt.read(file, Hints(classes=CLASSES, photo=Size(200_000, 2048)))
    assert model.description["input"]["height"] == 4096


@pytest.mark.parametrize("name", ["yolov8", "finished", "torchvision"])
def test_classes_get_the_stacks_numbers_and_others_are_left_out(name: str, tmp_path: Path) -> None:
    file = foreign_models.saved(tmp_path, LAYOUTS[name][0]())
    turned = adapt.read(file, Hints(classes=CLASSES, wanted=["stain", "dent", "scratch"]))
    assert turned.description["classes"] == ["stain", "dent", "scratch"]
    assert {label for label, _, _ in found(turned, tmp_path, RED)} >= {"stain" if name == "finished" else "scratch"}
    only = adapt.read(file, Hints(classes=CLASSES, wanted=["stain"]))
    assert {label for label, _, _ in found(only, tmp_path, RED)} <= {"stain"}
    assert "Its 2 other classes are not the stack's: what it finds of them is left out." in only.said
    with pytest.raises(InvalidModelError, match="it can't find crack"):
        adapt.read(file, Hints(classes=CLASSES, wanted=["stain", "crack"]))


def test_a_model_that_keeps_the_contract_stays_as_it_is_unless_its_classes_are_numbered_otherwise(
    tmp_path: Path,
) -> None:
    file = own_models.saved(tmp_path, own_models.model(class_id=1))
    kept = adapt.read(file, Hints(classes=["scratch", "dent"], wanted=["scratch", "dent"]))
    assert kept.body == file.read_bytes()
    turned = adapt.read(file, Hints(classes=["scratch", "dent"], wanted=["dent", "scratch"]))
    assert turned.body != file.read_bytes()
    assert found(turned, tmp_path, RED) == [("dent", 0.9, [4, 4, 30, 30])]


def test_boxes_in_shares_are_told_from_pixels_also_in_a_model_that_keeps_the_rest_of_the_contract(
    tmp_path: Path,
) -> None:
    file = own_models.saved(tmp_path, own_models.model(box=(0.25, 0.25, 0.5, 0.75)))
    with pytest.raises(InvalidModelError, match="boxes must be in pixels of the input, not shares"):
        contract.describe(file, ["scratch"])
    model = adapt.read(file, Hints(classes=["scratch"]))
    assert "All boxes lie in 0..1: they are taken for shares of the image." in model.said
    assert found(model, tmp_path, RED) == [("scratch", 0.9, [24, 16, 48, 48])]


def test_the_same_file_and_hints_give_the_same_bytes(tmp_path: Path) -> None:
    file = foreign_models.saved(tmp_path, LAYOUTS["yolov5"][0]())
    assert adapt.read(file, Hints(classes=CLASSES)).body == adapt.read(file, Hints(classes=CLASSES)).body


def test_classes_and_size_come_from_the_metadata_of_the_file(tmp_path: Path) -> None:
    layout = LAYOUTS["yolov8"][0]()
    made = foreign_models.built(layout)
    for side in made.graph.input[0].type.tensor_type.shape.dim[2:]:
        side.dim_param = "open"
    file = tmp_path / "best.onnx"
    file.write_bytes(made.SerializeToString())
    with pytest.raises(InvalidModelError, match=r"leaves the size of .* open; say what it was trained with: --size"):
        adapt.read(file, Hints(classes=CLASSES))
    assert adapt.read(file, Hints(classes=CLASSES, size=Size(HEIGHT, WIDTH))).description["classes"] == CLASSES
    helper.set_model_props(made, {"names": "{0: 'scratch', 1: 'dent', 2: 'stain'}", "imgsz": f"[{HEIGHT}, {WIDTH}]"})
    file.write_bytes(made.SerializeToString())
    assert adapt.read(file, Hints()).description["classes"] == CLASSES
    with pytest.raises(InvalidModelError, match=r"2 classes are named; best\.onnx says that it has 3: scratch, dent"):
        adapt.read(file, Hints(classes=["a", "b"]))


def test_weights_in_a_file_beside_it_are_taken_in(tmp_path: Path) -> None:
    onnx.save(
        foreign_models.built(LAYOUTS["yolov8"][0]()),
        str(tmp_path / "best.onnx"),
        save_as_external_data=True,
        size_threshold=0,
        location="best.onnx.data",
    )
    assert found(adapt.read(tmp_path / "best.onnx", Hints(classes=CLASSES)), tmp_path, RED)[1:] == PLANTED[:1]
    (tmp_path / "best.onnx.data").unlink()
    with pytest.raises(InvalidModelError, match=r"best\.onnx"):
        adapt.read(tmp_path / "best.onnx", Hints(classes=CLASSES))


@pytest.mark.parametrize("place", ["../secret.data", "/etc/passwd"])
def test_weights_outside_its_folder_are_not_read(place: str, tmp_path: Path) -> None:
    made = foreign_models.built(LAYOUTS["yolov8"][0]())
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=place)
    (tmp_path / "secret.data").write_bytes(bytes(100_000))
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "best.onnx").write_bytes(made.SerializeToString())
    with pytest.raises(InvalidModelError):
        adapt.read(tmp_path / "inside" / "best.onnx", Hints(classes=CLASSES))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "is a pointer of Git LFS, not the model"),
        (b"PK\x03\x04 and so on", "is an archive, as PyTorch saves weights; export the model to ONNX"),
        (b"\x1c\0\0\0TFL3\0\0", "is a TensorFlow Lite model; export the model to ONNX"),
        (b"\x89HDF\r\n", "is an HDF5 file, as Keras saves weights"),
    ],
)
def test_other_files_are_called_by_their_name(body: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "best.onnx").write_bytes(body)
    with pytest.raises(InvalidModelError, match=said):
        adapt.read(tmp_path / "best.onnx", Hints(classes=CLASSES))


def test_a_model_that_devices_could_not_load_is_refused_by_its_version(tmp_path: Path) -> None:
    file = foreign_models.saved(tmp_path, LAYOUTS["yolov8"][0](), opset=23)
    with pytest.raises(InvalidModelError, match="has opset 23; devices read up to 21: export it again with opset 17"):
        adapt.read(file, Hints(classes=CLASSES))
    made = foreign_models.built(LAYOUTS["yolov8"][0](), opset=17)
    made.ir_version = 12
    file.write_bytes(made.SerializeToString())
    wrapped = onnx.load_from_string(adapt.read(file, Hints(classes=CLASSES)).body)
    assert wrapped.ir_version == 10


def one_output(*shape: int) -> foreign_models.Layout:
    return foreign_models.Layout({"out": np.zeros(shape, dtype=np.float32)}, None)


@pytest.mark.parametrize(
    ("layout", "classes", "said"),
    [
        (LAYOUTS["yolov8"][0](), ["a", "b"], "looks like a detector of 3 classes; 2 are named"),
        (LAYOUTS["yolov5"][0](), ["a", "b"], "looks like a detector of 3 classes; 2 are named"),
        (LAYOUTS["detr"][0](), ["a"], "looks like a detector of 4 classes; 1 are named"),
        (one_output(1, 1000), CLASSES, r"has outputs that are not understood: out float32 \[1, 1000\]"),
        (one_output(1, 3, 64, 96), CLASSES, "has outputs that are not understood"),
        (one_output(1, 126, 7), ["scratch", "scratch"], "a class is named twice"),
    ],
)
def test_what_fits_no_layout_is_refused_with_what_was_seen(
    layout: foreign_models.Layout, classes: list[str], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidModelError, match=said) as caught:
        adapt.read(foreign_models.saved(tmp_path, layout), Hints(classes=classes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("task", "said"), [("obb", "turned boxes"), ("classify", "a class for a whole image")])
def test_other_tasks_are_refused_by_name(task: str, said: str, tmp_path: Path) -> None:
    layout = LAYOUTS["yolov8"][0]()
    layout.metadata = {"task": task}
    with pytest.raises(InvalidModelError, match=said):
        adapt.read(foreign_models.saved(tmp_path, layout), Hints(classes=CLASSES))


def test_scores_that_are_no_shares_are_refused_with_what_the_model_was_taken_for(tmp_path: Path) -> None:
    layout = LAYOUTS["finished"][0]()
    layout.outputs["scores"] = np.array([[-3, 5, 0, 0, 0]], dtype=np.float32)
    with pytest.raises(InvalidModelError, match=r"is taken for a detector with boxes.*, but scores must lie in 0..1"):
        adapt.read(foreign_models.saved(tmp_path, layout), Hints(classes=CLASSES))


def test_the_how_to_has_a_row_for_each_family() -> None:
    page = (ROOT / "docs" / "how-to" / "bring-your-own-model.md").read_text()
    named = {one.name for one in vars(families).values() if isinstance(one, families.Family)}
    rows = {line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")}
    assert named <= rows
    assert named == {family for _, family in LAYOUTS.values()}
