"""`python -m benchmarks.edge`: the inspector on one core, one image at a time, in a process of its own.

From JPEG bytes to the verdict handed to the publisher, beside the bare `session.run` of the same model; memory at rest;
and how memory and latency hold over many images. The model is the detector at its default size with seeded random
weights. The publisher takes each message at once: the network's time is not the inspector's.
"""

import argparse
import gc
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
from PIL import Image
from rich.table import Table

from benchmarks.common import Summary, cells, finish, summary, table

IMAGES = (
    (450, 300),
    (1280, 960),
)  # pixels of the photos; the limit is for the first, of larger ones most time is JPEG's
LIMIT = 1.25  # whole / session.run
PHOTOS = 16
WARM_UP = 30
SAMPLES = 20  # of memory, over the sustained run
BIAS = -9.0  # of the classes: random weights find nothing, as a model does on good parts


def make_model(folder: Path, size: tuple[int, int] = IMAGES[-1]) -> None:
    """model.onnx and model.json of an untrained detector for photos of that size; in a process that ends, because
    PyTorch would stay in memory."""
    import torch

    from sightline.models.hyperparameters import Hyperparameters
    from training.data import fitting_size
    from training.export import export
    from training.model import DetectorNet

    torch.manual_seed(0)
    net = DetectorNet(classes=1).eval()
    with torch.no_grad():
        net.class_branch[-1].get_parameter("bias").fill_(BIAS)
    height, width = fitting_size(size[0] / size[1], Hyperparameters().image_size)
    export(net, folder / "model.onnx", height, width)
    described = {
        "classes": ["scratch"],
        "input": {"height": height, "width": width, "resize": "letterbox", "pad_value": 114},
        "threshold": 0.5,
        "review_threshold": 0.3,
        "baseline": {},
        "golden": [],
    }
    (folder / "model.json").write_text(json.dumps(described))


