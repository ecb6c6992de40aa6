"""Decoding in a process of its own, which is kept for the next image, and made anew after it was stopped."""

from __future__ import annotations

import atexit
import json
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, TypeVar

import numpy as np
from PIL import Image

from sightline.vision.bands import BAND_PIXELS, image_upright, put_upright
from sightline.vision.guard.limits import MAX_SECONDS, MAX_WAIT_SECONDS, MIB, check_memory, max_memory
from sightline.vision.pixels import Pixels, UndecodableImageError

Built = TypeVar("Built", Pixels, Image.Image)
Build = Callable[[tuple[int, int], int, int, Iterator[Pixels]], Built]  # of size, orientation, channels and rows
COMMAND = (sys.executable, "-m", "sightline.vision.apart")


@dataclass(frozen=True)
class Budget:
    """What one image may cost in a process of its own."""

    memory: int  # bytes, with the file
    seconds: float = MAX_SECONDS
    wait_seconds: float = MAX_WAIT_SECONDS


class DecoderMissingError(RuntimeError):
    """The process can't be started: the installation is wrong, not the image."""


class Worker:
    """One process, for one image at a time; threads wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):  # a fork has its parent's pipes, but needs a process of its own
            os.register_at_fork(after_in_child=self._forget)

    def decode(self, body: bytes, max_pixels: int, budget: Budget | None = None) -> Pixels:
        """Return an image upright in RGB, uint8 [height, width, 3]. Raise UndecodableImageError, also for what takes
        too much.
        """

        def build(size: tuple[int, int], way: int, _: int, rows: Iterator[Pixels]) -> Pixels:
            check_memory(3 * size[0] * size[1] + 2 * len(body), "the image")
            return put_upright(size, way, True, rows)

        return self._built(body, max_pixels, budget, build)

    def upright(self, body: bytes, max_pixels: int, budget: Budget | None = None) -> Image.Image:
        """Return an image upright, grey or RGB. Raise as `decode` does."""

        def build(size: tuple[int, int], way: int, channels: int, rows: Iterator[Pixels]) -> Image.Image:
            pixel = 1 if channels == 1 else 4  # bytes that Pillow takes
            check_memory(pixel * size[0] * size[1] + 2 * len(body), "the image")
            return image_upright(size, way, rows)

        return self._built(body, max_pixels, budget, build)

    def _built(self, body: bytes, max_pixels: int, budget: Budget | None, build: Build[Built]) -> Built:
        """Return what is built of the rows of an image. The other process gives its memory back as it sends them."""
        budget = budget or Budget(max_memory())
        with self._lock:
            process = self._started()
            waiting = threading.Timer(budget.wait_seconds, process.kill)
            waiting.daemon = True
            waiting.start()
            try:
                answer = _asked(process, body, max_pixels, budget, build)
            except (EOFError, BrokenPipeError) as error:
                code = process.wait()
                self.close()
                raise UndecodableImageError(_why(code, budget, waited=not waiting.is_alive())) from error
            except BaseException:
                self.close()  # an answer that is not read to its end would be taken for the next one
                raise
            finally:
                waiting.cancel()
        if isinstance(answer, str):
            raise UndecodableImageError(answer or _too_much_memory(budget))
        return answer

    def close(self) -> None:
        """End the process; the next image starts another one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = _start()
        return self._process

    def _forget(self) -> None:
        process, self._process, self._lock = self._process, None, threading.Lock()
        if process is not None:
            process.returncode = 0  # it is the parent's, and nothing to wait for


def _start() -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "MALLOC_ARENA_MAX": "1"}
    environment |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    return subprocess.Popen(
        COMMAND, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )


def _asked(
    process: subprocess.Popen[bytes], body: bytes, max_pixels: int, budget: Budget, build: Build[Built]
) -> Built | str:
    """Return what is built, or why nothing is; "" for too much memory. Raise EOFError where the process ends."""
    to, answers = process.stdin, process.stdout
    assert to is not None and answers is not None
    asked = {"bytes": len(body), "max_pixels": max_pixels, "memory": budget.memory, "seconds": budget.seconds}
    request = json.dumps(asked).encode()
    _write(to, struct.pack(">I", len(request)) + request)
    _write(to, body)
    (size,) = struct.unpack(">I", _read(answers, bytearray(4)))
    answer = json.loads(_read(answers, bytearray(size)))
    if "refused" in answer:
        return str(answer["refused"])
    size, channels = (answer["width"], answer["height"]), answer["channels"]
    return build(size, answer["way"], channels, _rows(answers, *size, channels))


def _rows(answers: IO[bytes], width: int, height: int, channels: int) -> Iterator[Pixels]:
    step = max(1, BAND_PIXELS // width)
    for top in range(0, height, step):
        shape = (min(step, height - top), width)
        band = np.empty(shape if channels == 1 else (*shape, channels), np.uint8)
        _read(answers, band.data.cast("B"))
        yield band


Buffer = TypeVar("Buffer", bytearray, memoryview)


def _read(answers: IO[bytes], buffer: Buffer) -> Buffer:
    """Fill a buffer. Raise EOFError where the process ends before."""
    left = memoryview(buffer)
    while left:
        number = answers.readinto(left)  # type: ignore[attr-defined]  # a FileIO, as there is no buffering
        if not number:
            raise EOFError
        left = left[number:]
    return buffer


def _write(to: IO[bytes], content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[to.write(left) :]


def _too_much_memory(budget: Budget) -> str:
    return f"decoding it takes more than {budget.memory // MIB} MiB of memory; save it smaller, or in another format"


def _why(code: int, budget: Budget, *, waited: bool) -> str:
    """Return why the process has ended, by its return code."""
    if code == -signal.SIGPROF or waited:
        return f"decoding it takes more than {budget.seconds:g} seconds; save it smaller, or in another format"
    if code == -signal.SIGKILL:
        return _too_much_memory(budget)
    if code < 0:
        return f"damaged image: its decoder broke down ({signal.Signals(-code).name})"
    raise DecoderMissingError(
        f"the process that decodes ended with code {code}; run `{' '.join(COMMAND)} < /dev/null` to see why"
    )
