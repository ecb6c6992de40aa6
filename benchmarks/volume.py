"""`python -m benchmarks.volume`: does an image cost and take the same among 100,000 as among 1,000, from its upload to
the dataset version?

    python -m benchmarks.volume [--images N …]

The real functions and the real workflows in this process: images are uploaded, registered, labelled and verified in
jobs of MaxJobImages, and frozen into one dataset version. Of more than 2,000 images, the others are rows of approved
images that were written before: so each number says what one more image takes. Buckets, tables and the interpreter of
the workflows are in memory; the tables are the emulator's, the interpreter is moto's. People are simulated beside the
web API: they lease and answer tasks through the same classes. The photos are tiny. Costs are list prices of what was
counted: units of tables, requests of buckets and queue, calls and seconds of functions, states. What does not depend on
the code is left out: storage, and photos sent to people.

Then as many rows lie in a local stack. `sightline status` and the page's overview are asked before the first sweep,
when images are counted by reading, as they were before there were counters, and after it.
"""

import argparse
import json
import logging
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TypedDict
from unittest import mock

from botocore.config import Config
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from rich.table import Table

from benchmarks.common import ROOT, finish, table
from benchmarks.volume_account import BATCH, CPU_MB, Account, Flow, approved, timed, upload
from client import pipeline, users
from client.costs.bill import Bill, Use
from client.costs.prices import REGION, Prices
from client.costs.template import Template
from client.target import Target
from local import stack
from sightline.images.ledger import Ledger

SIZES = [1_000, 100_000]
MAX_PAYLOAD = 32 * 1024  # bytes
MAX_EVENTS = 5_000
REAL = 2_000  # images that go the whole way; the others were written before
LOOKS = 3
SECONDS = 900  # that the function of the sweep has
HOME = ROOT / ".sightline" / "volume"


class Snapshot(TypedDict):
    """SnapshotDataset in a process of its own, with rows that come as fast as they are read."""

    seconds: float
    mebibytes: int  # of the process, at most


class Looks(TypedDict):
    """How long one look takes, in milliseconds."""

    reading: float  # counted by reading
    counters: float


class Way(TypedDict):
    """The way of images from their upload into the dataset version."""

    images: int
    real: int  # of those, how many went the whole way
    executions: int  # of label_images, and one of train_model
    states: int  # that they entered
    largest_payload: int  # bytes of one input, output or parameter of a state
    longest_history: int  # events of one execution
    milliseconds: dict[str, float]  # of an image, by phase
    usd: dict[str, float]  # of 1,000 images, by service
    recount_seconds: float  # of the weekly comparison of images and counters


class Measured(Way):
    """One size."""

    snapshot: Snapshot  # the one call that reads all images
    status_ms: Looks
    overview_ms: Looks


class Volume(TypedDict):
    """benchmarks/results/volume.json."""

    simulated: bool
    sizes: list[Measured]


def uses(account: Account, flow: Flow, images: int) -> list[Use]:
    """Return what that many images have used, from their upload to the recorded label."""
    asked, units = account.s3.requests, account.tables.units
    reads = ("GetItem", "BatchGetItem", "Query", "Scan")
    gigabyte_seconds = sum(account.seconds.values()) * CPU_MB / 1024
    return [
        Use("s3.get", asked["get_object"] + asked["head_object"], "requests"),
        Use("s3.put", asked["put_object"] + asked["copy_object"], "requests"),
        Use("dynamodb.read", sum(units[name] for name in reads), "units"),
        Use("dynamodb.write", sum(number for name, number in units.items() if name not in reads), "units"),
        Use("eventbridge.event", images, "uploads"),
        Use("sqs.request", images * (1 + 2 / BATCH), "sent, received and deleted"),
        Use("lambda.request", sum(account.calls.values()), "calls"),
        Use("lambda.gb_second", gigabyte_seconds, "seconds"),
        Use("states.transition", flow.states, "states"),
    ]


def whole_way(images: int) -> Way:
    """Bring images from their upload to a dataset version of that many."""
    job_images, real = int(Template.of({}).parameters["MaxJobImages"]), min(images, REAL)
    account, seconds = Account(job_images), defaultdict[str, float](float)
    ledger = Ledger(account.aws, "ImagesTable")
    ledger.table.put_all(approved(number) for number in range(images - real))
    start = time.perf_counter()
    ledger.counters.recount()
    recounted = time.perf_counter() - start
    account.tables.units.clear()
    with (
        mock_aws(config={"stepfunctions": {"execute_state_machine": True}}),
        mock.patch("sightline.aws.workflows.StateMachine.start_once"),
        mock.patch("sightline.models.registry.Registry.champion", lambda _: None),
    ):
        flow = Flow(account, seconds)
        with mock.patch.object(lambda_eval_utils, "_invoke_lambda_function", flow.label.invoke):
            with timed(seconds, "register"):
                upload(account, real)
            with timed(seconds, "label"):
                for number in range(-(-real // job_images)):
                    flow.run(flow.label, f"window-{number}", {})
            bill = Bill.of(uses(account, flow, real), Prices.of(REGION))
            start = time.perf_counter()
            dataset = flow.run(flow.train, "train-1", {})["dataset"]
            version = time.perf_counter() - start
    if sum(dataset[split] for split in ("train", "validation", "test")) != images:
        raise RuntimeError(f"{images} images were there, and the dataset version has {dataset}")
    seconds["label"] -= seconds["people"]
    milliseconds = {phase: round(1000 * spent / real, 3) for phase, spent in seconds.items()}
    return {
        "images": images,
        "real": real,
        "executions": flow.executions,
        "states": flow.states,
        "largest_payload": flow.largest,
        "longest_history": flow.longest,
        "milliseconds": {**milliseconds, "dataset version": round(1000 * version / images, 3)},
        "usd": {service: round(1000 * usd / real, 6) for service, usd in bill.services().items()},
        "recount_seconds": round(recounted, 1),
    }


def snapshot(images: int) -> Snapshot:
    """Run SnapshotDataset alone over that many rows."""
    account = Account(1000)
    rows: Callable[..., Any] = lambda *_, **__: map(approved, range(images))  # noqa: E731
    with (
        mock.patch("sightline.aws.table.Table.each", rows),
        mock.patch("sightline.images.ledger.Ledger.freeze", lambda *_: None),
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),
    ):
        account.function("snapshot_dataset")({"image_uri": "none"}, account.context)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"seconds": round(account.seconds["snapshot_dataset"], 1), "mebibytes": peak}


