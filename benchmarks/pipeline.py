"""Latency to the ledger, and the work of labelling.

Medians and 95th percentiles with the number of runs. Results go to benchmarks/results/ with the machine described.
"""

import argparse
import io
import tempfile
import time
from pathlib import Path
from typing import TypedDict

import numpy as np
from PIL import Image
from rich.table import Table

from benchmarks.common import ROOT, Summary, cells, finish, summary, table
from client import pipeline
from client.annotate import Annotators
from client.target import Target
from local import stack
from sightline.images.box import Box
from sightline.images.image import ImageStatus

HOME = ROOT / ".sightline"
PUTS = 40
SETTINGS = {"MinNewLabels": "1000000", "LabelingWindowSeconds": "20", "MaxUploadWorkers": "2"}


def photo(seed: int) -> bytes:
    """A JPEG of 450×300 pixels, another one for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 255, (30, 45, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((450, 300), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


class Labeling(TypedDict):
    """The labelling of that many images."""

    executions: int
    state_transitions: int
    lambda_invocations: int
    images: int
    seconds: float


class Pipeline(TypedDict):
    """benchmarks/results/pipeline.json."""

    put_to_ledger_ms: Summary
    labeling: list[Labeling]


def put_to_ledger(target: Target) -> Summary:
    """Milliseconds from the start of `put_object` to the object's row in the ledger, one image after the other."""
    s3, dynamodb = target.client("s3"), target.client("dynamodb")
    bucket, table = target.outputs["ImagesBucketName"], target.outputs["ImagesTableName"]
    times = []
    for number in range(PUTS + 1):
        key = f"incoming/latency-{number}.jpg"
        start = time.perf_counter()
        s3.put_object(Bucket=bucket, Key=key, Body=photo(10_000_000 + number))
        while "Item" not in dynamodb.get_item(TableName=table, Key={"pk": {"S": f"object#{bucket}/{key}"}}):
            time.sleep(0.005)
        times.append((time.perf_counter() - start) * 1000)
    return summary(times[1:])  # the first one waits for a cold start


def labeling(images: int, seed: int) -> Labeling:
    """Work of `label_images` for that many images, on a fresh stack."""
    stack.down(HOME)
    stack.up(root=HOME, overrides={**SETTINGS, "MaxJobImages": str(images)}, tied=True)
    target = Target.find(None, None, None, HOME)
    truth: dict[str, list[Box]] = {f"bench-{number}.jpg": [] for number in range(images)}
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in truth]
        for number, path in enumerate(files):
            path.write_bytes(photo(seed + number))
        pipeline.upload(target, files)
    people = Annotators(target, truth, error_rate=0.0, seed=0, count=8)
    while (counts := pipeline.ledger(target).counts())[ImageStatus.APPROVED] < images:
        people.work()
        time.sleep(0.5)
        if time.monotonic() - start > 1800:
            raise TimeoutError(f"labelling {images} images took longer than half an hour: {counts}")
    used = pipeline.usage(target, "label_images")
    return {
        "executions": used["executions"],
        "state_transitions": used["state_transitions"],
        "lambda_invocations": used["lambda_invocations"],
        "images": images,
        "seconds": round(time.monotonic() - start, 1),
    }


def shown(result: Pipeline) -> list[Table | str]:
    latency = table("latency", "median ms", "p95 ms", "runs")
    latency.add_row("put_object to ledger row", *cells(result["put_to_ledger_ms"]))
    work = table("label_images", "state transitions", "Lambda invocations", "seconds")
    for entry in result["labeling"]:
        work.add_row(
            f"{entry['images']} images",
            *map(str, (entry["state_transitions"], entry["lambda_invocations"], entry["seconds"])),
        )
    return [latency, work]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="*", default=[100, 1000], help="sizes of the labelling runs")
    given = parser.parse_args()
    try:
        runs = [labeling(images, seed=number * 100_000) for number, images in enumerate(given.images)]
        target = Target.find(None, None, None, HOME)
        measured = Pipeline(put_to_ledger_ms=put_to_ledger(target), labeling=runs)
    finally:
        stack.down(HOME)
    finish("pipeline", measured, shown)


if __name__ == "__main__":
    main()
