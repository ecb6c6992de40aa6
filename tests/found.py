"""Labels and detections that are made up."""

import numpy as np

from sightline.models.metrics import Found, Truth

NOTHING = Found(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64))


def make(seed: int, images: int, classes: int) -> tuple[list[Truth], list[Found]]:
    """Random labels, and detections that are those labels shaken, some lost, some invented."""
    rng = np.random.default_rng(seed)
    truths, found = [], []
    for _ in range(images):
        count = int(rng.integers(0, 5))
        low = rng.uniform(0, 300, (count, 2))
        boxes = np.concatenate([low, low + rng.uniform(20, 90, (count, 2))], axis=1)
        labels = rng.integers(0, classes, count)
        truths.append(Truth(boxes, labels))
        kept = rng.random(count) < 0.8
        extra = rng.uniform(0, 300, (int(rng.integers(0, 3)), 2))
        shaken = boxes[kept] + rng.normal(0, 6, (int(kept.sum()), 4))
        every = np.concatenate([shaken, np.concatenate([extra, extra + 40], axis=1)])
        named = np.concatenate([labels[kept], rng.integers(0, classes, len(extra))])
        found.append(Found(every, rng.random(len(every)), named))
    return truths, found


A, B = [10.0, 10, 50, 50], [100.0, 100, 140, 150]


def labels(*labels: tuple[list[float], int]) -> Truth:
    return Truth(
        np.array([box for box, _ in labels]).reshape(-1, 4), np.array([name for _, name in labels], dtype=np.int64)
    )


def detections(*detections: tuple[list[float], float, int]) -> Found:
    boxes, scores, classes = zip(*detections, strict=True) if detections else ((), (), ())
    return Found(np.array(boxes).reshape(-1, 4), np.array(scores), np.array(classes, dtype=np.int64))
