"""Labels that look wrong: where a model that is sure and a label disagree, worth a second look by a person.

Sure of itself is a model only where it was not trained, so this is meant for validation and test images; after
Northcutt et al., "Confident Learning: Estimating Uncertainty in Dataset Labels", 2021, reduced to boxes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightline.images.overlap import box_iou
from sightline.models.evaluation import DoubtKind
from sightline.models.metrics import Found, Truth

SURE = 0.6  # score from which a detection may doubt a label; the decision threshold where that is higher
TOUCHES = 0.1  # IoU: a detection that touches no label says that one is missing
UNSEEN = 0.25  # share of the decision threshold that nothing at a label may reach, for the label to look empty
SAME_PLACE = 0.5  # IoU: the same defect, whatever it is called
TRUSTED = 0.8  # recall of a class from which it means something that the model sees nothing at a label of it


@dataclass(frozen=True)
class Doubt:
    """A label that the model contradicts, or one that it misses."""

    kind: DoubtKind
    box: list[float]  # x1, y1, x2, y2 in pixels
    score: float  # how sure: the detection's score; for `empty` 1 minus the best score that touches the label
    labelled: str | None
    seen: str | None

    @property
    def why(self) -> str:
        """The doubt as a sentence for whoever looks again."""
        said = {
            DoubtKind.MISSING: f"sees an unlabelled {self.seen}",
            DoubtKind.CLASS: f"takes the labelled {self.labelled} for a {self.seen}",
            DoubtKind.EMPTY: f"sees nothing where a {self.labelled} is labelled",
        }
        return f"the model {said[self.kind]} ({self.score:.2f} sure)"


def doubts(
    truth: Truth, found: Found, classes: list[str], threshold: float, recalls: Sequence[float | None]
) -> list[Doubt]:
    """The doubts about one image's labels, the surest first. `found` holds detections down to a low score.

    `recalls` has the model's recall by class (None where nothing is labelled). Only of a class that it finds at least
    80 % of (TRUSTED) does it doubt a label where it sees nothing: a model that is blind to a class would doubt every
    label of it.
    """
    sure = max(SURE, threshold)
    overlap = box_iou(found.boxes, truth.boxes)  # [m, n]
    result = []
    for number in np.flatnonzero(found.scores >= sure):
        seen, score = classes[int(found.classes[number])], float(found.scores[number])
        box = [round(float(edge), 1) for edge in found.boxes[number]]
        best = int(overlap[number].argmax()) if len(truth.boxes) else -1
        if best < 0 or overlap[number, best] < TOUCHES:
            result.append(Doubt(DoubtKind.MISSING, box, round(score, 4), None, seen))
        elif overlap[number, best] >= SAME_PLACE and found.classes[number] != truth.classes[best]:
            same = (found.classes == truth.classes[best]) & (overlap[:, best] >= SAME_PLACE)
            if found.scores[same].max(initial=0.0) < score:
                result.append(Doubt(DoubtKind.CLASS, box, round(score, 4), classes[int(truth.classes[best])], seen))
    for label, box in enumerate(truth.boxes):
        touching = float(found.scores[overlap[:, label] >= TOUCHES].max(initial=0.0))
        if touching <= threshold * UNSEEN and (recalls[int(truth.classes[label])] or 0.0) >= TRUSTED:
            name = classes[int(truth.classes[label])]
            result.append(Doubt(DoubtKind.EMPTY, [float(edge) for edge in box], round(1 - touching, 4), name, None))
    return sorted(result, key=lambda doubt: -doubt.score)
