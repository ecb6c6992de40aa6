"""The training images in batches, augmented by worker processes while the network computes.

Everything random about an example follows from (seed, epoch, its position in the epoch): the examples are the same
whatever the number of workers, and an epoch can be made without those before it.
"""

import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from training.augment import augment
from training.data import Sample

MOST_WORKERS = 16
Place = tuple[int, int, int, float]  # epoch, position in the epoch, index of the sample, share of mosaics
Made = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]  # image, boxes, classes: see augment
Batch = tuple[torch.Tensor, list[torch.Tensor], list[torch.Tensor]]


class _Examples(Dataset[Made]):
    def __init__(self, samples: list[Sample], seed: int) -> None:
        self.samples, self.seed = samples, seed

    def __getitem__(self, place: Place) -> Made:
        epoch, position, index, mosaic = place
        # Counted from 1: numpy takes (seed, epoch) for (seed, epoch, 0), which orders the epoch.
        rng = np.random.default_rng((self.seed, epoch, position + 1))
        image, boxes, classes = augment(self.samples, index, mosaic, rng)
        return image.numpy(), boxes, classes


class Batches:
    """The batches of any epoch, each image once."""

    def __init__(self, samples: list[Sample], batch_size: int, seed: int) -> None:
        self.images, self.seed = len(samples), seed
        self.count = math.ceil(self.images / batch_size)
        self._plan: list[list[Place]] = [[]] * self.count
        workers = min(max(1, (os.cpu_count() or 1) - 1), MOST_WORKERS)
        # One worker, on one core too: its single thread waits for nobody, and the result depends on no core count.
        self._loader: DataLoader[Any] = DataLoader(
            _Examples(samples, seed),
            batch_sampler=self._plan,
            num_workers=workers,
            collate_fn=_together,
            persistent_workers=True,
            generator=torch.Generator(),  # of its own: the loader leaves PyTorch's global one as it is
        )

    def epoch(self, number: int, mosaic: float) -> Iterator[Batch]:
        """Images uint8 [n, 3, H, W], boxes float32 [k, 4] and classes int64 [k] image by image; in sizes nearly the
        same.
        """
        order = np.random.default_rng((self.seed, number, 0)).permutation(self.images)
        places = [(number, position, int(index), mosaic) for position, index in enumerate(order)]
        ends = [len(part) for part in np.array_split(order, self.count)]
        starts = np.cumsum([0, *ends])
        self._plan[:] = [places[start : start + size] for start, size in zip(starts, ends, strict=False)]
        for images, boxes, classes in self._loader:
            yield (
                torch.from_numpy(images),
                [torch.from_numpy(one).float() for one in boxes],
                [torch.from_numpy(one).long() for one in classes],
            )


def _together(made: list[Made]) -> tuple[np.ndarray[Any, Any], list[Any], list[Any]]:
    """One batch as arrays: they come through a pipe, so that a container's small shared memory is enough."""
    images, boxes, classes = zip(*made, strict=True)
    return np.stack(images), list(boxes), list(classes)
