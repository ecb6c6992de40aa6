"""Scoring in the cloud's own functions: score_batch over 10,000 images, and predict under clients that ask at the same
time.

    python -m benchmarks.scoring [--images N] [--clients N …] [--seconds N]

All runs in the local stack on this machine, clients included, so the numbers say what the code costs, not what Lambda
scales to. The model is the detector at its default size with seeded random weights. The photos of the batch are small
and no two alike; those for predict have 1280 × 960 pixels. Each client keeps its connection and sends the next photo
when it has the answer.
"""

import argparse
import http.client
import json
import multiprocessing
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from rich.table import Table

from benchmarks.common import ROOT, Summary, finish, summary, table
from benchmarks.edge import make_model, photos
from benchmarks.pipeline import photo
from client import pipeline, users
from client.outcomes import ScoringOutcome
from client.target import Target
from local import stack
from sightline.scoring.batch import ScoreCounts

HOME = ROOT / ".sightline"
PREFIX = "incoming/bench/"
UPLOADERS = 16
PER_SHARD = 3  # transitions: the start of its execution, and two states; the emulator keeps no history of it
READY_SECONDS = 120


class Work(TypedDict):
    """What a batch took of the services."""

    shards: int
    state_transitions: int
    shard_seconds: float


class Batch(ScoreCounts, Work):
    """One run of score_batch: its verdicts and its work."""

    images: int
    seconds: float


class Load(TypedDict):
    """Clients that ask `predict` at the same time."""

    clients: int
    per_second: float
    latency_ms: Summary
    statuses: dict[str, int]  # answers by HTTP status


class Predict(TypedDict):
    """`predict`, one at a time and under load."""

    photo_bytes: int
    in_the_function_ms: Summary
    load: list[Load]


class Scoring(TypedDict):
    """benchmarks/results/scoring.json."""

    simulated: bool
    predict: Predict
    batch: Batch


def ready(target: Target) -> None:
    """Uploads that are only scored, and an approved model."""
    events = target.client("events")
    for rule in events.list_rules()["Rules"]:  # whatever starts by itself would be measured too
        events.disable_rule(Name=rule["Name"])
    bucket, sagemaker = target.outputs["ArtifactsBucketName"], target.client("sagemaker")
    with tempfile.TemporaryDirectory() as name:
        maker = multiprocessing.get_context("spawn").Process(target=make_model, args=(Path(name),))
        maker.start()
        maker.join()
        for file in ("model.onnx", "model.json"):
            target.client("s3").upload_file(str(Path(name) / file), bucket, f"models/bench/release/{file}")
    sagemaker.create_model_package(
        ModelPackageGroupName=target.outputs["ModelPackageGroupName"],
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"training_job": "bench", "release_uri": f"s3://{bucket}/models/bench/release/"},
    )


# ---------------------------------------------------------------------------------------------------------------- batch
def batch(target: Target, images: int) -> Batch:
    """Upload, score, and count what it took."""
    s3, bucket = target.client("s3"), target.outputs["ImagesBucketName"]
    with ThreadPoolExecutor(UPLOADERS) as pool:
        puts = pool.map(
            lambda number: s3.put_object(Bucket=bucket, Key=f"{PREFIX}{number:06d}.jpg", Body=photo(number)),
            range(images),
        )
        list(puts)
    start = time.monotonic()
    execution = pipeline.start_scoring(target, PREFIX)
    scored = ScoringOutcome.from_output(pipeline.wait_for(target, execution)).scored
    seconds = time.monotonic() - start
    client = target.client("stepfunctions")
    run = client.list_map_runs(executionArn=execution)["mapRuns"][0]["mapRunArn"]
    pages = client.get_paginator("list_executions").paginate(mapRunArn=run)
    shards = [shard for page in pages for shard in page["executions"]]
    used: Work = {
        "shards": len(shards),
        "state_transitions": pipeline.usage(target, "score_batch")["state_transitions"] + PER_SHARD * len(shards),
        "shard_seconds": round(sum((shard["stopDate"] - shard["startDate"]).total_seconds() for shard in shards), 1),
    }
    if not scored:
        raise RuntimeError(f"{execution} scored nothing, although {images} images were uploaded")
    return {
        "images": scored.images,
        **scored.counts,
        **used,
        "seconds": round(seconds, 1),
    }


