"""A day of a device, pressed into a minute: outages, kills at random moments and a full disk, with real processes.

Each simulated hour brings images and, by a seeded draw, a network that fails, a `kill -9`, or a disk that takes nothing
(the kernel refuses the process's writes). What must hold: every image's verdict arrives, once after de-duplication, in
order; nothing is dropped but images beyond the quota, and those are counted.
"""

import json
import os
import random
import resource
import signal
import socketserver
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from local.device.token_exchange import TokenExchange
from tests.fake_device import THING, make_model, photo, session_keys
from tests.project import ROOT
from tests.unit.edge.test_uploader import Bucket

pytestmark = pytest.mark.slow

HOURS, IMAGES_AN_HOUR, QUOTA = 24, 12, 40
FULL_BYTES = 4096  # of any file that the process may still write: none that it has is shorter

INSPECTOR = """
    import json, socket, sys, threading
    from pathlib import Path
    from edge.inspector import forwarder
    from edge.inspector.service import Service
    from edge.inspector.settings import FileSettings

    forwarder.LAST_SECONDS = 0.5  # a day is a minute here
    root, port = Path(sys.argv[1]), int(sys.argv[2])

    class Line:
        def __init__(self, *_):
            self.file = None

        def publish(self, topic, payload):
            try:
                if self.file is None:
                    self.file = socket.create_connection(("127.0.0.1", port), timeout=2).makefile("rwb")
                self.file.write(json.dumps([topic, json.loads(payload)]).encode() + b"\\n")
                self.file.flush()
                if self.file.readline() == b"taken\\n":
                    return True
            except OSError:
                pass
            self.file = None
            return False

        def close(self):
            pass

    settings = FileSettings(root / "settings.json")
    topics = f"sightline/plant/{sys.argv[3]}"
    Service(sys.argv[3], topics, root / "models", root / "work", settings, Line).run(threading.Event())
"""


class Cloud(socketserver.ThreadingTCPServer):
    """Takes messages while it is `up`; what it has taken may come again, because an answer can be lost."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, dice: random.Random) -> None:
        self.up, self.taken, self.dice = True, [], dice  # type: ignore[var-annotated]
        cloud = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    if not cloud.up:
                        return
                    cloud.taken.append(json.loads(line))
                    if cloud.dice.random() < 0.02:
                        return  # taken, but the answer is lost
                    self.wfile.write(b"taken\n")

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=lambda: self.serve_forever(0.05), daemon=True).start()

    def of(self, kind: str) -> list[Any]:
        return [value for topic, value in list(self.taken) if topic == f"sightline/plant/{THING}/{kind}"]


class Device:
    """The inspector as a process that can be killed and whose disk can be filled."""

    def __init__(self, root: Path, cloud: Cloud, bucket: Bucket, tokens: dict[str, str]) -> None:
        self.root, self.images, self.cloud = root, root / "images", cloud
        self.environment = {**os.environ, **tokens, "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_S3": bucket.url}
        self.environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "sightline")])
        self.images.mkdir()
        self.sent: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-c", textwrap.dedent(INSPECTOR)]
        command += [str(self.root), str(self.cloud.server_address[1]), THING]
        with (self.root / "log").open("ab") as log:
            self.started_at = log.tell()
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def disk(self, *, full: bool) -> None:
        assert self.process
        limit = FULL_BYTES if full else resource.RLIM_INFINITY
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def drop(self, brightness: int) -> None:
        name = f"{len(self.sent):05d}.jpg"
        part = self.images / f"{name}.part"
        part.write_bytes(photo(brightness, len(self.sent)))
        os.utime(part, ns=(len(self.sent) + 10**18, len(self.sent) + 10**18))  # in the order of their names
        part.rename(self.images / name)
        self.sent.append(name)

    def waiting(self) -> int:
        """How many images have no verdict yet."""
        return len(self.sent) - len({verdict["image"] for verdict in self.cloud.of("verdicts")})

    def caught_up(self) -> bool:
        return self.waiting() == 0

    def inspects(self) -> bool:
        """True once the process that was started last has its outbox and its model."""
        return b"inspecting with model" in (self.root / "log").read_bytes()[self.started_at :]

    def until(self, condition: Any, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.root / "log").read_text()[-2000:]
            time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit to fill the disk of one process")
def test_after_a_day_of_outages_kills_and_a_full_disk_every_verdict_has_arrived(tmp_path: Path) -> None:
    dice, tokens, bucket = random.Random(5), TokenExchange(session_keys), Bucket()
    cloud = Cloud(dice)
    device = Device(tmp_path, cloud, bucket, tokens.environment)
    make_model(tmp_path / "models" / "1.0.1" / "model")
    settings = {
        "modelVersion": "1.0.1",
        "source": str(device.images),
        "imagesBucket": "images",
        "sampleRate": 0,
        "uploadsPerHour": QUOTA,
        "telemetrySeconds": 1,
    }
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    device.start()
    device.until(lambda: cloud.of("health"), 60)
    events: Counter[str] = Counter()
    for hour in range(HOURS):
        event = ("calm", "outage", "kill", "full disk", "kill in an outage", "kill on a full disk")[hour % 6]
        events[event] += 1
        cloud.up = "outage" not in event
        if "full disk" in event:
            # Not while it still starts: on a full disk an outbox isn't opened, and whoever waits here for verdicts
            # waits for ever.
            device.until(device.inspects, 90)
            device.until(device.caught_up, 90)
            device.disk(full=True)
        for _ in range(IMAGES_AN_HOUR):
            device.drop(dice.choice((60, 120, 200)))
            time.sleep(dice.uniform(0, 0.06))
        time.sleep(dice.uniform(0, 0.5))
        if "full disk" in event:
            device.until(lambda: device.waiting() < IMAGES_AN_HOUR // 2, 90)
        if "kill" in event:
            device.kill()
            device.start()
        device.disk(full=False)
    cloud.up = True
    device.until(device.caught_up, 90)

    verdicts = {verdict["id"]: verdict for verdict in cloud.of("verdicts")}  # de-duplicated, in order of arrival
    assert [verdict["image"] for verdict in verdicts.values()] == device.sent
    unsure = [verdict for verdict in verdicts.values() if verdict["verdict"] == "review"]
    assert {verdict.get("fault") for verdict in unsure} == {None}
    assert len(unsure) > QUOTA
    here = len(cloud.of("telemetry"))
    device.until(lambda: len(cloud.of("telemetry")) > here + 1, 60)
    device.until(lambda: cloud.of("telemetry")[-1]["queues"]["uploads"]["rows"] == 0, 60)
    counts = cloud.of("telemetry")[-1]["counts_ever"]
    # Each unsure image is in the bucket, or beyond the quota, or was dropped because the disk was full: and counted.
    assert len(bucket.objects) <= QUOTA
    assert len(bucket.objects) + counts.pop("over_quota") + counts.pop("dropped_uploads") == len(unsure)
    assert counts == {}  # no verdict was dropped, and nothing else happened that is counted
    assert {alarm["alarm"] for alarm in cloud.of("alarms")} == {"storage"}  # the disk was full indeed
    assert len(cloud.taken) > len(verdicts)
    assert events["kill"] == events["kill on a full disk"] == 4
    device.kill()
    cloud.shutdown()
    tokens.close()
