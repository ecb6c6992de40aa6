"""How often the gate errs: equal models that it stops (A/A), and a planted loss of 5 points mAP@.50 that it lets pass.

    python -m benchmarks.gate [--trials N]

Simulated: photos of parts with defects, and two runs of one model on them. A run misses a defect for reasons that it
shares with the other run (the defect is faint), that are its own (the seed), and that are the photo's (light); photos
of a part share the first two, so they are not independent. The worse model is one of the runs with as many of its
detections of defects turned into misses, spread evenly over parts, as cost 5 points of mAP@.50 over all parts. What
judges is the shipped code: `evaluation.difference` and `gate.judge`.

Each of the trials is a bootstrap of a large population of parts: a test set is drawn from it, in which for each part
chance says which of the two runs is the champion and which the candidate. So the two are equally good, exactly.
"""

import argparse
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, TypedDict

import numpy as np
from rich.table import Table

from benchmarks.common import finish, table
from sightline.models import bootstrap
from sightline.models.evaluation import Interval, Judged, Scores
from sightline.models.gate import LOSS, Limits, judge
from sightline.models.metrics import Found, Truth

PARTS, PHOTOS = 1500, 4
SIZES = [6, 20, 50, 100, 200]  # test parts
TRIALS, REPLICATES = 1000, 200  # replicates: fewer than the job's 1,000, for the time
# Spread of what makes a defect visible, and its mean; assumed so that mAP@.50 is between 0.8 and 0.9.
FAINT, RUN, LIGHT = 1.0, 0.45, 0.35
VISIBLE = 0.6
FALSE_ALARMS = 0.25  # a photo, on average

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Population:
    """Labels of all photos, the part of each photo, and what the runs A and B and their worse versions find there."""

    truths: list[Truth]
    rows: Array
    runs: list[list[Found]]
    worse: list[list[Found]]


