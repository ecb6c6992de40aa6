"""The process in which images are decoded whose decoder can't be bounded: `python -m sightline.vision.apart`.

It reads requests from standard input and answers on standard output, one after the other, until the input ends. Memory
and processor time of each image are limited by the kernel: what takes more ends this process, and no other.

Request:  4 bytes size, JSON {"bytes", "max_pixels", "memory", "seconds"}, then the file
Answer:   4 bytes size, JSON {"width", "height", "channels", "way"}, then the rows as they are stored; or {"refused"}
"""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import sys
import time
import zlib
from pathlib import Path
from typing import BinaryIO

# All of them now: an import has no place under the limits of an image.
from PIL import BmpImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin  # noqa: F401

from sightline.vision.bands import bands, channels_of, size_of
from sightline.vision.decode import stored
from sightline.vision.guard.limits import MIB
from sightline.vision.pixels import UndecodableImageError, forget

# What a machine must do in this time to be given MAX_SECONDS; a slower one is given more in proportion.
REFERENCE_SECONDS, REFERENCE_BYTES = 0.012, 16 * MIB
OUT_OF_MEMORY = "decoder error -9"  # what Pillow says when a decoder got none
STATM = Path("/proc/self/statm")


def main() -> None:
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person who stops the parent ends the input
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    own, slowness = _own_memory(), _slowness()
    while size := requests.read(4):
        request = json.loads(requests.read(*struct.unpack(">I", size)))
        body = requests.read(request["bytes"])
        _limit(own + request["memory"], request["seconds"] * slowness)
        _answer(body, request["max_pixels"], answers)
        del body
        signal.setitimer(signal.ITIMER_PROF, 0)


def _answer(body: bytes, max_pixels: int, answers: BinaryIO) -> None:
    try:
        image, way = stored(body, max_pixels)
        del body
        rows = bands(image)
        first = next(rows)
    except UndecodableImageError as error:
        _say({"refused": "" if OUT_OF_MEMORY in str(error) else str(error)}, answers)
    except MemoryError:
        _say({"refused": ""}, answers)
    else:
        width, height = size_of(image)
        _say({"width": width, "height": height, "channels": channels_of(image), "way": way}, answers)
        answers.write(first.data)
        sent = len(first.data)
        for band in rows:
            answers.write(band.data)
            sent += band.nbytes
            forget(image, sent)  # while the other process makes an image of them
    answers.flush()


def _say(answer: dict[str, object], answers: BinaryIO) -> None:
    said = json.dumps(answer).encode()
    answers.write(struct.pack(">I", len(said)) + said)


def _own_memory() -> int:
    """Bytes of addresses that this process has without an image; 0 where the system does not say it."""
    return int(STATM.read_text().split()[0]) * resource.getpagesize() if STATM.exists() else 0


def _slowness() -> float:
    """How many times slower than the reference this machine is, at least 1."""
    packed = zlib.compress(bytes(REFERENCE_BYTES), 1)
    start = time.process_time()
    zlib.decompress(packed)
    return max(1.0, (time.process_time() - start) / REFERENCE_SECONDS)


def _limit(memory: int, seconds: float) -> None:
    if STATM.exists():  # macOS takes the limit, and does not keep it
        resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    signal.setitimer(signal.ITIMER_PROF, seconds)  # then SIGPROF ends this process


if __name__ == "__main__":
    main()
