"""The image that `sightline doctor` uploads: a PNG that is set aside for its size, and for nothing else."""

import io

import pytest
from PIL import Image

from client.doctor.tiny_image import SIDE, tiny_png
from sightline.vision.decode import UndecodableImageError, decode


def test_the_image_is_whole_and_no_two_are_alike() -> None:
    body = tiny_png()
    with Image.open(io.BytesIO(body)) as image:
        image.load()
        assert (image.format, image.size, image.mode) == ("PNG", (SIDE, SIDE), "L")
    assert body != tiny_png()


def test_the_image_is_too_small_to_be_labelled() -> None:
    with pytest.raises(UndecodableImageError, match="16"):
        decode(tiny_png())
