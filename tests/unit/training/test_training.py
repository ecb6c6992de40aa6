"""Training, export and evaluation on a handful of drawn images: the contract, not the quality."""

import json
import math
import re
import shutil
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from client.annotate import read_coco
from client.loop.sample import draw
from sightline.labelling import manifest
from sightline.models.gate import Limits, judge
from sightline.models.hyperparameters import Hyperparameters, InvalidHyperparametersError
from sightline.vision import golden
from sightline.vision.detector import Detector, UnusableModelError
from training import evaluate, inputs, job, loader, train, trainer
from training.augment import augment, with_pastes
from training.data import Sample, load
from training.export import Deployed, export
from training.hardware import check_gpu
from training.loss import assign
from training.model import DetectorNet, cell_centres

SIZE = (64, 96)
LIMITS = Limits(min_map50=0.0, min_recall=0.0, max_latency_ms=1e6, max_size_bytes=10**9)


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of a training job: twelve drawn images in three splits."""
    root = tmp_path_factory.mktemp("job")
    labels = read_coco(draw(root / "drawn", 12, seed=3))
    data = root / "dataset"
    data.mkdir()
    for number, split in enumerate(("train", "validation", "test")):
        (root / split).mkdir()
        lines = []
        for name in sorted(labels)[number::3]:
            (root / split / name).write_bytes((root / "drawn" / name).read_bytes())
            image = {"image_id": name, "width": 450, "height": 300, "group_id": name[:10]}
            lines.append(
                manifest.record(
                    source=f"s3://b/{name}",
                    image=image,
                    annotations=labels[name],
                    classes=["scratch"],
                    job_name="job",
                    created=datetime(2026, 1, 1, tzinfo=UTC),
                )
            )
        (data / f"{split}.manifest").write_text("".join(json.dumps(line) + "\n" for line in lines))
    described = {"version": "v1", "class_map": {"0": "scratch"}, "code_version": "c1"}
    (data / "dataset.json").write_text(json.dumps(described))
    return root


def run_training(channels: Path, target: Path, monkeypatch: pytest.MonkeyPatch, **hyperparameters: Any) -> int:
    config = target / "input" / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "hyperparameters.json").write_text(
        json.dumps({"image_size": "96", "epochs": "2", "batch_size": "2"} | hyperparameters)
    )
    places = {"SM_INPUT_DIR": target / "input", "SM_MODEL_DIR": target / "model", "SM_OUTPUT_DIR": target / "output"}
    places |= {f"SM_CHANNEL_{name.upper()}": channels / name for name in ("dataset", "train", "validation")}
    for name, place in places.items():
        monkeypatch.setenv(name, str(place))
    return train.main()


def test_training_writes_what_the_contract_names_and_the_same_seed_gives_the_same(
    channels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        assert run_training(channels, tmp_path / name, monkeypatch) == 0
    model = json.loads((tmp_path / "a" / "model" / "model.json").read_text())
    assert (model["classes"], model["input"]["height"], model["input"]["width"]) == (["scratch"], 64, 96)
    assert model["hyperparameters"]["epochs"] == 2
    assert "epoch=2 epochs=2 seconds=" in capsys.readouterr().out
    histories = [json.loads((tmp_path / name / "model" / "history.json").read_text()) for name in ("a", "b")]
    losses = [[entry["train:loss"] for entry in history] for history in histories]
    assert losses[0] == losses[1]
    for name in ("model.onnx", "model.int8.onnx"):
        assert (tmp_path / "a" / "model" / name).read_bytes() == (tmp_path / "b" / "model" / name).read_bytes()


@pytest.mark.parametrize(
    ("instance", "has_cuda", "ends"),
    [
        ("ml.g4dn.xlarge", False, 1),
        ("ml.p4d.24xlarge", False, 1),
        ("ml.g4dn.xlarge", True, 0),
        ("ml.m5.xlarge", False, 0),
        ("", False, 0),
    ],
)
def test_a_gpu_instance_without_cuda_ends_the_job_in_one_line(
    instance: str, has_cuda: bool, ends: int, tmp_path: Path
) -> None:
    (tmp_path / "resourceconfig.json").write_text(json.dumps({"current_instance_type": instance}))

    def work() -> None:
        check_gpu(tmp_path, has_cuda=has_cuda)

    assert job.run(work, tmp_path / "failure") == ends
    if ends:
        assert (tmp_path / "failure").read_text().startswith(f"{instance} has a GPU, but CUDA is not available")


def test_a_training_asks_for_its_gpu_first(channels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "input" / "config"
    config.mkdir(parents=True)
    (config / "resourceconfig.json").write_text('{"current_instance_type": "ml.g5.xlarge"}')
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run_training(channels, tmp_path, monkeypatch) == 1
    assert "ml.g5.xlarge has a GPU" in (tmp_path / "output" / "failure").read_text()


@pytest.mark.parametrize(
    ("able", "precision"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False}, None),
        ({}, None),
    ],
)
def test_a_processor_computes_with_16_bits_only_where_that_is_faster(
    able: dict[str, bool], precision: torch.dtype | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert trainer.half_precision(torch.device("cpu")) is precision


def plain_samples(count: int) -> list[Sample]:
    """Images of 32 × 32, each of its own grey, without a defect."""
    none = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    return [
        Sample(f"{n}.jpg", "a", np.full((32, 32, 3), n, np.uint8), *none, scale=1.0, original=(32, 32))
        for n in range(count)
    ]


@pytest.mark.parametrize(("images", "batch_size", "sizes"), [(20, 8, [7, 7, 6]), (16, 8, [8, 8]), (3, 8, [3])])
def test_an_epoch_leaves_no_image_out(
    images: int, batch_size: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def plain(samples: list[Sample], index: int, mosaic: float, rng: np.random.Generator) -> tuple[Any, Any, Any]:
        return torch.from_numpy(samples[index].pixels).permute(2, 0, 1), samples[index].boxes, samples[index].classes

    monkeypatch.setattr(loader, "augment", plain)
    batches = list(loader.Batches(plain_samples(images), batch_size, seed=0).epoch(0, 0.0))
    assert [len(boxes) for _, boxes, _ in batches] == sizes
    assert sorted(int(image[0, 0, 0]) for part, _, _ in batches for image in part) == list(range(images))


def test_an_epoch_is_the_same_whatever_was_made_before_it_and_by_how_many(
    channels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples, _ = load(channels / "dataset" / "train.manifest", channels / "train", SIZE, 1)

    def second(before: list[int], workers: int, seed: int = 1) -> bytes:
        monkeypatch.setattr(loader, "MOST_WORKERS", workers)
        monkeypatch.setattr(loader.os, "cpu_count", lambda: 3)
        batches = loader.Batches(samples, 2, seed)
        for number in before:
            list(batches.epoch(number, 0.5))
        parts = [[images, *boxes, *classes] for images, boxes, classes in batches.epoch(1, 0.5)]
        return b"".join(tensor.numpy().tobytes() for part in parts for tensor in part)

    made = second([0], workers=1)
    assert second([], workers=2) == made
    assert second([], workers=1, seed=2) != made


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epoch": "3"}, "unknown hyperparameter 'epoch'"),
        ({"epochs": "many"}, "epochs must be a whole number of 1..10000, got 'many'"),
        ({"epochs": "80.0"}, "epochs must be a whole number of 1..10000, got '80.0'"),
        ({"epochs": 80.7}, "epochs must be a whole number of 1..10000, got 80.7"),
        ({"epochs": True}, "epochs must be a whole number of 1..10000, got True"),
        ({"epochs": None}, "epochs must be a whole number of 1..10000, got None"),
        ({"epochs": [1]}, "epochs must be a whole number of 1..10000, got \\[1\\]"),
        ({"epochs": math.inf}, "epochs must be a whole number of 1..10000, got inf"),
        ({"epochs": "0"}, "epochs must be a whole number of 1..10000, got '0'"),
        ({"learning_rate": "nan"}, "learning_rate must be a number of 1e-06..1.0, got 'nan'"),
        ({"learning_rate": math.inf}, "learning_rate must be a number of 1e-06..1.0, got inf"),
        ({"max_seconds": "86400"}, "max_seconds must be a number of 1..82800"),
        ({"image_size": "100"}, "multiple of 32"),
    ],
)
def test_a_wrong_hyperparameter_ends_the_job_with_one_sentence(
    channels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidHyperparametersError, match=said):
        Hyperparameters.from_texts(given)
    assert run_training(channels, tmp_path, monkeypatch, **given) == 1
    assert re.search(said, (tmp_path / "output" / "failure").read_text())


@pytest.mark.parametrize("given", [[], "x", None, 5])
def test_hyperparameters_that_are_no_object_are_one_sentence(given: Any) -> None:
    with pytest.raises(InvalidHyperparametersError, match=r'^hyperparameters must be like {"epochs": "80"}, got '):
        Hyperparameters.from_texts(given)


def test_numbers_written_by_hand_are_taken_as_their_texts() -> None:
    assert Hyperparameters.from_texts({"epochs": 80, "learning_rate": 1, "mosaic": "0.5"}) == Hyperparameters(
        epochs=80, learning_rate=1.0, mosaic=0.5
    )


def test_what_an_earlier_attempt_failed_with_is_gone_when_the_next_one_succeeds(tmp_path: Path) -> None:
    failure = tmp_path / "output" / "failure"

    def fail() -> None:
        raise ValueError("no memory left")

    assert (job.run(fail, failure), failure.is_file()) == (1, True)
    assert (job.run(lambda: None, failure), failure.is_file()) == (0, False)


def test_an_image_that_cannot_be_used_is_said_by_name(channels: Path, tmp_path: Path) -> None:
    lines = (channels / "dataset" / "train.manifest").read_text().splitlines()
    record = json.loads(lines[0])
    record["defects"]["annotations"] = [{"class_id": 0, "left": 900, "top": 5, "width": 10, "height": 10}]
    missing = json.loads(lines[1]) | {"source-ref": "s3://b/missing.jpg"}
    (tmp_path / "m").write_text("\n".join(json.dumps(line) for line in (record, missing)))
    samples, problems = load(tmp_path / "m", channels / "train", SIZE, 1)
    assert len(samples) == 1
    assert "lies outside the image of 450×300" in problems[0]
    assert problems[1].startswith("missing.jpg: ")


def test_augmented_boxes_stay_inside_the_image(channels: Path) -> None:
    samples, _ = load(channels / "dataset" / "train.manifest", channels / "train", SIZE, 1)
    rng = np.random.default_rng(0)
    for number in range(60):
        image, boxes, classes = augment(samples, number % len(samples), 0.5, rng)
        assert (tuple(image.shape), image.dtype) == ((3, *SIZE), torch.uint8)
        assert len(boxes) == len(classes)
        assert bool(((boxes >= 0) & (boxes <= [SIZE[1], SIZE[0]] * 2)).all())


def test_every_label_is_answered_for_by_a_cell_however_thin_it_is() -> None:
    centres = cell_centres(8, 12, torch.device("cpu"))
    labels = torch.tensor([[10.0, 10, 40, 30], [70.5, 2, 71.5, 60], [90.0, 60, 93, 63]])
    scores = torch.full((96, 2), 0.01)
    boxes = torch.cat([centres - 8, centres + 8], dim=1)
    owner, target = assign(scores, boxes, centres, labels, torch.tensor([0, 1, 0]))
    assert set(owner.tolist()) == {-1, 0, 1, 2}
    assert bool((target[owner < 0] == 0).all())
    assert bool(((target >= 0) & (target <= 1)).all())


@pytest.mark.parametrize(("classes", "batch"), [(1, 1), (3, 4)])
def test_onnxruntime_and_pytorch_agree(tmp_path: Path, classes: int, batch: int) -> None:
    torch.manual_seed(classes)
    net = DetectorNet(classes).eval()
    with torch.no_grad():
        for parameter in net.class_branch[-1].parameters():
            parameter.normal_(0, 0.5)
    export(net, tmp_path / "model.onnx", *SIZE)
    coarse = np.random.default_rng(0).integers(0, 255, (batch, 8, 12, 3), dtype=np.uint8)
    images = coarse.repeat(8, axis=1).repeat(8, axis=2)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    boxes, scores, names = session.run(None, {"images": images})
    with torch.no_grad():
        expected = [part.numpy() for part in Deployed(net, (SIZE[0] // 8) * (SIZE[1] // 8))(torch.from_numpy(images))]
    assert (boxes.shape[0], scores.dtype, names.dtype) == (batch, np.float32, np.int64)
    np.testing.assert_allclose(scores, expected[1], atol=1e-5)
    # Where two scores are equal but for rounding, which one comes first is not said: detections are looked up by place.
    for number in range(batch):
        sure = expected[1][number] > 0
        apart = np.abs(boxes[number][None] - expected[0][number][sure][:, None]).max(axis=2)
        assert sure.sum() > 5
        assert float(apart.min(axis=1).max()) < 1e-2


@pytest.fixture(scope="module")
def trained(channels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        assert run_training(channels, target, patch) == 0
    return target / "model"


def processing(channels: Path, trained: Path, root: Path) -> Path:
    """The folders of a processing job."""
    inputs = root / "input"
    (inputs / "model").mkdir(parents=True)
    with tarfile.open(inputs / "model" / "model.tar.gz", "w:gz") as tar:
        for path in trained.iterdir():
            tar.add(path, path.name)
    for name in ("dataset", "test", "validation"):
        (inputs / name).symlink_to(channels / name)
    return root


def test_evaluation_writes_numbers_report_and_a_release_that_proves_itself(
    channels: Path, trained: Path, tmp_path: Path
) -> None:
    root = processing(channels, trained, tmp_path)
    result = evaluate.evaluate(root)
    assert (result["test_images"], result["champion"], result["champion_error"]) == (4, None, None)
    assert 0 <= result["candidate"]["map50"] <= 1
    assert sum(result["candidate"]["confusion"].values()) == 4
    assert json.loads((root / "output" / "evaluation.json").read_text())["dataset_version"] == "v1"
    assert "<h1>Evaluation</h1>" in (root / "output" / "report.html").read_text()
    assert golden.check(root / "output") == []
    assert (trained / "weights.pt").is_file()  # for a warm start; devices don't get it
    assert not list((root / "output").rglob("*.pt"))


def test_the_champion_is_measured_on_the_same_images_and_a_broken_one_is_said(
    channels: Path, trained: Path, tmp_path: Path
) -> None:
    root = processing(channels, trained, tmp_path)
    champion = root / "input" / "champion"
    champion.mkdir()
    (champion / "model.tar.gz").write_bytes((root / "input" / "model" / "model.tar.gz").read_bytes())
    result: dict[str, Any] = evaluate.evaluate(root)
    assert result["champion"]["map50"] == result["candidate"]["map50"]
    assert result["bootstrap"]["difference_map50"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    (champion / "model.tar.gz").write_bytes(b"not an archive")
    broken = evaluate.evaluate(root)
    assert broken["champion"] is None
    assert broken["champion_error"]


def test_the_int8_variant_takes_and_gives_the_same_and_is_a_third_of_the_size(
    channels: Path, trained: Path, tmp_path: Path
) -> None:
    sizes = [(trained / name).stat().st_size for name in ("model.int8.onnx", "model.onnx")]
    assert sizes[0] < sizes[1] / 3
    whole, small = (onnxruntime.InferenceSession(str(trained / name)) for name in ("model.onnx", "model.int8.onnx"))
    shapes = [[(entry.name, entry.type) for entry in (*one.get_inputs(), *one.get_outputs())] for one in (whole, small)]
    assert shapes[0] == shapes[1]
    root = processing(channels, trained, tmp_path)
    int8 = evaluate.evaluate(root)["int8"]
    assert int8["candidate"]["size_bytes"] == sizes[0]
    assert abs(int8["candidate"]["map50"] - int8["champion"]["map50"]) <= 0.1
    assert (root / "output" / "model.int8.onnx").is_file()


def test_a_champion_of_other_classes_is_said_and_not_compared(channels: Path, trained: Path, tmp_path: Path) -> None:
    root = processing(channels, trained, tmp_path)
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    model = json.loads((other / "model.json").read_text())
    (other / "model.json").write_text(json.dumps(model | {"classes": ["dent"]}))
    champion = root / "input" / "champion"
    champion.mkdir()
    with tarfile.open(champion / "model.tar.gz", "w:gz") as tar:
        for path in other.iterdir():
            tar.add(path, path.name)
    result = evaluate.evaluate(root)
    assert (result["champion"], result["champion_error"]) == (None, "it knows other classes: dent")


def spoil_model(root: Path, name: str, body: bytes) -> None:
    """Replace one file of the model that is to be judged."""
    archive = root / "input" / "model" / "model.tar.gz"
    inputs.unpack(archive.parent, root / "spoiled")
    (root / "spoiled" / name).write_bytes(body)
    with tarfile.open(archive, "w:gz") as tar:
        for path in (root / "spoiled").iterdir():
            tar.add(path, path.name)


def own_images(channels: Path, root: Path) -> Path:
    """Test images and dataset of the job's own, so that they can be spoiled."""
    for name in ("dataset", "test"):
        (root / "input" / name).unlink()
        shutil.copytree(channels / name, root / "input" / name)
    return root


