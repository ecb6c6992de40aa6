"""What follows from a round: labels from the answers of its annotators, and what its verdicts approve and reject."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sightline.labelling.consolidation import consolidate
from sightline.labelling.lines import (
    AskedImage,
    GivenAnswer,
    LabelRecord,
    RejectedLabel,
    SkippedImage,
    VerdictLine,
)

ASKED = ("proposals", "rank", "uncertainty")  # what only the task needs
OF_A_ROUND = ("agreement", "annotated_by")  # what the next round says anew


def consolidate_label(image: AskedImage, answers: Sequence[GivenAnswer]) -> LabelRecord | SkippedImage:
    """Return the label of one image: the boxes on which its annotators agree, or the reason why they skipped it.

    An image is skipped when more than half of them did.
    """
    given = [answer["annotations"] for answer in answers if "annotations" in answer]
    kept = {name: value for name, value in image.items() if name not in ASKED}
    kept["annotated_by"] = [answer.get("worker", "") for answer in answers]
    if 2 * len(given) < len(answers) or not answers:
        reasons = sorted({answer["skip"] for answer in answers if "skip" in answer})
        return cast(SkippedImage, {**kept, "skip": "; ".join(reasons) or "nobody has answered"})
    label = consolidate(given)
    agreement = round(label.agreement, 4) if len(given) > 1 else None
    return cast(LabelRecord, {**kept, "annotations": label.annotations, "agreement": agreement})


@dataclass(frozen=True, slots=True)
class SettledRound:
    """What one round of labels and verdicts came to, sorted by `image_id`."""

    approved: list[LabelRecord]
    rejected: list[RejectedLabel]
    again: bool  # the rejected ones go round once more

    def asked_again(self) -> list[AskedImage]:
        """Return what the next round asks: each rejected image with its reason and the label that is to be mended."""
        return [
            cast(AskedImage, {name: value for name, value in label.items() if name not in OF_A_ROUND})
            for label in self.rejected
        ]


def settle_round(
    labels: Sequence[LabelRecord], verdicts: Sequence[VerdictLine], *, number: int, max_rounds: int
) -> SettledRound:
    """Part the labels of round `number` (from 1) by their verdicts; `again` when the rejected go round once more.

    A label without a verdict counts as rejected: nothing becomes training data unseen. A verdict with `annotations` has
    corrected them.
    """
    by_image = {verdict["image_id"]: verdict for verdict in verdicts}
    approved: list[LabelRecord] = []
    rejected: list[RejectedLabel] = []
    for label in sorted(labels, key=lambda label: label["image_id"]):
        verdict = by_image.get(label["image_id"])
        if verdict and verdict["approved"]:
            corrected = verdict.get("annotations")
            approved.append(label if corrected is None else {**label, "annotations": corrected})
        else:
            rejected.append({**label, "reason": verdict["reason"] if verdict else "not verified"})
    return SettledRound(approved, rejected, again=bool(rejected) and number < max_rounds)
