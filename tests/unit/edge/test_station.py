"""The inspection of images: every one gets a verdict, what is wrong with the camera is no defect, and some go back."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edge.inspector.alarms import Alarms
from edge.inspector.items import Queue
from edge.inspector.model import Model, Shelf
from edge.inspector.outbox import Outbox
from edge.inspector.sampling import Quota
from edge.inspector.serving import Models
from edge.inspector.settings import Settings, parse
from edge.inspector.source import Frame, NoSource
from edge.inspector.station import Station, look
from edge.inspector.telemetry import Telemetry
from sightline.vision.detector import Detector
from tests.fake_device import THING, make_model, photo

SETTINGS = parse({"imagesBucket": "images-bucket", "sampleRate": 0})


class Line(NoSource):
    """A source of the bodies it is given."""

    def __init__(self, *bodies: bytes) -> None:
        super().__init__()
        self.frames = [
            Frame(f"{number}.jpg", body, f"2026-11-24T10:00:{number % 60:02d}+00:00", {f"{number}.jpg": "1:1"})
            for number, body in enumerate(bodies)
        ]
        self.finished: list[str] = []

    def next(self) -> Frame | None:
        return self.frames.pop(0) if self.frames else None

    def put_back(self, frame: Frame) -> None:
        self.frames.append(replace(frame, may_grow=False))

    def done(self, frame: Frame) -> None:
        self.finished.append(frame.name)


class Bench:
    """A station with a real, tiny model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outbox = Outbox(folder / "outbox.sqlite")
        self.telemetry = Telemetry(THING, self.outbox)
        self.models = Models(self.model("1.0.3"))
        self.station = Station(THING, self.models, self.outbox, Alarms(THING, self.outbox), self.telemetry)

    def model(self, version: str, **changes: Any) -> Model:
        make_model(self.folder / "deployed" / version / "model", **changes)
        return Shelf(self.folder / "deployed", self.folder / "kept").load(version)

    def inspect(self, *bodies: bytes, settings: Settings = SETTINGS) -> list[dict[str, Any]]:
        """The verdicts on these images, in order."""
        source = Line(*bodies)
        while self.station.step(source, settings):
            pass
        assert len(source.finished) == len(bodies)
        return self.messages("verdicts")

    def messages(self, kind: str) -> list[dict[str, Any]]:
        items = self.outbox.next(Queue.MESSAGES, 10_000)
        return [json.loads(item.body) for item in items if item.address == kind]

    def uploads(self) -> list[Any]:
        return self.outbox.next(Queue.UPLOADS, 10_000)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_every_image_gets_a_verdict_good_ones_and_broken_ones_too(bench: Bench) -> None:
    verdicts = bench.inspect(photo(200, 1), photo(60, 2), photo(120, 3), b"no image")
    assert [verdict["verdict"] for verdict in verdicts] == ["fail", "pass", "review", "review"]
    assert verdicts[0]["detections"][0]["class"] == "scratch"
    assert (verdicts[1]["detections"], verdicts[3]["detections"]) == ([], [])
    assert "not an image" in verdicts[3]["reason"]
    assert set(verdicts[1]) == {
        "id", "image", "captured_at", "verdict", "detections", "model_version", "latency_ms",
    }  # fmt: skip
    assert len({verdict["id"] for verdict in verdicts}) == 4


def test_the_same_image_has_the_same_id_and_another_model_another_one(bench: Bench) -> None:
    first, again = bench.inspect(photo(60, 1)), bench.inspect(photo(60, 1))
    assert first[0]["id"] == again[1]["id"]
    bench.models.model = bench.model("1.0.4")
    assert bench.inspect(photo(60, 1))[2]["id"] != first[0]["id"]


def test_without_a_model_images_wait(bench: Bench) -> None:
    bench.models.model = None
    source = Line(photo(60))
    assert bench.station.step(source, SETTINGS) is False
    assert len(source.frames) == 1


def test_boxes_are_in_pixels_of_the_original(bench: Bench) -> None:
    detector = Detector(make_model(bench.folder / "any"))
    shown, found = look(detector, photo(200, size=(256, 128)))
    assert (shown.shape, found[0].box) == ((32, 64, 3), (4.0, 8.0, 120.0, 128.0))