def test_a_test_image_that_cannot_be_decoded_is_named_and_the_rest_is_measured(
    channels: Path, trained: Path, tmp_path: Path
) -> None:
    root = own_images(channels, processing(channels, trained, tmp_path))
    damaged = min((root / "input" / "test").glob("*.jpg"))
    damaged.write_bytes(b"no image")
    result = evaluate.evaluate(root)
    assert [(entry["image"], entry["split"]) for entry in result["undecodable"]] == [(damaged.name, "test")]
    assert result["undecodable"][0]["reason"].startswith("not an image")
    assert (result["test_images"], len(result["per_image"])) == (3, 3)
    assert damaged.name in (root / "output" / "report.html").read_text()


def test_a_label_that_cannot_be_used_is_named_and_the_rest_is_measured(
    channels: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = own_images(channels, processing(channels, trained, tmp_path))
    manifest = root / "input" / "dataset" / "test.manifest"
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    lines[0]["defects"]["annotations"].append({"class_id": 0, "left": 900, "top": 5, "width": 9, "height": 9})
    lines[1]["defects"]["annotations"] = [{"class_id": -1, "left": 9, "top": 5, "width": 9, "height": 9}]
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = evaluate.evaluate(root)
    named = sorted((entry["image"], entry["split"]) for entry in result["left_out"])
    assert named == sorted((line["image-id"], "test") for line in lines[:2])
    assert (result["test_images"], result["undecodable"]) == (3, [])
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("left out of test: ")]
    assert len(said) == 2
    page = (root / "output" / "report.html").read_text()
    assert "has class -1; the dataset" in page
    assert "lies outside the image of 450×300" in page


