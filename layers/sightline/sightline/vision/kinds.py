"""Which kind of file the bytes of an image are: read from the content, whatever the name says."""

from __future__ import annotations

from sightline.vision.pixels import UndecodableImageError
from sightline.vision.python39 import StrEnum


class Kind(StrEnum):
    """A kind that is taken. The value is how the ledger calls it, and the extension of its copies in datasets."""

    JPEG = "jpeg"
    PNG = "png"
    BMP = "bmp"
    WEBP = "webp"
    TIFF = "tiff"


FORMATS = tuple(kind.name for kind in Kind)
BEGINNINGS = (
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"BM", Kind.BMP),
    (b"II*\0", Kind.TIFF),
    (b"MM\0*", Kind.TIFF),
    (b"II+\0", Kind.TIFF),
    (b"MM\0+", Kind.TIFF),
)
OTHERS = (
    (0, b"GIF8", "GIF"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    (4, b"ftyp", "HEIC"),
    (0, b"%PDF", "PDF"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
)


def kind_of(body: bytes) -> Kind:
    """Raise UndecodableImageError for bytes of another kind, by its name where it is known."""
    for beginning, kind in BEGINNINGS:
        if body.startswith(beginning):
            return kind
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return Kind.WEBP
    taken = ", ".join(FORMATS)
    for place, mark, name in OTHERS:
        if body[place : place + len(mark)] == mark:
            raise UndecodableImageError(
                f"not an image in one of the formats {taken}, but {name}; save it as PNG or JPEG"
            )
    if b"\xff\xd8\xff" in body[:64]:
        raise UndecodableImageError("a JPEG with other bytes before it; have the camera's program save it without them")
    raise UndecodableImageError(f"not an image in one of the formats {taken}")
