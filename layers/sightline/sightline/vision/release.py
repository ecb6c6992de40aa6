"""A release loaded from wherever it lies."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from sightline.vision.detector import Detector, UnusableModelError
from sightline.vision.letterbox import PAD_VALUE


def load(read: Callable[[str], bytes], threads: int) -> Detector:
    """The model whose files `read` gives by name, once it has looked at one grey image: what can't run fails here.

    Raises UnusableModelError.
    """
    with TemporaryDirectory(prefix="model-") as name:  # it is in memory afterwards, and a function's disk is small
        folder = Path(name)
        for file in ("model.onnx", "model.json"):
            (folder / file).write_bytes(read(file))
        detector = Detector(folder, threads=threads)
    try:
        detector.detect(np.full((detector.height, detector.width, 3), PAD_VALUE, np.uint8), floor=0.0)
    except Exception as error:  # an input of another size, outputs of other names, a class without a name, …
        raise UnusableModelError.because("the model can't be run", error) from error
    return detector
