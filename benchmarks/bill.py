"""What a stack costs while nothing happens in a month, and what 1,000 images cost to label and to score, by service.

    python -m benchmarks.bill [--images SMALL LARGE] [--photo WIDTH HEIGHT]

The local stack counts what AWS would count: calls and time of functions, units of tables, requests of buckets, queues
and API. Two sizes of job tell what an image takes and what a job takes. The quantities go to client/costs/work.json,
from which `sightline cost estimate` reckons.
"""

import argparse
import io
import multiprocessing
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypedDict

import numpy as np
from PIL import Image
from rich.table import Table

from benchmarks.common import ROOT, finish, table
from benchmarks.edge import make_model
from client import pipeline
from client.annotate import Annotators
from client.costs import estimate, idle, used
from client.costs.bill import Bill, BillShown
from client.costs.prices import REGION, Prices
from client.costs.template import Template
from client.costs.work import Linear, Work
from client.target import Target
from local import stack
from sightline.images.box import Box

HOME = ROOT / ".sightline" / "bill"
SETTINGS = {"MinNewLabels": "1000000", "LabelingWindowSeconds": "30", "MaxUploadWorkers": "2"}
SETTLE_SECONDS = 5.0  # until what was asked for at the end is counted
LONGEST_SECONDS = 1800.0
IMAGES = 1_000
WAITING = ("OpenLabelingJob", "OpenVerificationJob")


class BillResult(TypedDict):
    """benchmarks/results/bill.json."""

    simulated: bool
    sizes: list[int]  # images of the two jobs
    photo: list[int]  # width and height, pixels
    seconds: float
    idle: BillShown  # a month
    labelling: BillShown  # 1,000 images
    scoring: BillShown  # 1,000 images