def looks(images: int) -> tuple[Looks, Looks]:
    """Ask a local stack with that many rows. Return how long `sightline status` and GET /overview take."""
    stack.down(HOME)
    try:
        stack.up(root=HOME, tied=True)
        target = Target.find(None, None, None, HOME)
        pipeline.ledger(target).table.put_all(approved(number) for number in range(images))
        password = users.new_password()
        users.set_password(target, "bench", password)
        token = users.sign_in(target, "bench", password)["id_token"]
        commands = [[sys.executable, "-m", "cli", "--home", str(HOME), "status"], None]
        before = [look(target, command, token, images) for command in commands]
        config = Config(read_timeout=SECONDS, retries={"max_attempts": 0})
        client = target.session.client("lambda", endpoint_url=target.endpoint, config=config)
        client.invoke(FunctionName=target.outputs["SweepImagesName"], Payload=b'{"begin": true}')
        if pipeline.ledger(target).counters.read() is None:
            raise RuntimeError("the sweep has not counted")
        after = [look(target, command, token, images) for command in commands]
    finally:
        stack.down(HOME)
    status, overview = (Looks(reading=old, counters=new) for old, new in zip(before, after, strict=True))
    return status, overview


def look(target: Target, command: list[str] | None, token: str, images: int) -> float:
    """Return the median of some looks, in milliseconds: a command, or the page's request."""
    times = []
    for _ in range(LOOKS):
        start = time.perf_counter()
        if command:
            said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        else:
            said = json.dumps(target.call_api("GET", "/overview", None, token))
        times.append((time.perf_counter() - start) * 1000)
        if str(images) not in said:
            raise RuntimeError(f"{images} images are not in {said:.300}")
    return round(statistics.median(times), 1)


def measure(images: int) -> Measured:
    """Measure one size, each part in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        way = pool.submit(quiet, images).result()
        alone = pool.submit(snapshot, images).result()
    status, overview = looks(images)
    return Measured(**way, snapshot=alone, status_ms=status, overview_ms=overview)


def quiet(images: int) -> Way:
    """Go the whole way without a line for each of hundreds of thousands of calls."""
    logging.disable(logging.CRITICAL)
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # where Lambda's metrics go
        return whole_way(images)


def shown(result: Volume) -> list[Table | str]:
    sizes = result["sizes"]
    few, many = sizes[0], sizes[-1]
    limits = table("images", "executions", "states", "largest payload", "longest history", "SnapshotDataset", "memory")
    for size in sizes:
        limits.add_row(
            f"{size['images']:,}", f"{size['executions']}", f"{size['states']}", f"{size['largest_payload']:,} bytes",
            f"{size['longest_history']} events", f"{size['snapshot']['seconds']:.1f} s",
            f"{size['snapshot']['mebibytes']:,} MiB",
        )  # fmt: skip
    most = (f"{MAX_PAYLOAD:,} bytes", f"{MAX_EVENTS:,} events", f"{SECONDS} s", f"{CPU_MB:,} MiB")
    limits.add_row("at most", "", "", *most)
    each = table("of an image", *(f"among {size['images']:,}" for size in sizes), "times")
    for phase in few["milliseconds"]:
        times = many["milliseconds"][phase] / few["milliseconds"][phase]
        each.add_row(f"{phase}, ms", *(f"{size['milliseconds'][phase]:.2f}" for size in sizes), f"{times:.2f}")
    spent = {service: [size["usd"].get(service, 0.0) for size in sizes] for service in few["usd"]}
    for service, usd in {**spent, "all": [sum(size["usd"].values()) for size in sizes]}.items():
        row = [f"{1000 * value:.2f}" for value in usd]
        each.add_row(f"{service}, US dollars for a million", *row, f"{usd[-1] / usd[0]:.2f}")
    asked = table("one look", *(f"{size['images']:,} images, ms" for size in sizes))
    for name, of in (("sightline status", "status_ms"), ("GET /overview", "overview_ms")):
        for how, said in (("reading", "counted by reading"), ("counters", "counters")):
            asked.add_row(f"{name}, {said}", *(f"{size[of][how]:.0f}" for size in sizes))  # type: ignore[literal-required]
    return [limits, each, asked]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="*", default=SIZES, help="numbers of images")
    given = parser.parse_args()
    os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "volume"
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    finish("volume", Volume(simulated=True, sizes=[measure(images) for images in given.images]), shown)


if __name__ == "__main__":
    main()
