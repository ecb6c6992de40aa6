"""The inspector: nothing is lost, nothing is done twice, every image gets a verdict."""

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge import package
from edge.inspector.outbox import Outbox
from edge.inspector.source import FolderSource
from edge.inspector.station import Station
from sightline.vision.decode import decode
from sightline.vision.detector import Detection


class Broker:
    """A publisher that takes messages while it is `up`."""

    def __init__(self) -> None:
        self.up = True
        self.taken: list[tuple[str, Any]] = []

    def publish(self, topic: str, payload: bytes) -> bool:
        if self.up:
            self.taken.append((topic, json.loads(payload)))
        return self.up

    def close(self) -> None:
        self.up = False


class Eye:
    """A detector that sees a defect in bright images."""

    def inspect(self, body: bytes) -> list[Detection]:
        score = float(decode(body).mean()) / 255
        return [Detection((1.0, 2.0, 30.0, 40.0), score, "scratch", 0)] if score > 0.3 else []

    def verdict(self, detections: list[Detection]) -> str:
        return "fail" if detections else "pass"


def photo(brightness: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((40, 60, 3), brightness, dtype=np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def station(tmp_path: Path) -> Station:
    work = tmp_path / "work"
    work.mkdir()
    source = FolderSource(tmp_path / "images", work)
    return Station(Eye(), "line-1", "1.0.3", source, Outbox(work / "outbox.sqlite"))  # type: ignore[arg-type]


def test_what_is_not_taken_is_kept_in_order_over_a_restart(tmp_path: Path) -> None:
    broker, box = Broker(), Outbox(tmp_path / "box")
    broker.up = False
    for number in range(3):
        box.add("topic", {"number": number})
    assert box.send(broker) == 0
    broker.up = True
    again = Outbox(tmp_path / "box")
    assert again.send(broker) == 3
    assert [message["number"] for _, message in broker.taken] == [0, 1, 2]
    assert len(again) == 0


def test_a_full_outbox_drops_the_oldest_and_counts_them(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "box", limit=3)
    for number in range(5):
        box.add("topic", {"number": number})
    broker = Broker()
    box.send(broker)
    assert [message["number"] for _, message in broker.taken] == [2, 3, 4]
    assert (box.dropped, Outbox(tmp_path / "box").dropped) == (2, 2)


def test_every_image_gets_a_verdict_once_good_ones_and_broken_ones_too(station: Station, tmp_path: Path) -> None:
    for name, body in (
        ("bad.jpg", photo(200)),
        ("good.jpg", photo(20)),
        ("broken.jpg", b"no image"),
        ("notes.txt", b"x"),
    ):
        (tmp_path / "images" / name).write_bytes(body)
    assert station.step() is False  # a file is taken when it has not grown since the last look
    assert station.step() is True
    assert station.step() is False
    broker = Broker()
    station._outbox.send(broker)
    verdicts = {message["image"]: message for _, message in broker.taken}
    assert {name: message["verdict"] for name, message in verdicts.items()} == {
        "bad.jpg": "fail",
        "good.jpg": "pass",
        "broken.jpg": "review",
    }
    assert {topic for topic, _ in broker.taken} == {"sightline/line-1/verdicts"}
    assert verdicts["bad.jpg"]["detections"][0]["class"] == "scratch"
    assert "not an image" in verdicts["broken.jpg"]["reason"]
    assert set(verdicts["good.jpg"]) == {
        "id", "image", "captured_at", "verdict", "detections", "model_version", "latency_ms",
    }  # fmt: skip


def test_a_restart_inspects_nothing_again_and_the_same_verdict_has_the_same_id(
    station: Station, tmp_path: Path
) -> None:
    path = tmp_path / "images" / "a.jpg"
    path.write_bytes(photo(20))
    station.step()
    station.step()
    again = FolderSource(tmp_path / "images", tmp_path / "work")
    assert [again.ready(), again.ready()] == [[], []]
    assert station.inspect(path)["id"] == station.inspect(path)["id"]


def test_a_file_that_is_still_growing_waits(tmp_path: Path) -> None:
    source = FolderSource(tmp_path / "images", tmp_path)
    path = tmp_path / "images" / "a.jpg"
    path.write_bytes(b"1")
    assert source.ready() == []
    path.write_bytes(b"12")
    assert source.ready() == []
    assert source.ready() == [path]


def test_the_package_is_the_same_for_the_same_sources_and_runs_by_itself(tmp_path: Path) -> None:
    import subprocess

    assert package.inspector_zip() == package.inspector_zip()
    assert package.inspector_version().startswith("1.0.")
    with zipfile.ZipFile(io.BytesIO(package.inspector_zip())) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-m", "inspector", "--help"]
    environment = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "Inspect images and publish verdicts" in done.stdout
