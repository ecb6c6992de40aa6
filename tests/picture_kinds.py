"""Kinds of files that the page shows as they are, and kinds of which it gets a rendition."""

import numpy as np
from PIL import Image, ImageCms

from sightline.vision.shown_size import MAX_SIDE
from tests.picture_files import ALPHA, COLOURS, GREY, encoded, exif, png16, tiff, with_chunk, xmp

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
OTHER = SRGB.replace("sRGB".encode("utf-16-be"), "aRGB".encode("utf-16-be")).replace(b"sRGB", b"aRGB")
RGBA = np.dstack([COLOURS, ALPHA])

AS_THEY_ARE = {
    "JPEG": encoded(COLOURS, "JPEG"),
    "grey JPEG": encoded(GREY, "JPEG"),
    "JPEG turned by EXIF": encoded(COLOURS, "JPEG", exif=exif(6)),
    "JPEG with an invalid orientation": encoded(COLOURS, "JPEG", exif=exif(99)),
    "JPEG with the profile sRGB": encoded(COLOURS, "JPEG", icc_profile=SRGB),
    "PNG": encoded(COLOURS),
    "grey PNG": encoded(GREY),
    "PNG of 1 bit": encoded(Image.fromarray(GREY).convert("1")),
    "PNG with the gamma of sRGB": with_chunk(encoded(COLOURS), b"gAMA", (45455).to_bytes(4, "big")),
    "PNG that says sRGB": with_chunk(encoded(COLOURS), b"sRGB", b"\0"),
    "BMP": encoded(COLOURS, "BMP"),
    "grey BMP": encoded(GREY, "BMP"),
    "WebP": encoded(COLOURS, "WEBP"),
}
OTHERWISE = {
    "JPEG turned by XMP": encoded(COLOURS, "JPEG", xmp=xmp(6)),
    "JPEG turned by XMP, with invalid EXIF": encoded(COLOURS, "JPEG", exif=exif(99), xmp=xmp(6)),
    "JPEG with another profile": encoded(COLOURS, "JPEG", icc_profile=OTHER),
    "CMYK JPEG": encoded(Image.fromarray(COLOURS).convert("CMYK"), "JPEG"),
    "PNG with alpha": encoded(RGBA),
    "PNG with a transparent colour": encoded(GREY, transparency=0),
    "PNG of 16 bits": png16(COLOURS.astype(np.uint16) << 4),
    "PNG turned by EXIF": with_chunk(encoded(COLOURS), b"eXIf", exif(6)[6:]),
    "PNG turned by EXIF after its pixels": with_chunk(encoded(COLOURS), b"eXIf", exif(6)[6:], last=True),
    "PNG with another gamma": with_chunk(encoded(COLOURS), b"gAMA", (100_000).to_bytes(4, "big")),
    "animated PNG": encoded(COLOURS, save_all=True, append_images=[Image.fromarray(255 - COLOURS)]),
    "BMP of 32 bits": encoded(Image.fromarray(RGBA), "BMP"),
    "WebP turned by EXIF": encoded(COLOURS, "WEBP", exif=exif(6)),
    "WebP with alpha": encoded(RGBA, "WEBP"),
    "animated WebP": encoded(COLOURS, "WEBP", save_all=True, append_images=[Image.fromarray(255 - COLOURS)]),
    "TIFF": tiff(COLOURS),
    "TIFF of 12 bits": tiff(GREY.astype(np.uint16) << 4),
    "image with a long side": encoded(np.zeros((16, MAX_SIDE + 1), np.uint8), "BMP"),
}
