"""Take the pictures of the page for the documentation, in seconds and without a stack: `draw_console.py`.

The API of the tests answers; the photos and their boxes are those that the demo draws.
"""

import io
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from client.annotate import read_coco
from client.loop.sample import CLASSES
from client.loop.sample import draw as draw_sample
from scripts.chromium import ARGUMENTS, find_chromium
from sightline.images.box import Box
from tests.fake_api import ORIGIN, SESSION, FakeApi, attention, job, task

IMAGES = Path(__file__).parent.parent / "docs" / "images"
LAPTOP = {"width": 1280, "height": 800}
TABLET = {"width": 820, "height": 1180}
PHONE = {"width": 390, "height": 844}
PHOTOS, SEED = 24, 5
MOST_BYTES = 300_000
LABELLING, VERIFICATION = (f"#/jobs/{job(kind)['job_id']}/work" for kind in ("labeling", "verification"))


def save(page: Page, name: str, *, whole: bool = False) -> None:
    """Save what is on the screen (or the `whole` page) as docs/images/console-<name>.png, in few colours: it stays
    small.
    """
    page.wait_for_timeout(600)  # progress bars move
    picture = Image.open(io.BytesIO(page.screenshot(full_page=whole)))
    path = IMAGES / f"console-{name}.png"
    for colours in (256, 128, 64):
        picture.convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size < MOST_BYTES:
            break
    print(f"wrote {path.name}: {path.stat().st_size // 1000} kB")


def open_page(browser: Browser, api: FakeApi, address: str, **options: Any) -> Page:
    context = browser.new_context(**{"viewport": LAPTOP, **options})
    context.route("**/*", api.serve)
    session = json.dumps({**SESSION, "expires_at": 4_000_000_000_000})
    keep = f'sessionStorage.setItem("sightline:session", {json.dumps(session)})'
    context.add_init_script(f'if (location.origin === "{ORIGIN}") {keep}')
    page = context.new_page()
    page.goto(f"{ORIGIN}/{address}")
    return page


def filled(photos: dict[str, bytes], truth: dict[str, list[Box]]) -> FakeApi:
    """The API with these photos: one with a proposal comes first, all others with their boxes are to be verified."""
    names = sorted(photos, key=lambda name: abs(len(truth[name]) - 2))  # two scratches first
    classes = [*CLASSES, "dent"]
    api = FakeApi(photos={number: photos[name] for number, name in enumerate(names)}, classes=classes)
    api.jobs = [job(classes=classes), job("verification", total=PHOTOS, remaining=PHOTOS, classes=classes)]
    for number, name in enumerate(names):
        boxes = [dict(box) for box in truth[name]]
        proposals = [{**box, "score": 0.93 - 0.31 * index} for index, box in enumerate(boxes)]
        shown = {"name": f"incoming/{name}"}
        api.tasks["labeling"][number:] = [task(number, **shown, proposals=proposals)]
        api.tasks["verification"][number:] = [task(number, **shown, annotations=boxes, annotated_by=["bert"])]
    api.attention = [attention(3, "skipped by bert: The photo is blurred or too dark")]
    return api


def take(browser: Browser, api: FakeApi) -> None:
    page = open_page(browser, api, LABELLING)
    page.locator(".work[data-shown]").wait_for()
    page.keyboard.press(".")
    save(page, "labelling")
    for name, options in (("tablet", {"viewport": TABLET, "color_scheme": "dark"}), ("phone", {"viewport": PHONE})):
        page = open_page(browser, api, LABELLING, has_touch=True, **options)
        page.locator(".work[data-shown]").wait_for()
        page.keyboard.press(".")
        page.keyboard.press("a")
        save(page, name)
    page = open_page(browser, api, VERIFICATION)
    page.locator(".work[data-shown]").wait_for()
    save(page, "verification")
    page.keyboard.press("g")
    page.locator(".tile img").nth(5).wait_for()
    page.wait_for_timeout(600)  # only photos that were seen are selected
    for key in (" ", "ArrowRight", " ", "ArrowRight", "ArrowRight", " "):
        page.keyboard.press(key)
    save(page, "grid")
    page = open_page(browser, api, "#/overview")
    page.locator(".needs li").first.wait_for()
    save(page, "overview", whole=True)


def main() -> int:
    with TemporaryDirectory() as temporary, sync_playwright() as playwright:
        labels = draw_sample(Path(temporary), PHOTOS, seed=SEED)
        photos = {path.name: path.read_bytes() for path in sorted(Path(temporary).glob("*.jpg"))}
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        take(browser, filled(photos, read_coco(labels)))
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
