"""What becomes of each kind of file that cameras, converters and phones make: the same upright picture, or a reason."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from sightline.vision.decode import UndecodableImageError, decode
from tests.picture_files import (
    ALPHA,
    COLOURS,
    GREY,
    Layout,
    Numbers,
    encoded,
    pages,
    png16,
    png_chunk,
    tiff,
    with_chunk,
    xmp,
)

WIDE = GREY.astype(np.uint16)
WIDE_COLOURS = COLOURS.astype(np.uint16)
DEEP = {bits: WIDE << (bits - 8) for bits in (10, 12, 14, 16)}
DEEP_COLOURS = {bits: WIDE_COLOURS << (bits - 8) for bits in (10, 12, 14, 16)}
OPAQUE = np.full_like(GREY, 255)
WHITE = np.array(255)


def grey(pixels: Numbers) -> Numbers:
    return np.repeat(pixels[..., None], 3, axis=2)


def over_white(pixels: Numbers, alpha: Numbers = ALPHA) -> Numbers:
    share = alpha[..., None] / 255
    return np.asarray(np.rint(pixels * share + 255 * (1 - share)))


def with_alpha(pixels: Numbers, alpha: Numbers) -> Numbers:
    return np.concatenate([pixels.reshape(*alpha.shape, -1), alpha[..., None].astype(pixels.dtype)], axis=2)


def opaque(bits: int) -> Numbers:
    return with_alpha(DEEP[bits], np.full_like(WIDE, 255 << (bits - 8)))


def reversed_bits(numbers: Numbers) -> Numbers:
    bits = np.unpackbits(numbers.view(np.uint8)[..., None], axis=-1)[..., ::-1]
    return np.packbits(bits, axis=-1)[..., 0].view(numbers.dtype)


SAME = [
    *[(f"grey of {bits} bits in a PNG", png16(DEEP[bits]), grey(GREY)) for bits in DEEP],
    *[(f"colours of {bits} bits in a PNG", png16(DEEP_COLOURS[bits]), COLOURS) for bits in DEEP],
    *[(f"grey of {bits} bits in a TIFF", tiff(DEEP[bits]), grey(GREY)) for bits in DEEP],
    *[(f"colours of {bits} bits in a TIFF", tiff(DEEP_COLOURS[bits]), COLOURS) for bits in DEEP],
    *[(f"grey and alpha of {bits} bits in a PNG", png16(opaque(bits)), grey(GREY)) for bits in DEEP],
    *[(f"grey and alpha of {bits} bits in a TIFF", tiff(opaque(bits), tags={338: 2}), grey(GREY)) for bits in DEEP],
    ("planes of 16 bits", tiff(DEEP_COLOURS[16], planar=True), COLOURS),
    ("planes of 8 bits in tiles", tiff(COLOURS, planar=True, tile=16), COLOURS),
    ("big-endian colours of 16 bits", tiff(DEEP_COLOURS[16], order=">"), COLOURS),
    ("big-endian grey of 12 bits, compressed", tiff(DEEP[12], order=">", compression=8), grey(GREY)),
    ("a predictor over colours of 16 bits", tiff(DEEP_COLOURS[16], compression=8, predictor=True), COLOURS),
    ("a predictor, big-endian", tiff(DEEP[14], compression=8, predictor=True, order=">"), grey(GREY)),
    ("a predictor in tiles", tiff(DEEP_COLOURS[12], compression=8, predictor=True, tile=32), COLOURS),
    ("a predictor over planes", tiff(DEEP_COLOURS[12], compression=8, predictor=True, planar=True), COLOURS),
    *[(f"packed numbers of {bits} bits", tiff(DEEP[bits], packed=bits), grey(GREY)) for bits in (10, 12, 14)],
    ("packed colours of 12 bits", tiff(DEEP_COLOURS[12], packed=12), COLOURS),
    ("bits in the other order", tiff(reversed_bits(DEEP[12]), tags={266: 2}), grey(GREY)),
    ("one strip of uncompressed rows", tiff(DEEP_COLOURS[16], rows=40), COLOURS),
    ("compressed tiles of 16 bits", tiff(DEEP[12], compression=8, tile=16), grey(GREY)),
    ("4 bits", tiff(GREY >> 4, packed=4), grey((GREY >> 4) * 17)),
    ("1 bit", tiff(GREY >> 7, packed=1), grey((GREY >> 7) * 255)),
    ("white is 0, 8 bits", tiff(255 - GREY, tags={262: 0}), grey(GREY)),
    ("white is 0, 12 bits", tiff(4095 - DEEP[12], tags={262: 0}), grey(GREY)),
    ("white is 0, 16 bits", tiff(65535 - DEEP[16], tags={262: 0}), grey(GREY)),
    ("white is 0, 1 bit", tiff(1 - (GREY >> 7), packed=1, tags={262: 0}), grey((GREY >> 7) * 255)),
    ("numbers with a sign, 16 bits", tiff(DEEP[14].astype(np.int16)), grey(GREY)),
    ("32 bits of which a camera uses 12", tiff(DEEP[12].astype(np.uint32)), grey(GREY)),
    ("32 bits with a sign", tiff(DEEP[16].astype(np.int32)), grey(GREY)),
    ("inks of 8 bits", tiff(with_alpha(255 - COLOURS, OPAQUE * 0), tags={262: 5}), COLOURS),
    ("inks of 16 bits", tiff(with_alpha(65535 - (WIDE_COLOURS << 8), OPAQUE * 0), tags={262: 5}), COLOURS),
    ("a fourth colour that nobody names", tiff(with_alpha(COLOURS, GREY), tags={338: 0}), COLOURS),
    ("a fourth colour without a word about it", tiff(with_alpha(COLOURS, GREY)), COLOURS),
    ("a palette", tiff(GREY, tags={262: 3, 320: tuple((255 - np.arange(256)).tolist() * 3)}), grey(255 - GREY)),
    ("a palette of 16 bits", tiff(GREY, tags={262: 3, 320: tuple((np.arange(256) * 257).tolist() * 3)}), grey(GREY)),
    ("grey of 12 bits by a tag, in the dark", tiff(DEEP[12] >> 5, tags={281: 4095}), grey(GREY >> 5)),
    ("grey of 12 bits by a chunk, in the dark", png16(DEEP[12] >> 5, png_chunk(b"sBIT", b"\x0c")), grey(GREY >> 5)),
    ("a chunk of 12 bits over 16", png16(DEEP[16], png_chunk(b"sBIT", b"\x0c")), grey(GREY)),
    ("a colour of 16 bits that is transparent", png16(DEEP[16], png_chunk(b"tRNS", b"\x80\0")), grey(
        np.where(GREY == 128, 255, GREY)
    )),
]  # fmt: skip


@pytest.mark.parametrize(("body", "pixels"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_a_picture_is_the_same_however_its_numbers_are_stored(body: bytes, pixels: Numbers) -> None:
    np.testing.assert_array_equal(decode(body), pixels)


MULTIPLIED = np.rint(COLOURS * (ALPHA[..., None] / 255)).astype(np.uint8)
TRANSPARENT = [
    ("PNG", encoded(with_alpha(COLOURS, ALPHA))),
    ("PNG of 16 bits", png16(with_alpha(WIDE_COLOURS, ALPHA) * 257)),
    ("PNG of 12 bits", png16(with_alpha(WIDE_COLOURS << 4, ALPHA.astype(np.uint16) << 4))),
    ("WebP", encoded(with_alpha(COLOURS, ALPHA), "WEBP", lossless=True, exact=True)),
    ("TIFF", tiff(with_alpha(COLOURS, ALPHA), tags={338: 2})),
    ("TIFF of 16 bits, in planes", tiff(with_alpha(WIDE_COLOURS, ALPHA) * 257, tags={338: 2}, planar=True)),
    ("TIFF whose alpha comes after another number", tiff(
        with_alpha(with_alpha(COLOURS, GREY), ALPHA), tags={338: (0, 2)}
    )),
    ("TIFF whose colours are multiplied", tiff(with_alpha(MULTIPLIED, ALPHA), tags={338: 1})),
]  # fmt: skip


@pytest.mark.parametrize("body", [case[1] for case in TRANSPARENT], ids=[case[0] for case in TRANSPARENT])
def test_what_is_transparent_looks_as_on_white_paper(body: bytes) -> None:
    expected = over_white(COLOURS)
    assert np.abs(decode(body) - expected).max() <= 1


@pytest.mark.parametrize(
    "body",
    [
        encoded(with_alpha(COLOURS, OPAQUE * 0)),
        png16(with_alpha(WIDE_COLOURS * 257, OPAQUE * 0)),
        tiff(with_alpha(COLOURS, OPAQUE * 0), tags={338: 2}),
    ],
    ids=["PNG", "PNG of 16 bits", "TIFF"],
)
def test_an_alpha_that_a_program_forgot_to_fill_is_ignored(body: bytes) -> None:
    np.testing.assert_array_equal(decode(body), COLOURS)


def test_grey_with_alpha_and_palettes_look_as_on_white_paper_too() -> None:
    expected = over_white(grey(GREY))
    assert np.abs(decode(encoded(with_alpha(GREY, ALPHA))) - expected).max() <= 1
    assert np.abs(decode(tiff(with_alpha(GREY, ALPHA), tags={338: 2})) - expected).max() <= 1
    palette = Image.fromarray(GREY).convert("P")
    palette.putpalette([level for level in range(256) for _ in range(3)])
    np.testing.assert_array_equal(
        decode(encoded(palette, transparency=200)), grey(np.where(GREY == 200, WHITE, GREY).astype(np.uint8))
    )


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt", "packbits"])
def test_faxes_are_black_on_white_whichever_end_they_call_white(compression: str, photometric: int) -> None:
    page = Image.fromarray(GREY).point(lambda level: 255 * (level > 127)).convert("1")
    body = encoded(page, "TIFF", compression=compression, tiffinfo={262: photometric})
    np.testing.assert_array_equal(decode(body), grey(np.asarray(page) * np.uint8(255)))


def test_colours_that_pillow_knows_are_seen() -> None:
    assert np.abs(decode(encoded(COLOURS, "TIFF", compression="jpeg")).astype(int) - COLOURS).mean() < 3
    red = np.full((20, 20, 3), (135, 80, 67), np.uint8)  # L* of 255, a* and b* with a sign
    assert np.abs(decode(tiff(red, tags={262: 8})).mean(axis=(0, 1)) - (254, 0, 0)).max() < 12


SMALL = np.ascontiguousarray(COLOURS[::2, ::2])
PAGES = [
    ("a thumbnail that says so", pages((SMALL, Layout(tags={254: 1})), (COLOURS, Layout()))),
    ("a thumbnail that says so in the old way", pages((SMALL, Layout(tags={255: 2})), (COLOURS, Layout()))),
    ("a thumbnail that says nothing", pages((SMALL, Layout()), (COLOURS, Layout()))),
    ("reduced copies after it", pages((COLOURS, Layout()), (SMALL, Layout(tags={254: 1})))),
    ("a mask before it", pages((GREY, Layout(tags={254: 4})), (COLOURS, Layout()))),
    ("a second picture", pages((COLOURS, Layout()), (255 - COLOURS, Layout()))),
    ("big-endian pages", pages((SMALL, Layout(order=">", tags={254: 1})), (COLOURS, Layout(order=">")))),
]


@pytest.mark.parametrize("body", [case[1] for case in PAGES], ids=[case[0] for case in PAGES])
def test_the_page_that_is_the_picture_is_taken(body: bytes) -> None:
    np.testing.assert_array_equal(decode(body), COLOURS)


def test_a_picture_that_pillow_decodes_is_found_behind_a_thumbnail_too() -> None:
    buffer = encoded(Image.fromarray(SMALL), "TIFF", save_all=True, compression="jpeg", append_images=[
        Image.fromarray(COLOURS)
    ])  # fmt: skip
    assert np.abs(decode(buffer).astype(int) - COLOURS).mean() < 12


def test_a_picture_in_a_directory_inside_is_taken_where_all_others_are_reduced() -> None:
    body = bytearray(pages((SMALL, Layout(tags={254: 1, 330: 0})), (COLOURS, Layout())))
    first = struct.unpack_from("<I", body, 4)[0]
    count = struct.unpack_from("<H", body, first)[0]
    link = first + 2 + 12 * count
    second = struct.unpack_from("<I", body, link)[0]
    entry = next(place for place in range(first + 2, link, 12) if struct.unpack_from("<H", body, place)[0] == 330)
    struct.pack_into("<I", body, entry + 8, second)
    struct.pack_into("<I", body, link, 0)
    np.testing.assert_array_equal(decode(bytes(body)), COLOURS)


def broken(body: bytes) -> bytes:
    return body[:60] + bytes(40) + body[100:]


REFUSED = [
    ("a mosaic", tiff(DEEP[12], tags={262: 32803}), "raw data of a colour sensor"),
    ("linear raw data", tiff(DEEP_COLOURS[12], tags={262: 34892}), "raw data of a colour sensor"),
    ("32-bit floating point", tiff(GREY.astype(np.float32)), "floating-point"),
    ("64-bit floating point", tiff(GREY.astype(np.float64)), "floating-point"),
    ("16-bit floating point", tiff(GREY.astype(np.float16)), "floating-point"),
    ("too large numbers", tiff(DEEP[16].astype(np.uint32) << 8), "numbers up to .* says which one is white"),
    ("numbers below 0", tiff(GREY.astype(np.int16) - 9), "with a sign, down to -9"),
    ("numbers below 0, 32 bits", tiff(GREY.astype(np.int32) - 70_000), "with a sign, down to -70000"),
    ("64 bits", tiff(GREY.astype(np.uint64)), "numbers of 64 bits"),
    ("5, 6 and 5 bits", tiff(COLOURS, tags={258: (5, 6, 5)}), "numbers of 5.6.5 bits"),
    ("9 numbers", tiff(np.repeat(GREY[..., None], 9, axis=2)), "pixels of 9 numbers"),
    ("a palette that is cut off", tiff(GREY, tags={262: 3, 320: (1, 2, 3)}), "a palette of 3 numbers"),
    ("no page", b"II*\0" + struct.pack("<I", 0), "without an image in it"),
    ("a page outside of the file", b"II*\0" + struct.pack("<I", 99_999), "cut off"),
    ("pixels that are cut off", tiff(COLOURS)[:8] + tiff(COLOURS)[4000:], "damaged image"),
    ("compressed pixels that are cut off", broken(tiff(COLOURS, compression=8)), "damaged image"),
    ("strips that are missing", tiff(COLOURS, tags={278: 4}), "3 of 10 parts"),
    ("tiles without a width", tiff(COLOURS, tile=16, tags={322: 0}), "tiles of 0×16 pixels"),
    (
        "a strip that is too large",
        tiff(GREY, compression=8, tags={256: 30_000, 257: 2_000, 258: 32, 278: 2_000}),
        ("one strip of 240000000 bytes is too large"),
    ),
    ("L*a*b* of 16 bits", tiff(DEEP_COLOURS[16], tags={262: 8}), "photometric interpretation 8, compression 1.*save"),
    ("YCbCr without JPEG", tiff(COLOURS, tags={262: 6}), "photometric interpretation 6, compression 1"),
    ("a compression of later", tiff(COLOURS, tags={259: 34712}), "photometric interpretation 2, compression 34712"),
    ("a JPEG of 12 bits", encoded(COLOURS, "JPEG").replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"), "8 bits"),
    ("a GIF", b"GIF89a" + bytes(40), "but GIF; save it as PNG or JPEG"),
    ("a HEIC", b"\0\0\0\x18ftypheic" + bytes(40), "but HEIC"),
    ("an AVIF", b"\0\0\0\x18ftypavif" + bytes(40), "but AVIF"),
    ("a JPEG XL", b"\xff\x0a" + bytes(40), "but JPEG XL"),
    ("a JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "but JPEG 2000"),
    ("bytes before a JPEG", b"\r\n" + encoded(COLOURS, "JPEG"), "a JPEG with other bytes before it"),
    ("bytes of a sensor", bytes(range(256)) * 20, "not an image in one of the formats"),
]


@pytest.mark.parametrize(("body", "said"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_cannot_be_read_surely_is_refused_with_its_own_sentence(body: bytes, said: str) -> None:
    with pytest.raises(UndecodableImageError, match=said) as refused:
        decode(body)
    assert "\n" not in str(refused.value)


def test_xmp_of_another_thing_and_a_png_that_ends_early_bring_nothing_down() -> None:
    body = encoded(COLOURS)
    for cut in range(8, 100, 7):
        with pytest.raises(UndecodableImageError):
            decode(body[:cut])
    np.testing.assert_array_equal(decode(with_chunk(body, b"eXIf", zlib.compress(xmp(6)))), COLOURS)
