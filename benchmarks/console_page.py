"""`python -m benchmarks.console_page`: from the click on "Save and next" to the next photo, in headless Chromium.

The local stack serves everything. A person looks at each photo for a second; then the same without any pause, faster
than anyone works. Medians and 95th percentiles go to benchmarks/results/console_page.json with the machine described.
"""

import argparse
import io
import tempfile
import time
from pathlib import Path
from typing import TypedDict

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from rich.table import Table

from benchmarks.common import Summary, cells, finish, summary, table
from local import stack
from scripts.chromium import ARGUMENTS, find_chromium
from tests.console_line import Line, open_work, sign_in

SIZES = ((450, 300), (4000, 3000))
LOOK_SECONDS = 1.0
NOISE = 6  # of a camera, in grey levels: it makes the files as large as a camera's
# When the save button was clicked, and when the browser drew each photo (Element Timing), on the same clock.
WATCH = """
window.saved = []; window.drawn = [];
document.addEventListener("click", (event) => {
  if (event.target.closest("button")?.textContent.startsWith("Save and next")) window.saved.push(event.timeStamp);
}, true);
new PerformanceObserver((list) => window.drawn.push(...list.getEntries().map((entry) => entry.renderTime ||
entry.loadTime)))
  .observe({ type: "element", buffered: true });
"""


class Wait(TypedDict):
    """How long a person waits for the next photo of one size."""

    photo: str  # width × height
    megabytes: float
    look_seconds: float
    save_to_next_photo_ms: Summary


class Waits(TypedDict):
    """benchmarks/results/console_page.json."""

    browser: str
    results: list[Wait]


def photo(seed: int, width: int, height: int) -> bytes:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(60, 200, (9, 12, 3), dtype=np.uint8)).resize((width, height))
    noisy = np.asarray(coarse, np.int16) + rng.normal(0, NOISE, (height, width, 1)).astype(np.int16)
    file = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def label_all(page: Page, count: int, look_seconds: float) -> list[float]:
    """Save one box on each of `count` photos but the last; milliseconds from each click to the next photo."""
    waits = []
    page.wait_for_function("() => window.drawn.length > 0")
    save = page.get_by_role("button", name="Save and next")
    for _ in range(count - 1):
        time.sleep(look_seconds)
        page.keyboard.press("d")
        seen = page.evaluate("() => window.drawn.length")
        save.click()
        page.wait_for_function("seen => window.drawn.length > seen", arg=seen)
        waits.append(page.evaluate("seen => window.drawn[seen] - window.saved.at(-1)", seen))
    page.keyboard.press("n")
    page.locator("#waiting:empty").wait_for(state="attached", timeout=120_000)
    return waits


def measure(line: Line, page: Page, size: tuple[int, int], look_seconds: float, count: int) -> Wait:
    seed = int(time.time() * 1000) % 2**31
    photos = {f"{size[0]}-{look_seconds}-{number:03d}.jpg": photo(seed + number, *size) for number in range(count)}
    _, job = line.open_job(photos)
    page.evaluate("() => { window.drawn.length = 0; }")
    open_work(page, job)
    waits = label_all(page, count, look_seconds)
    megabytes = sum(map(len, photos.values())) / count / 1e6
    return {
        "photo": f"{size[0]}×{size[1]}", "megabytes": round(megabytes, 2), "look_seconds": look_seconds,
        "save_to_next_photo_ms": summary(waits),
    }  # fmt: skip


def shown(result: Waits) -> list[Table | str]:
    waits = table("photo", "MB", "looked at for", "save to next photo, median ms", "p95 ms", "runs")
    for entry in result["results"]:
        times = cells(entry["save_to_next_photo_ms"])
        waits.add_row(entry["photo"], str(entry["megabytes"]), f"{entry['look_seconds']:g} s", *times)
    return [waits]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=25, help="photos of each size")
    parser.add_argument("--home", type=Path, help="folder of a stack that is used and left running")
    options = parser.parse_args()
    results: list[Wait] = []
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        home = options.home or Path(temporary)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        try:
            line = Line.start(home, tied=not options.home)
            page = browser.new_page(viewport={"width": 1366, "height": 800})
            page.set_default_timeout(120_000)
            page.add_init_script(WATCH)
            sign_in(page, line, "anna")
            for look_seconds in (LOOK_SECONDS, 0.0):
                for size in SIZES:
                    results.append(measure(line, page, size, look_seconds, options.count))
        finally:
            browser.close()
            if not options.home:
                stack.down(home)
    finish("console_page", Waits(browser="headless Chromium", results=results), shown)


if __name__ == "__main__":
    main()
