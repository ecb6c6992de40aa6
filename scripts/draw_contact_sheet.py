"""Take the pictures of contact sheets for the documentation: drawn photos with right labels and with scaled ones."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import sync_playwright

from client.annotate import read_coco
from client.loop.sample import HEIGHT, WIDTH, draw
from reporting import contact_sheet
from scripts.chromium import ARGUMENTS, find_chromium
from sightline.images.box import Box

IMAGES = Path(__file__).parent.parent / "docs" / "images"
CLASSES = ["scratch"]
PHOTOS, WITH_BOXES, WITHOUT, COLOURS = 40, 6, 3, 64


def page(folder: Path, scale: float) -> str:
    """Return the sheet of a few of the photos in a folder, their boxes scaled as a wrong export has them."""
    truth = read_coco(folder / "labels.json")
    one_of_each = {name.rsplit("-", 1)[0]: name for name in truth}.values()
    chosen = [
        *[name for name in one_of_each if truth[name]][:WITH_BOXES],
        *[name for name in one_of_each if not truth[name]][:WITHOUT],
    ]
    photos = [
        contact_sheet.drawn(
            name, name, (WIDTH, HEIGHT), scaled(truth[name], scale), CLASSES, (folder / name).read_bytes()
        )
        for name in chosen
    ]
    boxes = [photo.boxes for photo in photos if photo.boxes]
    notes = ["left out: not in the ledger; upload it first (2×): tag-07-900-1.jpg, tag-07-900-2.jpg"]
    return contact_sheet.render(
        contact_sheet.Sheet("labels.json", CLASSES, boxes, len(photos) - len(boxes), 2, notes, photos)
    )


def scaled(boxes: list[Box], scale: float) -> list[Box]:
    return [
        {"class_id": box["class_id"], "left": round(box["left"] * scale), "top": round(box["top"] * scale),
         "width": round(box["width"] * scale), "height": round(box["height"] * scale)}
        for box in boxes
    ]  # fmt: skip


def main() -> None:
    with TemporaryDirectory() as name, sync_playwright() as tools:
        folder = Path(name)
        draw(folder, PHOTOS, seed=7)
        browser = tools.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        for picture, scale in (("contact-sheet", 1.0), ("contact-sheet-wrong-scale", 0.6)):
            (folder / "sheet.html").write_text(page(folder, scale))
            shown = browser.new_page(viewport={"width": 1000, "height": 900})
            shown.goto((folder / "sheet.html").as_uri())
            taken = shown.screenshot(full_page=True) if scale == 1 else shown.locator(".images").first.screenshot()
            content = Image.open(io.BytesIO(taken))
            path = IMAGES / f"{picture}.png"
            content.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
            print(f"wrote {path.name}: {path.stat().st_size // 1000} kB")
        browser.close()


if __name__ == "__main__":
    main()