# -------------------------------------------------------------------------------------------------------------- predict
class Client(threading.Thread):
    """One connection that asks as fast as it is answered, until `until`."""

    def __init__(self, url: str, token: str, bodies: list[bytes], until: float) -> None:
        super().__init__(daemon=True)
        self.address, self.token, self.bodies, self.until = urlsplit(url), token, bodies, until
        self.milliseconds: list[float] = []
        self.statuses: Counter[int] = Counter()

    def run(self) -> None:
        connection = http.client.HTTPConnection(self.address.netloc, timeout=60)
        headers = {"Content-Type": "image/jpeg", "Authorization": f"Bearer {self.token}"}
        for body in cycle(self.bodies):
            if time.monotonic() > self.until:
                break
            start = time.perf_counter()
            connection.request("POST", self.address.path + "/predict", body, headers)
            answer = connection.getresponse()
            answer.read()
            self.milliseconds.append((time.perf_counter() - start) * 1000)
            self.statuses[answer.status] += 1
        connection.close()


def load(target: Target, token: str, bodies: list[bytes], clients: int, seconds: float) -> Load:
    """Latency as a client sees it, and how many answers came in a second."""
    start = time.monotonic()
    threads = [
        Client(target.api_url, token, bodies[number:] + bodies[:number], start + seconds) for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lasted = time.monotonic() - start
    milliseconds = [value for thread in threads for value in thread.milliseconds]
    statuses = Counter(status for thread in threads for status in thread.statuses.elements())
    return {
        "clients": clients,
        "per_second": round(len(milliseconds) / lasted, 1),
        "latency_ms": summary(milliseconds),
        "statuses": {str(status): number for status, number in sorted(statuses.items())},
    }


def predict(target: Target, clients: list[int], seconds: float) -> Predict:
    password = users.new_password()
    users.set_password(target, "bench", password)
    token = str(users.sign_in(target, "bench", password)["id_token"])
    bodies = photos()
    until = time.monotonic() + READY_SECONDS
    while load(target, token, bodies, max(clients), 1)["statuses"].keys() != {"200"}:  # every container has started
        if time.monotonic() > until:
            raise TimeoutError(f"predict does not answer within {READY_SECONDS} s")
    alone = [json.loads(ask(target, token, body))["latency_ms"] for body in islice(cycle(bodies), 30)]
    return {
        "photo_bytes": len(bodies[0]),
        "in_the_function_ms": summary(alone),
        "load": [load(target, token, bodies, number, seconds) for number in clients],
    }


def ask(target: Target, token: str, body: bytes) -> bytes:
    address = urlsplit(target.api_url)
    connection = http.client.HTTPConnection(address.netloc, timeout=60)
    headers = {"Content-Type": "image/jpeg", "Authorization": f"Bearer {token}"}
    connection.request("POST", address.path + "/predict", body, headers)
    return connection.getresponse().read()


def shown(result: Scoring) -> list[Table | str]:
    done = result["batch"]
    batch = (
        f"score_batch: {done['images']} images in {done['shards']} shards, {done['seconds']} s, "
        f"{done['state_transitions']} "
        f"state transitions; {done['errors']} errors."
    )
    loads = table("predict, clients", "answers a second", "median ms", "p95 ms", "statuses")
    for entry in result["predict"]["load"]:
        times = entry["latency_ms"]
        statuses = ", ".join(f"{number} × {status}" for status, number in entry["statuses"].items())
        loads.add_row(*map(str, (entry["clients"], entry["per_second"], times["median"], times["p95"], statuses)))
    alone = result["predict"]["in_the_function_ms"]
    inside = f"In the function, one at a time: median {alone['median']} ms, p95 {alone['p95']} ms."
    return [batch, loads, inside]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000, help="how many images the batch has")
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 2, 4, 8], help="how many ask at the same time")
    parser.add_argument("--seconds", type=float, default=20, help="how long they ask")
    given = parser.parse_args()
    try:
        stack.down(HOME)
        stack.up(root=HOME, tied=True)
        target = Target.find(None, None, None, HOME)
        ready(target)
        measured = Scoring(
            simulated=True,
            predict=predict(target, given.clients, given.seconds),
            batch=batch(target, given.images),
        )
    finally:
        stack.down(HOME)
    finish("scoring", measured, shown)


if __name__ == "__main__":
    main()