def test_an_image_on_which_the_model_fails_is_for_a_person(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("out of memory")

    assert bench.models.model
    monkeypatch.setattr(bench.models.model.detector, "run", fail)
    verdict = bench.inspect(photo(60))[0]
    assert (verdict["verdict"], verdict["fault"]) == ("review", "failed")
    assert verdict["reason"] == "RuntimeError: out of memory"


def test_a_fault_of_the_camera_is_raised_once_and_cleared_once(bench: Bench) -> None:
    black = photo(2, 0, noise=3)
    verdicts = bench.inspect(photo(60, 1), black, photo(2, 1, noise=3), *(photo(60, seed) for seed in range(2, 7)))
    assert [verdict["verdict"] for verdict in verdicts] == ["pass", "review", "review"] + ["pass"] * 5
    assert [verdict.get("fault") for verdict in verdicts[:3]] == [None, "black", "black"]
    alarms = [(alarm["alarm"], alarm["state"], alarm["image"]) for alarm in bench.messages("alarms")]
    assert alarms == [("black", "raised", "1.jpg"), ("black", "cleared", "5.jpg")]


def test_unsure_images_go_back_with_what_labelling_wants_to_know(bench: Bench) -> None:
    bodies = [photo(60, 1), photo(120, 2), photo(200, 3)]
    verdict = bench.inspect(*bodies)[1]
    (item,) = bench.uploads()
    assert item.address == f"incoming/{THING}/2026-11-24/{verdict['id'][:16]}-1.jpg"
    assert item.body == bodies[1]
    assert item.details == {
        "source": "device",
        "device": THING,
        "verdict": "review",
        "model-version": "1.0.3",
        "captured-at": "2026-11-24T10:00:01+00:00",
        "sampled": "review",
    }


def test_what_a_broken_camera_shows_and_what_is_no_image_does_not_go_back(bench: Bench) -> None:
    bench.inspect(photo(2, 0, noise=3), b"no image", settings=parse({"imagesBucket": "bucket", "sampleRate": 1}))
    assert bench.uploads() == []


def test_no_image_goes_back_without_a_bucket(bench: Bench) -> None:
    bench.inspect(photo(120, 1), settings=parse({}))
    assert bench.uploads() == []


def test_a_random_sample_goes_back_the_same_one_again_after_a_crash(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    again = Bench(tmp_path / "again")
    bodies = [photo(60, seed) for seed in range(60)]
    for one in (bench, again):
        one.inspect(*bodies, settings=parse({"imagesBucket": "bucket", "sampleRate": 0.2}))
    names = [item.address for item in bench.uploads()]
    assert 3 <= len(names) <= 25
    assert [item.address for item in again.uploads()] == names
    assert {item.details["sampled"] for item in bench.uploads()} == {"random"}


def test_the_quota_bounds_what_goes_back_and_counts_the_rest(bench: Bench) -> None:
    bodies = [photo(120, seed) for seed in range(10)]
    bench.inspect(*bodies, settings=parse({"imagesBucket": "bucket", "uploadsPerHour": 3}))
    assert len(bench.uploads()) == 3
    assert bench.outbox.counts() == {"over_quota": 7}
    bench.outbox.close()
    quota = Quota(Outbox(bench.folder / "outbox.sqlite").state("quota"))
    assert [quota.take(4, 500), quota.take(4, 500)] == [True, False]


def test_a_shadow_model_decides_nothing_and_is_compared(bench: Bench) -> None:
    bench.models.shadow = bench.model("1.0.4", gain=0.6)
    verdicts = bench.inspect(photo(200, 1), photo(60, 2), photo(120, 3))
    assert [(verdict["verdict"], verdict["model_version"]) for verdict in verdicts] == [
        ("fail", "1.0.3"),
        ("pass", "1.0.3"),
        ("review", "1.0.3"),
    ]
    assert bench.telemetry.window.comparison("1.0.4") == {
        "model_version": "1.0.4",
        "images": 3,
        "disagreements": 2,
        "rate": 0.6667,
        "verdicts": {"fail:review": 1, "pass:pass": 1, "review:pass": 1},
    }
    assert [(item.details["sampled"], item.details["verdict"]) for item in bench.uploads()] == [
        ("disagreement", "fail"),
        ("review", "review"),
    ]


def test_a_shadow_model_that_fails_is_counted_and_said_once_and_costs_nothing(bench: Bench) -> None:
    bench.models.shadow = bench.model("1.0.4")
    bench.models.shadow.detector.classes.clear()  # it answers a class that it does not have
    verdicts = bench.inspect(photo(200, 1), photo(60, 2))
    assert [verdict["verdict"] for verdict in verdicts] == ["fail", "pass"]
    assert bench.outbox.counts() == {"failed_shadow": 2}
    (alarm,) = bench.messages("alarms")
    assert (alarm["alarm"], alarm["detail"]) == ("shadow", "model 1.0.4: IndexError: list index out of range")


def test_a_damaged_image_that_may_grow_has_no_verdict_before_it_comes_again(bench: Bench) -> None:
    source = Line(photo(60, 1)[:-300], photo(60, 2))
    source.frames = [replace(frame, may_grow=True) for frame in source.frames]
    while bench.station.step(source, SETTINGS):
        pass
    assert source.finished == ["1.jpg", "0.jpg"]
    assert [verdict.get("fault") for verdict in bench.messages("verdicts")] == [None, "unreadable"]


def test_floating_point_pixels_are_no_image_and_no_fault_of_the_light(bench: Bench) -> None:
    buffer = io.BytesIO()
    Image.new("F", (64, 64), 0.5).save(buffer, "TIFF")
    (verdict,) = bench.inspect(buffer.getvalue())
    assert (verdict["fault"], verdict["reason"]) == (
        "unreadable",
        "pixels are floating-point numbers, and nothing says which one is white; save the image with 8 or 16 bits",
    )


def test_a_model_whose_baseline_is_broken_still_gives_verdicts(bench: Bench) -> None:
    bench.models.model = bench.model("1.0.4", baseline=None)
    (verdict,) = bench.inspect(photo(60, 1))
    assert (verdict["verdict"], verdict["fault"]) == ("review", "failed")


def test_a_proven_model_that_can_not_be_copied_is_used_where_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_model(tmp_path / "deployed" / "1.0.3" / "model")
    (tmp_path / "kept").write_text("where the copies should be")
    model = Shelf(tmp_path / "deployed", tmp_path / "kept").load("1.0.3")
    assert model.version == "1.0.3"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"model 1.0.3 is used from {folder}, without a copy")


HOUR, DAY = 3600.0, 86_400.0


class Clocks:
    """A device's two clocks; `wrong_by` is what the wall clock is set wrong."""

    now, wrong_by = 0.0, 0.0

    def steady(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now + self.wrong_by


@settings(max_examples=30)
@given(steps=st.lists(st.tuples(st.floats(0, 2 * HOUR), st.floats(-10 * DAY, 10 * DAY), st.booleans()), max_size=80))
def test_no_hour_and_no_day_has_more_than_its_quota_however_the_wall_clock_jumps(
    steps: list[tuple[float, float, bool]],
) -> None:
    """Each step runs some time; then the wall clock is set to another time, or is right again and the process
    restarts.
    """
    clocks = Clocks()
    quota = Quota(None, clocks.steady, clocks.wall)
    taken: list[float] = []
    for seconds, jumped, restarted in steps:
        clocks.now += seconds
        clocks.wrong_by = 0.0 if restarted else jumped
        if restarted:
            quota = Quota(quota.kept(), clocks.steady, clocks.wall)
        taken += [clocks.now for _ in range(3) if quota.take(2, 5)]
    for moment in taken:
        assert sum(moment <= other < moment + HOUR for other in taken) <= 2
        assert sum(moment <= other < moment + DAY for other in taken) <= 5


def test_a_clock_that_jumps_back_over_a_restart_frees_nothing_and_forward_at_most_a_day() -> None:
    quota = Quota(None, lambda: 0.0, lambda: 1000.0)
    assert quota.take(1, 1)
    back = Quota(quota.kept(), lambda: 0.0, lambda: -5 * DAY)
    assert not back.take(1, 1)
    forward = Quota(quota.kept(), lambda: 0.0, lambda: 500 * DAY)
    assert [forward.take(1, 1), forward.take(1, 1)] == [True, False]
