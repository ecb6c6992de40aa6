"""The process in which images are decoded: the same pixels, with limits, and always there for the next image."""

import contextlib
import os
import signal
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sightline.vision.bands import bands, put_upright, size_of
from sightline.vision.decode import UndecodableImageError, stored
from sightline.vision.guard import worker as workers
from sightline.vision.guard.limits import MAX_MEMORY, MAX_PIXELS
from sightline.vision.guard.worker import Budget, DecoderMissingError, Worker
from tests.hostile.case import photo, saved
from tests.hostile.tiff_layout import BITS, DATA, ROWS, STRIP_BYTES, STRIPS, picture, stripped, tiff
from tests.hostile.webp import flat

WEBP = saved(photo(), "WEBP")


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


def decoded(worker: Worker, body: bytes = WEBP, budget: Budget | None = None) -> tuple[int, ...]:
    return worker.decode(body, MAX_PIXELS, budget).shape


def pid(worker: Worker) -> int:
    assert worker._process is not None
    return worker._process.pid


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_gives_the_same_pixels_as_here(shared: Worker, orientation: int, mode: str) -> None:
    body = saved(photo(333, 1000).convert(mode), "TIFF", compression="tiff_lzw", tiffinfo={0x112: orientation})
    image, way = stored(body, MAX_PIXELS)
    here = put_upright(size_of(image), way, mode == "RGB", bands(image))
    np.testing.assert_array_equal(np.asarray(shared.upright(body, MAX_PIXELS)), here)
    colours = put_upright(size_of(image), way, True, bands(image))
    np.testing.assert_array_equal(shared.decode(body, MAX_PIXELS), colours)


def test_a_line_scan_in_colours_of_16_bits_is_decoded_a_band_at_a_time(shared: Worker) -> None:
    """All of its numbers take 368 MB, and its pixels 184 MB in the other process, which gives them back as it goes."""
    row = np.repeat(np.arange(2048, dtype="<u2")[:, None] * 32, 3, axis=1)
    strip = zlib.compress(row.tobytes() * 16, 1)
    tags = picture(2048, 30_000, 8) | {BITS: [16] * 3, ROWS: [16]}
    body = tiff(strip, tags | {STRIPS: [DATA] * 1875, STRIP_BYTES: [len(strip)] * 1875})
    image = shared.upright(body, MAX_PIXELS)
    assert (image.size, image.getpixel((2047, 29_999))) == ((2048, 30_000), (255, 255, 255))
    other = Path(f"/proc/{pid(shared)}/status").read_text()
    resident = next(int(line.split()[1]) for line in other.splitlines() if line.startswith("VmRSS"))
    assert resident < 100_000  # kB


def test_it_is_kept_for_the_next_image_also_after_a_refusal(worker: Worker) -> None:
    assert decoded(worker) == (240, 320, 3)
    first = pid(worker)
    with pytest.raises(UndecodableImageError, match="damaged image"):
        decoded(worker, WEBP[:500])
    with pytest.raises(UndecodableImageError, match="at most 100 pixels"):
        worker.decode(WEBP, 100)
    assert (decoded(worker), pid(worker)) == ((240, 320, 3), first)


@pytest.mark.parametrize(
    ("body", "budget", "said"),
    [
        (saved(photo(2000, 2000), "TIFF", compression="packbits"), Budget(memory=4 << 20), "more than 4 MiB of memory"),
        (stripped(4000, 4000, 4000, 8, b"x" * 100), Budget(memory=4 << 20), "takes more than 4 MiB of memory"),
        (flat(2000, lossless=True), Budget(MAX_MEMORY, seconds=0.001), "takes more than 0.001 seconds"),
    ],
    ids=["memory of Pillow", "memory of libtiff", "time"],
)
def test_what_takes_too_much_is_refused_and_the_next_image_is_not(
    worker: Worker, body: bytes, budget: Budget, said: str
) -> None:
    with pytest.raises(UndecodableImageError, match=said):
        decoded(worker, body, budget)
    assert decoded(worker) == (240, 320, 3)


def test_a_decoder_that_stands_still_is_ended(worker: Worker) -> None:
    decoded(worker)
    os.kill(pid(worker), signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(UndecodableImageError, match="takes more than"):
        decoded(worker, budget=Budget(MAX_MEMORY, wait_seconds=0.2))
    assert time.monotonic() - start < 5
    assert decoded(worker) == (240, 320, 3)


@pytest.mark.parametrize(
    ("killed_by", "said"),
    [(signal.SIGSEGV, r"its decoder broke down \(SIGSEGV\)"), (signal.SIGKILL, "more than 416 MiB of memory")],
)
def test_a_decoder_that_breaks_down_costs_one_image(worker: Worker, killed_by: signal.Signals, said: str) -> None:
    decoded(worker)
    os.kill(pid(worker), signal.SIGSTOP)

    def kill(pid: int) -> None:
        os.kill(pid, killed_by)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    breaking = threading.Timer(0.2, kill, (pid(worker),))
    breaking.start()
    with pytest.raises(UndecodableImageError, match=said):
        decoded(worker)
    assert decoded(worker) == (240, 320, 3)
    breaking.join()


def test_one_that_ended_between_two_images_is_made_anew(worker: Worker) -> None:
    decoded(worker)
    os.kill(pid(worker), signal.SIGKILL)
    assert worker._process is not None
    worker._process.wait()
    assert decoded(worker) == (240, 320, 3)


def test_threads_share_it(worker: Worker) -> None:
    bodies = [saved(photo(16 + side, 32), "WEBP") for side in range(12)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda body: decoded(worker, body)[1], bodies)) == [16 + side for side in range(12)]


def test_a_fork_has_a_process_of_its_own(worker: Worker) -> None:
    decoded(worker)
    child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if worker._process is None and decoded(worker) == (240, 320, 3) else 2
            worker.close()
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert decoded(worker) == (240, 320, 3)


def test_it_knows_no_credentials_of_aws(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    decoded(worker)
    known = Path(f"/proc/{pid(worker)}/environ")
    if not known.exists():  # macOS
        return
    assert b"AWS_" not in known.read_bytes()


def test_an_installation_that_lacks_it_is_no_damaged_image(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "COMMAND", (workers.sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(DecoderMissingError, match=r"ended with code 3; run .* to see why"):
        decoded(worker)


def test_it_ends_with_its_parent(worker: Worker) -> None:
    decoded(worker)
    process = worker._process
    assert process is not None and process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=10) == 0
