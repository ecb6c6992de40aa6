"""Hostile images: small files that want much memory or time, and damaged ones that want to break a decoder.

Each family is a module that makes its files when they are asked for; nothing hostile is kept in the repository.
`python -m benchmarks.hostile` measures all of them, `tests/unit/sightline/vision/test_hostile.py` holds the limits.
"""

from tests.hostile import bmp, exif, jpeg_scans, jpeg_segments, nothing, png, png_chunks, tiff_codecs, tiff_layout, webp
from tests.hostile.case import Case

FAMILIES = (
    *jpeg_scans.FAMILIES,
    *jpeg_segments.FAMILIES,
    *exif.FAMILIES,
    *png.FAMILIES,
    *png_chunks.FAMILIES,
    *bmp.FAMILIES,
    *webp.FAMILIES,
    *tiff_layout.FAMILIES,
    *tiff_codecs.FAMILIES,
    *nothing.FAMILIES,
)


def cases() -> list[Case]:
    """All hostile files, in the order of their families."""
    return [case for family in FAMILIES for case in family()]
