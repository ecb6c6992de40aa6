"""What came of an execution, read from its output: a command tells it in a line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sightline.fields import Fields
from sightline.scoring.batch import ScoreCounts


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate said of a model. `reasons` are the rules that it broke, or that all held."""

    accepted: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """How an execution of `train_model` ended: with a judgement, or with the reason why there was nothing to do."""

    reason: str
    judgement: Judgement | None

    @classmethod
    def from_output(cls, output: Mapping[str, object]) -> Self:
        """Read the execution's output. Raise InvalidFieldError."""
        fields = Fields(output, "in the output of train_model")
        plan = fields.fields("plan")
        if not plan.flag("changed"):
            return cls(plan.text("reason"), None)
        judged = fields.fields("judgement")
        return cls(plan.text("reason", ""), Judgement(judged.flag("accepted"), judged.texts("reasons")))


@dataclass(frozen=True, slots=True)
class ScoredImages:
    """What came of scored images. `predictions_uri` is the folder with a line for each."""

    images: int
    model_version: str
    counts: ScoreCounts
    predictions_uri: str


@dataclass(frozen=True, slots=True)
class ScoringOutcome:
    """How an execution of `score_batch` ended: with scored images, or with the reason why there were none."""

    reason: str
    scored: ScoredImages | None
    lacks_model: bool = False

    @classmethod
    def from_output(cls, output: Mapping[str, object]) -> Self:
        """Read the execution's output. Raise InvalidFieldError."""
        fields = Fields(output, "in the output of score_batch")
        if "summary" not in output:
            plan = fields.fields("plan")
            return cls(plan.text("reason"), None, lacks_model=not plan.text("model_version"))
        summary = fields.fields("summary")
        counts: ScoreCounts = {
            "pass": summary.whole("pass", 0),
            "fail": summary.whole("fail", 0),
            "review": summary.whole("review", 0),
            "errors": summary.whole("errors", 0),
        }
        scored = ScoredImages(
            images=summary.whole("images", 0),
            model_version=summary.text("model_version"),
            counts=counts,
            predictions_uri=summary.text("predictions_uri"),
        )
        return cls("", scored)


def labels_recorded(output: Mapping[str, object]) -> int:
    """Return how many labels an execution of `label_images` recorded as approved. Raise InvalidFieldError."""
    return Fields(output, "in the output of label_images").fields("labels").whole("approved", 0, default=0)


def why_decided(output: Mapping[str, object]) -> str:
    """Return why an execution of `deploy_model` promoted the model or took it back. Raise InvalidFieldError."""
    return Fields(output, "in the output of deploy_model").fields("decision").text("reason")