def photo(seed: int, size: tuple[int, int]) -> bytes:
    """A JPEG with the detail of a photo, another one for each seed."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(40, 215, (24, 32, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    grain = rng.normal(0, 3, (size[1], size[0], 1))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def totals(target: Target) -> dict[str, float]:
    """Return what the stack has used so far, by price."""
    now = datetime.now(UTC)
    sums: dict[str, float] = defaultdict(float)
    for use in used.work(target, used.Period(now - timedelta(hours=12), now)):
        sums[use.price] += use.quantity
    return sums


def taken(target: Target, work: Callable[[], None]) -> dict[str, float]:
    """Return what a piece of work used, by price."""
    before = totals(target)
    work()
    time.sleep(SETTLE_SECONDS)
    return {price: number - before.get(price, 0.0) for price, number in totals(target).items()}


def label(target: Target, images: int, size: tuple[int, int], seed: int) -> None:
    """Upload that many photos, and label and verify each once. Nothing is asked but what people and uploads ask."""
    truth: dict[str, list[Box]] = {f"bill-{seed + number}.jpg": [] for number in range(images)}
    known = {execution["executionArn"] for execution in pipeline.executions(target, "label_images")}
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in truth]
        for number, path in enumerate(files):
            path.write_bytes(photo(seed + number, size))
        pipeline.upload(target, files)
    people = Annotators(target, truth, error_rate=0.0, seed=0, count=4)
    until, answered = time.monotonic() + LONGEST_SECONDS, ""
    while time.monotonic() < until:
        new = [entry for entry in pipeline.executions(target, "label_images") if entry["executionArn"] not in known]
        if new and all(entry["status"] == "SUCCEEDED" for entry in new) and people.done["approved"] >= images:
            return
        states = {
            pipeline.current_state(target, entry["executionArn"]) for entry in new if entry["status"] == "RUNNING"
        }
        if states & set(WAITING) and "".join(states) != answered and people.work():
            answered = "".join(states)  # each kind of task is answered once: nobody asks in vain
        time.sleep(1)
    raise TimeoutError(f"labelling {images} images took longer than {LONGEST_SECONDS:.0f} s: {people.done}")


def register_model(target: Target) -> None:
    """Register an untrained model as approved; nothing else starts by itself."""
    events, s3 = target.client("events"), target.client("s3")
    for rule in events.list_rules()["Rules"]:
        events.disable_rule(Name=rule["Name"])
    bucket = target.outputs["ArtifactsBucketName"]
    with tempfile.TemporaryDirectory() as name:
        maker = multiprocessing.get_context("spawn").Process(target=make_model, args=(Path(name),))
        maker.start()
        maker.join()
        for file in ("model.onnx", "model.json"):
            s3.upload_file(str(Path(name) / file), bucket, f"models/bench/release/{file}")
    target.client("sagemaker").create_model_package(
        ModelPackageGroupName=target.outputs["ModelPackageGroupName"],
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"training_job": "bench", "release_uri": f"s3://{bucket}/models/bench/release/"},
    )


def score(target: Target, images: int, size: tuple[int, int]) -> dict[str, float]:
    """Return what the scoring of that many photos used, without their upload."""
    s3, prefix = target.client("s3"), f"incoming/score-{images}/"
    for number in range(images):
        body = photo(5_000_000 + images * 1000 + number, size)
        s3.put_object(Bucket=target.outputs["ImagesBucketName"], Key=f"{prefix}{number:05d}.jpg", Body=body)
    time.sleep(SETTLE_SECONDS)
    return taken(target, lambda: _run(target, prefix))


def _run(target: Target, prefix: str) -> None:
    pipeline.wait_for(target, pipeline.start_scoring(target, prefix), seconds=LONGEST_SECONDS)


def measure(sizes: tuple[int, int], size: tuple[int, int]) -> Work:
    """Return the work of labelling and scoring, from two sizes of each, on a fresh stack."""
    stack.down(HOME)
    stack.up(root=HOME, overrides={**SETTINGS, "MaxJobImages": str(max(sizes))}, tied=True)
    try:
        target = Target.find(None, None, None, HOME)
        labelled = [
            taken(target, lambda images=images, seed=number * 100_000: label(target, images, size, seed))  # type: ignore[misc]
            for number, images in enumerate((4, *sizes))  # the first one pays for cold starts
        ][1:]
        register_model(target)
        scored = [score(target, images, size) for images in (2, *sizes)][1:]
    finally:
        stack.down(HOME)
    return Work(
        datetime.now(UTC).isoformat(timespec="seconds"),
        Linear.through((sizes[0], labelled[0]), (sizes[1], labelled[1])),
        Linear.through((sizes[0], scored[0]), (sizes[1], scored[1])),
    )


def bills(work: Work) -> dict[str, BillShown]:
    """Return the idle bill of a month, and the bills of labelling and scoring 1,000 images, by list price."""
    prices, template = Prices.of(REGION), Template.of({})
    of_images = estimate.Workload(images=IMAGES, jobs=1)
    return {
        "idle": Bill.of(idle.uses(template), prices).shown(),
        "labelling": Bill.of(estimate.labelling(of_images, work), prices).shown(),
        "scoring": Bill.of(estimate.scoring(IMAGES, 1, work), prices).shown(),
    }


def shown(result: BillResult) -> list[Table | str]:
    parts: list[Table | str] = []
    titles = {
        "idle": "a month in which nothing happens",
        "labelling": "1,000 images uploaded, labelled and verified once",
        "scoring": "1,000 images scored in a batch",
    }
    for name, title in titles.items():
        bill: BillShown = result[name]  # type: ignore[literal-required]
        rows = table(title, "US dollars", "share")
        for service, usd in bill["services"].items():
            rows.add_row(service, f"{usd:.4f}", f"{usd / bill['usd']:.1%}")
        rows.add_row("total", f"{bill['usd']:.4f}", "100%")
        parts.append(rows)
    width, height = result["photo"]
    of = result["idle"]
    parts.append(
        f"List prices of {of['prices_of']} in {of['region']}, without the free tier. Quantities are those of jobs of "
        f"{result['sizes'][0]} and {result['sizes'][1]} photos of {width}×{height} pixels in the local stack. Storage "
        f"is for one month, at {estimate.IMAGE_MB:g} MB a photo."
    )
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs=2, default=[50, 250], help="sizes of the two jobs")
    parser.add_argument("--photo", type=int, nargs=2, default=[1280, 960], help="width and height of the photos")
    given = parser.parse_args()
    start = time.monotonic()
    work = measure((given.images[0], given.images[1]), (given.photo[0], given.photo[1]))
    work.write()
    made = bills(work)
    result: BillResult = {
        "simulated": True,
        "sizes": given.images,
        "photo": given.photo,
        "seconds": round(time.monotonic() - start, 1),
        "idle": made["idle"],
        "labelling": made["labelling"],
        "scoring": made["scoring"],
    }
    finish("bill", result, shown)


if __name__ == "__main__":
    main()
