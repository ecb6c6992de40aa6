"""The photos of a run, with the truth about them."""

from dataclasses import dataclass
from pathlib import Path

from sightline.images.box import Box

Truth = dict[str, list[Box]]  # the true boxes of each photo, by its file name


@dataclass(frozen=True, slots=True)
class Photos:
    """What a run works with. `expected` is how many images the ledger will have of `seen`, equal ones being one."""

    seen: list[Path]  # to learn from
    unseen: list[Path]  # of parts that no part of the training sees
    truth: Truth
    expected: int
