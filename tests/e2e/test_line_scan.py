"""Images that no browser shows, on the page: a turned TIFF of 12 bits, and one of a line camera."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.console_line import HEIGHT, WIDTH, Line, answer, approve_all, box, draw, open_work, shown, verification
from tests.picture_files import Numbers, stored, tiff

SignIn = Callable[..., Page]
SCAN = (2_048, 30_000)


def scratched(width: int, height: int, left: int, top: int) -> Numbers:
    """A grey picture of 12 bits with one dark rectangle."""
    rows, columns = np.mgrid[:height, :width]
    picture = (2000 + 8 * (columns % 64) + rows % 128).astype(np.uint16)
    picture[top : top + height // 20, left : left + width // 20] = 90
    return picture


@pytest.mark.parametrize(
    ("name", "size", "drawn", "seen"),
    [
        ("turned.tif", (WIDTH, HEIGHT), box(200, 120, 80, 44), (WIDTH, HEIGHT)),
        ("scan.tif", SCAN, box(1_200, 24_000, 600, 3_000), (1_118, 16_384)),
    ],
)
def test_what_no_browser_shows_is_labelled_in_its_own_pixels(
    line: Line, signed_in: SignIn, name: str, size: tuple[int, int], drawn: dict[str, int], seen: tuple[int, int]
) -> None:
    body = tiff(stored(scratched(*size, drawn["left"], drawn["top"]), 6), tags={274: 6}, compression=8)
    execution, job = line.open_job({name: body})
    entered = next(image for image in line.images() if image["key"] == f"incoming/{name}")
    assert (entered["width"], entered["height"]) == size
    page = signed_in("anna")
    open_work(page, job)
    assert shown(page) == name
    photo = page.locator(".photo img")
    assert tuple(photo.evaluate("image => [image.naturalWidth, image.naturalHeight]")) == seen
    scale = photo.evaluate("image => image.getBoundingClientRect().height / image.parentElement.clientHeight")
    draw(page, [drawn])
    answer(page, "Enter")
    approve_all(signed_in("bert"), verification(job))
    (found,) = line.manifest(execution)[name]
    for edge in ("left", "top", "width", "height"):
        assert abs(found[edge] - drawn[edge]) <= 2 / scale + 1  # to a pixel of the screen
