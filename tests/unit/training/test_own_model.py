"""A training image of somebody else: its `train` knows nothing of ours, and its model goes through our evaluation and
gate.
"""

import json
import os
import re
import subprocess
import sys
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from client.annotate import read_coco
from client.loop.sample import draw
from reporting.charts import training_charts
from sightline.labelling import manifest
from sightline.models.evaluation import Evaluation, PhotoResult, Scores, ThresholdChoice
from sightline.models.gate import Limits, judge
from sightline.models.metrics import Found
from training import evaluate

# Learns the mean box of its training labels, and finds it in every image.
TRAIN = """
import json, os
from pathlib import Path
import numpy as np
from onnx import TensorProto, helper

dataset, target = Path(os.environ["SM_CHANNEL_DATASET"]), Path(os.environ["SM_MODEL_DIR"])
records = [json.loads(line) for line in (dataset / "train.manifest").read_text().splitlines()]
found = [box for record in records for box in record["defects"]["annotations"]]
boxes = [[b["left"], b["top"], b["left"] + b["width"], b["top"] + b["height"]] for b in found]
box = (np.mean(boxes, axis=0) * 96 / 450).tolist()
weights = [
    helper.make_tensor("zero", TensorProto.INT64, [1], [0]), helper.make_tensor("one", TensorProto.INT64, [1], [1]),
    helper.make_tensor("four", TensorProto.INT64, [1], [4]),
    helper.make_tensor("score", TensorProto.FLOAT, [1, 1], [0.9]),
    helper.make_tensor("class", TensorProto.INT64, [1, 1], [0]),
    helper.make_tensor("box", TensorProto.FLOAT, [1, 1, 4], box),
]
nodes = [
    helper.make_node("Shape", ["images"], ["shape"]), helper.make_node("Slice", ["shape", "zero", "one"], ["batch"]),
    helper.make_node("Concat", ["batch", "one"], ["rows"], axis=0),
    helper.make_node("Concat", ["rows", "four"], ["corners"], axis=0),
    helper.make_node("Expand", ["score", "rows"], ["scores"]),
    helper.make_node("Expand", ["class", "rows"], ["classes"]),
    helper.make_node("Expand", ["box", "corners"], ["boxes"]),
]
declare = helper.make_tensor_value_info
outputs = [
    declare("boxes", TensorProto.FLOAT, ["N", 1, 4]),
    declare("scores", TensorProto.FLOAT, ["N", 1]),
    declare("classes", TensorProto.INT64, ["N", 1]),
]
graph = helper.make_graph(nodes, "own", [declare("images", TensorProto.UINT8, ["N", 64, 96, 3])], outputs, weights)
target.mkdir(parents=True, exist_ok=True)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
(target / "model.onnx").write_bytes(model.SerializeToString())
described = {"classes": ["scratch"], "training_job": os.environ["TRAINING_JOB_NAME"]}
(target / "model.json").write_text(json.dumps(described))
print("validation:map50=0.01")
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A processing job whose model a foreign `train` wrote, under SageMaker's variables and without our code on its
    path.
    """
    inputs = tmp_path / "processing" / "input"
    labels = read_coco(draw(tmp_path / "drawn", 9, seed=3))
    (inputs / "dataset").mkdir(parents=True)
    for number, split in enumerate(("train", "validation", "test")):
        (inputs / split).mkdir()
        lines = []
        for name in sorted(labels)[number::3]:
            (inputs / split / name).write_bytes((tmp_path / "drawn" / name).read_bytes())
            image = {"image_id": name, "width": 450, "height": 300, "group_id": name}
            given = {"source": f"s3://b/{name}", "image": image, "annotations": labels[name], "classes": ["scratch"]}
            lines.append(json.dumps(manifest.record(**given, job_name="job", created=datetime(2026, 1, 1, tzinfo=UTC))))
        (inputs / "dataset" / f"{split}.manifest").write_text("\n".join(lines) + "\n")
    described = {"version": "v1", "class_map": {"0": "scratch"}, "code_version": "c1"}
    (inputs / "dataset" / "dataset.json").write_text(json.dumps(described))
    script, model = tmp_path / "theirs" / "train.py", tmp_path / "model"
    script.parent.mkdir()
    script.write_text(TRAIN)
    places = {
        "SM_CHANNEL_DATASET": str(inputs / "dataset"),
        "SM_MODEL_DIR": str(model),
        "TRAINING_JOB_NAME": "theirs-1",
    }
    subprocess.run(
        [sys.executable, str(script)], env={"PATH": os.environ["PATH"], **places}, cwd=script.parent, check=True
    )
    (inputs / "model").mkdir()
    with tarfile.open(inputs / "model" / "model.tar.gz", "w:gz") as tar:
        for path in model.iterdir():
            tar.add(path, path.name)
    return tmp_path / "processing"


