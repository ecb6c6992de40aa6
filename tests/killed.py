"""Stacks at the moment of a kill: what a client had been told, what lies on the disk, and whether that is enough.

A kill takes a process's memory and leaves its files. So a stack that is stopped for a moment (SIGSTOP) shows in its
files what a kill at that moment would have left.
"""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline.images.image import ImageStatus
from tests.project import ROOT

FILES = ("deployed", "kept", "live-*")  # replaced as a whole
RANKS = {ImageStatus.NEW: 0, ImageStatus.CLAIMED: 1, ImageStatus.APPROVED: 2}  # nothing goes back in a good loop
# Reads what the moments in the folders on its input have kept, without a server; one line of JSON for each.
READER = """
import asyncio, json, os, sys
from pathlib import Path
from ministack import app
from ministack.services import dynamodb, s3
from local.emulator import indexes
from local.emulator.keeping.keeper import Keeper
from local.emulator.sagemaker import registry
indexes.register()
get = Keeper._get
# Functions and their layers are the same at all moments, and large.
def without_functions(keeper, name):
    found = get(keeper, name)
    return {one: found[one] for one in found if one != "lambda"} if name == "deployed" else found
Keeper._get = without_functions
for module in app._state_map.values():
    app._get_module(module)
for line in sys.stdin:
    folder = Path(line.strip())
    read, write = os.pipe()
    if not os.fork():
        s3.S3_PERSIST, s3.DATA_DIR = True, str(folder / "objects")
        s3._load_persisted_data()
        Keeper(folder).restore()
        rows = [item for table in dynamodb._tables.all_values() for part in table["items"].values()
                for item in part.values()]
        objects = {}
        for (_, bucket), found in s3._buckets._data.items():
            for key, one in found["objects"].items():
                objects[bucket + "/" + key] = [one["etag"], one["size"], len(s3._get_object_data(bucket, key))]
        text = json.dumps({"rows": rows, "objects": objects, "models": sorted(registry._packages)}, default=str)
        with os.fdopen(write, "w") as out:
            out.write(text)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as said:
        print(said.read(), flush=True)
    os.wait()
"""


@dataclass
class Told:
    """What clients of a stack have been told so far: it must be there after a kill."""

    uploads: dict[str, str] = field(default_factory=dict)  # bucket/key: ETag
    images: dict[str, ImageStatus] = field(default_factory=dict)  # by content
    answers: set[tuple[str, str]] = field(default_factory=set)  # (job, task)
    datasets: set[str] = field(default_factory=set)  # bucket/key of dataset.json
    models: set[str] = field(default_factory=set)  # ARNs

    def copy(self) -> "Told":
        return pickle.loads(pickle.dumps(self))  # type: ignore[no-any-return]


def photograph(state: Path, pid: int, place: Path) -> None:
    """Copy what a kill of the emulator at this moment would leave."""
    os.kill(pid, signal.SIGSTOP)
    try:
        while not any(word in _stat(pid) for word in ("T", "Z")):
            time.sleep(0.001)
        place.mkdir(parents=True)
        for pattern in FILES:
            for path in state.glob(pattern):
                os.link(path, place / path.name)
        for path in state.glob("journal-*"):
            shutil.copyfile(path, place / path.name)
        shutil.copytree(
            state / "objects", place / "objects", copy_function=os.link, ignore=shutil.ignore_patterns("*.tmp")
        )
        (place / "layers").symlink_to(state / "layers")
    finally:
        os.kill(pid, signal.SIGCONT)


def _stat(pid: int) -> str:
    return subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout


def developed(state: Path, places: list[Path]) -> list[dict[str, Any]]:
    """Return what the emulator would know again of each moment."""
    environment = os.environ | {
        "STATE_DIR": str(state), "SIGHTLINE_HOME": str(state.parent), "GATEWAY_PORT": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers" / "sightline")]),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", READER], input="\n".join(map(str, places)), env=environment, text=True, check=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def faults(told: Told, found: dict[str, Any]) -> list[str]:
    """Return what is lost, twice or half of what was told."""
    rows = {row["pk"]["S"] + row.get("sk", {}).get("S", ""): row for row in found["rows"]}
    images = {row["image_id"]["S"]: row for name, row in rows.items() if name.startswith("image#")}
    places = {name: row for name, row in rows.items() if name.startswith("object#")}
    answers = {(row["pk"]["S"], row["sk"]["S"].split("#")[1]) for name, row in rows.items() if "answer#" in name}
    objects = found["objects"]
    said = [f"upload {key} is lost" for key, etag in told.uploads.items() if objects.get(key, [""])[0] != etag]
    said += [f"{key} has {length} of {size} bytes" for key, (_, size, length) in objects.items() if size != length]
    for image_id, status in told.images.items():
        row = images.get(image_id)
        if row is None or RANKS[ImageStatus(row["status"]["S"])] < RANKS[status]:
            said.append(f"image {image_id} was {status} and is {row and row['status']['S']}")
    said += [f"the answer {one} is lost" for one in told.answers - answers]
    said += [f"dataset {key} is lost" for key in told.datasets - set(objects)]
    said += [f"model {arn} is lost" for arn in told.models - set(found["models"])]
    keys = [row["key"]["S"] for row in images.values()]
    said += [f"{key} is two images" for key in {key for key in keys if keys.count(key) > 1}]
    for image_id, row in images.items():  # one transaction writes both
        if f"object#{row['bucket']['S']}/{row['key']['S']}" not in places:
            said.append(f"image {image_id} has no object")
    owners = {row["image_id"]["S"] for row in places.values() if row.get("image_id", {}).get("S")}
    said += [f"image {one} is only in the row of its object" for one in owners - set(images)]
    return said