def photograph(defects: int, visible: Array, rng: np.random.Generator) -> tuple[Truth, list[Found], list[Array]]:
    """One photo of a part: its labels, what each run finds, and which of these detections are of defects.

    `visible` float [2, defects] says how well each run sees each defect.
    """
    low = np.stack([np.arange(defects) % 3, np.arange(defects) // 3], axis=1) * 100 + rng.uniform(0, 40, (defects, 2))
    boxes = np.concatenate([low, low + rng.uniform(20, 50, (defects, 2))], axis=1)
    found, real = [], []
    for run in visible:
        seen = run + rng.normal(0, LIGHT, defects)
        alarms = int(rng.poisson(FALSE_ALARMS))
        corner = rng.uniform(320, 400, (alarms, 2))
        sure = np.concatenate([seen, rng.normal(-0.3, 0.6, alarms)])
        shaken = boxes + rng.normal(0, 2, boxes.shape)
        every = np.concatenate([shaken, np.concatenate([corner, corner + 30], axis=1)])
        kept = sure > -0.8  # what is less sure is not reported at all
        found.append(Found(every[kept], 1 / (1 + np.exp(-2 * sure[kept])), np.zeros(int(kept.sum()), dtype=np.int64)))
        real.append((np.arange(len(sure)) < defects)[kept])
    return Truth(boxes, np.zeros(defects, dtype=np.int64)), found, real


def populate(seed: int) -> Population:
    rng = np.random.default_rng(seed)
    truths: list[Truth] = []
    runs: list[list[Found]] = [[], []]
    real: list[list[Array]] = [[], []]
    for _ in range(PARTS):
        defects = int(rng.integers(0, 5))  # every fifth part has none
        faint = rng.normal(VISIBLE, FAINT, defects)
        visible = faint + rng.normal(0, RUN, (2, defects))
        for _ in range(PHOTOS):
            truth, found, kinds = photograph(defects, visible, rng)
            truths.append(truth)
            for number in range(2):
                runs[number].append(found[number])
                real[number].append(kinds[number])
    rows = np.repeat(np.arange(PARTS), PHOTOS)
    worse = [plant_loss(truths, found, kinds, seed) for found, kinds in zip(runs, real, strict=True)]
    return Population(truths, rows, runs, worse)


def plant_loss(truths: list[Truth], found: list[Found], real: list[Array], seed: int) -> list[Found]:
    """The same run without the share of its right detections that costs LOSS, found by halving."""
    rng = np.random.default_rng([seed, 1])
    chances = [rng.random(len(kinds)) for kinds in real]
    whole = ap50(truths, found)

    def without(share: float) -> list[Found]:
        kept = [~kinds | (chance >= share) for kinds, chance in zip(real, chances, strict=True)]
        return [Found(one.boxes[k], one.scores[k], one.classes[k]) for one, k in zip(found, kept, strict=True)]

    low, high = 0.0, 0.5
    for _ in range(9):
        middle = (low + high) / 2
        low, high = (middle, high) if ap50(truths, without(middle)) > whole - LOSS else (low, middle)
    return without((low + high) / 2)


def ap50(truths: list[Truth], found: list[Found]) -> float:
    ranking = bootstrap.rank(truths, found, np.zeros(len(truths), dtype=np.int64), 1, 0)
    return float(bootstrap.resampled_ap(ranking, np.ones((1, 1), dtype=np.int64))[0])


class Rankings:
    """Both runs on the whole population, ranked once; a test set's rankings are taken from it without matching anew."""

    def __init__(self, population: Population, runs: list[list[Found]]) -> None:
        rows = np.concatenate([population.rows, population.rows + PARTS])
        self.whole = bootstrap.rank(population.truths * 2, runs[0] + runs[1], rows, 2 * PARTS, 0)

    def of(self, parts: Array, run: Array) -> bootstrap.Ranking:
        """The ranking in which each of the test set's `parts` was seen by its `run`, 0 or 1."""
        rows = parts + run * PARTS
        place = np.full(2 * PARTS, -1)
        place[rows] = np.arange(len(parts))
        groups = place[self.whole.groups]
        chosen = groups >= 0
        return bootstrap.Ranking(self.whole.hits[chosen], groups[chosen], self.whole.labels[rows])


SCORES: Scores = {
    "map50": 1.0,
    "map50_95": 1.0,
    "per_class": {},
    "latency_ms": {"median": 0.0, "p95": 0.0},
    "size_bytes": 0,
}
LIMITS = Limits(min_map50=0.0, min_recall=0.0, max_latency_ms=1.0, max_size_bytes=1)
population: Population
equal: Rankings
worse: Rankings


def prepare(seed: int) -> None:
    """Once in each process; the same seed gives the same population."""
    global population, equal, worse
    population = populate(seed)
    equal, worse = Rankings(population, population.runs), Rankings(population, population.worse)


class Verdict(Interval):
    """The gate's answer to one candidate, and the interval of its difference to the champion."""

    stopped: bool
    better: bool


class Trial(TypedDict):
    """One test set of each size, the smallest first: an equal candidate and a worse one."""

    equal: list[Verdict]
    worse: list[Verdict]


class Errors(TypedDict):
    """What came of all trials with the test sets of one size; rates are 0..1."""

    test_groups: int
    test_images: int
    equal_stopped: float
    equal_called_better: float
    loss_stopped: float
    standard_deviation: float
    half_interval: float
    equal_stopped_by_interval: float
    loss_stopped_by_interval: float


class Gate(TypedDict):
    """benchmarks/results/gate.json."""

    simulated: bool
    trials: int
    replicates: int
    loss: float  # of mAP@.50, that the worse candidates have
    map50: float
    map50_worse: float
    sizes: list[Errors]
    seconds: float


def trial(number: int) -> Trial:
    """One test set of each size: the gate's answer to an equal candidate and to a worse one."""
    answers = Trial(equal=[], worse=[])
    rng = np.random.default_rng([number, 2])
    for size in SIZES:
        parts, run = rng.permutation(PARTS)[:size], rng.integers(0, 2, size)
        champion = [equal.of(parts, run)]
        for kept, candidates in ((answers["equal"], equal), (answers["worse"], worse)):
            candidate = [candidates.of(parts, 1 - run)]
            found = bootstrap.difference(candidate, champion, replicates=REPLICATES, seed=number)
            evaluation: Judged = {
                "test_images": size * PHOTOS,
                "test_groups": size,
                "candidate": SCORES,
                "champion": SCORES,
                "bootstrap": {"difference_map50": found, "replicates": REPLICATES},
            }
            rule = judge(evaluation, LIMITS).rules[-1]
            kept.append({"stopped": not rule.held, "better": found["low"] > 0, **found})
    return answers


def errors(answers: list[Trial], place: int) -> Errors:
    """What came of all trials with the test sets of one size."""
    equal, worse = [answer["equal"][place] for answer in answers], [answer["worse"][place] for answer in answers]
    return {
        "test_groups": SIZES[place],
        "test_images": SIZES[place] * PHOTOS,
        "equal_stopped": _share(entry["stopped"] for entry in equal),
        "equal_called_better": _share(entry["better"] for entry in equal),
        "loss_stopped": _share(entry["stopped"] for entry in worse),
        "standard_deviation": round(float(np.std([entry["mean"] for entry in equal])), 4),
        "half_interval": round(float(np.mean([(entry["high"] - entry["low"]) / 2 for entry in equal])), 4),
        # What an interval alone would do, for comparison.
        "equal_stopped_by_interval": round(float(np.mean([entry["high"] < 0 for entry in equal])), 4),
        "loss_stopped_by_interval": round(float(np.mean([entry["high"] < 0 for entry in worse])), 4),
    }


def _share(answers: Iterable[bool]) -> float:
    return round(float(np.mean(list(answers))), 4)


def shown(result: Gate) -> list[Table | str]:
    head = ("test groups", "images", "equal: stopped", "equal: called better", "loss of 5 points: stopped")
    sizes = table(*head)
    for entry in result["sizes"]:
        rates = (entry["equal_stopped"], entry["equal_called_better"], entry["loss_stopped"])
        sizes.add_row(str(entry["test_groups"]), str(entry["test_images"]), *(f"{rate:.1%}" for rate in rates))
    about = (
        f"{result['trials']} simulated test sets of each size, mAP@.50 {result['map50']:.3f}; {result['seconds']:.0f} "
        "s."
    )
    return [sizes, about]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=TRIALS, help="test sets of each size")
    given = parser.parse_args()
    start = time.perf_counter()
    prepare(0)
    with ProcessPoolExecutor(mp_context=get_context("fork")) as pool:  # the workers inherit the population
        answers = list(pool.map(trial, range(given.trials), chunksize=10))
    result: Gate = {
        "simulated": True,
        "trials": given.trials,
        "replicates": REPLICATES,
        "loss": LOSS,
        "map50": round(ap50(population.truths, population.runs[0]), 4),
        "map50_worse": round(ap50(population.truths, population.worse[0]), 4),
        "sizes": [errors(answers, place) for place in range(len(SIZES))],
        "seconds": round(time.perf_counter() - start, 1),
    }
    finish("gate", result, shown)


if __name__ == "__main__":
    main()
