"""Time from an image's bytes to its verdict, one image at a time on one CPU core: Sightline, its parts, and YOLOv8n
(exported at 480 pixels).

    python -m benchmarks.latency [--rounds N] [--without-yolo]

Trains nothing: time does not depend on weights, but for the number of detections, so both networks are untrained. All
are measured in turn, round after round, so that whatever else the machine does meets all alike. Results go to
benchmarks/results/latency.json.
"""

import argparse
import io
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # before numpy is loaded

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks.common import Summary, cells, finish, summary, table  # noqa: E402
from benchmarks.detector import environment  # noqa: E402
from sightline.models.hyperparameters import Hyperparameters  # noqa: E402
from sightline.vision.decode import decode  # noqa: E402
from sightline.vision.detector import Detector  # noqa: E402
from sightline.vision.letterbox import fit, letterbox  # noqa: E402
from training.data import fitting_size  # noqa: E402
from training.export import export  # noqa: E402
from training.model import DetectorNet  # noqa: E402

IMAGE_SIZE = Hyperparameters().image_size
PHOTOS = {"450×300": (450, 300), "1920×1080": (1920, 1080), "4000×3000": (4000, 3000)}
LIMITS = {
    "whole / session.run": 1.25,
    "whole / YOLOv8n": 1 / 3,
}  # for the first photo: of larger ones most time is JPEG's
WARM_UP = 3


class Yolo:
    """YOLOv8n's path in a process of its own, on the same core; it does nothing while it is not asked."""

    def __init__(self, folder: Path) -> None:
        script = Path(environment.__file__).with_name("yolov8n_latency.py")
        self._process = subprocess.Popen(
            [environment.python(), str(script), str(folder)],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        while (line := self._read()) != "ready":
            print(line)

    def _read(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"YOLOv8n's process ended with {self._process.wait()}; its message stands above")
        return line.strip()

    def milliseconds(self, photo: Path) -> float:
        assert self._process.stdin
        self._process.stdin.write(f"{photo}\n")
        self._process.stdin.flush()
        return float(self._read())

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)


def photo(width: int, height: int) -> bytes:
    """A JPEG with as much fine detail as a photo of metal has."""
    rng = np.random.default_rng(width)
    coarse = Image.fromarray(rng.integers(40, 215, (height // 20, width // 20, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    pixels += rng.normal(0, 6, (height, width, 1)).astype(np.int16)
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def model_folder(folder: Path, height: int, width: int) -> Path:
    """An untrained model as it ships. Its scores are all near 0.01: below the review threshold, as on a good part."""
    torch.manual_seed(0)
    export(DetectorNet(1).eval(), folder / "model.onnx", height, width)
    model = {
        "classes": ["defect"],
        "input": {"height": height, "width": width},
        "threshold": 0.5,
        "review_threshold": 0.25,
    }
    (folder / "model.json").write_text(json.dumps(model))
    return folder


class Times(Summary):
    """Milliseconds of one path or part."""

    min: float


class Photo(TypedDict):
    """One size of photos."""

    input: str  # width × height of the model's input
    ms: dict[str, Times]  # by path and part
    ratios: dict[str, float]


class Latencies(TypedDict):
    """benchmarks/results/latency.json."""

    pinned: bool  # to one core
    photos: dict[str, Photo]  # by width × height


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def measure(body: bytes, path: Path, detector: Detector, yolo: Yolo | None, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each path and part, `rounds` of each in turn."""
    pixels = decode(body)
    fitted = fit(body, detector.height, detector.width)
    whole: dict[str, Callable[[], object]] = {
        "whole": lambda: detector.verdict(detector.inspect(body)),
        "session.run": lambda: detector._session.run(None, {"images": fitted.pixels[None]}),
        "decode and fit": lambda: fit(body, detector.height, detector.width),
        "decode, all pixels": lambda: decode(body),
        "letterbox, all pixels": lambda: letterbox(pixels, detector.height, detector.width),
    }
    times: dict[str, list[float]] = {name: [] for name in (*whole, *(["YOLOv8n"] if yolo else []))}
    for number in range(WARM_UP + rounds):
        taken = {name: timed(work) for name, work in whole.items()}
        if yolo:
            taken["YOLOv8n"] = yolo.milliseconds(path)
        if number >= WARM_UP:
            for name, value in taken.items():
                times[name].append(value)
    return times


def ratios(times: dict[str, list[float]]) -> dict[str, float]:
    """Of medians, and of the quickest runs, which what else ran on the machine disturbed least."""
    found = {}
    for name in LIMITS:
        ours, theirs = name.split(" / ")
        if theirs in times:
            found[name] = round(float(np.median(times[ours]) / np.median(times[theirs])), 3)
            found[f"{name}, quickest"] = round(min(times[ours]) / min(times[theirs]), 3)
    return found


def shown(result: Latencies) -> list[Table | str]:
    parts: list[Table | str] = []
    for number, (size, entry) in enumerate(result["photos"].items()):
        times = table(f"{size}, input {entry['input']}", "median ms", "p95 ms", "min ms", "runs")
        for name, values in entry["ms"].items():
            median, p95, runs = cells(values)
            times.add_row(name, median, p95, f"{values['min']:g}", runs)
        for name, value in entry["ratios"].items():
            limit = LIMITS.get(name.removesuffix(", quickest"), 0)
            judged = ("", "") if number else (f"limit {limit:.3f}", "holds" if value <= limit else "EXCEEDED")
            times.add_row(name, f"{value:.3f}", "", *judged)
        parts.append(times)
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60, help="runs of each path and part")
    parser.add_argument("--without-yolo", action="store_true", help="measure our own path only")
    given = parser.parse_args()
    pinned = hasattr(os, "sched_setaffinity")  # Linux
    if pinned:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # the process of YOLOv8n inherits it
    found: dict[str, Photo] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        yolo = None if given.without_yolo else Yolo(folder)
        for size, (width, height) in PHOTOS.items():
            body, path = photo(width, height), folder / f"{width}.jpg"
            path.write_bytes(body)
            model = folder / size
            model.mkdir()
            detector = Detector(model_folder(model, *fitting_size(width / height, IMAGE_SIZE)))
            times = measure(body, path, detector, yolo, given.rounds)
            numbers: dict[str, Times] = {
                name: {**summary(values), "min": round(min(values), 2)} for name, values in times.items()
            }
            found[size] = {"input": f"{detector.width}×{detector.height}", "ms": numbers, "ratios": ratios(times)}
        if yolo:
            yolo.close()
    finish("latency", Latencies(pinned=pinned, photos=found), shown)


if __name__ == "__main__":
    main()