def test_an_empty_test_set_is_an_answer_that_the_gate_refuses(channels: Path, trained: Path, tmp_path: Path) -> None:
    root = own_images(channels, processing(channels, trained, tmp_path))
    (root / "input" / "dataset" / "test.manifest").write_text("")
    evaluate.evaluate(root)
    result = json.loads((root / "output" / "evaluation.json").read_text())
    assert (result["test_images"], result["candidate"], result["champion"]) == (0, None, None)
    decision = judge(result, LIMITS)
    assert (decision.accepted, decision.reasons) == (
        False,
        ["the test set is empty: nothing is known about this model"],
    )
    assert "no test photo to measure" in (root / "output" / "report.html").read_text()


@pytest.mark.parametrize(
    ("champion", "said"),
    [
        (None, "there is no model in service yet"),
        (b"not an archive", "the model in service can't be compared: model.tar.gz in the channel `champion` can't be"),
        (b"", "the model in service can't be compared: the channel `champion` holds no model.tar.gz"),
    ],
)
def test_without_a_champion_that_can_be_compared_the_gate_says_so_and_judges_by_the_other_rules(
    channels: Path, trained: Path, tmp_path: Path, champion: bytes | None, said: str
) -> None:
    root = processing(channels, trained, tmp_path)
    if champion is not None:
        (root / "input" / "champion").mkdir()
    if champion:
        (root / "input" / "champion" / "model.tar.gz").write_bytes(champion)
    rule = judge(evaluate.evaluate(root), LIMITS).rules[-1]
    assert (rule.rule, rule.held, rule.value) == ("not worse than the model in service", True, None)
    assert rule.detail.startswith(said)
    assert "\n" not in rule.detail


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda root: (root / "input" / "model" / "model.tar.gz").write_bytes(b"no archive"),
            "it is damaged or no archive",
        ),
        (lambda root: (root / "input" / "model" / "model.tar.gz").unlink(), "holds no model.tar.gz"),
        (lambda root: (root / "input" / "dataset" / "validation.manifest").unlink(), "validation.manifest is missing"),
        (lambda root: (root / "input" / "dataset" / "dataset.json").unlink(), "dataset.json"),
        (lambda root: spoil_model(root, "model.onnx", b"no model"), "model.onnx is no ONNX file"),
        (lambda root: spoil_model(root, "model.json", b'{"classes": ["dent"]}'), "the dataset's are scratch"),
    ],
)
def test_whatever_stops_an_evaluation_is_said_in_the_failure_file(
    channels: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any, said: str
) -> None:
    root = own_images(channels, processing(channels, trained, tmp_path / "job"))
    spoil(root)
    monkeypatch.setenv("SIGHTLINE_PROCESSING_DIR", str(root))
    assert evaluate.main() == 1
    assert said in (root / "output" / "failure").read_text()


