"""How a training ended, read from the output of its execution."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sightline.fields import Fields


@dataclass(frozen=True, slots=True)
class Training:
    """How a training ended. What was not reached is empty: all after `reason` when nothing had `changed`."""

    changed: bool
    reason: str
    images: int  # of the dataset, all splits
    dataset_version: str
    job: str
    accepted: bool
    reasons: tuple[str, ...]
    map50: float
    map50_95: float
    model_package_arn: str

    @classmethod
    def from_output(cls, output: Mapping[str, object]) -> Self:
        """Read the output of an execution of `train_model`. Raise InvalidFieldError."""
        fields = Fields(output, "in the output of train_model")
        dataset, plan = fields.fields("dataset"), fields.fields("plan")
        judged, registered = fields.fields("judgement"), fields.fields("registration")
        return cls(
            changed=plan.flag("changed"),
            reason=plan.text("reason", ""),
            images=sum(dataset.whole(split, 0) for split in ("train", "validation", "test")),
            dataset_version=dataset.text("version", ""),
            job=plan.text("training_job", ""),
            accepted=bool(judged.values) and judged.flag("accepted"),
            reasons=judged.texts("reasons"),
            map50=_score(judged, "map50"),
            map50_95=_score(judged, "map50_95"),
            model_package_arn=registered.text("model_package_arn", ""),
        )


def _score(judged: Fields, name: str) -> float:
    """Return a score of 0..1, which the workflow carries as a text; 0 where nothing was judged."""
    try:
        score = float(judged.text(name, "0"))
    except ValueError:
        raise judged.refuse(name, "a text with a number of 0..1") from None
    return Fields({name: score}, judged.where).number(name, 0, 1)
