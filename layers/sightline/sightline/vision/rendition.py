"""What the page shows of an image that a browser can't show, would show otherwise than the decoder sees it, or would
need too much memory for: a JPEG of the decoded pixels.
"""

from __future__ import annotations

import io

from PIL import Image

from sightline.vision.kinds import Kind, kind_of
from sightline.vision.orientation import UPRIGHT, of_exif, orientation
from sightline.vision.shown_size import shown_size

QUALITY = 92
PLAIN_BMP_BITS = (1, 4, 8, 24)
SAYS_ORIENTATION = (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp")
SRGB = (b"sRGB", "sRGB".encode("utf-16-be"))
SRGB_GAMMA = (0.45, 0.46)
SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)


def rendition(image: Image.Image) -> bytes:
    """Return what the page shows of a decoded image, upright."""
    size = shown_size(*image.size)
    shown = image if size == image.size else image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def is_needed(body: bytes, upright: Image.Image) -> bool:
    """Whether the page needs a rendition of a file, which was decoded to `upright`."""
    if shown_size(*upright.size) != upright.size:
        return True
    kind = kind_of(body)
    if kind is Kind.TIFF:
        return True
    with Image.open(io.BytesIO(body), formats=[kind.name]) as image:
        if kind is Kind.BMP:
            return int.from_bytes(body[28:30], "little") not in PLAIN_BMP_BITS or any(body[30:34])
        if getattr(image, "n_frames", 1) > 1 and kind is not Kind.JPEG:
            return True
        if kind is Kind.PNG and (body[24] > 8 or _has_own_colours(image)):
            return True
        if kind is Kind.PNG and any(name in body for name in SAYS_ORIENTATION):
            image.load()  # it may say so after its pixels
        return _has_transparency(image) or _has_profile(image) or not _browser_turns(image, kind)


def _browser_turns(image: Image.Image, kind: Kind) -> bool:
    """Whether a browser shows the image the same way round. Browsers agree only in reading the EXIF of a JPEG."""
    exif = image.info.get("exif")
    said = of_exif(exif) if kind is Kind.JPEG and isinstance(exif, bytes) else None
    return orientation(image) == (said or UPRIGHT)


def _has_transparency(image: Image.Image) -> bool:
    return "transparency" in image.info or image.mode not in ("1", "L", "P", "RGB")  # CMYK, too, is shown in many ways


def _has_profile(image: Image.Image) -> bool:
    """Whether it has a colour profile that changes what a browser shows."""
    profile = image.info.get("icc_profile")
    return isinstance(profile, bytes) and not any(name in profile for name in SRGB)


def _has_own_colours(image: Image.Image) -> bool:
    """Whether a PNG says in other chunks than a profile that its numbers are not sRGB."""
    if "srgb" in image.info:
        return False
    gamma, primaries = image.info.get("gamma"), image.info.get("chromaticity")
    if gamma is not None and not SRGB_GAMMA[0] < gamma < SRGB_GAMMA[1]:
        return True
    return primaries is not None and any(abs(given - known) > 0.001 for given, known in zip(primaries, SRGB_PRIMARIES))
