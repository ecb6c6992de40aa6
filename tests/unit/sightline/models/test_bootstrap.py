"""The bootstrap over groups."""

import numpy as np
import pytest

from sightline.models import bootstrap, metrics
from sightline.models.metrics import Truth
from tests.found import NOTHING, make


def test_a_model_compared_with_itself_differs_by_nothing() -> None:
    truths, found = make(5, images=12, classes=1)
    groups = [str(number // 3) for number in range(12)]
    same = bootstrap.bootstrap_difference(truths, groups, found, found, 1, replicates=50, seed=0)
    assert same == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_a_model_that_finds_nothing_is_significantly_worse() -> None:
    truths, found = make(5, images=24, classes=1)
    groups = [str(number // 3) for number in range(24)]
    worse = bootstrap.bootstrap_difference(truths, groups, [NOTHING] * 24, found, 1, replicates=50, seed=0)
    assert worse["high"] < 0


@pytest.mark.parametrize("seed", range(6))
def test_a_replicate_scores_as_its_images_do_when_they_are_evaluated_anew(seed: int) -> None:
    """Groups drawn never, once and several times, classes without a label in a replicate, images without detections."""
    truths, found = make(seed, images=12, classes=3)
    found[3] = NOTHING
    rows = np.array([0, 0, 0, 1, 1, 2, 3, 3, 4, 4, 4, 5])
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(6, np.full(6, 1 / 6), size=40)
    rankings = [bootstrap.rank(truths, found, rows, 6, class_id) for class_id in range(3)]
    anew = []
    for times in drawn:
        images = [number for number, row in enumerate(rows) for _ in range(times[row])]
        anew.append(metrics.mean_ap([truths[n] for n in images], [found[n] for n in images], 3)[0])
    assert bootstrap.resampled_map(rankings, drawn) == pytest.approx(anew, abs=1e-12)


def test_a_replicate_without_a_label_has_no_score() -> None:
    truths, found = make(1, images=2, classes=1)
    empty = Truth(np.zeros((0, 4)), np.zeros(0, dtype=np.int64))
    ranking = bootstrap.rank([empty, truths[0]], [found[0], found[0]], np.array([0, 1]), 2, 0)
    assert np.isnan(bootstrap.resampled_map([ranking], np.array([[2, 0]]))).all()


def test_the_interval_is_that_of_whole_groups_not_of_images() -> None:
    """Copies of one image in a group tell nothing new: the interval is as wide as with one image of each group."""
    truths, found = make(7, images=10, classes=1)
    _, other = make(8, images=10, classes=1)
    once = bootstrap.bootstrap_difference(truths, list("abcdefghij"), found, other, 1, replicates=400, seed=0)
    groups = list("abcdefghij") * 4
    four = bootstrap.bootstrap_difference(truths * 4, groups, found * 4, other * 4, 1, replicates=400, seed=0)
    assert four == pytest.approx(once)
