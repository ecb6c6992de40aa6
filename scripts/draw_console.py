"""Take the pictures of the page for the documentation, on a stack that runs: `draw_console.py [--home .sightline]`.

For pictures with models and devices, let `sightline demo --keep` run before. The photos are drawn; a simulated person
draws the boxes.
"""

import argparse
import io
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from client.annotate import read_coco
from client.loop.sample import draw as draw_sample
from client.target import Target
from scripts.chromium import ARGUMENTS, find_chromium
from sightline.images.box import Box
from tests.console_line import Line, answer, boxes, draw, open_work, shown, sign_in, verification

IMAGES = Path(__file__).parent.parent / "docs" / "images"
LAPTOP = {"width": 1280, "height": 800}
TABLET = {"width": 820, "height": 1180}
PHOTOS = 16
MOST_BYTES = 300_000


def save(page: Page, name: str, *, whole: bool = False) -> None:
    """Save what is on the screen (or the `whole` page) as docs/images/console-<name>.png, in few colours: it stays
    small.
    """
    page.wait_for_timeout(600)  # progress bars move, toasts come and go
    picture = Image.open(io.BytesIO(page.screenshot(full_page=whole)))
    path = IMAGES / f"console-{name}.png"
    for colours in (256, 128, 64):
        picture.convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size < MOST_BYTES:
            break
    print(f"wrote {path.name}: {path.stat().st_size // 1000} kB")


def open_page(browser: Browser, line: Line, name: str, **options: Any) -> Page:
    page = browser.new_context(**{"viewport": LAPTOP, **options}).new_page()
    page.set_default_timeout(60_000)
    sign_in(page, line, name, engineer=name == "inspector")
    return page


def label_one(page: Page, truth: dict[str, list[Box]], picture: str = "") -> None:
    """Draw the boxes of the photo that is shown, take a picture of it with one selected, save."""
    name = shown(page)
    if truth[name]:
        while boxes(page).count():
            page.keyboard.press(".")
            page.keyboard.press("Delete")
        draw(page, truth[name])
        page.keyboard.press(".")
    if picture:
        save(page, picture)
    answer(page, "Enter" if truth[name] else "n")


def go_to_defect(page: Page, truth: dict[str, list[Box]]) -> None:
    """Label until a photo with a defect is shown."""
    while not truth[shown(page)]:
        label_one(page, truth)


def take(browser: Browser, line: Line, photos: dict[str, bytes], truth: dict[str, list[Box]]) -> None:
    _, job = line.open_job(photos)
    page = open_page(browser, line, "anna")
    page.get_by_role("link", name=f"Label {job}").wait_for()
    save(page, "jobs")
    open_work(page, job)
    go_to_defect(page, truth)
    if boxes(page).count():  # proposals of the model in service
        page.keyboard.press(".")
        save(page, "labelling")
        label_one(page, truth)
    else:
        label_one(page, truth, "labelling")
    page.keyboard.press("?")
    save(page, "keys")
    page.keyboard.press("Escape")

    tablet = open_page(browser, line, "bert", viewport=TABLET, has_touch=True, color_scheme="dark")
    open_work(tablet, job)
    go_to_defect(tablet, truth)
    label_one(tablet, truth, "tablet")
    tablet.get_by_role("link", name="Jobs").first.click()
    while shown(page):
        label_one(page, truth)

    verifier = open_page(browser, line, "inspector")
    open_work(verifier, verification(job))
    shown(verifier)
    save(verifier, "verification")
    verifier.keyboard.press("g")
    verifier.locator(".tile").nth(5).wait_for()
    for key in (" ", "ArrowRight", " ", "ArrowRight", "ArrowRight", " "):
        verifier.keyboard.press(key)
    save(verifier, "grid")

    verifier.get_by_role("link", name="Overview").click()
    verifier.locator(".needs, .empty-state, .tiles").first.wait_for()
    save(verifier, "overview", whole=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".sightline"), help="folder of the running stack")
    line = Line(Target.find(None, None, None, parser.parse_args().home))
    with TemporaryDirectory() as temporary, sync_playwright() as playwright:
        labels = draw_sample(Path(temporary), PHOTOS, seed=int(time.time()) % 10_000)
        truth = read_coco(labels)
        photos = {path.name: path.read_bytes() for path in sorted(Path(temporary).glob("*.jpg"))}
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        take(browser, line, photos, truth)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
