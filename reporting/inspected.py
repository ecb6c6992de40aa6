"""What came of photos whose truth is known: how many were decided, how many of these rightly, and which errors."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from reporting.page import count
from sightline.vision.verdict import Outcome

TAIL = 0.025  # of a two-sided 95 % interval


@dataclass(frozen=True, slots=True)
class Inspected:
    """Photos by what they are and what was decided; what is left to a person is neither right nor wrong."""

    defective: int
    good: int
    escapes: int  # defective photos that passed
    false_alarms: int  # good photos that failed
    left: int  # to a person

    @classmethod
    def of(cls, verdicts: Iterable[tuple[Outcome, bool]]) -> Self:
        """Count verdicts, each with whether the photo has a defect."""
        said = list(verdicts)
        return cls(
            defective=sum(is_defective for _, is_defective in said),
            good=sum(not is_defective for _, is_defective in said),
            escapes=sum(is_defective and outcome == Outcome.PASS for outcome, is_defective in said),
            false_alarms=sum(not is_defective and outcome == Outcome.FAIL for outcome, is_defective in said),
            left=sum(outcome == Outcome.REVIEW for outcome, _ in said),
        )

    @property
    def decided(self) -> int:
        return self.defective + self.good - self.left

    @property
    def right(self) -> int:
        return self.decided - self.escapes - self.false_alarms

    def in_a_line(self) -> str:
        """Return what a person wants to know, such as `18 of 18 decided right, 0 escapes, 6 left to a person`."""
        alarms = f", {count(self.false_alarms, 'false alarm')}" if self.false_alarms else ""
        return (
            f"{self.right} of {self.decided} decided right, {count(self.escapes, 'escape')}{alarms}, "
            f"{self.left} left to a person"
        )


def at_most(hits: int, total: int) -> float:
    """Return the upper end of the 95 % interval of a share, of which `hits` of `total` were seen; 1 where none was.

    Clopper and Pearson's interval (Biometrika 26, 1934), exact for few photos, where an interval by the normal
    distribution claims to know more than it can.
    """
    low, high = 0.0, 1.0
    while hits < total and high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(hits, total, middle) > TAIL else (low, middle)
    return high


def _at_most(hits: int, total: int, share: float) -> float:
    """Return the probability of at most `hits` of `total` where each comes with the probability `share`, in 0..1."""
    log = math.lgamma
    return sum(
        math.exp(
            log(total + 1) - log(seen + 1) - log(total - seen + 1)
            + seen * math.log(share) + (total - seen) * math.log1p(-share)
        )
        for seen in range(hits + 1)
    )  # fmt: skip
