"""The detector that ships: model.onnx and model.json, run by onnxruntime."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from sightline.errors import SightlineError
from sightline.vision.decode import MAX_PIXELS, Pixels
from sightline.vision.description import ReleasedDescription
from sightline.vision.letterbox import Letterbox, fit, letterbox
from sightline.vision.verdict import DefectFound, Judged, Outcome

if TYPE_CHECKING:
    from typing import Self  # novm


class UnusableModelError(SightlineError):
    """A model folder that can't be loaded; the message says which file, and what is wrong with it."""

    @classmethod
    def because(cls, said: str, error: Exception) -> Self:
        """Return the error to raise for another one, whose text may have several lines."""
        return cls(f"{said}: {type(error).__name__}: {' '.join(str(error).split())}")


@dataclass(frozen=True)
class Detection:
    """One defect: `box` is x1, y1, x2, y2 in pixels of the original image; `score` in 0..1; `label` the class's
    name.
    """

    box: tuple[float, float, float, float]
    score: float
    label: str
    class_id: int

    def as_dict(self) -> DefectFound:
        return {
            "box": [round(edge, 1) for edge in self.box],
            "score": round(self.score, 4),
            "label": self.label,
            "class_id": self.class_id,
            "class": self.label,
        }


class Detector:
    """A model folder, loaded once. `threads` is the number of CPU threads that one inference uses, `file` the
    variant.
    """

    def __init__(self, folder: Path, threads: int = 1, file: str = "model.onnx") -> None:
        try:
            self.model: ReleasedDescription = json.loads((folder / "model.json").read_text())
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.inter_op_num_threads = 1
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self._session = onnxruntime.InferenceSession(
                str(folder / file), options, providers=["CPUExecutionProvider"]
            )
            self.classes: list[str] = self.model["classes"]
            self.height, self.width = self.model["input"]["height"], self.model["input"]["width"]
            self.threshold = float(self.model["threshold"])
            self.review_threshold = float(self.model["review_threshold"])
        except Exception as error:  # a file that is missing, cut off or of another make: one answer
            raise UnusableModelError.because(f"the model in {folder.name!r} can't be loaded", error) from error

    def detect(self, image: Pixels, floor: float | None = None) -> list[Detection]:
        """Detections in one RGB image, uint8 [height, width, 3], the surest first.

        Those below `floor` are left out; without it, those below the review threshold, which no verdict asks for.
        """
        return self.run(letterbox(image, self.height, self.width), floor)

    def inspect(self, body: bytes, floor: float | None = None) -> list[Detection]:
        """`detect` from an image's bytes, the way that evaluation, device and Lambda go. Raises
        UndecodableImageError.
        """
        return self.run(fit(body, self.height, self.width), floor)

    def run(self, fitted: Letterbox, floor: float | None = None) -> list[Detection]:
        """`detect` in an image that is fitted into the model's input already."""
        boxes, scores, classes = self._session.run(["boxes", "scores", "classes"], {"images": fitted.pixels[None]})
        lowest = self.review_threshold if floor is None else floor
        if not scores.size or scores[0, 0] < lowest:
            return []  # as in most images: there is nothing to work out
        height, width = fitted.size
        sure = int(np.count_nonzero((scores[0] >= lowest) & (scores[0] > 0)))  # sorted, padded with score 0
        places = np.clip(boxes[0, :sure] / fitted.scale, 0, np.array([width, height] * 2, dtype=np.float32))
        return [
            Detection((x1, y1, x2, y2), score, self.classes[class_id], class_id)
            for (x1, y1, x2, y2), score, class_id in zip(
                places.tolist(), scores[0, :sure].tolist(), classes[0, :sure].tolist()
            )
        ]

    def verdict(self, detections: list[Detection]) -> Outcome:
        """`fail` when a detection reaches the threshold, `review` when one reaches the review threshold, else
        `pass`.
        """
        best = max((detection.score for detection in detections), default=0.0)
        if best >= self.threshold:
            return Outcome.FAIL
        return Outcome.REVIEW if best >= self.review_threshold else Outcome.PASS

    def judge(self, body: bytes, max_pixels: int = MAX_PIXELS) -> Judged:
        """`verdict` and `detections` of an image's bytes, in the words of a device. Raises UndecodableImageError."""
        found = self.run(fit(body, self.height, self.width, max_pixels))
        return {"verdict": self.verdict(found), "detections": [detection.as_dict() for detection in found]}