def photos(size: tuple[int, int] = IMAGES[-1]) -> list[bytes]:
    """JPEGs that are no two alike, with the detail of a photo."""
    import io

    bodies = []
    for seed in range(PHOTOS):
        rng = np.random.default_rng(seed)
        coarse = Image.fromarray(rng.integers(40, 215, (24, 32, 3), dtype=np.uint8)).resize(
            size, Image.Resampling.BICUBIC
        )
        grain = rng.normal(0, 3, (size[1], size[0], 1))
        buffer = io.BytesIO()
        Image.fromarray(np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
        bodies.append(buffer.getvalue())
    return bodies


def memory() -> float:
    """Resident memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


class Handed:
    """A publisher that takes everything at once, and says when."""

    def __init__(self) -> None:
        self.event, self.at = threading.Event(), 0.0

    def deliver(self, item: Any) -> bool:
        if item.address.endswith("/verdicts"):
            self.at = time.perf_counter()
            self.event.set()
        return True


class Sustained(TypedDict):
    """Many images one after the other."""

    images: int
    images_per_second: float
    memory_mb: list[float]  # now and then on the way


class Measured(TypedDict):
    """One size of photos."""

    input: list[int]  # height and width of the model's input
    session_run_ms: Summary
    jpeg_to_verdict_ms: Summary
    ratio: float
    memory_at_rest_mb: float
    sustained: NotRequired[Sustained]  # of the largest photos


class Inspections(TypedDict):
    """benchmarks/results/edge.json."""

    photos: dict[str, Measured]  # by width × height


class Bench:
    """An inspector of one model, whose images and messages stay in this process."""

    def __init__(self, folder: Path) -> None:
        # Imported here, where the process has its one core already.
        from edge.inspector.alarms import Alarms
        from edge.inspector.forwarder import Forwarder
        from edge.inspector.items import Queue
        from edge.inspector.model import Model
        from edge.inspector.outbox import Outbox
        from edge.inspector.serving import Models
        from edge.inspector.settings import parse
        from edge.inspector.source import Frame, NoSource
        from edge.inspector.station import Station
        from edge.inspector.telemetry import Telemetry
        from sightline.vision.detector import Detector

        class Line(NoSource):
            frame: Frame | None = None

            def next(self) -> Frame | None:
                frame, self.frame = self.frame, None
                return frame

        outbox, self.handed, self.line, self.frame = Outbox(folder / "outbox.sqlite"), Handed(), Line(), Frame
        self.telemetry, self.settings = Telemetry("bench", outbox), parse({})
        detector = Detector(folder)
        models = Models(Model("1.0.1", detector))
        self.station = Station("bench", models, outbox, Alarms("bench", outbox), self.telemetry)
        self.forwarder = Forwarder(outbox, Queue.MESSAGES, self.handed.deliver)
        self.bodies = [(folder / f"{number}.jpg").read_bytes() for number in range(PHOTOS)]
        self.size, self.session = (detector.height, detector.width), detector._session
        self.pixels = np.random.default_rng(0).integers(0, 255, (1, *self.size, 3), dtype=np.uint8)

    def bare(self) -> float:
        """Run the model alone. Return milliseconds."""
        start = time.perf_counter()
        self.session.run(["boxes", "scores", "classes"], {"images": self.pixels})
        return (time.perf_counter() - start) * 1000

    def whole(self, number: int) -> float:
        """Inspect one image until its verdict is handed over. Return milliseconds."""
        body, marks = self.bodies[number % PHOTOS], {"last": str(number)}
        self.line.frame = self.frame(f"{number}.jpg", body, "2026-11-24T10:00:00+00:00", marks)
        self.handed.event.clear()
        start = time.perf_counter()
        self.station.step(self.line, self.settings)
        self.handed.event.wait()
        return (self.handed.at - start) * 1000

    def sustained(self, images: int) -> Sustained:
        """Inspect many images. Return how many a second, and how the memory was meanwhile."""
        held, start = [], time.monotonic()
        for number in range(images):
            self.whole(number)
            if number % max(1, images // SAMPLES) == 0:
                held.append(memory())
                self.telemetry.close("1.0.1", "")
        seconds = max(time.monotonic() - start, 1e-9)
        return {"images": images, "images_per_second": round(images / seconds, 1), "memory_mb": held}


def measure(folder: Path, images: int, runs: int) -> Measured:
    """Everything, in this process. It runs on one core."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
    bench = Bench(folder)
    bench.forwarder.start()
    for number in range(WARM_UP):
        bench.bare(), bench.whole(number)
    gc.collect()
    rest = memory()
    # One after the other in turns, so that what else the machine does falls on both.
    pairs = [(bench.bare(), bench.whole(number)) for number in range(runs)]
    long = bench.sustained(images)
    bench.forwarder.stop()
    bare_ms, whole_ms = ([pair[place] for pair in pairs] for place in (0, 1))
    found: Measured = {
        "input": list(bench.size),
        "session_run_ms": summary(bare_ms),
        "jpeg_to_verdict_ms": summary(whole_ms),
        "ratio": round(float(np.median(whole_ms) / np.median(bare_ms)), 3),
        "memory_at_rest_mb": rest,
    }
    if images:
        found["sustained"] = long
    return found


def shown(result: Inspections) -> list[Table | str]:
    times = table("one core, one image at a time", "median ms", "p95 ms", "runs")
    for number, (size, entry) in enumerate(result["photos"].items()):
        times.add_row(f"{size}: JPEG to published verdict", *cells(entry["jpeg_to_verdict_ms"]))
        times.add_row(f"{size}: bare session.run", *cells(entry["session_run_ms"]))
        limit = "" if number else f"limit {LIMIT}"
        times.add_row(f"{size}: whole / session.run", f"{entry['ratio']:.3f}", limit, "")
    long = next(entry["sustained"] for entry in result["photos"].values() if "sustained" in entry)
    memory, rest = long["memory_mb"], max(entry["memory_at_rest_mb"] for entry in result["photos"].values())
    held = (
        f"Memory at rest: {rest} MB. Over {long['images']:,} images of the largest size, {long['images_per_second']} a "
        "second: "
        f"{min(memory)} to {max(memory)} MB, {memory[len(memory) // 2]} MB half-way, {memory[-1]} MB at the end."
    )
    return [times, held]


def _measured(folder: Path, images: int, runs: int) -> None:
    (folder / "result.json").write_text(json.dumps(measure(folder, images, runs)))


def alone(target: Callable[..., None], *arguments: Any) -> None:
    """Run in a fresh process. Raises SystemExit when that fails; it has said why."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(process.exitcode)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the inspector on one core.")
    parser.add_argument("--images", type=int, default=2_000, help="images of the sustained run")
    parser.add_argument("--runs", type=int, default=200, help="pairs of measurements of the latency")
    given = parser.parse_args()
    found: dict[str, Measured] = {}
    for size in IMAGES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for number, body in enumerate(photos(size)):
                (folder / f"{number}.jpg").write_bytes(body)
            alone(make_model, folder, size)
            alone(_measured, folder, given.images if size == IMAGES[-1] else 0, given.runs)
            found["×".join(map(str, size))] = json.loads((folder / "result.json").read_text())
    finish("edge", Inspections(photos=found), shown)


if __name__ == "__main__":
    main()