def test_a_training_that_breaks_off_says_why(channels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*_: Any) -> None:
        raise MemoryError("no memory left")

    monkeypatch.setattr(trainer.Trainer, "run", break_off)
    assert run_training(channels, tmp_path, monkeypatch) == 1
    assert (tmp_path / "output" / "failure").read_text() == "MemoryError: no memory left"


def test_a_pasted_defect_lies_on_free_ground_and_the_sample_stays_as_it_was(channels: Path) -> None:
    samples, _ = load(channels / "dataset" / "train.manifest", channels / "train", SIZE, 1)
    before = [sample.pixels.copy() for sample in samples]
    rng = np.random.default_rng(0)
    pasted = [with_pastes(sample, samples, rng) for sample in samples for _ in range(20)]
    assert any(len(sample.boxes) > len(samples[0].boxes) for sample in pasted)
    for sample in pasted:
        assert len(sample.boxes) == len(sample.classes)
        assert bool(((sample.boxes >= 0) & (sample.boxes <= [SIZE[1], SIZE[0]] * 2)).all())
    assert all((sample.pixels == pixels).all() for sample, pixels in zip(samples, before, strict=True))


def test_a_golden_image_outside_the_folder_is_not_read(channels: Path, trained: Path, tmp_path: Path) -> None:
    root = processing(channels, trained, tmp_path)
    evaluate.evaluate(root)
    place = root / "output" / "model.json"
    model = json.loads(place.read_text())
    model["golden"][0]["image"] = "../input/dataset/dataset.json"
    place.write_text(json.dumps(model))
    assert "lies outside the model's folder" in golden.check(root / "output")[0]


def test_a_model_that_answers_differently_fails_its_golden_images(
    channels: Path, trained: Path, tmp_path: Path
) -> None:
    root = processing(channels, trained, tmp_path)
    evaluate.evaluate(root)
    place = root / "output" / "model.json"
    model = json.loads(place.read_text())
    model["golden"][0]["detections"] = [{"box": [1, 1, 9, 9], "score": 0.99, "class": "scratch"}]
    place.write_text(json.dumps(model))
    assert "not found" in golden.check(root / "output")[0]


def test_a_model_folder_that_is_not_one_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnusableModelError, match="can't be loaded"):
        Detector(tmp_path)


def test_drawn_photos_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    first, second = draw(tmp_path / "a", 5, seed=7), draw(tmp_path / "b", 5, seed=7)
    assert first.read_text() == second.read_text()
    for path in (tmp_path / "a").glob("*.jpg"):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    other = json.loads(draw(tmp_path / "c", 5, seed=8).read_text())
    assert all(box["bbox"][2] > 0 and box["bbox"][3] > 0 for box in other["annotations"])
