"""Faults of the camera, told apart from defects of the part: black, over-exposed, blurred and frozen images.

The limits come from the baseline that the model was evaluated with, where it has one; else only images are faulty that
no camera in order takes. Sharpness without a baseline says nothing: a smooth part is smooth in focus too.
"""

from collections.abc import Mapping

import numpy as np

from sightline.vision.appearance import Appearance, Grey

BLACK, OVEREXPOSED, BLURRED, FROZEN = "black", "overexposed", "blurred", "frozen"
DARK_SHARE = 0.98  # of the pixels: the lamp is off, or the cap is on
BRIGHT_SHARE = 0.6  # without a baseline
BRIGHT_MORE = 0.25  # beyond the brightest images of the baseline
SHARP_SHARE = 0.35  # of the least sharp images of the baseline
DARK_MORE = 0.2  # beyond the darkest images of the baseline
SAME_LEVELS = 0.05  # mean difference in grey levels; the noise of a sensor is ten times that
SAME_IMAGES = 3  # equal images in a row; two can be the same file under two names

Baseline = Mapping[str, Mapping[str, float]]
"""Percentiles (`p01`, `p99`, …) of what images looked like, by the names of `Appearance`; empty for a model without."""


class FaultFinder:
    """Looks at one camera's images in their order."""

    def __init__(self) -> None:
        self._last: Grey | None = None
        self._same = 1

    def find(self, image: Grey, seen: Appearance, baseline: Baseline) -> tuple[str, str]:
        """Return the fault of an image and a sentence about it; two empty texts for an image in order.

        `baseline`: percentiles by name, as `sightline.vision.appearance.spread` gives them, or empty.
        """
        frozen = self._frozen(image)
        dark_limit = max(DARK_SHARE, min(1.0, _known(baseline, "dark", "p99", 0.0) + DARK_MORE))
        if seen.dark >= dark_limit:
            return BLACK, f"{seen.dark:.0%} of the image is black"
        bright_limit = min(0.99, max(BRIGHT_SHARE, _known(baseline, "bright", "p99", 0.0) + BRIGHT_MORE))
        if seen.bright >= bright_limit:
            return OVEREXPOSED, f"{seen.bright:.0%} of the image is white"
        sharp_limit = SHARP_SHARE * _known(baseline, "sharpness", "p01", 0.0)
        if seen.sharpness < sharp_limit:
            return BLURRED, f"sharpness {seen.sharpness:.2f}, at least {sharp_limit:.2f} is usual"
        if frozen:
            return FROZEN, f"{self._same} images in a row are the same"
        return "", ""

    def _frozen(self, image: Grey) -> bool:
        """True from the third equal image on."""
        last, self._last = self._last, image
        self._same = self._same + 1 if last is not None and _same(last, image) else 1
        return self._same >= SAME_IMAGES


def _same(first: Grey, second: Grey) -> bool:
    if first.shape != second.shape:
        return False
    # A coarse look first: images of two parts differ there already, and the whole look is not needed.
    if _difference(first[::8, ::8], second[::8, ::8]) >= 1:
        return False
    return _difference(first, second) < SAME_LEVELS


def _difference(first: Grey, second: Grey) -> float:
    return float(np.abs(first.astype(np.int16) - second).sum() / first.size)


def _known(baseline: Baseline, name: str, percentile: str, default: float) -> float:
    return float(baseline.get(name, {}).get(percentile, default))
