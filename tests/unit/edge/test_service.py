"""The inspector as a whole: it swaps models without missing an image, refuses what is wrong, and goes on."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.inspector.service import Service
from edge.inspector.settings import FileSettings, InvalidSettingsError, defaults, parse
from tests.fake_device import THING, Broker, make_model, photo


class Device:
    """A work folder, models, images, and an inspector that can be started and stopped."""

    def __init__(self, root: Path) -> None:
        self.root, self.broker = root, Broker()
        self.images = root / "images"
        self.images.mkdir()
        self.values: dict[str, Any] = {"source": str(self.images), "mqttUrl": "ws://127.0.0.1:9", "sampleRate": 0}
        self.sent = 0

    def model(self, version: str, **changes: Any) -> Path:
        return make_model(self.root / "models" / version / "model", **changes)

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

    def start(self) -> None:
        self.stopping, self.broker.up = threading.Event(), True
        settings = FileSettings(self.root / "settings.json")
        service = Service(THING, self.root / "models", self.root / "work", settings, lambda *_: self.broker)
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
    assert device.stop() == 0
    assert device.healths() == [("1.0.3", True), ("1.0.4", False)]
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


def test_the_first_model_that_fails_ends_the_inspector_so_that_the_device_rolls_back(device: Device) -> None:
    device.model("1.0.3", golden_score=0.1)
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
        ({"source": ""}, "'source' must be a folder"),
        ({"deleteInspected": "yes"}, "must be true or false, got 'yes'"),
        ({"uploadsPerHour": -1}, "must be a number of 0..1e+06, got -1"),
        ({"uploadsPerHour": True}, "got True"),
        ({"telemetrySeconds": float("nan")}, "got nan"),
        ({"imagesBucket": "UPPER"}, "must be a bucket's name"),
        ({"mqttUrl": "http://x"}, "must be ipc: or ws://host:port"),
        ({"modelVersion": "1.0.3", "shadowVersion": "1.0.3"}, "the model in service itself"),
    ],
)
def test_settings_are_refused_in_one_line(values: Any, said: str) -> None:
    with pytest.raises(InvalidSettingsError) as refused:
        parse(values)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_defaults_can_be_used() -> None:
    assert parse(defaults() | {"accessControl": {}}) == parse({})
