"""Video files and cameras through OpenCV, which is only here while tests run."""

import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.inspector.intake import open_source
from edge.inspector.outbox import Outbox
from edge.inspector.settings import InvalidSettingsError, parse, shown
from edge.inspector.source import Frame
from edge.inspector.video import WAITING, Camera, lacks
from sightline.vision.decode import decode


def make_video(path: Path, frames: int = 20) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for number in range(frames):
        writer.write(np.full((48, 64, 3), number * 10, dtype=np.uint8))
    writer.release()
    return path


def test_a_video_gives_its_frames_at_the_rate_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    settings = parse({"source": str(make_video(tmp_path / "line.avi")), "framesPerSecond": 5})
    outbox = Outbox(tmp_path / "box")
    source = open_source(settings, outbox)
    names, levels = [], []
    while frame := source.next():
        names.append(frame.name)
        levels.append(float(decode(frame.body).mean()))
        outbox.add(marks=frame.marks)
        source.done(frame)
        if len(names) == 4:
            source.close()
            source = open_source(settings, outbox)
    assert names == [f"line-{number:08d}.jpg" for number in range(0, 20, 2)]
    assert levels == pytest.approx(range(0, 200, 20), abs=4)
    again = open_source(settings, outbox)
    assert again.next() is None


@pytest.mark.parametrize(
    ("source", "said"),
    [("/no/such.mp4", "is no video that OpenCV can read"), ("camera:front", "must be .* camera:<number>")],
)
def test_a_source_that_can_not_be_is_refused(tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises(InvalidSettingsError, match=said):
        open_source(parse({"source": source}), Outbox(tmp_path / "box"))


def test_without_opencv_the_refusal_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(InvalidSettingsError, match="set 'video' to true"):
        open_source(parse({"source": "rtsp://user:secret@camera/1"}), Outbox(tmp_path / "box"))


def test_passwords_of_streams_are_not_shown() -> None:
    assert shown("rtsp://user:secret@camera:554/1") == "rtsp://…@camera:554/1"


class FakeCv2:
    """OpenCV as a camera uses it: `plan` says how many frames each opening gives before it fails."""

    IMWRITE_JPEG_QUALITY = 1

    def __init__(self, plan: list[int]) -> None:
        self.plan, self.released = plan, 0

    def VideoCapture(self, _address: Any) -> Any:  # noqa: N802
        fake = self
        left = fake.plan.pop(0) if fake.plan else 0

        class Video:
            frames = left

            def isOpened(self) -> bool:  # noqa: N802
                return left > 0

            def grab(self) -> bool:
                self.frames -= 1
                time.sleep(0.001)
                return self.frames >= 0

            def retrieve(self) -> tuple[bool, str]:
                return True, "image"

            def release(self) -> None:
                fake.released += 1

        return Video()

    def imencode(self, *_: Any) -> tuple[bool, bytes]:
        return True, b"jpeg"


def collect(camera: Camera, number: int) -> list[Frame]:
    frames: list[Frame] = []
    deadline = time.monotonic() + 20
    while len(frames) < number and time.monotonic() < deadline:
        frame = camera.next()
        if frame:
            frames.append(frame)
        else:
            time.sleep(0.005)
    return frames


def test_a_camera_that_fails_is_said_and_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.inspector.video.FIRST_SECONDS", 0.05)
    fake = FakeCv2([3, 0, 3])
    camera = Camera(fake, 0, "camera:0", 10_000)
    frames = collect(camera, 6)
    assert len({frame.name for frame in frames}) == 6
    deadline = time.monotonic() + 20
    while not camera.trouble and time.monotonic() < deadline:
        time.sleep(0.01)
    assert camera.trouble == f"camera:0 gives no images{lacks(0)}"
    camera.close()
    assert fake.released >= 3


def test_a_camera_goes_on_whatever_opencv_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.inspector.video.FIRST_SECONDS", 0.05)
    fake = FakeCv2([1, 1, 1])
    answers = [RuntimeError("no memory"), (True, b"jpeg"), (True, b"jpeg")]

    def encode(*_: Any) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(fake, "imencode", encode)
    camera = Camera(fake, 0, "camera:0", 10_000)
    assert len(collect(camera, 2)) == 2
    camera.close()


def test_frames_that_nobody_takes_are_counted_and_bounded() -> None:
    camera = Camera(FakeCv2([WAITING + 10]), 0, "camera:0", 10_000)
    deadline, missed = time.monotonic() + 20, 0
    while missed < 10 and time.monotonic() < deadline:
        missed += camera.take_missed()
        time.sleep(0.01)
    camera.close()
    waiting = list(iter(camera.next, None))
    assert (len(waiting), missed, camera.take_missed()) == (WAITING, 10, 0)


def test_a_camera_that_is_missing_or_closed_to_its_user_is_said(tmp_path: Path) -> None:
    assert lacks(0, tmp_path) == f": there is no {tmp_path}/video0; check its cable and its driver"
    (tmp_path / "video0").touch()
    assert lacks(0, tmp_path) == ""
    assert lacks("rtsp://camera:554/1", tmp_path) == ""


def test_a_camera_that_its_user_may_not_open_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "video0").touch()
    monkeypatch.setattr("os.access", lambda *_: False)  # root may always
    said = lacks(0, tmp_path)
    assert said == f": {tmp_path}/video0 may not be opened; put the inspector's user into the group video"
