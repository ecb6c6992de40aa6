"""A contact sheet shows each photo with its boxes where they are, and says what it can't show."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from reporting import contact_sheet
from reporting.contact_sheet import Sheet, Shown
from reporting.pictures import LABEL
from sightline.images.box import Box

CLASSES = ["scratch", "dent <b>"]
BOX: Box = {"class_id": 0, "left": 100, "top": 120, "width": 200, "height": 60}


def photo(width: int, height: int) -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(content, "PNG")
    return content.getvalue()


def shown(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")).astype(int)


def test_a_box_is_drawn_where_it_lies_on_the_photo() -> None:
    drawn = contact_sheet.drawn("a.jpg", "a.jpg", (960, 640), [BOX], CLASSES, photo(960, 640))
    green = np.abs(shown(drawn.uri) - np.array(LABEL)).max(axis=2) < 60
    rows, columns = np.flatnonzero(green.sum(axis=1) > 95), np.flatnonzero(green.sum(axis=0) > 25)
    edges = (columns.min(), columns.max(), rows.min(), rows.max())
    assert edges == pytest.approx((50, 150, 60, 90), abs=3)  # half as large as the photo; JPEG blurs
    assert drawn.problem == ""


def test_a_photo_of_another_size_or_of_no_pixels_says_so() -> None:
    other = contact_sheet.drawn("a.jpg", "a.jpg", (60, 40), [BOX], CLASSES, photo(40, 60))
    broken = contact_sheet.drawn("b.jpg", "line 1/b.jpg", (60, 40), [], CLASSES, b"no photo")
    page = contact_sheet.render(Sheet("x.json", CLASSES, [other.boxes], 1, 0, [], [other, broken]))
    assert "The photo is 40×60 pixels, the ledger says 60×40" in page
    assert "b.jpg (line 1/b.jpg in the ledger): no defect; 60×40 pixels. Can&#x27;t be shown: not an image" in page


def test_the_page_counts_names_classes_with_the_size_of_their_boxes_and_escapes_everything() -> None:
    one = Shown("<img src=x onerror=y>", "a.jpg", (9, 9), [BOX, {**BOX, "width": 100}], uri="data:image/jpeg,")
    sheet = Sheet("</b><i>", CLASSES, [one.boxes, [{**BOX, "width": 90}]], 30, 4, ["left out: <u>"], [one])
    page = contact_sheet.render(sheet)
    rows = re.findall(r"<tr><td>(.*?)</td><td.*?>(.*?)</td><td.*?>(.*?)</td><td.*?>(.*?)</td></tr>", page)
    assert rows == [("scratch", "2", "3", "100 × 60"), ("dent &lt;b&gt;", "0", "0", "–")]
    assert re.findall(r'<div class="number">(\d+)</div>', page) == ["2", "30", "4"]
    assert re.findall(r"<(?:img src=x|i|u)>", page) == []
    assert page.count("<p>… and 1 more</p>") == 1
    assert page.count("<p>… and 30 more</p>") == 1
    assert "<h2>Left out" not in contact_sheet.render(replace(sheet, notes=[]))
