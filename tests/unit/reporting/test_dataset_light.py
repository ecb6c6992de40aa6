"""Images that show too much black, or are blurred beside the others."""

import io

from PIL import Image

from tests.drawn_dataset import HEIGHT, WIDTH, Version


def test_a_black_image_is_named_and_shown_as_blurred(version: Version) -> None:
    black = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT)).save(black, "JPEG")
    assert "No image is blurred beside the others." in version.page()
    version.add("test", "black", "black", black.getvalue())
    page = version.page()
    assert "<td>black.jpeg</td><td>test</td><td>100%</td><td>0%</td>" in page
    assert "black, 0% of the median" in page
