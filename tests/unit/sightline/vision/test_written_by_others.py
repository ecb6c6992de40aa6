"""Files as common programs write them: compressions, BigTIFF, BMP, moving pictures, JPEGs with more or less to it."""

import io

import numpy as np
import pytest
from PIL import Image

from sightline.vision.decode import UndecodableImageError, decode
from sightline.vision.kinds import kind_of
from tests.picture_files import COLOURS, GREY, Numbers, encoded, tiff

PICTURE = Image.fromarray(COLOURS)
NEXT = Image.fromarray(255 - COLOURS)
JPEG = encoded(COLOURS, "JPEG", subsampling=0, quality=95)
COMPRESSIONS = ["tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "lzma", "raw"]


def grey(pixels: Numbers) -> Numbers:
    return np.repeat(pixels[..., None], 3, axis=2)


def moving(kind: str, **options: object) -> bytes:
    return encoded(PICTURE, kind, save_all=True, append_images=[NEXT], **options)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_tiffs_of_all_compressions_are_the_picture(compression: str, big: bool) -> None:
    deep = GREY.astype(np.uint16) << 4
    saved = {"compression": compression, "big_tiff": big}
    np.testing.assert_array_equal(decode(encoded(COLOURS, "TIFF", **saved)), COLOURS)
    np.testing.assert_array_equal(decode(encoded(deep, "TIFF", **saved)), grey(GREY))


@pytest.mark.parametrize(
    ("body", "pixels"),
    [
        (encoded(COLOURS, "BMP"), COLOURS),
        (encoded(GREY, "BMP"), grey(GREY)),
        (encoded(PICTURE.convert("RGBA"), "BMP"), COLOURS),
        (encoded(Image.fromarray(GREY > 127), "BMP"), grey((GREY > 127) * np.uint8(255))),
        (moving("PNG"), COLOURS),
        (moving("WEBP", lossless=True, exact=True), COLOURS),
        (moving("TIFF"), COLOURS),
        (tiff(np.dstack([COLOURS, GREY, GREY]), tags={338: (0, 0)}), COLOURS),
    ],
    ids=["BMP", "grey BMP", "BMP of 32 bits", "BMP of 1 bit", "APNG", "WebP", "pages", "five bands"],
)
def test_the_first_picture_is_taken_as_it_is(body: bytes, pixels: Numbers) -> None:
    np.testing.assert_array_equal(decode(body), pixels)


@pytest.mark.parametrize(
    "body",
    [JPEG, JPEG + bytes(4096), JPEG + JPEG, JPEG[:-2] + b"\xff\xd9\r\n", moving("MPO", subsampling=0, quality=95)],
    ids=["whole", "zeros after it", "a second one after it", "a line break after it", "MPO"],
)
def test_a_jpeg_with_something_after_it_is_its_picture(body: bytes) -> None:
    assert kind_of(body) == "jpeg"
    assert np.abs(decode(body).astype(int) - COLOURS).mean() < 2


@pytest.mark.parametrize("cut", [1, 2, 40, len(JPEG) // 2])
def test_a_jpeg_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(UndecodableImageError, match="damaged image"):
        decode(JPEG[:-cut])


def test_inks_of_a_jpeg_are_seen() -> None:
    body = encoded(PICTURE.convert("CMYK"), "JPEG", quality=95)
    shown = Image.open(io.BytesIO(body))
    np.testing.assert_array_equal(decode(body), np.asarray(shown.convert("RGB")))
    assert np.abs(decode(body).astype(int) - COLOURS).mean() < 6
