"""`python3 -m inspector`: prove the model on its golden images, report health, then inspect every image that comes."""

import argparse
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from sightline.vision.detector import Detector, UnusableModelError
from sightline.vision.golden import check

from .outbox import Outbox
from .publisher import connect
from .source import FolderSource
from .station import Station

IDLE_SECONDS = 0.1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="inspector", description="Inspect images and publish verdicts.")
    parser.add_argument("--thing", required=True, help="the device's thing name")
    parser.add_argument("--model-version", required=True, help="version of the model component; empty: wait for one")
    parser.add_argument("--models", required=True, type=Path, help="folder with the model component's versions")
    parser.add_argument("--source", required=True, type=Path, help="folder in which images appear")
    parser.add_argument("--work", required=True, type=Path, help="folder for what must survive a restart")
    parser.add_argument("--mqtt-url", required=True, help="`ipc:` on a device, ws://host:port for the local emulator")
    return parser.parse_args()


def prove(folder: Path) -> list[str]:
    """What is wrong with the model, a sentence each."""
    try:
        return check(folder)
    except UnusableModelError as error:
        return [str(error)]


def main() -> int:
    given = arguments()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    if not given.model_version:
        print("no model is deployed yet; waiting", flush=True)
        stopping.wait()
        return 0
    folder = given.models / given.model_version / "model"
    given.work.mkdir(parents=True, exist_ok=True)
    outbox = Outbox(given.work / "outbox.sqlite")
    publisher = connect(given.mqtt_url, given.thing)
    problems = prove(folder)
    health = {
        "thing": given.thing,
        "healthy": not problems,
        "model_version": given.model_version,
        "reason": "; ".join(problems) or "all golden images gave the expected detections",
        "at": datetime.now(UTC).isoformat(),
    }
    outbox.add(f"sightline/{given.thing}/health", health)
    outbox.send(publisher)
    if problems:
        print(f"the model failed its proof: {health['reason']}", file=sys.stderr, flush=True)
        publisher.close()
        return 1
    print(f"inspecting with model {given.model_version}", flush=True)
    station = Station(
        Detector(folder), given.thing, given.model_version, FolderSource(given.source, given.work), outbox
    )
    while not stopping.is_set():
        busy = station.step()
        outbox.send(publisher)
        if not busy:
            stopping.wait(IDLE_SECONDS)
    publisher.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
