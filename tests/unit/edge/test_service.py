"""The inspector as a whole: it swaps models without missing an image, refuses what is wrong, and goes on."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest

from edge.inspector.service import Service
from edge.inspector.settings import FileSettings, InvalidSettingsError, defaults, parse
from tests.fake_device import THING, TOPICS, Broker, make_model, photo
from tests.project import ROOT
from tests.unit.edge.test_video import make_video


class Device:
    """A work folder, models, images, and an inspector that can be started and stopped."""

    def __init__(self, root: Path) -> None:
        self.root, self.broker = root, Broker()
        self.images = root / "images"
        self.images.mkdir()
        self.values: dict[str, Any] = {"source": str(self.images), "mqttUrl": "mqtts://127.0.0.1:9", "sampleRate": 0}
        self.sent = 0

    def model(self, version: str, output: str = "boxes", **changes: Any) -> None:
        folder = make_model(self.root / "models" / version / "model", **changes)
        graph = onnx.load(str(folder / "model.onnx"))
        graph.graph.output[0].name = output
        next(node for node in graph.graph.node if node.output[0] == "boxes").output[0] = output
        onnx.save(graph, str(folder / "model.onnx"))

    def set(self, **values: Any) -> None:
        self.values |= values
        new = self.root / "settings.new"
        new.write_text(json.dumps(self.values))
        new.replace(self.root / "settings.json")

    def drop(self, brightness: int = 60) -> str:
        name = f"{self.sent:05d}.jpg"
        part = self.images / f"{name}.part"
        part.write_bytes(photo(brightness, self.sent))
        part.rename(self.images / name)
        self.sent += 1
        return name

    def start(self, connect: Any = None) -> None:
        self.stopping, self.broker.up = threading.Event(), True
        settings = FileSettings(self.root / "settings.json")
        service = Service(
            THING, TOPICS, self.root / "models", self.root / "work", settings, connect or (lambda *_: self.broker)
        )
        self.code: list[int] = []
        self.thread = threading.Thread(target=lambda: self.code.append(service.run(self.stopping)))
        self.thread.start()

    def stop(self) -> int:
        self.stopping.set()
        self.thread.join(30)
        return self.code[0]

    def until(self, found: Callable[[], Any], seconds: float = 30) -> Any:
        deadline = time.monotonic() + seconds
        while not (answer := found()):
            assert time.monotonic() < deadline, self.broker.taken
            time.sleep(0.02)
        return answer

    def healths(self) -> list[tuple[str, bool]]:
        return [(health["model_version"], health["healthy"]) for health in self.broker.of("health")]


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    made = Device(tmp_path)
    yield made
    if hasattr(made, "thread") and made.thread.is_alive():
        made.stop()


def test_a_model_is_swapped_while_images_come_and_none_is_missed(device: Device) -> None:
    device.model("1.0.3")
    device.model("1.0.4", gain=0.99)
    device.set(modelVersion="1.0.3")
    device.start()
    names = [device.drop() for _ in range(10)]
    device.until(lambda: len(device.broker.of("verdicts")) >= 5)
    device.set(modelVersion="1.0.4")
    while ("1.0.4", True) not in device.healths():
        names.append(device.drop())
        time.sleep(0.02)
    names += [device.drop() for _ in range(10)]
    device.until(lambda: len(device.broker.of("verdicts")) >= len(names))
    assert device.stop() == 0
    verdicts = device.broker.of("verdicts")
    assert [verdict["image"] for verdict in verdicts] == names
    versions = [verdict["model_version"] for verdict in verdicts]
    assert versions == sorted(versions)
    assert set(versions) == {"1.0.3", "1.0.4"}
    assert device.healths() == [("1.0.3", True), ("1.0.4", True)]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"golden_score": 0.1}, "score 0.7"),
        ({"golden": []}, "names no golden images"),
        ({"input": {}}, "can't be loaded"),
        ({"classes": []}, "can't be used: IndexError"),
        ({"output": "output0"}, "can't be used: InvalidArgument"),
        (None, "is not on this device"),
    ],
)
def test_a_model_that_does_not_prove_itself_changes_nothing(device: Device, broken: Any, said: str) -> None:
    device.model("1.0.3")
    if broken is not None:
        device.model("1.0.4", **broken)
    device.set(modelVersion="1.0.3")
    device.start()
    device.until(device.healths)
    device.set(modelVersion="1.0.4")
    device.until(lambda: len(device.healths()) == 2)
    device.drop()
    device.until(lambda: device.broker.of("verdicts"))
    device.model("1.0.5")
    device.set(modelVersion="1.0.5")
    device.until(lambda: len(device.healths()) == 3)
    assert device.stop() == 0
    assert device.healths() == [("1.0.3", True), ("1.0.4", False), ("1.0.5", True)]
    assert said in device.broker.of("health")[1]["reason"]
    assert device.broker.of("verdicts")[0]["model_version"] == "1.0.3"


def test_after_a_restart_the_last_proven_model_inspects_even_when_its_component_is_gone(device: Device) -> None:
    device.model("1.0.3")
    device.set(modelVersion="1.0.3")
    device.start()
    device.until(device.healths)
    device.stop()
    (device.root / "models" / "1.0.3").rename(device.root / "gone")
    device.model("1.0.4", golden_score=0.1)
    device.set(modelVersion="1.0.4")
    device.start()
    device.drop()
    device.until(lambda: device.broker.of("verdicts"))
    assert device.broker.of("verdicts")[0]["model_version"] == "1.0.3"
    assert device.healths() == [("1.0.3", True), ("1.0.4", False)]


@pytest.mark.parametrize("broken", [{"golden_score": 0.1}, {"classes": []}])
def test_the_first_model_that_fails_ends_the_inspector_so_that_the_device_rolls_back(
    device: Device, broken: dict[str, Any]
) -> None:
    device.model("1.0.3", **broken)
    device.set(modelVersion="1.0.3")
    device.start()
    device.thread.join(30)
    assert device.code == [1]
    assert device.healths() == [("1.0.3", False)]


def test_without_a_model_images_wait_and_a_first_one_finds_them(device: Device) -> None:
    device.set()
    device.start()
    names = [device.drop(), device.drop()]
    time.sleep(0.5)
    assert device.broker.of("verdicts") == []
    device.model("1.0.3")
    device.set(modelVersion="1.0.3")
    device.until(lambda: len(device.broker.of("verdicts")) == 2)
    assert [verdict["image"] for verdict in device.broker.of("verdicts")] == names


def test_wrong_settings_change_nothing_raise_an_alarm_and_survive_a_restart(device: Device) -> None:
    device.model("1.0.3")
    device.set(modelVersion="1.0.3")
    device.start()
    device.until(device.healths)
    device.set(sampleRate=7)
    device.until(lambda: device.broker.of("alarms"))
    device.drop()
    device.until(lambda: device.broker.of("verdicts"))
    device.stop()
    device.start()
    device.drop()
    device.until(lambda: len(device.broker.of("verdicts")) == 2)
    device.set(sampleRate=0)
    device.until(lambda: len(device.broker.of("alarms")) == 2)
    raised, cleared = device.broker.of("alarms")
    assert (raised["alarm"], raised["state"]) == ("settings", "raised")
    assert raised["detail"] == "setting 'sampleRate' must be a number of 0..1, got 7"
    assert (cleared["alarm"], cleared["state"]) == ("settings", "cleared")


def test_another_reason_for_refused_settings_is_told_too(device: Device) -> None:
    device.model("1.0.3")
    device.set(modelVersion="1.0.3")
    device.start()
    device.until(device.healths)
    for number, wrong in enumerate((7, 7, 8), 1):
        device.set(sampleRate=wrong, telemetrySeconds=number)
        time.sleep(0.3)
    device.until(lambda: len(device.broker.of("alarms")) == 2)
    assert [alarm["detail"][-1] for alarm in device.broker.of("alarms")] == ["7", "8"]


def test_settings_that_a_library_chokes_on_change_nothing(device: Device) -> None:
    device.model("1.0.3")
    device.set(modelVersion="1.0.3")

    def connect(url: str, _: str) -> Broker:
        if url != "mqtts://127.0.0.1:9":
            raise ValueError("what is this?")
        return device.broker

    device.start(connect)
    device.until(device.healths)
    device.set(source=str(device.root / "elsewhere"), mqttUrl="mqtts://127.0.0.1:10")
    device.until(lambda: device.broker.of("alarms"))
    device.drop()
    device.until(lambda: device.broker.of("verdicts"))
    assert device.broker.of("alarms")[0]["detail"] == "they can't be applied: ValueError: what is this?"


def test_a_source_that_is_gone_at_a_restart_is_an_alarm_and_new_settings_end_it(device: Device) -> None:
    video = make_video(device.root / "line.avi", 1)
    device.model("1.0.3")
    device.set(modelVersion="1.0.3", source=str(video))
    device.start()
    device.until(lambda: device.broker.of("verdicts"))
    device.stop()
    video.unlink()
    device.start()
    raised = device.until(lambda: [alarm for alarm in device.broker.of("alarms") if alarm["alarm"] == "source"])
    assert "is no video that OpenCV can read" in raised[0]["detail"]
    device.set(source=str(device.images))
    name = device.drop()
    device.until(lambda: device.broker.of("verdicts")[-1]["image"] == name)
    assert device.stop() == 0
    told = [(alarm["alarm"], alarm["state"]) for alarm in device.broker.of("alarms") if alarm["alarm"] != "black"]
    assert sorted(told[:2]) == [("settings", "raised"), ("source", "raised")]
    assert sorted(told[2:]) == [("settings", "cleared"), ("source", "cleared")]


def test_an_image_that_is_written_with_pauses_has_one_verdict(device: Device) -> None:
    device.model("1.0.3")
    device.set(modelVersion="1.0.3")
    device.start()
    device.until(device.healths)
    body = photo(60)
    with (device.images / "slow.jpg").open("wb") as file:
        for start in range(0, len(body), len(body) // 3):
            file.write(body[start : start + len(body) // 3])
            file.flush()
            time.sleep(0.3)
    device.until(lambda: device.broker.of("verdicts"))
    device.stop()
    (verdict,) = device.broker.of("verdicts")
    assert (verdict["image"], verdict["verdict"]) == ("slow.jpg", "pass")


def test_a_damaged_outbox_is_an_alarm(device: Device) -> None:
    device.model("1.0.3")
    device.set(modelVersion="1.0.3", telemetrySeconds=0.5)
    (device.root / "work").mkdir()
    (device.root / "work" / "outbox.sqlite").write_bytes(b"no database" * 1000)
    device.start()
    device.until(lambda: len(device.broker.of("alarms")) == 2)
    raised, cleared = device.broker.of("alarms")
    assert (raised["alarm"], raised["state"], cleared["state"]) == ("storage", "raised", "cleared")
    assert "set aside as outbox.broken" in raised["detail"]


def test_a_refused_shadow_model_that_is_not_wanted_any_more_is_no_alarm(device: Device) -> None:
    device.model("1.0.3")
    device.set(modelVersion="1.0.3", shadowVersion="1.0.9")
    device.start()
    device.until(lambda: device.broker.of("alarms"))
    device.set(shadowVersion="")
    device.until(lambda: len(device.broker.of("alarms")) == 2)
    assert [(alarm["alarm"], alarm["state"]) for alarm in device.broker.of("alarms")] == [
        ("shadow", "raised"),
        ("shadow", "cleared"),
    ]


def test_a_work_folder_that_can_not_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "edge.inspector", "--thing", THING, "--topics", TOPICS]
    command += [
        "--models",
        str(tmp_path),
        "--work",
        str(tmp_path / "file" / "work"),
        "--settings",
        str(tmp_path / "settings.json"),
    ]
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "sightline")])
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"--work {tmp_path}/file/work can't be used: ")


def test_a_settings_file_that_is_gone_is_said_once_and_read_when_it_is_back(tmp_path: Path) -> None:
    file, away = tmp_path / "settings.json", tmp_path / "away"
    settings = FileSettings(file)
    file.write_text("{}")
    assert [settings.changed(), settings.changed()] == [{}, None]
    file.rename(away)
    assert "settings.json can't be read" in settings.changed()
    assert [settings.changed(), settings.changed()] == [None, None]
    away.rename(file)
    assert [settings.changed(), settings.changed()] == [{}, None]


@pytest.mark.parametrize("body", [b"[" * 100_000, b"{", b"\xff"])
def test_a_settings_file_that_is_no_json_is_said_once(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "settings.json").write_bytes(body)
    settings = FileSettings(tmp_path / "settings.json")
    assert "settings.json can't be read" in settings.changed()
    assert settings.changed() is None


def test_wrong_settings_from_the_start_end_the_inspector(device: Device) -> None:
    device.set(mqtt="ipc:")
    device.start()
    device.thread.join(30)
    assert device.code == [1]


def test_a_shadow_model_is_compared_and_then_chosen(device: Device) -> None:
    device.model("1.0.3")
    device.model("1.0.4", gain=0.6)
    device.set(modelVersion="1.0.3", shadowVersion="1.0.4", telemetrySeconds=3600)
    device.start()
    device.until(device.healths)
    time.sleep(1.0)
    for _ in range(3):
        device.drop(200)
    device.until(lambda: len(device.broker.of("verdicts")) == 3)
    device.set(modelVersion="1.0.4", shadowVersion="", telemetrySeconds=0.1)
    device.until(lambda: ("1.0.4", True) in device.healths())
    device.stop()
    compared = [window["shadow"] for window in device.broker.of("telemetry") if window["shadow"]]
    assert {verdict["model_version"] for verdict in device.broker.of("verdicts")} == {"1.0.3"}
    assert sum(window["verdicts"]["fail"] for window in device.broker.of("telemetry")) == 3
    assert all(window["model_version"] == "1.0.4" for window in compared)


def test_telemetry_says_what_was_seen_and_what_waits(device: Device) -> None:
    device.model("1.0.3")
    device.set(modelVersion="1.0.3")
    device.start()
    for brightness in (60, 60, 120, 200):
        device.drop(brightness)
    device.until(lambda: len(device.broker.of("verdicts")) == 4)
    device.stop()
    (window,) = device.broker.of("telemetry")
    assert window["verdicts"] == {"pass": 2, "fail": 1, "review": 1}
    assert (window["images"], window["faults"], window["counts"]) == (4, {}, {})
    assert sum(window["score_histogram"]) == sum(window["brightness_histogram"]) == 4
    assert (window["score_histogram"][4], window["brightness_histogram"][3]) == (2, 2)
    assert window["appearance"]["brightness"]["low"] == pytest.approx(60, abs=2)
    assert 0 < window["latency_ms"]["p50"] <= window["latency_ms"]["p95"] <= window["latency_ms"]["max"]
    assert (window["thing"], window["model_version"], window["shadow"]) == (THING, "1.0.3", None)
    assert set(window["queues"]) == {"messages", "uploads"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "must be a JSON object"),
        ({"Source": "/x"}, "unknown setting 'Source'"),
        ({"modelVersion": "../../etc"}, "'modelVersion' must be a version like 1.0.3"),
        ({"source": ""}, "'source' must be the absolute path of a folder"),
        ({"source": "images"}, "absolute path"),
        ({"source": "/a\0b"}, "absolute path"),
        ({"source": "/\udce9"}, "absolute path"),
        ({"source": "/" + "a" * 5000}, "absolute path"),
        ({"source": "camera:²"}, "camera:<number>"),
        ({"source": "rtsp://[x"}, "rtsp://host/path"),
        ({"source": "rtsp://user:secret@host:abc/1"}, "got 'rtsp://…@host:abc/1'"),
        ({"deleteInspected": "yes"}, "must be true or false, got 'yes'"),
        ({"uploadsPerHour": -1}, "must be a number of 0..1e+06, got -1"),
        ({"uploadsPerHour": True}, "got True"),
        ({"telemetrySeconds": float("nan")}, "got nan"),
        ({"imagesBucket": "UPPER"}, "must be a bucket's name"),
        ({"mqttUrl": "http://x"}, "must be ipc: or mqtts://host:port"),
        ({"mqttUrl": "mqtts://[::1"}, "must be ipc: or mqtts://host:port"),
        ({"mqttUrl": "mqtts://host:99999"}, "must be ipc: or mqtts://host:port"),
        ({"mqttUrl": "mqtts://host:abc"}, "must be ipc: or mqtts://host:port"),
        ({"mqttUrl": "mqtts://:80"}, "must be ipc: or mqtts://host:port"),
        ({"mqttUrl": "mqtts://a..b"}, "must be ipc: or mqtts://host:port"),
        ({"mqttUrl": "mqtts://a\0b:80"}, "must be ipc: or mqtts://host:port"),
        ({"modelVersion": "1.0.3", "shadowVersion": "1.0.3"}, "the model in service itself"),
    ],
)
def test_settings_are_refused_in_one_line(values: Any, said: str) -> None:
    with pytest.raises(InvalidSettingsError) as refused:
        parse(values)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "values",
    [
        {"source": "/data/línea 1"},
        {"source": "camera:0"},
        {"source": "rtsp://user:secret@camera:554/1"},
        {"source": "rtsp://[::1]/1"},
        {"mqttUrl": "mqtts://127.0.0.1:4566"},
        {"mqttUrl": "mqtts://[::1]:80"},
    ],
)
def test_settings_are_taken(values: dict[str, Any]) -> None:
    parse(values)


def test_the_defaults_can_be_used() -> None:
    assert parse(defaults() | {"accessControl": {}}) == parse({})
