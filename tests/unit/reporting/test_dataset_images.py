"""The images of a dataset: none is left out quietly, and a record that is none is refused."""

import io
import re
from typing import Any

import pytest
from PIL import Image

from reporting.dataset_images import look, short
from sightline.fields import InvalidFieldError
from tests.drawn_dataset import Version, jpeg


def test_an_image_that_is_missing_damaged_or_of_another_size_is_named_not_dropped(version: Version) -> None:
    version.add("train", "gone", "gone", None)
    version.add("train", "cut", "cut", jpeg(5)[:300])
    small = io.BytesIO()
    Image.new("RGB", (32, 32)).save(small, "JPEG")
    version.add("test", "small", "small", small.getvalue())
    page = version.page()
    assert re.search(r"<td>gone\.jpeg</td><td>train</td><td>can&#x27;t be read", page)
    assert re.search(r"<td>cut\.jpeg</td><td>train</td><td>does not decode: damaged image", page)
    assert "<td>small.jpeg</td><td>test</td><td>is 32×32 pixels, its label says 96×64</td>" in page
    assert '<div class="number">10</div>images' in page


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"source-ref": None}, "source-ref must be a text"),
        ({"defects": {"annotations": []}}, "image_size must be a list with the size of the image, got nothing"),
        ({"defects": {"image_size": [{"width": 9, "height": 9}], "annotations": [{"left": 1}]}}, "class_id must be"),
    ],
)
def test_a_record_that_is_no_label_is_refused_with_the_field(version: Version, changed: Any, said: str) -> None:
    with pytest.raises(InvalidFieldError, match=said):
        look("train", version.records["train"][0] | changed, version.objects.__getitem__)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a.jpeg", "a"), ("0123456789abcdef.png", "0123456789abcdef"), ("0123456789abcdefg.png", "012345…9abcdefg")],
)
def test_a_long_name_is_cut_in_the_middle(name: str, shown: str) -> None:
    assert short(name) == shown
