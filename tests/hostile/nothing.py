"""What is no image of the kinds that are taken, whatever its name says."""

import gzip
import io
import zipfile

from PIL import Image

from tests.hostile.case import MOST, Case, photo, saved
from tests.hostile.png_chunks import zeros

FAMILY = "no image"
REFUSED = "not an image|damaged image|with other bytes before it"


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("photo.jpg", bytes(8 << 20))
    return buffer.getvalue()


def hostile() -> list[Case]:
    drawing = b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaaaaaaaa">]><svg width="9999999">&a;</svg>'
    made = [
        ("nothing", lambda: b"", REFUSED),
        ("one byte", lambda: b"\xff", REFUSED),
        ("51 MB", lambda: b"\xff\xd8\xff" + bytes(MOST), "bytes; at most"),
        ("50 MB of zeros", lambda: bytes(MOST), REFUSED),
        ("a picture of GIF", lambda: saved(photo(64, 64), "GIF"), REFUSED),
        ("a GIF of 65,535×65,535", lambda: b"GIF89a" + b"\xff" * 4 + bytes(100), REFUSED),
        ("a drawing", lambda: drawing, REFUSED),
        ("an archive", archive, REFUSED),
        ("a compressed file", lambda: gzip.compress(bytes(8 << 20)), REFUSED),
        ("compressed zeros", lambda: zeros(8 << 20), REFUSED),
        ("a Photoshop file", lambda: b"8BPS\0\1" + bytes(6) + b"\0\3" + b"\xff" * 8 + bytes(100), REFUSED),
        ("PostScript", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9999999 9999999\nloop", REFUSED),
        ("JPEG 2000", lambda: saved(photo(), "JPEG2000"), REFUSED),
        ("an icon", lambda: saved(Image.new("RGB", (64, 64)), "ICO"), REFUSED),
        ("Portable Pixmap, 4 billion", lambda: b"P6 65535 65535 255\n" + bytes(100), REFUSED),
    ]
    return [Case(FAMILY, name, make, said) for name, make, said in made]


FAMILIES = (hostile,)
