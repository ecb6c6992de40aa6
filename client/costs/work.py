"""What the code uses for its work, in units of prices.json; `python -m benchmarks.bill` measures it into work.json."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypedDict

from client.costs.bill import Use

FILE = Path(__file__).with_name("work.json")


class LinearStored(TypedDict):
    """A `Linear` in work.json."""

    image: dict[str, float]
    run: dict[str, float]


class WorkStored(TypedDict):
    """work.json."""

    at: str  # when it was measured
    labelling: LinearStored
    scoring: LinearStored


@dataclass(frozen=True, slots=True)
class Linear:
    """Quantities by price: of each image, and of each job or run however many images it has."""

    image: Mapping[str, float]
    run: Mapping[str, float]

    @classmethod
    def through(cls, small: tuple[int, Mapping[str, float]], large: tuple[int, Mapping[str, float]]) -> Self:
        """Return the line through two measurements: numbers of images, and what they used."""
        (fewer, less), (more, much) = small, large
        image = {price: max(0.0, (much[price] - less.get(price, 0.0)) / (more - fewer)) for price in much}
        run = {price: max(0.0, less.get(price, 0.0) - image[price] * fewer) for price in much}
        return cls(image, run)

    def uses(self, images: float, runs: float, what: str) -> Iterator[Use]:
        for price in self.image:
            yield Use(price, images * self.image[price] + runs * self.run[price], what)


@dataclass(frozen=True, slots=True)
class Work:
    """The work of a stack: labelling, from the upload to the recorded label in one round, and scoring in a batch."""

    at: str
    labelling: Linear
    scoring: Linear

    @classmethod
    def measured(cls, file: Path = FILE) -> Self:
        """Return what was measured last."""
        read: WorkStored = json.loads(file.read_text())
        return cls(read["at"], Linear(**read["labelling"]), Linear(**read["scoring"]))

    def write(self, file: Path = FILE) -> None:
        stored: WorkStored = {
            "at": self.at,
            "labelling": _stored(self.labelling),
            "scoring": _stored(self.scoring),
        }
        file.write_text(json.dumps(stored, indent=1) + "\n")


def _stored(line: Linear) -> LinearStored:
    def rounded(values: Mapping[str, float]) -> dict[str, float]:
        return {name: float(f"{value:.6g}") for name, value in sorted(values.items())}

    return {"image": rounded(line.image), "run": rounded(line.run)}
