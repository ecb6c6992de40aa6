"""What a browser makes of image files: the page shows a file itself only where it sees what the decoder sees."""

import base64

import numpy as np
from playwright.sync_api import Browser

from sightline.vision.decode import decode, upright
from sightline.vision.rendition import is_needed, rendition
from tests.picture_files import Numbers
from tests.picture_kinds import AS_THEY_ARE, OTHERWISE

SEEN = """async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  const size = {width: image.naturalWidth, height: image.naturalHeight};
  const canvas = Object.assign(document.createElement("canvas"), size);
  const pen = canvas.getContext("2d", {colorSpace: "srgb"});
  pen.fillStyle = "rgb(30, 34, 40)";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0);
  const {data} = pen.getImageData(0, 0, canvas.width, canvas.height);
  let text = "";
  for (let place = 0; place < data.length; place += 4) text += String.fromCharCode(...data.slice(place, place + 3));
  return [canvas.width, canvas.height, btoa(text)];
}"""
CLOSE = 6  # grey levels in the mean: JPEGs of small files with strong colours


def seen(chromium: Browser, bodies: list[bytes]) -> list[Numbers]:
    page = chromium.new_page()
    try:
        found = []
        for body in bodies:
            width, height, text = page.evaluate(SEEN, f"data:;base64,{base64.b64encode(body).decode()}")
            found.append(np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 3))
        return found
    finally:
        page.close()


def difference(one: Numbers, other: Numbers) -> float:
    return float(np.abs(one.astype(int) - other).mean()) if one.shape == other.shape else 255.0


def test_a_browser_sees_what_the_decoder_sees_in_every_file_that_the_page_shows_as_it_is(chromium: Browser) -> None:
    shown = zip(AS_THEY_ARE.items(), seen(chromium, list(AS_THEY_ARE.values())), strict=True)
    assert {name: far for (name, body), pixels in shown if (far := difference(pixels, decode(body))) > 1} == {}


def test_a_browser_sees_what_the_decoder_sees_in_every_rendition(chromium: Browser) -> None:
    small = {name: body for name, body in OTHERWISE.items() if len(body) < 100_000}
    renditions = [rendition(upright(body)) for body in small.values()]
    assert all(is_needed(body, upright(body)) for body in small.values())
    shown = zip(small.items(), seen(chromium, renditions), strict=True)
    assert {name: far for (name, body), pixels in shown if (far := difference(pixels, decode(body))) > CLOSE} == {}
