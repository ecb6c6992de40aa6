"""Video files, cameras and RTSP streams through OpenCV, which is installed and imported only where one is configured.

A frame becomes a JPEG at once: what is inspected, what is sent back for labelling, and what a file would hold are the
same bytes.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .log import one_line, say
from .outbox import Outbox
from .settings import CAMERA, InvalidSettingsError, Settings, shown
from .source import Frame, Source, moment

JPEG_QUALITY = 95
WAITING = 16  # frames that may wait while an inspection takes longer than usual
FIRST_SECONDS, LAST_SECONDS = 1.0, 30.0  # between tries to reach a camera


def open_video(settings: Settings, outbox: Outbox) -> Source:
    """The source of a video file, `camera:<number>` or a stream. Raises InvalidSettingsError."""
    try:
        import cv2
    except ImportError as error:
        raise InvalidSettingsError(
            f"setting 'source' {shown(settings.source)!r} needs OpenCV; set 'video' to true to have it installed"
        ) from error
    if camera := CAMERA.fullmatch(settings.source):
        return Camera(cv2, int(camera[1]), settings.source, settings.frames_per_second)
    if "://" in settings.source:
        return Camera(cv2, settings.source, shown(settings.source), settings.frames_per_second)
    return VideoFile(cv2, Path(settings.source), settings.frames_per_second, outbox)


def _jpeg(cv2: Any, image: Any) -> bytes:
    whole, body = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not whole:
        raise ValueError("OpenCV can't encode the frame")
    return bytes(body)


class VideoFile:
    """Frames of a file at a rate, counted in the file's own time; after a restart it goes on where it was."""

    def __init__(self, cv2: Any, path: Path, frames_per_second: float, outbox: Outbox) -> None:
        self.trouble, self._missed = "", 0
        self._cv2, self._path = cv2, path
        self._video = cv2.VideoCapture(str(path))
        if not self._video.isOpened():
            raise InvalidSettingsError(f"setting 'source' {str(path)!r} is no video that OpenCV can read")
        stat = path.stat()  # it is there: OpenCV has opened it
        self._began = stat.st_mtime
        self._mark = f"{path}:{stat.st_mtime_ns}:{stat.st_size}"
        self._rate = self._video.get(cv2.CAP_PROP_FPS) or 25.0
        self._every = max(1, round(self._rate / frames_per_second))
        self._place = int(outbox.mark(self._mark) or -1) + 1  # of the next frame to look at
        self._read = 0  # frames that were read from the file

    def take_missed(self) -> int:
        missed, self._missed = self._missed, 0
        return missed

    def next(self) -> Frame | None:
        while self._video.grab():
            number = self._read
            self._read += 1
            if number < self._place or number % self._every:
                continue
            whole, image = self._video.retrieve()
            if not whole:
                break
            name = f"{self._path.stem}-{number:08d}.jpg"
            captured_at = moment(self._began + number / self._rate)
            try:
                return Frame(name, _jpeg(self._cv2, image), captured_at, {self._mark: str(number)})
            except Exception as error:  # one frame costs only itself
                say(f"{name} is left out: {one_line(error)}")
                self._missed += 1
        return None

    def put_back(self, frame: Frame) -> None:
        pass

    def done(self, frame: Frame) -> None:
        self._place = int(frame.marks[self._mark]) + 1

    def close(self) -> None:
        self._video.release()


class Camera:
    """A camera or stream, read all the time by a thread, so that a frame is never older than it says.

    It is opened again when it stops answering. Frames that come while too many wait are let go and counted.
    """

    def __init__(self, cv2: Any, address: int | str, name: str, frames_per_second: float) -> None:
        self.trouble = ""
        self._missed, self._told = 0, 0  # frames that were let go, and how many of them were told
        self._cv2, self._address, self._name, self._interval = cv2, address, name, 1 / frames_per_second
        self._frames: deque[Frame] = deque()
        self._stopping = threading.Event()
        self._number = 0
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def take_missed(self) -> int:
        missed = self._missed  # only the camera's thread writes this
        news, self._told = missed - self._told, missed
        return news

    def next(self) -> Frame | None:
        return self._frames.popleft() if self._frames else None

    def put_back(self, frame: Frame) -> None:
        pass

    def done(self, frame: Frame) -> None:
        pass

    def close(self) -> None:
        self._stopping.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        wait = FIRST_SECONDS
        while not self._stopping.is_set():
            video, reason = None, ""
            try:
                video = self._cv2.VideoCapture(self._address)
                if video.isOpened() and self._read(video):
                    wait = FIRST_SECONDS
            except Exception as error:  # this thread is the camera; it outlives whatever OpenCV raises
                reason = f": {one_line(error)}"
            finally:
                if video:
                    video.release()
            if not self._stopping.is_set():
                self.trouble = f"{self._name} gives no images{reason or lacks(self._address)}"
            self._stopping.wait(wait)
            wait = min(wait * 2, LAST_SECONDS)

    def _read(self, video: Any) -> bool:
        """Take frames until the camera fails; answers whether there was one."""
        due, some = time.monotonic(), False
        while not self._stopping.is_set() and video.grab():
            if time.monotonic() < due:
                continue
            whole, image = video.retrieve()
            if not whole:
                break
            self.trouble, some = "", True
            due = max(due + self._interval, time.monotonic() - self._interval)
            self._keep(_jpeg(self._cv2, image))
        return some

    def _keep(self, body: bytes) -> None:
        now = datetime.now(timezone.utc)
        self._number += 1
        if len(self._frames) >= WAITING:
            self._missed += 1
            return
        name = f"{now:%Y%m%dT%H%M%S}-{now.microsecond:06d}-{self._number}.jpg"
        self._frames.append(Frame(name, body, now.isoformat(), {}))


def lacks(address: int | str, devices: Path = Path("/dev")) -> str:
    """Return why a camera by number can't be opened, as the end of a sentence; empty when nothing shows."""
    file = devices / f"video{address}"
    if isinstance(address, str):
        return ""
    if not file.exists():
        return f": there is no {file}; check its cable and its driver"
    if not os.access(file, os.R_OK | os.W_OK):
        return f": {file} may not be opened; put the inspector's user into the group video"
    return ""
