"""What a camera's image looks like in five numbers: the same ones where a model was evaluated and where it works."""

from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sightline.vision.decode import Pixels

DARK, BRIGHT = 10, 250  # grey levels of 255
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
HALF = np.float32(0.5)

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Appearance:
    """Of an image scaled to the model's input, without padding.

    `brightness` and `contrast`: mean and standard deviation in grey levels of 255; `sharpness`: mean strength of edges
    between neighbours in grey levels; `dark` and `bright`: shares of pixels, in 0..1, at the ends of the range.
    """

    brightness: float
    contrast: float
    sharpness: float
    dark: float
    bright: float

    def as_dict(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


NAMES = tuple(field.name for field in fields(Appearance))


def grey(pixels: Pixels) -> Grey:
    """RGB uint8 [h, w, 3] → grey uint8 [h/4, w] (ITU-R BT.601): every fourth row tells as much, in a quarter of the
    time.
    """
    return np.asarray((pixels[::4].astype(np.float32) @ LUMA + HALF).astype(np.uint8))


def appearance(image: Grey) -> Appearance:
    """Measure a grey image, uint8 [rows, w], whose rows need not be neighbours."""
    levels = image.ravel().astype(np.float32)
    mean = levels.sum() / levels.size
    levels -= mean
    # The second difference along rows: a slow change of light gives none, sensor noise little, an edge in focus much.
    rows = image[::2].astype(np.int16)
    bends = np.abs(rows[:, 2:] - 2 * rows[:, 1:-1] + rows[:, :-2])
    return Appearance(
        brightness=float(mean),
        contrast=float(levels @ levels / levels.size) ** 0.5,
        sharpness=float(bends.sum() / bends.size) if bends.size else 0.0,
        dark=np.count_nonzero(image <= DARK) / image.size,
        bright=np.count_nonzero(image >= BRIGHT) / image.size,
    )


def spread(measured: list[Appearance]) -> dict[str, dict[str, float]]:
    """The 1st, 50th and 99th percentile of each number, for a model's baseline; empty for no images."""
    if not measured:
        return {}
    return {
        name: dict(zip(("p01", "p50", "p99"), _percentiles([getattr(one, name) for one in measured]))) for name in NAMES
    }


def _percentiles(values: list[float]) -> list[float]:
    return [round(float(value), 4) for value in np.percentile(values, (1, 50, 99))]
