"""The detector: a model folder (`model.onnx`, `model.json`) in, boxes in image pixels and a verdict out."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime

from sightline.errors import SightlineError
from sightline.vision.decode import Pixels
from sightline.vision.letterbox import Letterbox

Verdict = Literal["pass", "fail", "review"]


class ModelLoadError(SightlineError):
    """The model folder can't be used."""


@dataclass(frozen=True)
class Detection:
    """One defect: `box` is (x1, y1, x2, y2) in pixels of the image, `label` the class's name, `score` in 0..1."""

    box: tuple[float, float, float, float]
    score: float
    class_id: int
    label: str

    def to_json(self) -> dict[str, Any]:
        return {"box": [round(side, 1) for side in self.box], "score": round(self.score, 4), "class": self.label}


class Detector:
    """Runs a released model on the CPU with `threads` threads.

    Raises ModelLoadError, in one line, when the folder does not hold a model that keeps the contract.
    """

    def __init__(self, model_dir: Path | str, threads: int = 1) -> None:
        folder = Path(model_dir)
        self.metadata = read_metadata(folder)
        self.classes: list[str] = self.metadata["classes"]
        self.threshold = float(self.metadata["threshold"])
        self.review_threshold = float(self.metadata["review_threshold"])
        self._input = self.metadata["input"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises its own types, which it does not export
            reason = " ".join(str(error).split())[:200]
            raise ModelLoadError(f"{folder.name}/model.onnx does not load: {reason}; export it again") from error
        names = [entry.name for entry in self._session.get_inputs()]
        if names != ["images"]:
            raise ModelLoadError(f"{folder.name}/model.onnx has the inputs {names}, it must have ['images']")

    def detect(self, image: Pixels, min_score: float = 0.0) -> list[Detection]:
        """Defects in `image` (RGB uint8 [H, W, 3]) scored above `min_score`, the surest first."""
        height, width = image.shape[:2]
        letterbox = Letterbox.fit(width, height, width=self._input["width"], height=self._input["height"])
        batch = letterbox.place(image, self._input["pad_value"])[None]
        boxes, scores, classes = self._session.run(["boxes", "scores", "classes"], {"images": batch})
        kept = scores[0] > max(min_score, 0.0)  # score 0 is padding
        found = zip(letterbox.to_image(boxes[0][kept]), scores[0][kept], classes[0][kept], strict=True)
        detections = [self._detection(box, score, class_id) for box, score, class_id in found]
        return sorted(detections, key=lambda detection: -detection.score)

    def verdict(self, detections: list[Detection]) -> Verdict:
        """`fail` from the decision threshold on, `review` from the review threshold on, else `pass`."""
        best = max((detection.score for detection in detections), default=0.0)
        if best >= self.threshold:
            return "fail"
        return "review" if best >= self.review_threshold else "pass"

    def _detection(self, box: Any, score: Any, class_id: Any) -> Detection:
        x1, y1, x2, y2 = (float(side) for side in box)
        return Detection((x1, y1, x2, y2), float(score), int(class_id), self.classes[int(class_id)])


def read_metadata(folder: Path) -> dict[str, Any]:
    """`model.json` of a model folder, with the keys that running it needs. Raises ModelLoadError."""
    path = folder / "model.json"
    try:
        metadata = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ModelLoadError(f"{folder.name}/model.json can't be read: {error}") from error
    missing = {"classes", "input", "threshold", "review_threshold"} - set(metadata)
    if missing:
        raise ModelLoadError(f"{folder.name}/model.json lacks {', '.join(sorted(missing))}; export the model again")
    if metadata["input"].get("resize") != "letterbox":
        raise ModelLoadError(f"{folder.name}/model.json: input.resize must be 'letterbox'")
    return dict(metadata)