def test_a_foreign_model_is_measured_reported_and_judged_like_ours(job: Path) -> None:
    evaluate.evaluate(job)
    evaluation = json.loads((job / "output" / "evaluation.json").read_text())
    assert (evaluation["training_job"], evaluation["dataset_version"], evaluation["test_images"]) == (
        "theirs-1",
        "v1",
        3,
    )
    assert evaluation.keys() == Evaluation.__annotations__.keys()
    assert [entry.keys() for entry in evaluation["per_image"]] == [PhotoResult.__annotations__.keys()] * 3
    assert evaluation["candidate"].keys() == Scores.__annotations__.keys()
    assert evaluation["threshold_choice"].keys() == ThresholdChoice.__annotations__.keys()
    assert evaluation["threshold_choice"]["escape_cost"] == 3.0
    assert evaluation["int8"] is None
    released = json.loads((job / "output" / "model.json").read_text())
    assert (released["classes"], len(released["golden"])) == (["scratch"], 3)
    assert "theirs-1" in (job / "output" / "report.html").read_text()
    loose = Limits(min_map50=0.0, min_recall=0.0, max_latency_ms=1e6, max_size_bytes=10_000)
    assert judge(evaluation, loose).accepted
    strict = Limits(min_map50=0.9, min_recall=0.0, max_latency_ms=1e6, max_size_bytes=100)
    decision = judge(evaluation, strict)
    assert not decision.accepted
    assert [rule.rule for rule in decision.rules if not rule.held] == ["mAP@.50", "size, bytes"]


def test_a_foreign_model_of_other_classes_is_not_judged(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    description = json.loads((job / "input" / "dataset" / "dataset.json").read_text())
    (job / "input" / "dataset" / "dataset.json").write_text(
        json.dumps(description | {"class_map": {"0": "dent", "1": "scratch"}})
    )
    monkeypatch.setenv("SIGHTLINE_PROCESSING_DIR", str(job))
    assert evaluate.main() == 1
    said = "the model's classes are scratch; the dataset's are dent, scratch, in this order"
    assert (job / "output" / "failure").read_text() == said
    assert not (job / "output" / "evaluation.json").exists()


@pytest.mark.parametrize(
    ("body", "entries"),
    [
        ("{", []),
        ("5", []),
        ('[1, {"loss": 2}]', []),
        (
            '[{"epoch": 1, "train:loss": 2.5}, {"epoch": 2, "train:loss": NaN}]',
            [{"epoch": 1, "train:loss": 2.5}, {"epoch": 2}],
        ),
    ],
)
def test_a_history_that_cannot_be_drawn_costs_the_charts_alone(
    tmp_path: Path, body: str, entries: list[dict[str, float]]
) -> None:
    (tmp_path / "history.json").write_text(body)
    history = evaluate.read_history(tmp_path / "history.json")
    assert history == entries
    assert ("<svg" in training_charts(history)) == bool(entries)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda boxes, scores, classes: (boxes, scores * np.nan, classes), "scores must lie in 0..1"),
        (lambda boxes, scores, classes: (boxes[..., [2, 3, 0, 1]], scores, classes), "boxes must be x1, y1, x2, y2"),
        (lambda boxes, scores, classes: (boxes, scores, classes - 1), "answers class -1, and there is 1 class, 0"),
    ],
)
def test_a_model_that_breaks_the_contract_on_a_photo_only_is_refused_with_its_name(
    job: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any, said: str
) -> None:
    class Spoiled(evaluate.WatchedDetector):
        def __init__(self, folder: Path, file: str = "model.onnx") -> None:
            super().__init__(folder, file=file)
            session = self._session.session
            broken = SimpleNamespace(run=lambda outputs, given: spoil(*session.run(outputs, given)))
            self._session = replace(self._session, session=broken)

    monkeypatch.setattr(evaluate, "WatchedDetector", Spoiled)
    monkeypatch.setenv("SIGHTLINE_PROCESSING_DIR", str(job))
    assert evaluate.main() == 1
    failure = (job / "output" / "failure").read_text()
    assert re.match(r"on \S+\.jpg of the validation set: model.onnx", failure)
    assert said in failure


def test_a_model_that_finds_nothing_doubts_no_label(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Found(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))
    monkeypatch.setattr(evaluate, "detect_all", lambda _, images: [nothing] * len(images.names))
    result = evaluate.evaluate(job)
    assert (sum(len(entry["labels"]) for entry in result["per_image"]) > 0, result["suspicious_labels"]) == (True, [])
    assert "Labels worth a second look" not in (job / "output" / "report.html").read_text()
